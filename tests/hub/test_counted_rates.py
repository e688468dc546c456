"""Rates that count what is bought in a period, by calls: caps and what is above them, late sales, refunds, households.

The bank gives 3 points for each full 1.00 at airlines up to 6,000.00 a year, and 1 above that and for all else; the
club rounds what a statement comes to, and not each purchase.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from hub.services import business_clock, explaining, partners
from partner_sdk import CardRecord, CardResult, Client, Earning, EarningResult, Money, PoolMember, Refund
from tests.support import network
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of

DAY = datetime(2017, 3, 10, 12, tzinfo=UTC)
AIRLINE, GROCERY, BETTING = "4511", "5411", "7995"
AIRLINE_CAP: dict[str, Any] = {"name": "airline", "minor": 600_000, "period": "year", "then": 1}


def rules(**cap: Any) -> list[dict[str, Any]]:
    """The rate of the bank, with another cap."""
    return [
        {"rule": "category", "points": 1, "per_minor": 100, "other_than": [AIRLINE]},
        {"rule": "category", "points": 3, "per_minor": 100, "categories": [AIRLINE], "cap": {**AIRLINE_CAP, **cap}},
    ]


BY_STATEMENT = [
    {
        "rule": "category", "points": 1, "per_minor": 100, "other_than": [],
        "rounding": {"name": "all", "period": "statement-25"},
    }
]  # fmt: skip


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("counted")) as own:
        business_clock.move(own.hub, datetime(2017, 3, 1, 12, tzinfo=UTC))
        yield own
        assert broken_rows(own.hub) == []


class Issuer:
    """An issuer that reports by calls, with short words for it."""

    def __init__(self, net: Network, rate: list[dict[str, Any]], **terms: Any) -> None:
        self.net, self.partner = net, net.join(life_months=24, terms=terms).partner
        partners.set_rate(net.hub, self.partner, "earning", date(2017, 1, 1), "USD", rate)
        self.client: Client = client_of(net, self.partner)

    def sale(self, member: str, minor: int, at: datetime = DAY, category: str = AIRLINE, **more: Any) -> Earning:
        """A sale to report."""
        event_id = more.pop("event_id", None) or self.net.fresh("e")
        money = Money(minor, more.pop("currency", "USD"))
        return Earning(event_id, member, at, money, category=category, **more)

    def earn(self, *sales: Earning) -> list[EarningResult]:
        """Report sales together."""
        return list(self.client.earn(list(sales)))

    def points(self, member: str, minor: int, at: datetime = DAY, category: str = AIRLINE) -> int:
        """Report one sale; what it gave."""
        [result] = self.earn(self.sale(member, minor, at, category))
        assert result.error is None, result
        return result.points

    def refund(self, sale: str, minor: int | None = None, at: datetime = DAY, currency: str = "USD") -> int:
        """Return something of a sale; what came back."""
        amount = None if minor is None else Money(minor, currency)
        [result] = self.client.refund([Refund(self.net.fresh("f"), sale, at, amount)])
        assert result.error is None, result
        return result.points

    def member(self) -> str:
        """A new member."""
        name = self.net.member()
        self.client.enrol([name])
        return name


@pytest.fixture(scope="module")
def bank(net: Network) -> Iterator[Issuer]:
    business_clock.move(net.hub, datetime(2018, 12, 1, 12, tzinfo=UTC))
    made = Issuer(net, rules(), cards={})
    yield made
    made.client.close()


def test_three_points_up_to_6000_of_airline_spend_in_the_year_then_one(bank: Issuer) -> None:
    member = bank.member()
    first, over, above, other = (
        bank.sale(member, 550_000), bank.sale(member, 100_000), bank.sale(member, 10_099),
        bank.sale(member, 10_099, category=GROCERY),
    )  # fmt: skip
    asked = bank.client.quote_earning(first)
    assert asked.points == 16_500
    assert [one.points for one in bank.earn(first, over, above, other)] == [16_500, 2_000, 100, 100]
    assert bank.points(member, 100_000, datetime(2018, 1, 1, tzinfo=UTC)) == 3_000
    told = explaining.explain(bank.net.hub, f"{bank.partner}/{over.event_id}")["why"]
    assert any("up to the cap of 600000 a year after 550000 before" in line for line in told), told


def test_a_quote_says_what_is_left_under_the_cap(bank: Issuer) -> None:
    member = bank.member()
    bank.points(member, 590_000)
    assert bank.client.quote_earning(bank.sale(member, 20_000)).points == 3 * 100 + 100
    assert bank.client.quote_earning(bank.sale(bank.net.member(), 20_000, category=GROCERY)).points == 200


def test_a_batch_posted_again_counts_once(bank: Issuer) -> None:
    member = bank.member()
    sales = [bank.sale(member, 300_000) for _ in range(3)]
    first = bank.earn(*sales)
    assert [one.points for one in first] == [9_000, 9_000, 3_000]
    again = bank.earn(*sales, sales[0])
    assert [one.points for one in again[:3]] == [9_000, 9_000, 3_000]
    assert [one.duplicate for one in again] == [True] * 4
    twice = bank.sale(member, 10_000)
    assert [(one.points, one.duplicate) for one in bank.earn(twice, twice)] == [(100, False), (100, True)]
    other = bank.sale(member, 20_000, event_id=twice.event_id)
    [conflict] = bank.earn(other)
    assert conflict.error is not None
    assert conflict.error.code == "event_conflict"
    assert bank.points(member, 10_000, category=GROCERY) == 100


def test_a_refused_sale_is_not_counted(bank: Issuer) -> None:
    member = bank.member()
    wrong = bank.sale(member, 500_000, points=1)
    good = bank.sale(member, 200_000)
    results = bank.earn(wrong, good, bank.sale(member, 1_000, category=BETTING), bank.sale(member, 500_000))
    assert [one.error.code if one.error else one.points for one in results] == [
        "points_mismatch", 6_000, "not_allowed", 3 * 4_000 + 1_000,
    ]  # fmt: skip


def test_a_late_sale_counts_in_the_year_in_which_it_occurred(bank: Issuer) -> None:
    member, next_year = bank.member(), datetime(2018, 2, 1, tzinfo=UTC)
    assert bank.points(member, 600_000, next_year) == 18_000
    assert bank.points(member, 600_000) == 18_000
    assert (bank.points(member, 100), bank.points(member, 100, next_year)) == (1, 1)


def test_a_refund_gives_room_for_what_is_bought_after_it(bank: Issuer) -> None:
    member = bank.member()
    early, over = bank.sale(member, 500_000), bank.sale(member, 200_000)
    assert [one.points for one in bank.earn(early, over)] == [15_000, 4_000]
    # What was above the cap comes back first, at the rate that it was given.
    assert bank.refund(over.event_id, 100_000) == 1_000
    assert bank.points(member, 100) == 1
    assert bank.refund(early.event_id) == 15_000
    # 100,000 and 100 stand; the refunds went to what the sales were given.
    assert bank.points(member, 499_900) == 3 * 4_999
    assert bank.points(member, 10_000) == 100


def test_cards_of_one_household_share_a_cap(net: Network) -> None:
    bank = Issuer(net, rules(shared="household", period="month"))
    ada, ben, carl = bank.member(), bank.member(), bank.member()
    assert bank.points(ada, 100_000) == 3_000
    bank.client.set_pool(net.fresh("p"), "h1", [PoolMember(ada), PoolMember(ben)])
    # What was bought before counts for who bought it: the household begins with nothing.
    sale = bank.sale(ada, 400_000)
    assert [one.points for one in bank.earn(sale, bank.sale(ben, 300_000))] == [12_000, 3 * 2_000 + 1_000]
    assert bank.points(carl, 300_000) == 9_000
    assert bank.refund(sale.event_id, 50_000) == 1_500
    assert bank.points(ben, 10_000) == 100
    bank.refund(sale.event_id)
    assert bank.points(ben, 10_000) == 300
    bank.client.close()


def test_a_members_year_begins_on_the_day_of_joining(net: Network) -> None:
    bank = Issuer(net, rules(period="member_year"))
    member = bank.member()
    joined = datetime(2018, 12, 1, tzinfo=UTC)
    before = joined - timedelta(days=1)
    assert bank.points(member, 600_000, before) == 18_000
    assert bank.points(member, 100, before - timedelta(days=300)) == 1
    assert (bank.points(member, 100, joined), bank.points(member, 100, before - timedelta(days=365))) == (3, 3)
    bank.client.close()


def test_a_statement_is_rounded_and_not_each_purchase(net: Network) -> None:
    club = Issuer(net, BY_STATEMENT)
    member = club.member()
    bought = [club.sale(member, 150, datetime(2017, 3, day, tzinfo=UTC)) for day in (1, 2, 25, 26)]
    assert [one.points for one in club.earn(*bought)] == [1, 2, 1, 1]
    assert club.refund(bought[1].event_id) == 2
    assert club.points(member, 150, datetime(2017, 3, 3, tzinfo=UTC)) == 1
    told = explaining.explain(net.hub, f"{club.partner}/{bought[1].event_id}")["why"]
    assert any("of the total of the statement-25: 3 after it, 1 before; so 2" in line for line in told), told
    club.client.close()


def test_a_foreign_currency_is_converted_at_the_rate_of_the_day(net: Network) -> None:
    bank = Issuer(net, rules(), cards={})
    for day, numerator in ((date(2017, 1, 1), 108), (date(2017, 3, 11), 2)):
        terms = {"into": "USD", "numerator": numerator, "denominator": 100 if numerator > 2 else 1}
        partners.set_rate(net.hub, bank.partner, "currency", day, "EUR", terms)
    member, later = bank.member(), DAY + timedelta(days=1)
    # 5,000.00 EUR are 5,400.00 USD; 10.00 EUR are 20.00 USD from the next day on.
    first = bank.sale(member, 500_000, currency="EUR")
    assert bank.client.quote_earning(first).points == 3 * 5_400
    assert [one.points for one in bank.earn(first, bank.sale(member, 1_000, later, currency="EUR"))] == [16_200, 60]
    assert bank.earn(bank.sale(member, 58_100))[0].points == 3 * 580 + 1
    assert bank.refund(first.event_id, 250_000, currency="EUR") == 3 * 2_700
    assert bank.earn(bank.sale(member, 270_000))[0].points == 3 * 2_699 + 1
    for currency, at in (("GBP", DAY), ("EUR", datetime(2016, 12, 31, tzinfo=UTC))):
        [refused] = bank.earn(bank.sale(member, 100, at, currency=currency))
        assert refused.error is not None
        assert refused.error.code in ("currency_mismatch", "no_rate", "no_contract")
    told = explaining.explain(net.hub, f"{bank.partner}/{first.event_id}")["why"]
    assert any("converted at 108/100 (version 1) and is" in line for line in told), told
    [rate] = [one for one in bank.client.rates() if one.kind == "currency" and one.version == 1]
    assert rate.conversion is not None
    assert (rate.currency, rate.conversion.into, rate.conversion.numerator) == ("EUR", "USD", 108)
    bank.client.close()


def test_a_purchase_with_a_card_in_a_foreign_currency_comes_back_as_it_was_converted(net: Network) -> None:
    bank = Issuer(net, rules(), cards={"bonuses": [{"name": "w", "points": 9, "spend_minor": 100_100, "days": 90}]})
    terms = {"into": "USD", "numerator": 1_001, "denominator": 1_000}
    partners.set_rate(net.hub, bank.partner, "currency", date(2017, 1, 1), "EUR", terms)
    member, token = bank.member(), net.fresh("PAR-")
    bank.client.link_card(net.fresh("l"), token, member, "form", linked_at=DAY - timedelta(days=1))

    def report(kind: str, minor: int, **more: Any) -> CardResult:
        at = DAY + timedelta(hours=next(hours))
        record = CardRecord(net.fresh("c"), kind, token, at, Money(minor, "EUR"), AIRLINE, "m1", **more)
        [result] = bank.client.report_cards([record])
        assert result.error is None, result
        return result

    hours = count(1)
    bought = report("clearing", 100_000)
    assert (bought.points, bought.bonuses) == (3 * 1_001, ("w",))
    back = report("chargeback", 40_050, refers_to=bought.event_id)
    assert back.undone == ("w",)
    report("second_presentment", 40_050, refers_to=back.event_id)
    view = bank.client.member(member)
    assert (view.available, view.bonuses[0].spent_minor, view.bonuses[0].state) == (3_003 + 9, 100_100, "given")
    assert report("refund", 150_000).unmatched_minor == 50_000
    assert report("clearing", 50_000).points == 0
    assert (report("clearing", 1_000).points, bank.client.member(member).available) == (30, 30)
    bank.client.close()


def test_double_at_partners_shared_60_to_40_gives_obligations_that_sum(net: Network) -> None:
    double = {"rule": "at_partner", "partner": "grocer", "points": 1, "per_minor": 100}
    shared = [
        {**double, "from_percent": 0, "to_percent": 60},
        {**double, "from_percent": 60, "to_percent": 100, "gives": {"issuer": "grocer"}},
    ]
    bank = Issuer(net, [{"rule": "linear", "points": 1, "per_minor": 100}, *shared])
    member = bank.member()
    sale = bank.sale(member, 10_199, category=GROCERY, partner="grocer")
    assert bank.earn(sale, bank.sale(member, 10_199, category=GROCERY))[0].points == 101 + 101
    assert bank.refund(sale.event_id, 1_099) == 10 + 10
    redemption = net.fresh("r")
    with client_of(net, "fuel") as fuel:
        value = fuel.redeem(redemption, member, 2 * 91 + 101).value.minor
    query = "SELECT issuer, points, amount_minor FROM settlement.obligation WHERE event_id = %s"
    with net.hub.database.connect() as connection:
        owed = {issuer: (points, minor) for issuer, points, minor in connection.exec_driver_sql(query, (redemption,))}
    # Of 91 points, 54 (60 of 100, rounded down on the total) are the bank's and 37 the grocer's.
    assert {issuer: points for issuer, (points, _) in owed.items()} == {bank.partner: 91 + 101 + 54, "grocer": 37}
    assert sum(minor for _, minor in owed.values()) == value
    bank.client.close()
