"""The posting function writes what it is given, whatever characters that holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.core.errors import LedgerBroken
from hub.core.ledger import AVAILABLE, BASE, MATURE_AT_ONCE, NEVER_EXPIRES, Event, Posting, Transfer, redeemed
from hub.store import posting
from tests.support.coalition import NOON, Coalition

AT = datetime(2017, 1, 9, 8, 30, 15, 123456, tzinfo=UTC)
HARD_TEXTS = ('say "hi"', r"back\slash \x41", "{a,b}", "NULL", "", " edge ", "line\nbreak\ttab", "点数 🛒", "it's")


def test_texts_instants_and_absent_values_arrive_as_they_are(built: Coalition) -> None:
    events = [
        Event(f"e-{number}", "earning", 7, "posted", 0, AT, bytes(range(32)), store=text, channel=text)
        for number, text in enumerate(HARD_TEXTS)
    ]
    with built.hub.database.connect() as connection:
        fresh = posting.post(connection, Posting("grocer", NOON, NOON.date(), events, []))
        rows = connection.exec_driver_sql(
            "SELECT store, terminal, channel, occurred_at, content, amount_minor FROM hub.event ORDER BY event_id"
        ).all()
    assert fresh == {event.event_id for event in events}
    assert [tuple(row) for row in rows] == [(text, None, text, AT, bytes(range(32)), None) for text in HARD_TEXTS]


def test_a_debit_of_a_lot_that_does_not_exist_writes_nothing(built: Coalition) -> None:
    event = Event("e-1", "redemption", 7, "posted", 5, AT, b"content")
    lot = (NEVER_EXPIRES, "grocer", BASE, MATURE_AT_ONCE)
    transfer = Transfer("e-1", 1, 7, AVAILABLE, redeemed("grocer"), *lot, 5)
    entry = Posting("grocer", NOON, NOON.date(), [event], [transfer])
    with pytest.raises(LedgerBroken):
        built.hub.database.transact(lambda connection: posting.post(connection, entry))
    with built.hub.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hub.event").scalar_one() == 0
