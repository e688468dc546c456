"""Gaps in the numbers that terminals give their events, so that a partner learns of sales that never arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.core.content import instant
from hub.services import cursors
from hub.services.context import Hub, Moment, Partner
from hub.store import sequences
from hub.store.database import Connection
from hub.store.sequences import Numbered


def note(connection: Connection, moment: Moment, partner: Partner, reported: Iterable[Mapping[str, Any]]) -> None:
    """Note the numbers of reported events, whatever was decided on them; those without a number say nothing."""
    numbered = [
        Numbered(one["terminal"], one["sequence"], one["event_id"]) for one in reported if "sequence" in one
    ]  # fmt: skip
    if numbered:
        sequences.note(connection, partner.partner_id, numbered, moment.now)


def gap_page(hub: Hub, partner: Partner, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of what is missing and what came twice, by terminal and number."""
    scope = f"gaps {partner.partner_id}"
    after = Numbered(*(cursors.read(hub.keyring.blind, scope, cursor) if cursor else ("", 0, "")))
    with hub.database.connect() as connection:
        rows = sequences.gaps(connection, partner.partner_id, after, limit + 1)
    shown = rows[:limit]
    last = Numbered(shown[-1].terminal, shown[-1].sequence, shown[-1].event_id) if shown else after
    return {
        "gaps": [_gap(row) for row in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, list(last)),
        "more": len(rows) > limit,
    }


def _gap(row: Any) -> dict[str, Any]:
    since = {"terminal": row.terminal, "since": instant(row.noted_at)}
    if row.sequence == row.before:
        events = [row.event_before, row.event_id]
        return {"kind": "repeated", "first": row.sequence, "last": row.sequence, "event_ids": events, **since}
    return {"kind": "missing", "first": row.before + 1, "last": row.sequence - 1, **since}
