"""A statement checked alone: whatever is changed in it is found and named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from partner_sdk.model import Net, Pair, Position, Price, Statement, StatementLine
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


def test_what_fits_is_not_complained_of() -> None:
    assert check(STATEMENT, LINES) == []


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
