"""Packs in the hub: bought by two people, drawn on as points are given out, never oversold, refilled once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import business_clock, cycles, pack_sales
from hub.services.context import Hub
from hub.services.explaining import explain
from hub.store import configuration
from hub.store.database import Database
from settlement import books
from settlement.__main__ import main as settlement
from settlement.errors import ApprovalRefused, ContractRefused, PackRefused
from tests.support import agreements, bulk, coalition
from tests.support.coalition import NOON
from tests.support.network import broken_rows, sale
from tests.support.services import post, redeem, refund

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Yield one hub for this file; its clock stands still but in the last test."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data"))
    served = Hub(Database(module_postgres_url, pool_size=40), made.hub.keyring)
    yield served
    for database in (served.database, made.hub.database):
        database.dispose()


def issuer(hub: Hub, when_empty: str = "stop", **more: Any) -> str:
    """A new partner that pays at issue, 0.9 a point, and buys packs; one point for each minor unit."""
    name = f"bank{next(_NUMBERS)}"
    coalition.join(hub, name, points=1, per_minor=1)
    money = agreements.ON_ISSUE | {"packs": {"when_empty": when_empty, **more}}
    agreements.agree(hub, name, money, NOON.date())
    return name


def offer(points: int = 100, **more: Any) -> dict[str, Any]:
    window = {"valid_from": "2017-01-01", "valid_until": "2017-01-31"}
    return {"currency": "USD", "points": points, "amount_minor": points, **window, **more}


def buy(hub: Hub, partner: str, points: int = 100, **more: Any) -> str:
    """Sell a pack to a partner and return its id."""
    pack_id = f"{partner}-{next(_NUMBERS)}"
    made = pack_sales.sell(hub, partner, pack_id, offer(points, **more), "ada")
    assert pack_sales.approve(hub, pack_id, made["digest"], "ben")["state"] == "open"
    return pack_id


def sell(hub: Hub, partner: str, points: int, event_id: str | None = None, **more: Any) -> str:
    """Report a sale of so many points and return what became of it."""
    result = post(hub, partner, sale(event_id or f"s{next(_NUMBERS)}", "card:1", points, **more))[0]
    return str(result.get("error", result).get("code", result["status"]))


def owed(hub: Hub, partner: str) -> list[tuple[str, int, int]]:
    """The lines between a partner and the fund, as (kind, points, minor), the fund's below zero."""
    query = text("""SELECT kind, points, CASE issuer WHEN '@fund' THEN -amount_minor ELSE amount_minor END
                    FROM settlement.obligation WHERE :partner IN (issuer, redeemer) ORDER BY tx, event_id, line""")
    with hub.database.connect() as connection:
        return [(kind, points, minor) for kind, points, minor in connection.execute(query, {"partner": partner})]


def left(hub: Hub, pack_id: str) -> int:
    return int(pack_sales.show(hub, pack_id)["left_points"])


def test_a_pack_covers_what_its_partner_gives_out_and_then_nothing_is_given_out(hub: Hub) -> None:
    bank = issuer(hub)
    assert sell(hub, bank, 1) == "pack_exhausted"
    pack = buy(hub, bank)
    assert [sell(hub, bank, 70, "first"), sell(hub, bank, 31), sell(hub, bank, 30)] == [
        "posted", "pack_exhausted", "posted",
    ]  # fmt: skip
    assert (sell(hub, bank, 70, "first"), left(hub, pack)) == ("posted", 0)
    assert owed(hub, bank) == [("pack", 100, 100)]
    assert broken_rows(hub) == []


