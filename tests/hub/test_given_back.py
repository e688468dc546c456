"""What was won in a dispute is not given back again by a reversal, nor the other way round, whoever is first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from hub.services import business_clock, cycles, disputes
from hub.services.context import Hub
from settlement.core.given_back import too_much
from settlement.errors import SettlementRefused
from tests.support import coalition
from tests.support.network import broken_rows
from tests.support.services import earn, partner, redeem, reverse
from tests.support.threads import at_once

REDEMPTIONS = 9
OWED = 40
"""What the grocer owes fuel for each redemption of January."""


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Yield a hub with January published; its last test closes February."""
    hub = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    earn(hub, "grocer", "e1", "card:1", 1_000 * OWED)
    for number in range(REDEMPTIONS):
        redeem(hub, "fuel", f"r{number}", "card:1", OWED)
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    cycles.close_and_publish(hub, "2017-01", "olga", "rosa")
    yield hub
    hub.database.dispose()


def dispute(hub: Hub, by: str, redemption: str, minor: int) -> None:
    body = {"dispute_id": f"d-{redemption}", "cycle": "2017-01", "reason": "returned"}
    line = {"partner": "fuel", "event_id": redemption, "line": 1, "minor": minor}
    disputes.open_dispute(hub, partner(hub, by), {**body, "lines": [line]})


def win(hub: Hub, by: str, redemption: str, minor: int) -> None:
    disputes.decide(hub, by, f"d-{redemption}", [minor], "so it is", "olga")


def owed(hub: Hub, redemption: str) -> list[int]:
    """What each line of February about a redemption comes to, in commit order."""
    query = "SELECT amount_minor FROM settlement.obligation WHERE origin = :origin ORDER BY tx, kind DESC, event_id"
    with hub.database.connect() as connection:
        return list(connection.execute(text(query), {"origin": f"fuel/{redemption}"}).scalars())


def test_a_reversal_after_a_dispute_that_was_won(hub: Hub) -> None:
    dispute(hub, "grocer", "r0", 30)
    win(hub, "grocer", "r0", 30)
    reverse(hub, "fuel", "r0", points=6, reversal_id="v1")
    assert owed(hub, "r0") == [-30, -6]
    reverse(hub, "fuel", "r0", points=10, reversal_id="v2")
    assert owed(hub, "r0") == [-30, -6, -10, 6]
    reverse(hub, "fuel", "r0", points=24, reversal_id="v3")
    assert owed(hub, "r0") == [-30, -6, -10, 6, -24, 24]


def test_a_dispute_that_is_won_after_a_reversal(hub: Hub) -> None:
    dispute(hub, "grocer", "r1", 30)
    reverse(hub, "fuel", "r1", points=25)
    win(hub, "grocer", "r1", 30)
    assert owed(hub, "r1") == [-25, -30, 15]


def test_who_was_owed_more_gives_that_back_too(hub: Hub) -> None:
    dispute(hub, "fuel", "r2", 12)
    win(hub, "fuel", "r2", 12)
    reverse(hub, "fuel", "r2")
    assert owed(hub, "r2") == [12, -40, -12]


def test_what_is_refused_gives_nothing_back(hub: Hub) -> None:
    dispute(hub, "grocer", "r3", OWED)
    win(hub, "grocer", "r3", 0)
    reverse(hub, "fuel", "r3")
    assert owed(hub, "r3") == [-40]


def test_both_at_once_give_it_back_once(hub: Hub) -> None:
    for number in range(4, 8):
        dispute(hub, "grocer", f"r{number}", OWED)
        name = f"r{number}"
        calls: list[Callable[[], Any]] = [partial(win, hub, "grocer", name, OWED), partial(reverse, hub, "fuel", name)]
        at_once(calls)
        assert sorted(owed(hub, f"r{number}")) == [-40, -40, 40]


ALTERED = [
    "DELETE FROM settlement.obligation WHERE event_id LIKE 'given-back:%r1'",
    "UPDATE settlement.obligation SET amount_minor = amount_minor + 1 WHERE event_id LIKE 'given-back:%r2'",
    "UPDATE settlement.obligation SET origin = 'fuel/r8' WHERE event_id LIKE 'given-back:%r2'",
]


def test_the_next_cycle_has_it_and_what_is_altered_is_named(hub: Hub) -> None:
    """The last test of the file, since it moves the clock."""
    business_clock.move(hub, datetime(2017, 3, 1, tzinfo=UTC))
    cycles.close(hub, "2017-02", "olga")
    digest = cycles.show(hub, "2017-02")["proposal"]["digest"]
    for alteration in ALTERED:
        with pytest.raises(SettlementRefused, match=r"\[adjustment\] "):
            publish_altered(hub, digest, alteration)
    shown = cycles.publish(hub, "2017-02", digest, "rosa")
    nets = {one["partner"]: one["net_minor"] for one in shown["nets"]}
    gone = [0, 1, 2, 3, 4, 5, 6, 7]
    assert nets["grocer"] == sum(-sum(owed(hub, f"r{number}")) for number in gone) == 40 + 40 + 40 + 40 + 4 * 40
    assert cycles.audit(hub, "2017-02") == []
    assert broken_rows(hub) == []


def publish_altered(hub: Hub, digest: str, alteration: str) -> None:
    """Alter a row, try to publish, and put the row back."""
    with hub.database.connect() as connection:
        kept = connection.execute(text("SELECT * FROM settlement.obligation WHERE event_id LIKE 'given-back:%'")).all()
    hub.database.transact(lambda connection: connection.execute(text(alteration)))
    try:
        cycles.publish(hub, "2017-02", digest, "rosa")
    finally:
        hub.database.transact(lambda connection: put_back(connection, kept))


def put_back(connection: Any, rows: Sequence[Any]) -> None:
    connection.execute(text("DELETE FROM settlement.obligation WHERE event_id LIKE 'given-back:%'"))
    names = ", ".join(rows[0]._fields)
    values = ", ".join(f":{name}" for name in rows[0]._fields)
    query = text(f"INSERT INTO settlement.obligation ({names}) VALUES ({values})")
    connection.execute(query, [{**row._mapping, "tx": str(row.tx)} for row in rows])


AMOUNTS = st.integers(0, 100)


@given(line=AMOUNTS, corrected=AMOUNTS, moved=st.integers(-100, 100))
def test_together_they_never_give_back_more_than_the_line(line: int, corrected: int, moved: int) -> None:
    corrected = min(corrected, line)
    stands = moved + too_much(line, corrected, moved)
    assert corrected + abs(stands) <= line or stands == 0
    assert stands * moved >= 0, "nothing is moved beyond where it was"
    assert abs(moved) > line - corrected or stands == moved, "what is not too much stays"
