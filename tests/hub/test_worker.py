"""The background worker: a day that is over is ended once, and points that expired on it are gone."""

from __future__ import annotations

from datetime import UTC, datetime

from hub import worker
from hub.core.ledger import Evidence
from hub.services import business_clock, earnings, members
from tests.support.coalition import NOON, Coalition

EVIDENCE = Evidence(bytes(16), "grocer.key", NOON, b"base", b"signature", b"sealed")


def test_points_go_to_breakage_after_their_last_day(built: Coalition) -> None:
    """Points of January expire on the 31st of July: spendable all that day, gone on the first of August."""
    said: list[str] = []
    with built.hub.database.connect() as connection:
        grocer = built.hub.moment(connection).configuration.partner("grocer")
    sale = {"event_id": "1", "member": "card:1", "occurred_at": NOON, "amount": {"minor": 1_200, "currency": "USD"}}
    assert earnings.post(built.hub, grocer, EVIDENCE, [sale])[0]["points"] == 12
    business_clock.move(built.hub, datetime(2017, 7, 31, 23, 59, 59, tzinfo=UTC))
    worker.run(built.hub, None, said.append)
    assert (members.view(built.hub, "card:1")["available"], members.outstanding(built.hub)) == (12, 12)
    business_clock.move(built.hub, datetime(2017, 8, 1, tzinfo=UTC))
    assert (members.view(built.hub, "card:1")["available"], members.outstanding(built.hub)) == (0, 12)
    worker.run(built.hub, None, said.append)
    assert members.outstanding(built.hub) == 0
    assert said == [
        "2017-07-30 is over: 0 points that had expired went to breakage",
        "2017-07-31 is over: 12 points that had expired went to breakage",
    ]
