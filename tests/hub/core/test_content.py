"""The digest of an event's content: spelling does not count, every value does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hub.core.content import content_digest, instant

NOON = datetime(2017, 1, 1, 12, tzinfo=UTC)
SALE: dict[str, Any] = {
    "event_id": "e",
    "member": "card:1",
    "occurred_at": NOON,
    "amount": {"minor": 100, "currency": "USD"},
}


def test_spelling_does_not_count() -> None:
    turned = dict(reversed(SALE.items())) | {"occurred_at": NOON.astimezone(timezone(timedelta(hours=5)))}
    assert content_digest("earning", turned) == content_digest("earning", SALE)


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "f"},
        {"member": "card:2"},
        {"occurred_at": NOON + timedelta(microseconds=1)},
        {"amount": {"minor": 101, "currency": "USD"}},
        {"amount": {"minor": 100, "currency": "EUR"}},
        {"store": "s"},
        {"points": 1},
        {"items": []},
    ],
)
def test_every_value_counts(change: dict[str, Any]) -> None:
    assert content_digest("earning", SALE | change) != content_digest("earning", SALE)


def test_the_kind_counts() -> None:
    assert content_digest("redemption", SALE) != content_digest("earning", SALE)


def test_instants_are_written_in_utc() -> None:
    assert instant(datetime(2017, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))) == "2016-12-31T23:30:00Z"
