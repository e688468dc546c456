"""A partner's own history: the events it reported, and its statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services import cursors
from hub.services.context import Hub, Partner
from hub.store import events
from settlement import statements
from settlement.core.periods import last_day
from settlement.errors import NotPublished, UnknownCycle


def event_page(hub: Hub, partner: Partner, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of the partner's events in commit order; the cursor stays good for ever."""
    scope = f"events {partner.partner_id}"
    after = cursors.read(hub.keyring.blind, scope, cursor) if cursor else ["0", ""]
    with hub.database.connect() as connection:
        rows = events.page(connection, partner.partner_id, (after[0], after[1]), limit + 1)
    shown = rows[:limit]
    last = [shown[-1].tx, shown[-1].event_id] if shown else after
    return {
        "events": [_event(row) for row in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, last),
        "more": len(rows) > limit,
    }


def _event(row: Any) -> dict[str, Any]:
    answer = {
        "event_id": row.event_id,
        "kind": row.kind,
        "status": row.status,
        "points": row.points,
        "occurred_at": instant(row.occurred_at),
        "posted_at": instant(row.posted_at),
    }
    if row.amount_minor is not None:
        name = "amount" if row.kind in {"earning", "refund"} else "value"
        answer[name] = {"minor": row.amount_minor, "currency": row.currency}
    if row.expires_on is not None:
        answer["expires_on"] = str(row.expires_on)
    if row.matures_on is not None:
        answer["status"] = "pending"
    if row.is_suspect:
        answer["status"] = "quarantined"
    if row.refers_to is not None:
        answer["refers_to"] = row.refers_to
    if row.error_code is not None:
        answer["error"] = {"code": row.error_code, "detail": "Refused when it was reported."}
    return answer


def statement_page(hub: Hub, partner: Partner, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of the partner's published statements, oldest first."""
    scope = f"statements {partner.partner_id}"
    after = cursors.read(hub.keyring.blind, scope, cursor) if cursor else ["", ""]
    with hub.database.connect() as connection:
        rows = statements.of_partner(connection, partner.partner_id, (after[0], after[1]), limit + 1)
    shown = rows[:limit]
    last = [shown[-1]["cycle"], shown[-1]["currency"]] if shown else after
    return {
        "statements": shown,
        "next_cursor": cursors.write(hub.keyring.blind, scope, last),
        "more": len(rows) > limit,
    }


def statement(hub: Hub, partner: Partner, cycle: str) -> dict[str, Any]:
    """Return the partner's statement of a published cycle.

    Raises:
        Refused: ``unknown_cycle``, also while the cycle is not published.
    """
    with hub.database.snapshot() as connection, _published(cycle):
        return statements.summary(connection, cycle, partner.partner_id)


def statement_lines(hub: Hub, partner: Partner, cycle: str, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of the lines of a statement, in the order of their digests' concatenation.

    Raises:
        Refused: ``unknown_cycle``, also while the cycle is not published; ``cursor_invalid``.
    """
    scope = f"lines {partner.partner_id} {cycle}"
    after = tuple(cursors.read(hub.keyring.blind, scope, cursor)) if cursor else None
    with hub.database.snapshot() as connection, _published(cycle):
        rows = statements.lines(connection, cycle, partner.partner_id, after, limit + 1)
    shown = rows[:limit]
    last = [shown[-1]["partner"], shown[-1]["event_id"], shown[-1]["line"]] if shown else list(after or ())
    return {
        "lines": shown,
        "next_cursor": cursors.write(hub.keyring.blind, scope, last) if last else "",
        "more": len(rows) > limit,
    }


@contextmanager
def _published(cycle: str) -> Iterator[None]:
    """Refuse what is no cycle's name before it is looked up, and a cycle that is not published."""
    try:
        last_day(cycle)
        yield
    except (UnknownCycle, NotPublished) as error:
        raise Refused("unknown_cycle", f"There is no published cycle {cycle[:40]!r}.") from error
