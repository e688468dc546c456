"""Points that members buy: at a dated price, within limits, by a payment that is named and comes once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused as HubRefused
from hub.services import exchange_rates, pack_sales
from partner_sdk import Client, Conflict, Refused
from tests.support import agreements
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of

EXCHANGED = "each exchange is in the state that its events say, with the points that it was quoted"
CENTS: dict[str, Any] = {
    "direction": "in", "unit": "CENT", "rate": "1/2", "spread": "0", "minimum": 100, "step": 2, "rounding": "down",
    "quote_seconds": 600, "sold_at": "1", "currency": "USD", "payment": True, "most": 1_000, "most_a_day": 1_500,
    "most_a_year": 1_800,
}  # fmt: skip


@pytest.fixture
def bank(net: Network) -> str:
    """A new partner that sells points to members: one for two cents, at most 10.00 at once and 15.00 a day."""
    name = net.join().partner
    exchange_rates.publish(net.hub, name, FIRST_DAY, CENTS)
    return name


def buy(client: Client, net: Network, member: str, cents: int, payment: str | None) -> str:
    """Buy points and return the id of the exchange, or the code of its refusal."""
    exchange_id = net.fresh("buy")
    try:
        quote = client.quote_exchange(member, "in", "CENT", cents)
        return client.exchange(exchange_id, quote.quote_id, member, payment).exchange_id
    except Refused as refused:
        return refused.code


def test_points_are_bought_by_a_payment_that_is_confirmed_or_fails(net: Network, bank: str) -> None:
    member, paid, lost = net.member(), net.fresh("pay"), net.fresh("pay")
    with client_of(net, bank) as client:
        client.enrol([member])
        assert buy(client, net, member, 400, None) == "payment_missing"
        first, second = (buy(client, net, member, 400, payment) for payment in (paid, lost))
        assert (client.exchange_state(first).payment, client.member(member).available) == (paid, 0)
        assert buy(client, net, member, 100, paid) == "payment_taken"
        client.confirm_exchange(first)
        client.fail_exchange(second)
        assert buy(client, net, member, 100, lost) == "payment_taken", "a payment that failed is not named again"
        assert client.member(member).available == 200
        assert _altered(net, first, "another") == [f"{EXCHANGED}: exchange {bank}/{first}:"]
        assert _altered(net, first, paid) == []
        (rate,) = [one.exchange for one in client.rates() if one.exchange]
        assert (rate.payment, rate.most, rate.most_a_day, rate.most_a_year) == (True, 1_000, 1_500, 1_800)


def _altered(net: Network, exchange_id: str, payment: str) -> list[str]:
    """What the ledger's checks find once an exchange names another payment."""
    altered = text("UPDATE hub.exchange SET payment = :payment WHERE exchange_id = :exchange_id")
    with net.hub.database.connect() as connection:
        connection.execute(altered, {"payment": payment, "exchange_id": exchange_id})
    return [found.rpartition(" is confirmed with")[0] for found in broken_rows(net.hub)]


def test_a_member_buys_no_more_than_the_rate_says(net: Network, bank: str) -> None:
    member = net.member()
    with client_of(net, bank) as client:
        client.enrol([member])
        assert buy(client, net, member, 1_002, net.fresh("pay")) == "amount_not_exchangeable"
        first = buy(client, net, member, 1_000, net.fresh("pay"))
        assert buy(client, net, member, 502, net.fresh("pay")) == "limit_exceeded"
        client.fail_exchange(first)
        for cents, code in ((1_000, ""), (500, ""), (100, "limit_exceeded")):
            assert buy(client, net, member, cents, net.fresh("pay")).startswith(code or "buy")
        other = net.member()
        client.enrol([other])
        assert buy(client, net, other, 1_000, net.fresh("pay")).startswith("buy")


def test_one_payment_for_two_members_at_once_buys_once(net: Network, bank: str) -> None:
    payment, members = net.fresh("pay"), [net.member() for _ in range(6)]
    with client_of(net, bank) as client:
        client.enrol(members)
        with ThreadPoolExecutor(6) as tills:
            found = list(tills.map(lambda member: buy(client, net, member, 100, payment), members))
    assert Counter(one if one == "payment_taken" else "bought" for one in found) == {"bought": 1, "payment_taken": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"most": 99}, {"most_a_day": 1}, {"most_a_year": 0}, {"payment": "yes"}, {"payment": 1}, {"most": "1000"},
        {"direction": "out", "sold_at": None},
    ],
    ids=str,
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(net: Network, bank: str, wrong: dict[str, Any]) -> None:
    terms = {name: value for name, value in (CENTS | wrong).items() if value is not None}
    if wrong.get("direction") == "out":
        del terms["currency"]
    with pytest.raises(HubRefused, match=r"minimum|whole number|payment|only with"):
        exchange_rates.publish(net.hub, bank, FIRST_DAY, terms)


def test_points_that_a_pack_covers_can_be_bought(net: Network) -> None:
    """Who pays at issue sells points out of its pack; what is taken back goes back to it."""
    hub, bank = net.hub, net.join().partner
    agreements.agree(hub, bank, agreements.ON_ISSUE | {"packs": {"when_empty": "stop"}}, NOON.date())
    exchange_rates.publish(hub, bank, FIRST_DAY, CENTS)
    offer = {
        "currency": "USD", "points": 200, "amount_minor": 200, "valid_from": "2017-01-01", "valid_until": "2017-12-31",
    }  # fmt: skip
    pack = net.fresh("pack")
    sold = pack_sales.sell(hub, bank, pack, offer, "ada")
    pack_sales.approve(hub, pack, sold["digest"], "ben")
    member = net.member()
    with client_of(net, bank) as client:
        client.enrol([member])
        first, second = (buy(client, net, member, 300, net.fresh("pay")) for _ in range(2))
        client.confirm_exchange(first)
        with pytest.raises(Conflict) as refused:
            client.confirm_exchange(second)
        assert refused.value.code == "pack_exhausted"
        assert client.packs()[0].left_points == 50
        client.reverse_exchange(first)
        assert client.packs()[0].left_points == 200
        client.confirm_exchange(second)
        assert client.packs()[0].left_points == 50
    assert broken_rows(hub) == []
