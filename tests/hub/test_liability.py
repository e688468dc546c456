"""What an issuer's points come to equals the ledger to the last point, whatever was given, taken back and spent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from hub.cli import main
from hub.services import adjustments, liability, pack_sales, partners
from partner_sdk import CardRecord, Client, Money, NotFound, Refund
from partner_sdk.cli import main as partner_main
from tests.hub.test_partner_cli import environment_of
from tests.support import agreements, network
from tests.support.network import Network
from tests.support.sdk import client_of, sell

AT = datetime(2017, 1, 5, 9, tzinfo=UTC)
RULES = [{"rule": "linear", "points": 2, "per_minor": 100}]
ISSUED = """
    SELECT coalesce(sum(points) FILTER (WHERE debit_account = 'issued:' || :bank
                                          AND NOT starts_with(credit_account, 'redeemed:')), 0)::bigint,
           coalesce(sum(points) FILTER (WHERE credit_account = 'issued:' || :bank
                                          AND NOT starts_with(debit_account, 'redeemed:')), 0)::bigint
    FROM hub.transfer WHERE NOT starts_with(kind, 'qualifying')
"""
HELD = """
    SELECT coalesce(sum(CASE WHEN credit_account = 'available' THEN points ELSE 0 END
                        - CASE WHEN debit_account = 'available' THEN points ELSE 0 END), 0)::bigint
    FROM hub.transfer WHERE issuer = :bank AND NOT starts_with(kind, 'qualifying')
"""
OWED = (
    "SELECT coalesce(sum(amount_minor), 0)::bigint FROM settlement.obligation WHERE issuer = :bank AND kind = 'issue'"
)


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert network.broken_rows(running.hub) == []


@pytest.fixture(scope="module")
def bank(net: Network) -> Iterator[Client]:
    """A bank that pays at issue, with cards of two products, upgraded, refunded, redeemed and adjusted; and a pack."""
    name = net.join(terms={"cards": {}, "refunds": "debt"}).partner
    partners.set_rate(net.hub, name, "earning", date(2017, 1, 1), "USD", RULES)
    money = agreements.ON_ISSUE | {"packs": {"when_empty": "postpaid"}}
    agreements.agree(net.hub, name, money, date(2017, 1, 2), cards={}, refunds="debt")
    with client_of(net, name) as client:
        member = net.member()
        client.enrol([member])
        client.link_card("l1", "PAR-1", member, "form", product="classic", linked_at=AT)
        client.replace_card("l1", "l2", "PAR-2", "upgraded", product="gold", at=AT + timedelta(days=2))
        records = [
            CardRecord("k1", "clearing", "PAR-1", AT + timedelta(hours=1), Money(10_000, "USD"), category="5411"),
            CardRecord("k2", "clearing", "PAR-1", AT + timedelta(hours=2), Money(3_000, "USD"), category="4511"),
            CardRecord("k3", "clearing", "PAR-2", AT + timedelta(days=3), Money(5_000, "USD"), category="5411"),
            CardRecord("k4", "refund", "PAR-1", AT + timedelta(days=4), Money(3_000, "USD"), refers_to="k2"),
        ]
        assert all(one.error is None for one in client.report_cards(records))
        window = {"valid_from": "2017-01-01", "valid_until": "2017-12-31"}
        offer = {"currency": "USD", "points": 1_000, "amount_minor": 900, **window}
        made = pack_sales.sell(net.hub, name, "p1", offer, "ada")
        pack_sales.approve(net.hub, "p1", made["digest"], "ben")
        sold = sell(net, client, 5_000, member)
        client.refund([Refund("back", sold.event_id, AT + timedelta(days=5), Money(1_000, "USD"))])
        adjustments.adjust(net.hub, {
            "member": member, "points": 7, "issuer": name, "class": "goodwill", "reason": "sorry", "ticket": "t1",
            "author": "olga",
        })  # fmt: skip
        with client_of(net, "fuel") as fuel:
            fuel.redeem(net.fresh("r"), member, 33)
        yield client


def ledger(net: Network, bank: Client, query: str) -> tuple[int, ...]:
    with net.hub.database.connect() as connection:
        return tuple(connection.execute(text(query), {"bank": bank.partner_id}).one())


def test_what_members_hold_is_the_ledgers_to_the_last_point(net: Network, bank: Client) -> None:
    found = bank.liability()
    assert (found["points"],) == ledger(net, bank, HELD)
    assert found["points"] == sum(one["points"] for one in found["held"]) > 0
    assert [one["month"] for one in found["held"]] == ["2017-07"]
    assert found["value"] == {"minor": round(found["points"] * 9 / 10), "currency": "USD"}
    assert found["debt_points"] == 0


def test_a_cycles_accruals_are_the_ledgers_by_product_and_category(net: Network, bank: Client) -> None:
    found = bank.accruals("2017-01")
    totals = found["totals"]
    assert (totals["given_points"], totals["taken_points"]) == ledger(net, bank, ISSUED)
    assert totals["owed"] == [{"minor": ledger(net, bank, OWED)[0], "currency": "USD"}]
    for name in ("given_points", "taken_points", "covered_points"):
        assert totals[name] == sum(one[name] for one in found["accruals"])
    by = {(one["reporter"], one.get("product"), one.get("category")): one for one in found["accruals"]}
    own = bank.partner_id
    assert by[own, "classic", "5411"]["given_points"] == 200
    assert by[own, "gold", "5411"]["given_points"] == 100
    assert [by[own, "classic", "4511"][name] for name in ("given_points", "taken_points")] == [60, 60]
    assert (by[own, None, None]["given_points"], by[own, None, None]["taken_points"]) == (100, 20)
    assert by["coalition", None, None]["given_points"] == 7
    assert totals["covered_points"] == 100 - 20 + 7
    assert bank.accruals("2016-12")["accruals"] == []
    with pytest.raises(NotFound, match="unknown_cycle"):
        bank.accruals("2017-W53")


def test_a_pack_is_foretold_by_the_last_thirty_days(bank: Client) -> None:
    [pack] = bank.liability()["packs"]
    assert (pack["drawn_points"], pack["left_points"]) == (87, 913)
    assert pack["days_left"] == 913 * 30 // 87


def test_what_another_reports_of_ones_points_has_no_category_of_its_own(net: Network) -> None:
    giver = net.join().partner
    shop = net.join(gives=({"issuer": giver},)).partner
    with client_of(net, shop) as client, client_of(net, giver) as own:
        sell(net, client, 1_000)
        [row] = own.accruals("2017-01")["accruals"]
        assert (row["reporter"], row["given_points"], "category" in row) == (shop, 10, False)
        assert client.accruals("2017-01")["accruals"] == []
        assert (client.liability()["points"], own.liability()["points"]) == (0, 10)


@pytest.mark.usefixtures("closed_at_last")
def test_partner_and_operator_see_the_same_by_command(
    net: Network, bank: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, name = net.coalition.settings, bank.partner_id
    options = ["--data", str(settings.data), "--database-url", settings.database_url, "partner", "liability", name]
    environment = environment_of(net, net.client(name), tmp_path)
    for cycle in ([], ["--cycle", "2017-01"]):
        done = CliRunner().invoke(main, [*options, *cycle, "--json"])
        assert partner_main(["liability", *cycle, "--json"], environment) == 0
        shown: Any = json.loads(capsys.readouterr().out)
        assert shown == json.loads(done.stdout)
    assert liability.of_partner(net.hub, name)["as_of"] == "2017-01-10"
