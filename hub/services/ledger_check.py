"""The ledger's own proof: every invariant, from the stored rows, under one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.core.rules import Rule, Sale, compile_rules
from hub.services.context import Hub
from hub.store import checks
from hub.store.database import Connection, expect_whole_tables

RULES_HOLD = "each earning has the points that its rate version gives"
COUNT = len(checks.CHECKS) + 1


def run(hub: Hub, progress: Callable[[str], None] = lambda check: None) -> list[dict[str, Any]]:
    """Return one record a check: ``check``, and ``row`` with the first row that breaks it, or None.

    ``progress`` is told which check begins. Posting goes on meanwhile.
    """
    results = []
    with hub.database.snapshot() as connection:
        expect_whole_tables(connection)
        for name, query in checks.CHECKS.items():
            progress(name)
            results.append({"check": name, "row": _named(checks.first_break(connection, query))})
        progress(RULES_HOLD)
        results.append({"check": RULES_HOLD, "row": _named(_first_wrong_points(connection))})
    return results


def _named(broken: tuple[str, str] | None) -> str | None:
    return None if broken is None else ": ".join(broken)


def _first_wrong_points(connection: Connection) -> tuple[str, str] | None:
    compiled: dict[tuple[str, int], Rule] = {}
    for row in checks.priced_earnings(connection):
        if row.terms is None or not row.same_currency:
            return (
                f"event {row.partner_id}/{row.event_id}",
                "its rate version is missing or in another currency",
            )
        key = (row.partner_id, row.rate_version)
        if key not in compiled:
            compiled[key] = compile_rules(row.terms)
        points = compiled[key](Sale(row.amount_minor))
        if points != row.points:
            return (
                f"event {row.partner_id}/{row.event_id}",
                f"has {row.points} points, its rate gives {points}",
            )
    return None
