"""One cycle recomputed from its lines, and held against what was stated about it.

Everything is found from the lines: what each comes to, positions with their pair digests, movements, charges; and from
these nets, statement totals and the cycle digest. Memory is for a stretch of lines and for the pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from settlement.core.agreements import Agreements
from settlement.core.charges import Basis, Charge, Side, charges_of
from settlement.core.event_lines import check_event
from settlement.core.findings import KEPT, Finding, Findings
from settlement.core.lines import FIELDS, Obligation, line_digest, row_name
from settlement.core.positions import Position
from settlement.core.statement_balances import PairMovement, PartnerMovement, movements_of
from settlement.core.verification import Claims, compare_charges, compare_results
from settlement.exports.lines import DIGEST
from settlement.recomputation.duck import connected
from settlement.recomputation.events import doubtful_events, number_type
from settlement.recomputation.sequence import EVENT, Order, PairDigests
from settlement.recomputation.sums import RIGHT, bases, movements

_ROWS = 10_000
_AT_ONCE = 32_768
"""So many lines go to one processor at once."""
_FIELDS = ", ".join(FIELDS)
_MOVED = tuple[str, str, str, str, bool, str]


class Recomputation:
    """Takes in a cycle's lines stretch by stretch, then says what it found. Use it in a `with` block."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.findings = Findings()
        self.lines = 0
        self._order, self._digests = Order(), PairDigests(len(claims.positions))
        self._agreements = Agreements(claims.contracts)
        self._moved: defaultdict[_MOVED, list[int]] = defaultdict(lambda: [0] * 3)
        self._bases: defaultdict[Side, list[int]] = defaultdict(lambda: [0] * 3)
        self._duckdb = connected()

    def __enter__(self) -> Recomputation:
        return self

    def __exit__(self, *raised: object) -> None:
        self._duckdb.close()

    def add(self, lines: pa.Table) -> None:
        """Take in the next lines, which are those of whole events, with their digests."""
        stretch, misplaced = self._order.follow(lines)
        self.findings.extend(misplaced)
        self.lines += stretch.num_rows
        self._digests.add(stretch)
        self._duckdb.register("stretch", pa.Table.from_batches(stretch.to_batches(max_chunksize=_AT_ONCE)))
        self._add_up()
        self._check_events(stretch)
        self._duckdb.unregister("stretch")

    def pairs(self) -> list[PairMovement]:
        """The movements between two, as the lines give them so far."""
        return [PairMovement(*key, *sums) for key, sums in self._moved.items()]

    def movements(self) -> list[PartnerMovement]:
        """The movements of each statement so far, sorted."""
        return movements_of(self.pairs())

    def positions(self) -> list[Position]:
        """The positions that the lines give so far, sorted."""
        sums: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * 3)
        for one in self.pairs():
            _add(sums[one[:3]], one[6:])
        return sorted(
            Position(*pair, lines, points, minor, self._digests.digest(pair))
            for pair, (lines, points, minor) in sums.items()
        )

    def charges(self) -> list[Charge]:
        """The charges that the lines so far give under the contracts that are claimed."""
        found = {side: Basis(*sums) for side, sums in self._bases.items()}
        return charges_of(found, self._agreements, self.claims.tax_rates, self.claims.ends_on)

    def finish(self) -> list[Finding]:
        """Compare the whole with the claims; call once, after the last line."""
        found = self.positions()
        if self.lines != self.claims.lines:
            detail = f"{self.claims.lines} lines stated, {self.lines} found"
            self.findings.add("count", f"cycle {self.claims.cycle}", detail)
        if self._digests.left_out:
            self.findings.add("position", f"cycle {self.claims.cycle}", "too many pairs that are not stated")
        self.findings.extend(self._agreements.findings)
        self.findings.extend(compare_results(self.claims, found))
        self.findings.extend(compare_charges(self.claims.charges, self.charges()))
        return self.findings.listed()

    def _add_up(self) -> None:
        found, wrong = movements(self._duckdb, self.claims.ends_on)
        for one in found:
            _add(self._moved[one[:6]], one[6:])
        if wrong:
            self._name_wrong_lines()
        if self._agreements.charged:
            for side, basis in bases(self._duckdb, self._agreements):
                _add(self._bases[side], basis)

    def _name_wrong_lines(self) -> None:
        query = f"SELECT {_FIELDS}, {DIGEST} FROM stretch WHERE NOT {RIGHT} ORDER BY ALL LIMIT {KEPT + 1}"
        for *fields, stated in self._duckdb.execute(query, {"ends_on": self.claims.ends_on}).fetchall():
            line = Obligation._make(fields)
            self.findings.extend([*self._why_wrong(line, stated)])

    def _why_wrong(self, line: Obligation, stated: bytes) -> Iterator[Finding]:
        name, digest = row_name(*line[:3]), line_digest(line)
        if digest != stated:
            yield Finding("line digest", name, f"its fields give {digest.hex()}, stated is {stated.hex()}")
        if line.business_date > self.claims.ends_on:
            yield Finding("cycle", name, f"business date {line.business_date} is after {self.claims.ends_on}")
        if line.line < 0 or line.price_numerator < 0 or line.price_denominator < 1:
            yield Finding("value", name, "its number or its price is out of range")
        if not "".join(field for field in line if isinstance(field, str)).isprintable():
            yield Finding("text", name, "a text of it has signs that cannot be printed")

    def _check_events(self, stretch: pa.Table) -> None:
        """Hand every event that is not plainly right to the rules for one."""
        doubtful = doubtful_events(sorted(self._agreements.funded), _number_type(stretch))
        query = f"SELECT {EVENT}, {_FIELDS} FROM stretch WHERE {EVENT} IN ({doubtful}) ORDER BY {EVENT}, line"
        rows = self._duckdb.execute(query)
        for _, found in groupby(_fetched(rows), key=itemgetter(0)):
            lines = [Obligation._make(row[1:]) for row in found]
            # A price of nothing at all was named before; nothing is worth anything at it.
            if all(line.price_denominator for line in lines):
                self.findings.extend(check_event(lines, self._agreements.share))


def _number_type(stretch: pa.Table) -> str:
    """By the sums of what is above zero, as floating point, which may be off by a little and never overflows."""
    above = (
        pc.max_element_wise(stretch.column(name).cast(pa.float64(), safe=False), 0.0)
        for name in ("points", "amount_minor")
    )
    points, minor = (2 * int(pc.sum(one).as_py()) for one in above)
    return number_type(points, minor, pc.max(stretch.column("price_numerator")).as_py())


def _fetched(rows: duckdb.DuckDBPyConnection) -> Iterator[Sequence[object]]:
    while some := rows.fetchmany(_ROWS):
        yield from some


def _add(sums: list[int], more: Iterable[int]) -> None:
    for place, figure in enumerate(more):
        sums[place] += figure
