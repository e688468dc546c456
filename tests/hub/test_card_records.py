"""Purchases with linked cards, and what comes back of them: the worked examples, each to the point.

The bank gives 1 point for each full 1.00 of all categories but airlines, for which it gives 3 up to 6,000.00 a year and
1 above that; at the grocer one more, which both pay for 60 to 40.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.services import business_clock, explaining, partners
from partner_sdk import CardRecord, CardResult, Client, Money
from tests.support import network
from tests.support.network import Network, broken_rows
from tests.support.sdk import client_of

DAY = datetime(2017, 1, 2, 12, tzinfo=UTC)
AIRLINE, GROCERY, BETTING = "4511", "5411", "7995"
RULES = [
    {"rule": "category", "points": 1, "per_minor": 100, "other_than": [AIRLINE]},
    {
        "rule": "category", "points": 3, "per_minor": 100, "categories": [AIRLINE],
        "cap": {"name": "airline", "minor": 600_000, "period": "year", "then": 1},
    },
    {
        "rule": "at_partner", "partner": "grocer", "points": 1, "per_minor": 100, "from_percent": 0,
        "to_percent": 60,
    },
    {
        "rule": "at_partner", "partner": "grocer", "points": 1, "per_minor": 100, "from_percent": 60,
        "to_percent": 100, "gives": {"issuer": "grocer"},
    },
]  # fmt: skip
WELCOME = {"name": "welcome", "points": 50_000, "spend_minor": 300_000, "days": 90}


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("cards")) as own:
        business_clock.move(own.hub, datetime(2017, 12, 1, 12, tzinfo=UTC))
        yield own
        assert broken_rows(own.hub) == []


class Bank:
    """An issuer, with short words for what it reports."""

    def __init__(self, net: Network, **terms: Any) -> None:
        self.net, self.partner = net, net.join(life_months=24, terms={"refunds": "debt", **terms}).partner
        partners.set_rate(net.hub, self.partner, "earning", date(2017, 1, 1), "USD", RULES)
        self.client: Client = client_of(net, self.partner)

    def card(self, linked_at: datetime = DAY - timedelta(hours=12)) -> tuple[str, str, str]:
        """A new member with a card; member, token and the event that linked it."""
        member, token, link = self.net.member(), self.net.fresh("PAR-"), self.net.fresh("l")
        self.client.enrol([member])
        self.client.link_card(link, token, member, "form", linked_at=linked_at)
        return member, token, link

    def report(self, kind: str, token: str, minor: int, day: int = 0, **more: Any) -> CardResult:
        """Report one record, so many days after the first."""
        more = {"category": GROCERY, "merchant": "m1"} | more
        at = DAY + timedelta(days=day)
        event_id = more.pop("event_id", None) or self.net.fresh("c")
        record = CardRecord(event_id, kind, token, at, Money(minor, "USD"), **more)
        [result] = self.client.report_cards([record])
        return result

    def points(self, member: str) -> int:
        view = self.client.member(member)
        return view.available + view.pending - view.debt


@pytest.fixture(scope="module")
def bank(net: Network) -> Iterator[Bank]:
    made = Bank(net, cards={})
    yield made
    made.client.close()


def _posted(result: CardResult) -> CardResult:
    assert result.error is None, result
    return result


def _refused(result: CardResult) -> str:
    assert result.error is not None
    return result.error.code


def test_three_points_up_to_6000_of_airline_spend_in_the_year_then_one(bank: Bank) -> None:
    member, token, _ = bank.card()
    assert _posted(bank.report("clearing", token, 550_000, category=AIRLINE)).points == 16_500
    assert bank.report("authorisation", token, 100_000, 1, category=AIRLINE).expected == 2_000
    over = _posted(bank.report("clearing", token, 100_000, 1, category=AIRLINE))
    assert over.points == 3 * 500 + 500
    assert bank.report("clearing", token, 10_000, 2, category=AIRLINE).points == 100
    assert bank.report("clearing", token, 10_000, 2, category=GROCERY).points == 100
    back = bank.report("refund", token, 60_000, 3, refers_to=over.event_id)
    assert (back.points, back.matched_by) == (500 + 3 * 100, "named")
    # 10,000 of the 600,000 are free again.
    assert bank.report("clearing", token, 20_000, 4, category=AIRLINE).points == 3 * 0 + 200
    assert bank.points(member) == 16_500 + 2_000 + 100 + 100 - 800 + 200


def test_double_at_partners_shared_60_to_40_gives_obligations_that_sum(net: Network, bank: Bank) -> None:
    member, token, _ = bank.card()
    bought = _posted(bank.report("clearing", token, 10_199, partner="grocer"))
    assert bought.points == 202
    with client_of(net, "fuel") as fuel:
        spent = fuel.redeem(net.fresh("r"), member, 202)
    by_issuer = {
        issuer: sum(lot.points for lot in spent.lots if lot.issuer == issuer) for issuer in (bank.partner, "grocer")
    }
    assert by_issuer == {bank.partner: 101 + 60, "grocer": 41}
    assert sum(lot.minor for lot in spent.lots) == spent.value.minor == 202
    back = _posted(bank.report("refund", token, 10_199, 1, refers_to=bought.event_id))
    assert (back.points, back.owed) == (202, 202)


def test_an_authorisation_earns_nothing_and_its_clearing_does(bank: Bank) -> None:
    member, token, _ = bank.card()
    held = bank.report("authorisation", token, 5_000)
    assert (held.points, held.expected, held.recorded) == (0, 50, "card-record")
    assert bank.points(member) == 0
    assert bank.report("clearing", token, 4_900, 1, refers_to=held.event_id).points == 49
    assert bank.points(member) == 49


@pytest.mark.parametrize("kind", ["fee", "interest", "cash_advance", "balance_transfer"])
def test_what_is_no_purchase_earns_nothing(bank: Bank, kind: str) -> None:
    member, token, _ = bank.card()
    noted = _posted(bank.report(kind, token, 100_000))
    assert (noted.points, bank.points(member)) == (0, 0)
    assert _posted(bank.report("refund", token, 100_000, 1, refers_to=noted.event_id)).points == 0


def test_gambling_earns_nothing_as_the_contract_of_the_day_says(net: Network) -> None:
    bank = Bank(net, cards={})
    partners.set_contract(net.hub, bank.partner, date(2017, 3, 1), 24, True, {"cards": {"excluded": [GROCERY]}})
    _, token, _ = bank.card()
    assert [bank.report("clearing", token, 1_000, day, category=BETTING).points for day in (0, 100)] == [0, 10]
    assert [bank.report("clearing", token, 1_000, day, category=GROCERY).points for day in (0, 100)] == [10, 0]
    bank.client.close()


def test_a_chargeback_of_100_of_250_reversed_and_presented_again_ends_where_it_began(bank: Bank) -> None:
    member, token, _ = bank.card()
    bought = bank.report("clearing", token, 25_050)
    began = bank.points(member)
    first = _posted(bank.report("chargeback", token, 10_000, 20, refers_to=bought.event_id))
    assert (first.points, bank.points(member)) == (100, began - 100)
    stands = _posted(bank.report("chargeback_reversal", token, 10_000, 25, refers_to=first.event_id))
    assert (stands.points, bank.points(member)) == (100, began)
    again = _posted(bank.report("second_presentment", token, 10_000, 26, refers_to=first.event_id))
    assert (again.points, bank.points(member)) == (0, began)
    second = _posted(bank.report("chargeback", token, 10_075, 30, refers_to=bought.event_id))
    assert bank.points(member) == began - second.points
    assert _posted(bank.report("second_presentment", token, 10_075, 40, refers_to=second.event_id)).status == "posted"
    assert bank.points(member) == began
    whole = _posted(bank.report("refund", token, 25_050, 50, refers_to=bought.event_id))
    assert (whole.points, bank.points(member)) == (began, 0)


def test_two_chargebacks_presented_again_in_the_other_order_end_where_they_began(bank: Bank) -> None:
    """Each part is the range of the purchase that was taken, so two of them never overlap, whatever rules round."""
    member, token, _ = bank.card()
    bought = bank.report("clearing", token, 25_050)
    first = bank.report("chargeback", token, 3_060, 1, refers_to=bought.event_id)
    second = bank.report("chargeback", token, 7_070, 2, refers_to=bought.event_id)
    _posted(bank.report("second_presentment", token, 3_060, 3, refers_to=first.event_id))
    _posted(bank.report("second_presentment", token, 7_070, 4, refers_to=second.event_id))
    assert bank.points(member) == 250
    assert _posted(bank.report("fraud", token, 25_050, 5, refers_to=bought.event_id)).points == 250


@pytest.mark.parametrize(("days", "before"), [(30, 0), (3_000, 250)])
def test_points_for_status_that_had_expired_are_not_given_again(net: Network, days: int, before: int) -> None:
    """Of a purchase long ago: what counted for status is over by the chargeback, or is not, and so it is again."""
    bank = Bank(net, cards={})
    status = {"kind": "qualifying", "expiry": {"rule": "days", "days": days}}
    partners.set_rate(net.hub, bank.partner, "earning", date(2017, 1, 1), "USD", [*RULES, RULES[0] | {"gives": status}])
    member, token, _ = bank.card()
    bought = bank.report("clearing", token, 25_050)
    assert bank.client.member(member).qualifying == before
    first = _posted(bank.report("chargeback", token, 10_000, 20, refers_to=bought.event_id))
    again = _posted(bank.report("second_presentment", token, 10_000, 26, refers_to=first.event_id))
    assert (again.points, bank.client.member(member).qualifying) == (100, before)
    bank.client.close()


def test_a_chargeback_of_spent_points_ends_where_it_began(net: Network, bank: Bank) -> None:
    member, token, _ = bank.card()
    bought = bank.report("clearing", token, 25_000)
    with client_of(net, "fuel") as fuel:
        fuel.redeem(net.fresh("r"), member, 200)
    back = _posted(bank.report("chargeback", token, 10_000, 20, refers_to=bought.event_id))
    assert (back.taken, back.owed, bank.points(member)) == (50, 50, -50)
    _posted(bank.report("chargeback_reversal", token, 10_000, 25, refers_to=back.event_id))
    assert (bank.points(member), bank.client.member(member).debt) == (50, 0)


def test_a_card_replaced_in_the_middle_of_a_month(bank: Bank) -> None:
    member, token, link = bank.card()
    new, other = bank.net.fresh("PAR-"), bank.net.fresh("l")
    bank.client.replace_card(link, other, new, "lost", at=DAY + timedelta(days=10))
    late = _posted(bank.report("clearing", token, 300_000, 5, category=AIRLINE))
    assert _refused(bank.report("clearing", token, 1_000, 11)) == "unknown_card"
    assert _posted(bank.report("clearing", new, 400_000, 12, category=AIRLINE)).points == 3 * 3_000 + 1_000
    assert _posted(bank.report("refund", new, 300_000, 13)).purchases == (late.event_id,)
    assert bank.points(member) == 10_000


def test_a_refund_without_its_original_is_matched_in_the_stated_order(bank: Bank) -> None:
    member, token, _ = bank.card()
    ids = [bank.report("clearing", token, minor, day, merchant=where).event_id for minor, day, where in (
        (5_000, 0, "m1"), (7_000, 1, "m1"), (5_000, 2, "m2"), (5_000, 3, "m1"), (9_000, 4, "m1"))]  # fmt: skip
    exact = bank.report("refund", token, 5_000, 5)
    assert (exact.matched_by, exact.purchases) == ("amount", (ids[3],))
    enough = bank.report("refund", token, 6_000, 5)
    assert (enough.matched_by, enough.purchases) == ("merchant", (ids[4],))
    period = bank.report("refund", token, 8_000, 5, merchant="m3")
    assert (period.matched_by, period.purchases) == ("period", (ids[4], ids[2]))
    assert bank.points(member) == 310 - 50 - 60 - 80
    later = bank.report("refund", token, 20_000, 6, merchant="m3")
    assert (later.points, later.unmatched_minor, bank.points(member)) == (120, 8_000, 0)
    # What is left over is made good by the next purchases of the month.
    assert bank.report("clearing", token, 5_000, 7).points == 0
    assert bank.report("clearing", token, 5_000, 8).points == 20
    assert _refused(bank.report("chargeback", token, 1, 9, merchant="m9")) == "unknown_event"
    told = explaining.explain(bank.net.hub, f"{bank.partner}/{later.event_id}")["why"]
    assert "parts of purchases" in told[1]


def test_points_come_back_from_whoever_the_member_was_merged_into(net: Network) -> None:
    bank = Bank(net, cards={}, merges=True)
    member, token, _ = bank.card()
    survivor, _, _ = bank.card()
    bought = bank.report("clearing", token, 25_000)
    bank.client.merge(net.fresh("g"), member, survivor, "one person")
    assert bank.points(survivor) == 250
    back = _posted(bank.report("chargeback", token, 10_000, 20, refers_to=bought.event_id))
    assert (back.taken, bank.points(survivor)) == (100, 150)
    _posted(bank.report("chargeback_reversal", token, 10_000, 21, refers_to=back.event_id))
    assert (bank.points(survivor), bank.points(member)) == (250, 250)
    assert _posted(bank.report("clearing", token, 1_000, 22)).points == 10
    assert bank.points(survivor) == 260
    bank.client.close()


def test_a_bonus_of_50000_after_3000_within_90_days_undone_on_day_95_and_earned_again_by_none(net: Network) -> None:
    bank = Bank(net, cards={"bonuses": [WELCOME]})
    member, token, _ = bank.card()
    assert _posted(bank.report("clearing", token, 299_999)).bonuses == ()
    reached = _posted(bank.report("clearing", token, 1, 80, merchant="m2"))
    assert (reached.points, reached.bonuses, bank.points(member)) == (0, ("welcome",), 2_999 + 50_000)
    undone = _posted(bank.report("refund", token, 1_000, 95))
    assert (undone.points, undone.undone, bank.points(member)) == (10, ("welcome",), 2_989)
    assert bank.report("clearing", token, 400_000, 96).bonuses == ()
    assert bank.report("clearing", token, 400_000, 85).bonuses == ()
    assert bank.points(member) == 2_989 + 8_000
    bank.client.close()


def test_a_bonus_that_a_chargeback_undid_stands_again_with_the_purchase(net: Network) -> None:
    bank = Bank(net, cards={"bonuses": [WELCOME]})
    member, token, _ = bank.card()
    bought = _posted(bank.report("clearing", token, 300_000))
    began = bank.points(member)
    back = _posted(bank.report("chargeback", token, 100_000, 20, refers_to=bought.event_id))
    assert (back.undone, bank.points(member)) == (("welcome",), began - 51_000)
    _posted(bank.report("second_presentment", token, 100_000, 25, refers_to=back.event_id))
    assert bank.points(member) == began
    again = _posted(bank.report("fraud", token, 300_000, 30, refers_to=bought.event_id))
    assert (again.undone, bank.points(member)) == (("welcome",), 0)
    bank.client.close()


def test_replays_change_nothing_and_other_content_is_a_conflict(bank: Bank) -> None:
    member, token, _ = bank.card()
    bought, back, stands = bank.net.fresh("c"), bank.net.fresh("c"), bank.net.fresh("c")
    for _ in range(2):
        one = bank.report("clearing", token, 10_000, event_id=bought)
        two = bank.report("chargeback", token, 4_000, 1, event_id=back, refers_to=bought)
        three = bank.report("chargeback_reversal", token, 4_000, 2, event_id=stands, refers_to=back)
        assert (one.points, two.points, three.points, bank.points(member)) == (100, 40, 40, 100)
    assert [one.duplicate, two.duplicate, three.duplicate] == [True] * 3
    for kind, event_id in (("clearing", bought), ("chargeback", back), ("second_presentment", stands)):
        other = bank.report(kind, token, 4_001, event_id=event_id, refers_to=back)
        assert other.error is not None
        assert other.error.code == "event_conflict"
    records = [CardRecord(bank.net.fresh("c"), "clearing", token, DAY, Money(100, "USD"), GROCERY)] * 2
    assert [one.duplicate for one in bank.client.report_cards(records)] == [False, True]


def test_each_of_a_batch_is_decided_by_itself_and_in_order(bank: Bank) -> None:
    member, token, _ = bank.card()
    ids = [bank.net.fresh("c") for _ in range(6)]
    usd = Money(1_000, "USD")
    results = bank.client.report_cards([
        CardRecord(ids[0], "clearing", token, DAY, usd, GROCERY, "m1"),
        CardRecord(ids[1], "clearing", "PAR-nobody", DAY, usd, GROCERY),
        CardRecord(ids[2], "refund", token, DAY + timedelta(hours=1), usd, merchant="m1"),
        CardRecord(ids[3], "clearing", token, DAY, Money(1_000, "EUR"), GROCERY),
        CardRecord(ids[4], "clearing", token, datetime(2018, 1, 1, tzinfo=UTC), usd, GROCERY),
        CardRecord(ids[5], "refund", token, DAY, Money(1_001, "USD"), refers_to=ids[0]),
    ])  # fmt: skip
    codes = [one.error.code if one.error else one.status for one in results]
    assert codes == [
        "posted", "unknown_card", "posted", "currency_mismatch", "occurred_in_future", "exceeds_original"
    ]  # fmt: skip
    assert results[2].purchases == (ids[0],)
    assert bank.points(member) == 0


def test_a_refund_of_a_card_purchase_goes_the_way_of_cards(bank: Bank) -> None:
    from partner_sdk import Refund

    _, token, _ = bank.card()
    bought = bank.report("clearing", token, 1_000)
    [result] = bank.client.refund([Refund(bank.net.fresh("f"), bought.event_id, DAY)])
    assert result.error is not None
    assert result.error.code == "not_reversible"


def test_a_bonus_comes_back_when_the_account_is_closed_early(net: Network) -> None:
    bank = Bank(net, cards={"bonuses": [WELCOME], "closed_early_days": 180})
    for day, left in ((179, 3_000), (181, 53_000)):
        member, token, link = bank.card()
        assert _posted(bank.report("clearing", token, 300_000)).bonuses == ("welcome",)
        ended = bank.client.unlink_card(link, "closed", DAY + timedelta(days=day))
        assert ended.undone == (("welcome",) if day < 180 else ())
        assert bank.client.unlink_card(link, "closed", DAY + timedelta(days=day)).undone == ended.undone
        assert bank.points(member) == left
    bank.client.close()


@pytest.mark.parametrize(
    ("kind", "named", "code"),
    [
        ("refund", "authorisation", "unknown_event"), ("refund", "none", "unknown_event"),
        ("chargeback", "refund", "unknown_event"), ("second_presentment", "refund", "unknown_event"),
        ("chargeback_reversal", "clearing", "unknown_event"), ("chargeback", "link", "unknown_event"),
        ("second_presentment", "part", "refund_mismatch"),
    ],
)  # fmt: skip
def test_what_refers_to_the_wrong_thing_is_rejected_and_changes_nothing(
    bank: Bank, kind: str, named: str, code: str
) -> None:
    member, token, link = bank.card()
    ids = {"link": link, "none": "none"}
    ids["authorisation"] = bank.report("authorisation", token, 5_000).event_id
    ids["clearing"] = bank.report("clearing", token, 5_000).event_id
    ids["refund"] = bank.report("refund", token, 1_000, 1, refers_to=ids["clearing"]).event_id
    ids["part"] = bank.report("chargeback", token, 500, 1, refers_to=ids["clearing"]).event_id
    assert _refused(bank.report(kind, token, 1_000, 2, refers_to=ids[named])) == code
    assert bank.points(member) == 35


@pytest.mark.parametrize("kind", ["authorisation", "clearing", "refund", "chargeback", "fraud", "fee"])
def test_an_amount_of_nothing_moves_nothing(bank: Bank, kind: str) -> None:
    member, token, _ = bank.card()
    bought = bank.report("clearing", token, 5_000)
    assert bank.report(kind, token, 0, 1).points == 0
    back = _posted(bank.report("chargeback", token, 0, 1, refers_to=bought.event_id))
    assert bank.report("second_presentment", token, 0, 2, refers_to=back.event_id).points == 0
    assert bank.points(member) == 50
