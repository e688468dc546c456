"""The ledger's own proof: every invariant, from the stored rows, under one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.core.granting import given, sale_of, spendable
from hub.core.point_kinds import is_spendable
from hub.core.rules import Grants, compile_grants
from hub.services.context import Hub
from hub.store import checks, checks_of_returns
from hub.store.database import Connection, expect_whole_tables

RULES_HOLD = "each earning has the points that its rate version gives"
REFUNDS_HOLD = "each refund is of the points that its part of the sale earned"
COUNT = len(checks.CHECKS) + 2


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
        progress(REFUNDS_HOLD)
        results.append({"check": REFUNDS_HOLD, "row": _named(_first_wrong_refund(connection))})
    return results


def _named(broken: tuple[str, str] | None) -> str | None:
    return None if broken is None else ": ".join(broken)


def _first_wrong_points(connection: Connection) -> tuple[str, str] | None:
    compiled: dict[tuple[str, int], Grants] = {}
    for row in checks.priced_earnings(connection):
        if row.terms is None or not row.same_currency:
            return (
                f"event {row.partner_id}/{row.event_id}",
                "its rate version is missing or in another currency",
            )
        key = (row.partner_id, row.rate_version)
        if key not in compiled:
            compiled[key] = compile_grants(row.terms)
        points = spendable(given(compiled[key], sale_of(row.amount_minor, {"sale": row.sale})))
        if points != row.points:
            return (
                f"event {row.partner_id}/{row.event_id}",
                f"has {row.points} points, its rate gives {points}",
            )
    return None


def _first_wrong_refund(connection: Connection) -> tuple[str, str] | None:
    """Compare line by line of the rate, as a refund does: each gives less for what is left, and none gives more."""
    compiled: dict[tuple[str, int], Grants] = {}
    for row in checks_of_returns.refunded_parts(connection):
        key = (row.partner_id, row.rate_version)
        if key not in compiled:
            compiled[key] = compile_grants(row.terms)
        then, now = (
            given(compiled[key], sale_of(minor, {"sale": row.sale}))
            for minor in (row.left_minor, row.left_minor - row.back_minor)
        )
        points = sum(
            max(0, more.points - less.points) for more, less in zip(then, now, strict=True) if is_spendable(more.kind)
        )
        if points != row.points:
            return f"event {row.partner_id}/{row.event_id}", f"is of {row.points} points, its part earned {points}"
    return None
