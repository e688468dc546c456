"""A row about cards that is altered breaks the check that is there for it, and the check names it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from hub.services import ledger_check
from hub.services.context import Hub
from hub.store.checks_of_cards import CHECKS_OF_CARDS
from hub.store.checks_of_counters import CHECKS_OF_COUNTERS
from tests.support import coalition
from tests.support.cards import Issuer, record
from tests.support.network import broken_rows

HELD, BOUGHT, GIVEN = CHECKS_OF_CARDS
COUNTED, WALKED, _, _, SPENT = CHECKS_OF_COUNTERS
TABLES = ("event", "counter", "card_change", "card_purchase", "card_bonus")
BONUS = {"name": "welcome", "points": 500, "spend_minor": 10_000, "days": 9}
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "counter: more": ("UPDATE hub.counter SET amount = amount + 1", {COUNTED: "counter ", WALKED: "counter "}),
    "counter: gone": ("DELETE FROM hub.counter", {COUNTED: "counter ", WALKED: "counter "}),
    "card: another member's": (
        "UPDATE hub.card_change SET member_id = member_id + 1 WHERE member_id IS NOT NULL", {HELD: "card of "},
    ),
    "card: from another day": (
        "UPDATE hub.card_change SET effective_at = effective_at - interval '1 day'", {HELD: "card of "},
    ),
    "card: nobody's": ("UPDATE hub.card_change SET member_id = NULL WHERE place = 0", {HELD: "card of "}),
    "card: forged": ("UPDATE hub.card_change SET event_id = 'none' WHERE place = 0", {HELD: "card of "}),
    "purchase: amount": (
        "UPDATE hub.card_purchase SET amount_minor = amount_minor + 1 WHERE line <> ''", {BOUGHT: "purchase "},
    ),
    "purchase: of another card": (
        "UPDATE hub.card_purchase SET line = 'other' WHERE line <> ''", {BOUGHT: "purchase "},
    ),
    "purchase: gone": ("DELETE FROM hub.card_purchase WHERE event_id = 'k-1'", {BOUGHT: "purchase "}),
    "purchase: presented again for nothing": (
        "UPDATE hub.card_purchase SET represents = NULL WHERE represents = 'k-2'", {BOUGHT: "purchase "},
    ),
    "bonus: another condition": ("UPDATE hub.card_bonus SET spend_minor = 1", {GIVEN: "bonus "}),
    "bonus: given too soon": (
        "UPDATE hub.event SET details = jsonb_set(details, '{counted}', '{}') WHERE event_id = 'k-1'",
        {COUNTED: "counter ", SPENT: "event "},
    ),
    "bonus: gone": ("DELETE FROM hub.card_bonus", {GIVEN: "bonus "}),
}  # fmt: skip


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    bank = Issuer(hub, {"bonuses": [BONUS]})
    link, day = bank.link("card:1", "PAR-1"), "2017-01-02T12:00:00Z"
    bank.report(
        record("clearing", "PAR-1", 12_000, day, event_id="k-1"),
        record("chargeback", "PAR-1", 5_000, day, event_id="k-2", refers_to="k-1"),
        record("second_presentment", "PAR-1", 5_000, day, event_id="k-3", refers_to="k-2"),
    )
    bank.replace(link, "PAR-2", coalition.NOON)
    assert broken_rows(hub) == []
    yield hub
    hub.database.dispose()


@pytest.mark.parametrize("name", CASES)
def test_what_is_altered_is_named(hub: Hub, name: str) -> None:
    statement, expected = CASES[name]
    with hub.database.connect() as connection:
        tables = {table: f"kept_{table}" for table in TABLES}
        for table, kept in tables.items():
            connection.execute(text(f"CREATE TABLE {kept} AS TABLE hub.{table}"))
        try:
            assert connection.execute(text(statement)).rowcount
            broken = {one["check"]: one["row"] for one in ledger_check.run(hub) if one["row"] is not None}
        finally:
            for table, kept in tables.items():
                names = ", ".join(
                    row[0] for row in connection.execute(text(
                        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'hub'"
                        " AND table_name = :table AND is_identity = 'NO' ORDER BY ordinal_position"), {"table": table})
                )  # fmt: skip
                connection.execute(text(f"DELETE FROM hub.{table}"))
                connection.execute(text(f"INSERT INTO hub.{table} ({names}) SELECT {names} FROM {kept}"))
                connection.execute(text(f"DROP TABLE {kept}"))
    for check, row in expected.items():
        assert check in broken
        assert broken[check].startswith(row), broken[check]
    assert broken_rows(hub) == []


def test_every_check_has_been_seen_to_fail() -> None:
    assert {check for _, broken in CASES.values() for check in broken} == {*CHECKS_OF_CARDS, COUNTED, WALKED, SPENT}
