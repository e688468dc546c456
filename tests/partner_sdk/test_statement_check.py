"""A statement checked alone: whatever is changed in it is found and named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from partner_sdk.model import (
    Balance,
    BalanceCharge,
    Charge,
    Movement,
    Net,
    Pair,
    Position,
    Price,
    Statement,
    StatementLine,
)
from partner_sdk.statement_check import canonical, check


def sha(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def line(event_id: str, points: int, minor: int, origin: str = "") -> StatementLine:
    made = StatementLine(
        "fuel", event_id, 1, "grocer", "fuel", points, minor, "USD", Price(9, 10, 1), date(2017, 1, 10), "", origin
    )
    return replace(made, digest=sha(canonical(made)))


LINES = [line("r1", 100, 90), line("r2", 50, 45), line("r1/reverse", -10, -9, "fuel/r1")]
DIGEST = sha(b"".join(bytes.fromhex(one.digest) for one in LINES))
PAIRS = (Pair("grocer", "fuel", "USD", DIGEST), Pair("pharmacy", "fuel", "USD", "00" * 32))
STATEMENT = Statement(
    "2017-01", "fuel", "published",
    sha("\n\n".join("\n".join((pair.issuer, pair.redeemer, pair.currency, pair.digest)) for pair in PAIRS)),
    datetime(2017, 2, 1, tzinfo=UTC), (Net("USD", 126, 0, 126),),
    (Position("grocer", "fuel", "USD", 3, 140, 126, DIGEST),), PAIRS,
)  # fmt: skip

MOVED = (Movement("reimbursement", False, 2, 150, 135, 0, 0), Movement("reimbursement", True, 1, -10, -9, 0, 0))
CHARGES = (Charge("fee", "USD", 2, 2, 140, 126, 20),)
BALANCE = Balance("USD", 2, 7, MOVED, (BalanceCharge("fee", 2, 20),), 113, 113, 0, 0)
BALANCED = replace(STATEMENT, charges=CHARGES, balances=(BALANCE,))


def test_what_fits_is_not_complained_of() -> None:
    assert check(STATEMENT, LINES) == check(BALANCED, LINES) == []


CHANGED_BALANCES: dict[str, dict[str, Any]] = {
    "movements of the balance come to 135, and not to 126": {"movements": MOVED[:1]},
    "lines of the balance come to 4, and not to 3": {"movements": (replace(MOVED[0], lines=3), MOVED[1])},
    "charges of the balance come to 0, and not to 20": {"charges": ()},
    "closing balance of the balance come to 113, and not to 114": {"opening_minor": 8},
    "due and carried amounts of the balance come to 114, and not to 113": {"carried_minor": 1},
}


@pytest.mark.parametrize("complaint", CHANGED_BALANCES)
def test_a_balance_that_was_changed_is_found(complaint: str) -> None:
    changed = replace(BALANCED, balances=(replace(BALANCE, **CHANGED_BALANCES[complaint]),))
    assert any(complaint in fault for fault in check(changed, LINES))


CHANGED_LINES: dict[str, list[StatementLine]] = {
    "its digest is of another line": [replace(LINES[0], points=101), *LINES[1:]],
    "its lines add up to 2": LINES[:2],
    "its digest is of other lines": [LINES[1], LINES[0], LINES[2]],
    "no position": [*LINES, replace(line("r9", 1, 1), currency="EUR")],
}


@pytest.mark.parametrize("complaint", CHANGED_LINES)
def test_a_line_that_was_changed_dropped_moved_or_added_is_found(complaint: str) -> None:
    assert any(complaint in fault for fault in check(STATEMENT, CHANGED_LINES[complaint]))


CHANGED: dict[str, dict[str, Any]] = {
    "minor units, and its lines add up to 126": {"positions": (replace(STATEMENT.positions[0], minor=127),)},
    "the cycle has another digest": {"pairs_of_cycle": PAIRS[1:]},
    "digest of the cycle is of other pairs": {"pairs_of_cycle": PAIRS[:1]},
    "receive is said to be 125": {"nets": (Net("USD", 125, 0, 125),)},
    "net is said to be 6": {"nets": (Net("USD", 126, 0, 6),)},
    "no net": {"nets": ()},
}


@pytest.mark.parametrize("complaint", CHANGED)
def test_a_head_that_was_changed_is_found(complaint: str) -> None:
    assert any(complaint in fault for fault in check(replace(STATEMENT, **CHANGED[complaint]), LINES))
