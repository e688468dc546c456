"""Rows of packs altered by hand: the ledger's checks name the row (as in `test_tampering`, with a pack instead)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from hub.services import ledger_check, pack_sales
from hub.services.context import Hub
from hub.store.checks_of_packs import CHECKS_OF_PACKS
from tests.support import agreements, coalition
from tests.support.coalition import NOON
from tests.support.network import broken_rows, sale
from tests.support.services import post, refund

LEFT, AGREED, COVERS, BACK, MOST, OWED = CHECKS_OF_PACKS
ISSUED = "each redemption has the obligations that its transfers and its price give"
DRAW, RETURN = "draw bank/s1/1 on p1", "event bank/f1"
TABLES = ("pack", "pack_move", "pack_left", "pack_draw", "obligation", "approval")


def _move(change: str, kind: str = "refilled") -> str:
    return f"UPDATE settlement.pack_move SET {change} WHERE kind = '{kind}'"


def _draw(change: str, event: str = "s1") -> str:
    return f"UPDATE settlement.pack_draw SET {change} WHERE event_id = '{event}'"


def _line(change: str) -> str:
    return f"UPDATE settlement.obligation SET {change} WHERE event_id = 'pack-p1-1'"


REFILLED_AGAIN = """
    INSERT INTO settlement.pack_move SELECT pack_id, 9, kind, points, 0, business_date, author, at, tx
    FROM settlement.pack_move WHERE kind = 'refilled'
"""
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "left: more": ("UPDATE settlement.pack_left SET left_points = left_points + 1 WHERE stripe = 3", {LEFT: "pack p1"}),
    "left: a stripe is gone": ("DELETE FROM settlement.pack_left WHERE stripe = 0", {LEFT: "pack p1"}),
    "left: forged": ("INSERT INTO settlement.pack_left VALUES ('p9', 0, 5)", {LEFT: "pack p9"}),
    "bought: points": (
        _move("points = points + 1", "bought"), {LEFT: "pack p1", AGREED: "pack p1", OWED: "pack p1/1"},
    ),
    "bought: price": (_move("paid_minor = paid_minor - 1", "bought"), {AGREED: "pack p1", OWED: "pack p1/1"}),
    "bought: deleted": (
        "DELETE FROM settlement.pack_move WHERE kind = 'bought'",
        {LEFT: "pack p1", AGREED: "pack p1", OWED: "pack pack-p1-1"},
    ),
    "refill: points": (_move("points = points + 1"), {LEFT: "pack p1", AGREED: "pack p1", OWED: "pack p1/3"}),
    "refill: once too often": (
        REFILLED_AGAIN, {LEFT: "pack p1", AGREED: "pack p1"},
    ),
    "reserve: more": (_move("points = points - 1", "reserved"), {LEFT: "pack p1", AGREED: "pack p1"}),
    "offer: limit of refills": (
        "UPDATE settlement.pack SET document = jsonb_set(document, '{refill,most}', '0')", {AGREED: "pack p1"},
    ),
    "offer: digest": ("UPDATE settlement.pack SET digest = sha256('')", {AGREED: "pack p1"}),
    "offer: nobody approved it": ("DELETE FROM settlement.approval WHERE kind = 'pack'", {AGREED: "pack p1"}),
    "offer: whose": (
        "UPDATE settlement.pack SET partner = 'fuel'", {COVERS: DRAW, BACK: "event bank/f1", OWED: "pack p1/1"},
    ),
    "draw: more points": (_draw("points = points + 1"), {LEFT: "pack p1", COVERS: DRAW}),
    "draw: fewer points": (_draw("points = points - 1"), {LEFT: "pack p1", ISSUED: "obligation bank/s1/65537"}),
    "draw: after its window": (_draw("business_date = '2018-01-01'"), {COVERS: DRAW}),
    "draw: transaction": (_draw("tx = '3'"), {COVERS: DRAW}),
    "draw: of another pack": (
        _draw("pack_id = 'p9'"), {LEFT: "pack p1", COVERS: "draw bank/s1/1 on p9", MOST: "event bank/s1"},
    ),
    "draw: of nothing": (
        _draw("event_id = 's9'"),
        {COVERS: "draw bank/s9/1 on p1", MOST: "event bank/s1", ISSUED: "obligation bank/s1/65537"},
    ),
    "draw: deleted": (
        "DELETE FROM settlement.pack_draw WHERE event_id = 's1'",
        {LEFT: "pack p1", MOST: "event bank/s1 on p1", ISSUED: "obligation bank/s1/65537"},
    ),
    "return: more": (_draw("points = points - 1", "f1"), {LEFT: "pack p1", BACK: RETURN}),
    "return: more than there was": (
        _draw("points = -80", "f1"), {LEFT: "pack p1", BACK: RETURN, MOST: "event bank/s1"},
    ),
    "return: deleted": (
        "DELETE FROM settlement.pack_draw WHERE event_id = 'f1'", {LEFT: "pack p1", BACK: RETURN},
    ),
    "price: amount": (_line("amount_minor = amount_minor + 1"), {OWED: "pack p1/1"}),
    "price: who owes it": (_line("issuer = 'fuel'"), {OWED: "pack p1/1"}),
    "price: deleted": ("DELETE FROM settlement.obligation WHERE event_id = 'pack-p1-1'", {OWED: "pack p1/1"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def scenario(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub where a pack was bought, refilled, drawn on, and got points back, and whose rows are kept twice."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data"))
    hub = made.hub
    coalition.join(hub, "bank", points=1, per_minor=1)
    agreements.agree(hub, "bank", agreements.ON_ISSUE | {"packs": {"when_empty": "stop"}}, NOON.date())
    offer = {
        "currency": "USD", "points": 100, "amount_minor": 95, "valid_from": "2017-01-01", "valid_until": "2017-01-31",
        "reserve_points": 10, "refill": {"points": 20, "below_points": 30, "most": 1},
    }  # fmt: skip
    sold = pack_sales.sell(hub, "bank", "p1", offer, "ada")
    pack_sales.approve(hub, "p1", sold["digest"], "ben")
    post(hub, "bank", sale("s1", "card:1", 70))
    refund(hub, "bank", "f1", "s1", 30)
    with hub.database.connect() as connection:
        for table in TABLES:
            connection.execute(text(f"CREATE TABLE public.{table} AS TABLE settlement.{table}"))
    yield hub
    hub.database.dispose()


@pytest.fixture
def restored(scenario: Hub) -> Hub:
    """Return the hub with every row as it was."""
    with scenario.database.connect() as connection:
        for table in TABLES:
            connection.execute(text(f"TRUNCATE settlement.{table}"))
            connection.execute(text(f"INSERT INTO settlement.{table} TABLE public.{table}"))
    return scenario


def test_nothing_is_found_where_nothing_was_altered(restored: Hub) -> None:
    assert broken_rows(restored) == []
    assert [one["kind"] for one in pack_sales.show(restored, "p1")["moves"]] == ["bought", "reserved", "refilled"]


@pytest.mark.parametrize("name", CASES)
def test_an_altered_row_is_named(restored: Hub, name: str) -> None:
    statement, expected = CASES[name]
    with restored.database.connect() as connection:
        assert connection.execute(text(statement)).rowcount
    broken = {one["check"]: one["row"] for one in ledger_check.run(restored) if one["row"] is not None}
    assert broken.keys() == expected.keys(), broken
    for check, row in expected.items():
        assert broken[check].startswith(row), broken[check]


def test_every_check_has_been_seen_to_fail() -> None:
    assert {check for _, broken in CASES.values() for check in broken} == {*CHECKS_OF_PACKS, ISSUED}
