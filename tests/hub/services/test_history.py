"""A partner's own list of events: in commit order, and none is ever missed by a reader that goes on."""

from __future__ import annotations

from functools import partial
from threading import Event

import pytest
from sqlalchemy import text

from hub.services import history
from hub.services.context import Hub
from tests.support.coalition import Coalition
from tests.support.services import earn, partner, redeem
from tests.support.threads import at_once


def _page(hub: Hub, cursor: str = "", limit: int = 100) -> tuple[list[str], str, bool]:
    page = history.event_page(hub, partner(hub, "grocer"), cursor, limit)
    return [one["event_id"] for one in page["events"]], page["next_cursor"], page["more"]


def test_pages_follow_each_other_and_the_last_cursor_stays_good(built: Coalition) -> None:
    for number in range(5):
        earn(built.hub, "grocer", f"e{number}", "card:1", 1_000)
    first, cursor, more = _page(built.hub, limit=3)
    assert (first, more) == (["e0", "e1", "e2"], True)
    second, cursor, more = _page(built.hub, cursor, limit=3)
    assert (second, more) == (["e3", "e4"], False)
    assert _page(built.hub, cursor) == ([], cursor, False)
    earn(built.hub, "grocer", "e5", "card:1", 1_000)
    assert _page(built.hub, cursor)[0] == ["e5"]


def test_pages_go_on_where_transaction_ids_get_one_more_digit(built: Coalition) -> None:
    """Ids of transactions are numbers: 9 comes before 10, however texts compare."""
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    earn(built.hub, "grocer", "e2", "card:1", 1_000)
    with built.hub.database.connect() as connection:
        for event_id, tx in (("e1", 9), ("e2", 10)):
            connection.execute(text(f"UPDATE hub.event SET tx = '{tx}'::xid8 WHERE event_id = '{event_id}'"))
    first, cursor, more = _page(built.hub, limit=1)
    assert (first, more) == (["e1"], True)
    assert _page(built.hub, cursor, limit=1)[0] == ["e2"]


def test_others_events_are_not_shown(built: Coalition) -> None:
    earn(built.hub, "fuel", "theirs", "card:1", 1_000)
    earn(built.hub, "grocer", "ours", "card:1", 1_000)
    assert _page(built.hub)[0] == ["ours"]


def test_an_event_of_each_kind_says_what_it_was(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    redeem(built.hub, "grocer", "r1", "card:1", 4)
    with pytest.raises(Exception, match="too few"):
        redeem(built.hub, "grocer", "r2", "card:1", 100)
    shown = history.event_page(built.hub, partner(built.hub, "grocer"), "", 10)["events"]
    assert [(one["event_id"], one["kind"], one["status"], one["points"]) for one in shown] == [
        ("e1", "earning", "posted", 10),
        ("r1", "redemption", "posted", 4),
        ("r2", "redemption", "rejected", 100),
    ]
    assert [one.get("amount") or one.get("value") for one in shown] == [
        {"minor": 1_000, "currency": "USD"},
        {"minor": 4, "currency": "USD"},
        None,
    ]
    assert [one.get("error", {}).get("code") for one in shown] == [None, None, "insufficient_points"]


def test_a_page_ends_before_what_may_still_commit(built: Coalition) -> None:
    """A transaction that began first may commit last; until it has, nothing that came after it is shown."""
    with built.hub.database.connect() as slow:
        slow.execute(text("BEGIN"))
        slow.execute(text("SELECT pg_current_xact_id()"))
        earn(built.hub, "grocer", "e1", "card:1", 1_000)
        assert _page(built.hub)[0] == []
        slow.execute(text("COMMIT"))
    assert _page(built.hub)[0] == ["e1"]


def test_a_reader_beside_writers_sees_every_event_once(built: Coalition) -> None:
    ids = [[f"w{writer}-{number}" for number in range(25)] for writer in range(6)]
    written = Event()
    seen: list[str] = []

    def write(own: list[str]) -> None:
        for event_id in own:
            earn(built.hub, "grocer", event_id, "card:1", 1_000)

    def read() -> None:
        cursor = ""
        while True:
            last_look = written.is_set()
            found, cursor, _ = _page(built.hub, cursor, limit=7)
            seen.extend(found)
            if last_look and not found:
                return

    def write_all() -> None:
        at_once([partial(write, own) for own in ids])
        written.set()

    earn(built.hub, "grocer", "first", "card:1", 1_000)
    at_once([read, write_all])
    assert sorted(seen) == sorted(["first", *(event_id for own in ids for event_id in own)])
