"""Our side of a reconciliation with a partner: obligations of a cycle, as lines that its report can be held against.

A report may call a line by its event alone, by event and line, or with the partner that reported it; ours are called
in the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Select, Text, and_, any_, cast, not_, select

from settlement.core.lines import Obligation, row_name
from settlement.core.parties import REIMBURSEMENT
from settlement.core.reconciliation import Line
from settlement.core.report_mapping import event_reference
from settlement.store.reconciliation_sources import Scope
from settlement.store.results import stream_lines
from settlement.store.tables import obligation
from settlement.store.window import KEY, LINE, lines_of, party, window_of, within


def in_cycle(connection: Connection, scope: Scope, columns: Collection[str]) -> list[Line]:
    """Our lines of the cycle, called as a report with these columns calls them.

    A report that names who reported an event is about all lines that the partner is a party to; one that does not is
    about those that the partner reported itself. Raises `UnknownCycle` while the cycle is open.
    """
    query = lines_of(window_of(connection, scope.cycle), _about(scope, columns))
    return [*_lines(connection, query, scope.cycle, columns)]


def elsewhere(connection: Connection, scope: Scope, columns: Collection[str], events: Collection[str]) -> list[Line]:
    """Our lines about these events that are not in the cycle."""
    window = window_of(connection, scope.cycle)
    outside = (
        not_(within(obligation, window)),
        obligation.c.event_id == any_(cast([*events], ARRAY(Text))),
        _about(scope, columns),
    )
    query = select(*LINE, obligation.c.digest).where(*outside).order_by(*KEY)
    return [*_lines(connection, query, None, columns)] if events else []


def _about(scope: Scope, columns: Collection[str]) -> ColumnElement[bool]:
    reported = party(scope.partner) if "reported_by" in columns else obligation.c.partner_id == scope.partner
    return reported if "kind" in columns else and_(reported, obligation.c.kind == REIMBURSEMENT)


def _lines(connection: Connection, query: Select[Any], cycle: str | None, columns: Collection[str]) -> Iterator[Line]:
    for one, _ in stream_lines(connection, query):
        yield _line(one, cycle, columns)


def _line(one: Obligation, cycle: str | None, columns: Collection[str]) -> Line:
    reporter = one.partner_id if "reported_by" in columns else ""
    corrected, _, event = one.origin.partition("/")
    return Line(
        row_name(*one[:3]),
        event_reference(reporter, one.event_id, str(one.line) if "line" in columns else ""),
        one.amount_minor,
        one.currency,
        one.business_date,
        event_reference(reporter, one.event_id, ""),
        one.points,
        one.price_version,
        one.issuer,
        one.redeemer,
        cycle,
        event_reference(corrected if reporter else "", event, "") or None,
    )
