"""The lines of a cycle as a sequence: their order, which of them are one event, and the digest of each pair.

A pair digest is SHA-256 over the digests of its lines in order, so it is taken while they pass; the digests of a pair
are first put side by side, which costs a thousandth of handing them over one by one.
"""

from __future__ import annotations

import hashlib
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from settlement.core.findings import KEPT, Finding
from settlement.core.lines import row_name
from settlement.core.positions import Pair
from settlement.exports.lines import DIGEST

EVENT, SAME_TERMS = "event", "same_terms"
"""Two columns more: the number of a line's event in its stretch, from 0, and whether the line has the redeemer,
currency, price and day of the line before, if that is of the same event."""
_TERMS = ("redeemer", "currency", "price_version", "price_numerator", "price_denominator", "business_date")
MAX_UNSTATED_PAIRS = 10_000
"""So many pairs that nobody stated are added up; a file made to hurt could have one for each line."""
_PAIR = ("issuer", "redeemer", "currency")
_KEY = ["partner_id", "event_id", "line"]
_BREAK = "\n"
_NOTHING: tuple[str, str, int] = ("", "", -1)


class Order:
    """Follows lines that are to come by (partner_id, event_id, line), and numbers their events."""

    def __init__(self) -> None:
        self._last = _NOTHING

    def follow(self, stretch: pa.Table) -> tuple[pa.Table, list[Finding]]:
        """The stretch with `EVENT` and `SAME_TERMS`, and a finding for each line that does not come after the last."""
        partner_id, event_id, line = (stretch.column(place).combine_chunks() for place in _KEY)
        same_partner = pc.equal(partner_id[1:], partner_id[:-1])
        same_event = pc.and_(same_partner, pc.equal(event_id[1:], event_id[:-1]))
        later_event = pc.and_(same_partner, pc.greater(event_id[1:], event_id[:-1]))
        later = pc.or_(
            pc.or_(pc.greater(partner_id[1:], partner_id[:-1]), later_event),
            pc.and_(same_event, pc.greater(line[1:], line[:-1])),
        )
        first = (partner_id[0].as_py(), event_id[0].as_py(), line[0].as_py())
        later = pa.concat_arrays([pa.array([first > self._last]), later])
        begins = pa.concat_arrays([pa.array([False]), pc.invert(same_event)])
        findings = [] if pc.all(later).as_py() else self._misplaced(stretch, later)
        self._last = (partner_id[-1].as_py(), event_id[-1].as_py(), line[-1].as_py())
        same_terms = pa.concat_arrays([pa.array([True]), pc.invert(pc.and_(same_event, _other_terms(stretch)))])
        numbered = stretch.append_column(EVENT, pc.cumulative_sum(begins.cast(pa.int64())))
        return numbered.append_column(SAME_TERMS, same_terms), findings

    def _misplaced(self, stretch: pa.Table, later: pa.Array) -> list[Finding]:
        keys = stretch.select(_KEY)
        findings = []
        for place in pc.indices_nonzero(pc.invert(later)).to_pylist()[:KEPT]:
            key = tuple(keys.slice(place, 1).to_pylist()[0].values())
            before = tuple(keys.slice(place - 1, 1).to_pylist()[0].values()) if place else self._last
            detail = "appears twice" if key == before else f"comes after {row_name(*before)}"
            findings.append(Finding("order", row_name(*key), detail))
        return findings


class PairDigests:
    """Takes the digest of each pair over its lines' digests as they come."""

    def __init__(self, stated: int) -> None:
        self._max_pairs = stated + MAX_UNSTATED_PAIRS
        self._digests: dict[str, hashlib._Hash] = {}
        self.left_out = False
        """Whether there were more pairs than are kept."""

    def add(self, stretch: pa.Table) -> None:
        """Take in the lines of a stretch."""
        columns = [stretch.column(name).combine_chunks() for name in _PAIR]
        coded = pc.binary_join_element_wise(*columns, _BREAK).dictionary_encode()
        order = pc.array_sort_indices(coded.indices)
        digests = stretch.column(DIGEST).combine_chunks().take(order)
        joined, start = memoryview(digests.buffers()[1]), digests.offset * digests.type.byte_width
        counts = {row["values"]: row["counts"] for row in pc.value_counts(coded.indices).to_pylist()}
        for code, name in enumerate(coded.dictionary.to_pylist()):
            end = start + counts[code] * digests.type.byte_width
            self._of(name).update(joined[start:end])
            start = end

    def digest(self, pair: Pair) -> bytes:
        """The digest of a pair that has lines."""
        return self._of(_BREAK.join(pair)).digest()

    def _of(self, name: str) -> hashlib._Hash:
        found = self._digests.get(name)
        if found is None and len(self._digests) >= self._max_pairs:
            self.left_out = True
            return hashlib.sha256()
        return found or self._digests.setdefault(name, hashlib.sha256())


def _other_terms(stretch: pa.Table) -> pa.Array:
    """For each line but the first, whether its terms are other than those of the line before."""
    columns = (stretch.column(name).combine_chunks() for name in _TERMS)
    return reduce(pc.or_, (pc.not_equal(column[1:], column[:-1]) for column in columns))