def test_partners_without_packs_are_asked_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that pays on redemption nor one that pays at issue, while others have packs."""
    for name in ("take", "record", "look", "draws_of", "came_back", "give_back", "listing"):
        monkeypatch.setattr(f"settlement.packs.{name}", None)
    plain = f"bank{next(_NUMBERS)}"
    coalition.join(hub, plain, points=1, per_minor=1)
    agreements.agree(hub, plain, agreements.ON_ISSUE, NOON.date())
    for partner in ("grocer", plain):
        assert sell(hub, partner, 500, f"{plain}-{partner}") == "posted"
        assert refund(hub, partner, f"{plain}-{partner}-f", f"{plain}-{partner}")["status"] == "posted"


def test_of_one_batch_only_what_no_pack_covers_is_refused(hub: Hub) -> None:
    bank = issuer(hub)
    pack = buy(hub, bank, 10)
    sales = [sale(f"{pack}-{place}", "card:2", points) for place, points in enumerate((7, 7, 3))]
    assert [one["status"] for one in post(hub, bank, *sales)] == ["posted", "rejected", "posted"]
    assert left(hub, pack) == 0


def test_what_no_pack_covers_is_paid_for_at_issue_where_the_contract_says_so(hub: Hub) -> None:
    bank = issuer(hub, "postpaid")
    pack = buy(hub, bank)
    assert [sell(hub, bank, 80), sell(hub, bank, 40), sell(hub, bank, 10)] == ["posted"] * 3
    assert owed(hub, bank) == [("pack", 100, 100), ("issue", 20, 18), ("issue", 10, 9)]
    assert (left(hub, pack), broken_rows(hub)) == (0, [])


def test_what_is_refunded_goes_back_to_its_pack_after_what_no_pack_covered(hub: Hub) -> None:
    bank = issuer(hub, "postpaid")
    pack = buy(hub, bank, 60)
    sell(hub, bank, 100, "sold")
    for number, (minor, back) in enumerate(((30, 0), (30, 20), (40, 60))):
        refund(hub, bank, f"{pack}-r{number}", "sold", minor)
        assert left(hub, pack) == back
    assert owed(hub, bank) == [("pack", 60, 60), ("issue", 40, 36), ("issue", -30, -27), ("issue", -10, -9)]
    covers = f"Line 1: pack {pack} covers 60 points, for which nothing is owed."
    assert explain(hub, f"{bank}/sold")["owed"][-1] == covers
    assert explain(hub, f"{bank}/{pack}-r1")["owed"][-1] == f"Line 1: 20 points go back to pack {pack}."
    assert (sell(hub, bank, 60), left(hub, pack), broken_rows(hub)) == ("posted", 0, [])


def test_packs_are_drawn_on_in_the_order_that_was_agreed(hub: Hub) -> None:
    for order, first in (("earliest_end", "soon"), ("agreed", "late")):
        bank = issuer(hub, order=order)
        packs = {
            "late": buy(hub, bank, 10, place=1, valid_until="2017-03-31"),
            "soon": buy(hub, bank, 10, place=2, valid_until="2017-01-31"),
            "not yet": buy(hub, bank, 10, valid_from="2017-01-11"),
        }
        sell(hub, bank, 15)
        assert {name: left(hub, pack) for name, pack in packs.items()} == {"late": 5, "soon": 5, "not yet": 10} | {
            first: 0
        }


def test_a_pack_is_for_its_products_and_classes_of_points(hub: Hub) -> None:
    bank = issuer(hub, "postpaid")
    travel, bonus = buy(hub, bank, 50, products=["travel"]), buy(hub, bank, 50, classes=["bonus"])

    def item(category: str) -> dict[str, Any]:
        return {"sku": category, "category": category, "quantity": 1, "minor": 5}

    sell(hub, bank, 10, items=[item("travel"), item("fees")])
    sell(hub, bank, 10)
    assert (left(hub, travel), left(hub, bonus)) == (50, 50)
    sell(hub, bank, 10, items=[item("travel"), item("travel") | {"sku": "hotel"}])
    assert (left(hub, travel), left(hub, bonus), broken_rows(hub)) == (40, 50, [])


def test_a_pack_is_refilled_as_often_as_agreed_and_its_partner_told_each_time_it_is_low(hub: Hub) -> None:
    bank = issuer(hub)
    pack = buy(hub, bank, 100, low_points=40, refill={"points": 50, "below_points": 20, "most": 2})
    with hub.database.connect() as connection:
        connection.execute(
            text("""INSERT INTO hub.webhook (partner_id, webhook_id, url, topics, state, created_at, next_attempt_at)
                    VALUES (:bank, 'w', 'https://e.test', '{pack.low}', 'active', now(), now())"""), {"bank": bank},
        )  # fmt: skip
    seen = []
    for points in (60, 5, 20, 60, 5):
        assert sell(hub, bank, points) == "posted"
        seen.append(left(hub, pack))
    assert seen == [40, 35, 65, 55, 50]
    assert sell(hub, bank, 51) == "pack_exhausted"
    kinds = [one["kind"] for one in pack_sales.show(hub, pack)["moves"]]
    assert kinds == ["bought", "told", "refilled", "refilled"]
    assert sell(hub, bank, 20) == "posted"
    assert [one["kind"] for one in pack_sales.show(hub, pack)["moves"]][-1] == "told"
    query = text("SELECT details->>'left_points' FROM hub.webhook_message WHERE partner_id = :bank ORDER BY message_id")
    with hub.database.connect() as connection:
        assert list(connection.execute(query, {"bank": bank}).scalars()) == ["35", "30"]
    assert owed(hub, bank) == [("pack", 100, 100), ("pack", 50, 50), ("pack", 50, 50)]
    assert broken_rows(hub) == []


def test_a_refill_that_its_partner_may_not_owe_leaves_what_was_posted(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    bank = issuer(hub)
    credit = {"form": "postpaid", "limit_minor": 100}
    agreements.agree(
        hub, bank, agreements.ON_ISSUE | {"packs": {"when_empty": "stop"}, "credit": credit}, date(2017, 1, 11)
    )
    pack = buy(hub, bank, 100, refill={"points": 50, "below_points": 90, "most": 1})
    with hub.database.connect() as connection:
        connection.execute(
            text("INSERT INTO settlement.credit_line VALUES (:bank, 'USD', 100, NULL, true)"), {"bank": bank}
        )
        connection.execute(
            text("INSERT INTO settlement.headroom SELECT :bank, 'USD', n, 0, false FROM generate_series(0, 15) AS n"),
            {"bank": bank},
        )
        configuration.announce(connection)
    assert sell(hub, bank, 20, f"{bank}-a") == "posted"
    assert "is not refilled" in caplog.text
    assert (sell(hub, bank, 20, f"{bank}-a"), left(hub, pack)) == ("posted", 80)
    assert sell(hub, bank, 81) == "credit_limit_reached", "without the refill there are too few"
    assert (left(hub, pack), broken_rows(hub)) == (80, [])


def test_a_reserve_is_kept_back_until_it_is_opened(hub: Hub) -> None:
    bank = issuer(hub)
    pack = buy(hub, bank, 100, reserve_points=30)
    assert (sell(hub, bank, 71), sell(hub, bank, 70)) == ("pack_exhausted", "posted")
    assert pack_sales.open_reserve(hub, pack, "ada")["left_points"] == 30
    with pytest.raises(PackRefused, match="no points"):
        pack_sales.open_reserve(hub, pack, "ada")
    assert (sell(hub, bank, 30), broken_rows(hub)) == ("posted", [])


def test_32_writers_and_a_file_end_a_pack_at_nothing_and_it_is_refilled_once(hub: Hub) -> None:
    """A million points in 32 writers' batches and a file, more of them than there are: the rest goes by contract."""
    bank = issuer(hub, "postpaid")
    pack = buy(hub, bank, 1_000_000, refill={"points": 1_000, "below_points": 500, "most": 1})
    bulk.add_template(hub, bank)
    content = bulk.sales(f"{pack}-file", (bulk.row(f"{pack}-row-{number}") for number in range(300)))

    def write(writer: int) -> Counter[str]:
        found = Counter[str]()
        for batch in range(3):
            sales = [sale(f"{pack}-{writer}-{batch}-{place}", f"card:{writer}", 1_000) for place in range(8)]
            found.update(one["status"] for one in post(hub, bank, *sales))
        return found

    with ThreadPoolExecutor(33) as writers:
        upload = writers.submit(bulk.send, hub, bank, f"{pack}-file", content)
        assert sum(writers.map(write, range(32)), Counter()) == {"posted": 768}
        assert upload.result()["state"] == "posted"
    shown = pack_sales.show(hub, pack)
    assert (shown["left_points"], shown["drawn_points"]) == (0, 1_001_000)
    assert [one["kind"] for one in shown["moves"]].count("refilled") == 1
    issued = [points for kind, points, _ in owed(hub, bank) if kind == "issue"]
    assert sum(issued) == 768_000 + 300_000 - 1_001_000
    assert broken_rows(hub) == []


