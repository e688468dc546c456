"""Disputed lines across cycles: what decisions moved of each, what corrections took back, and what is given back.

A decision's adjustment has the parties and the price of the line that was disputed, which is in an earlier cycle. What
corrections and decisions together took of a line beyond what it came to is moved the other way, see
`settlement.core.given_back`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa

from settlement.core.decided_lines import DecidedLine
from settlement.core.disputes import LineKey
from settlement.core.findings import Finding
from settlement.core.given_back import corrected_key, is_given_back, too_much
from settlement.core.lines import FIELDS, Obligation, event_name, row_name
from settlement.core.parties import OPERATOR

_TERMS = ("issuer", "redeemer", "currency", "price_version", "price_numerator", "price_denominator")
_FIELDS = ", ".join(FIELDS)
_NAME = "partner_id || '/' || event_id"


class _Sums(NamedTuple):
    """By disputed line: what corrections took back (above zero), what decisions moved, what was given back."""

    corrected: Counter[LineKey]
    moved: Counter[LineKey]
    back: Counter[LineKey]


def findings(connection: duckdb.DuckDBPyConnection, decided: Sequence[DecidedLine]) -> Iterator[Finding]:
    """Findings about the view `line` of several cycles and what was decided in them.

    A line of a cycle that is not here cannot be looked up, and what was decided of it is believed.
    """
    accepted = [one for one in decided if one.accepted_minor]
    if not accepted:
        return
    events = sorted({event_name(one.partner_id, one.event_id) for one in accepted})
    connection.register("disputed_event", pa.table({"name": events}))
    of_events = _lines(connection, f"{_NAME} IN (SELECT name FROM disputed_event)")
    known = {line[:3]: line for line in of_events}
    later = _lines(connection, "origin IN (SELECT name FROM disputed_event)")
    by_key = {(OPERATOR, one.event, one.place): one for one in accepted}
    yield from _other_terms(known, later, by_key)
    yield from _lacking(known, _sums(later, by_key))


def _lines(connection: duckdb.DuckDBPyConnection, which: str) -> list[Obligation]:
    rows = connection.execute(f"SELECT {_FIELDS} FROM line WHERE {which} ORDER BY ALL").fetchall()
    return [Obligation._make(row) for row in rows]


def _other_terms(
    known: dict[LineKey, Obligation], later: Iterable[Obligation], by_key: dict[LineKey, DecidedLine]
) -> Iterator[Finding]:
    for line in later:
        one = by_key.get(line[:3])
        disputed = known.get((one.partner_id, one.event_id, one.line)) if one else None
        if one is None or disputed is None:
            continue
        if one.accepted_minor > abs(disputed.amount_minor):
            detail = f"{one.accepted_minor} were accepted of a line that comes to {disputed.amount_minor}"
            yield Finding("adjustment", row_name(*line[:3]), detail)
        for name in _TERMS:
            if getattr(line, name) != getattr(disputed, name):
                detail = f"{name} {getattr(line, name)}, the disputed line has {getattr(disputed, name)}"
                yield Finding("adjustment", row_name(*line[:3]), detail)


def _sums(later: Iterable[Obligation], by_key: dict[LineKey, DecidedLine]) -> _Sums:
    sums = _Sums(Counter(), Counter(), Counter())
    for line in later:
        partner_id, _, event_id = line.origin.partition("/")
        if key := corrected_key(line):
            sums.corrected[key] -= line.amount_minor
        elif is_given_back(line):
            sums.back[partner_id, event_id, line.line] += line.amount_minor
        elif one := by_key.get(line[:3]):
            sums.moved[one.partner_id, one.event_id, one.line] += line.amount_minor
    return sums


def _lacking(known: dict[LineKey, Obligation], sums: _Sums) -> Iterator[Finding]:
    for key in sorted({*sums.moved, *sums.back} & known.keys()):
        due = too_much(known[key].amount_minor, sums.corrected[key], sums.moved[key])
        if due != sums.back[key]:
            detail = f"corrections and disputes leave {due} to be given back, {sums.back[key]} were"
            yield Finding("adjustment", row_name(*key), detail)
