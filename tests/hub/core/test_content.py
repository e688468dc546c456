"""The digest of an event's content: spelling does not count, every value does."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.datetimes(timezones=st.timezones()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.text(), st.dictionaries(st.text(), _VALUES, max_size=8))
def test_the_digest_is_that_of_sorted_json(kind: str, content: dict[str, Any]) -> None:
    """So events that were posted by earlier versions are still found to be the same."""
    canonical = json.dumps([kind, content], sort_keys=True, separators=(",", ":"), default=instant)
    assert content_digest(kind, content) == hashlib.sha256(canonical.encode()).digest()


def test_a_digest_of_long_ago() -> None:
    """Stored with the first events; it can never become another one."""
    assert content_digest("earning", SALE).hex() == "f31d26c021de52bb7aff8eb4efa4a4d875dc7a1553e35de85e0aff1ff8908095"