def test_32_writers_end_a_pack_at_nothing_where_the_overflow_is_refused(hub: Hub) -> None:
    bank = issuer(hub)
    pack = buy(hub, bank, 1_000)

    def write(writer: int) -> str:
        return sell(hub, bank, 40, f"{pack}-{writer}")

    with ThreadPoolExecutor(32) as writers:
        assert Counter(writers.map(write, range(32))) == {"posted": 25, "pack_exhausted": 7}
    assert (left(hub, pack), broken_rows(hub)) == (0, [])


def test_what_makes_no_sense_is_refused_with_a_reason(hub: Hub) -> None:
    bank = issuer(hub)
    for wrong, says in (
        ({"points": 0}, "one point or more"), ({"valid_until": "2016-01-01"}, "before"), ({"valid_from": 1}, "a day"),
        ({"reserve_points": 100}, "reserve_points"), ({"classes": ["gold"]}, "classes"), ({"colour": 1}, "no field"),
        ({"products": "travel"}, "list"), ({"refill": {"points": 1}}, "lacks"), ({"currency": "usd"}, "currency"),
        ({"refill": {"points": 0, "below_points": 1, "most": 1}}, "one or more"), ({"points": 10**13}, "whole number"),
    ):  # fmt: skip
        with pytest.raises(ContractRefused, match=says):
            pack_sales.sell(hub, bank, "wrong", offer() | wrong, "ada")
    for name in ("", "a b", "a/b", "a\n", "x" * 65):
        with pytest.raises(PackRefused, match="named by"):
            pack_sales.sell(hub, bank, name, offer(), "ada")
    for partner, fit, says in (
        (bank, offer() | {"amount_minor": 89}, "no less"), (bank, offer() | {"currency": "EUR"}, "USD"),
        ("grocer", offer(), "says nothing"), ("nobody", offer(), "no partner"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=says):
            pack_sales.sell(hub, partner, "wrong", fit, "ada")
    made = pack_sales.sell(hub, bank, f"{bank}-x", offer(), "ada")
    assert pack_sales.sell(hub, bank, f"{bank}-x", offer(), "ada")["digest"] == made["digest"]
    with pytest.raises(PackRefused, match="another"):
        pack_sales.sell(hub, bank, f"{bank}-x", offer(99, amount_minor=99), "ada")
    with pytest.raises(ApprovalRefused, match="somebody else"):
        pack_sales.approve(hub, f"{bank}-x", made["digest"], "Ada")
    with pytest.raises(PackRefused, match="no pack"):
        pack_sales.approve(hub, "nothing", made["digest"], "ben")
    with pytest.raises(PackRefused, match="not bought"):
        pack_sales.open_reserve(hub, f"{bank}-x", "ben")
    with pytest.raises(Refused, match="paid for at issue"):
        agreements.agree(hub, "fuel", {"currency": "USD", "packs": {"when_empty": "stop"}})


def test_the_rest_expires_or_returns_and_all_of_it_is_on_the_statement(hub: Hub, tmp_path: Path) -> None:
    lost, paid, early = issuer(hub), issuer(hub, rest="returns"), issuer(hub, rest="returns")
    packs = {bank: buy(hub, bank, 100, amount_minor=95, reserve_points=10) for bank in (lost, paid, early)}
    for bank in packs:
        sell(hub, bank, 50, f"{bank}-sold")
    with pytest.raises(Refused, match="does not get"):
        pack_sales.take_back(hub, packs[lost], "ada")
    offered = pack_sales.sell(hub, paid, f"{paid}-offered", offer(), "ada")["pack"]
    with pytest.raises(PackRefused, match="not open"):
        pack_sales.take_back(hub, offered, "ada")
    proposed = pack_sales.take_back(hub, packs[early], "ada")
    with pytest.raises(ApprovalRefused):
        pack_sales.take_back(hub, packs[early], "ada", proposed["digest"])
    assert pack_sales.take_back(hub, packs[early], "ben", proposed["digest"])["state"] == "closed"
    assert sell(hub, early, 1) == "pack_exhausted"
    assert {bank: pack_sales.show(hub, packs[bank])["deferred_minor"] for bank in packs} == {
        lost: 48,
        paid: 48,
        early: 0,
    }
    business_clock.move(hub, NOON + timedelta(days=23))
    assert {one["partner"] for one in pack_sales.close_ended(hub)} >= {lost, paid}
    assert pack_sales.close_ended(hub) == []
    assert {bank: owed(hub, bank) for bank in packs} == {
        lost: [("pack", 100, 95)], paid: [("pack", 100, 95), ("pack", 50, -48)],
        early: [("pack", 100, 95), ("pack", 50, -48)],
    }  # fmt: skip
    for bank in packs:
        refund(hub, bank, f"{bank}-back", f"{bank}-sold")
    assert owed(hub, paid)[-1] == ("pack", 50, -48)
    assert owed(hub, lost) == [("pack", 100, 95)], "what comes back to a closed pack ends as its rest did"
    assert broken_rows(hub) == []
    redeem(hub, "fuel", "r1", "card:1", 10)
    cycles.close_and_publish(hub, "2017-01", "ada", "ben")
    cycles.export(hub, "2017-01", tmp_path / "cycle")
    assert settlement(["verify", str(tmp_path / "cycle")]) == 0
    with hub.database.snapshot() as connection:
        assert books.books(connection).findings == []
    for suffix in ("json", "csv", "pdf", "parquet"):
        cycles.write_statement(hub, "2017-01", early, tmp_path / f"statement.{suffix}")
    lines = json.loads((tmp_path / "statement.json").read_text())["lines"]
    assert [(one["kind"], one["points"], one["partner"]) for one in lines if one["kind"] == "pack"] == [
        ("pack", 100, "@operator"), ("pack", 50, "@operator"),
    ]  # fmt: skip
