"""Whoever publishes terms by which somebody could gain in a circle is refused, and is shown the circle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import exchange_rates, partners
from hub.services.context import Hub
from tests.support.coalition import FIRST_DAY, NOON, Coalition, join
from tests.support.exchange import IN, OUT
from tests.support.threads import at_once

TODAY = NOON.date()
EVEN = {"spread": "0", "minimum": 100, "step": 100}
"""No spread, and amounts that convert without a rest, so that rates are what they say."""


def publish(hub: Hub, terms: dict[str, Any], day: date = FIRST_DAY, partner: str = "fuel") -> dict[str, Any]:
    return exchange_rates.publish(hub, partner, day, terms)


def set_price(hub: Hub, partner: str, numerator: int, day: date = FIRST_DAY) -> None:
    price = {"numerator": numerator, "denominator": 1}
    partners.set_rate(hub, partner, "reimbursement", day, "USD", price)


def refusal(attempt: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(Refused) as refused:
        attempt(*arguments)
    assert refused.value.code == "not_allowed"
    return refused.value.detail


def test_a_circle_of_two_exchanges_is_refused_and_shown(built: Coalition) -> None:
    publish(built.hub, OUT | EVEN)
    assert publish(built.hub, IN | EVEN)["version"] == 1
    assert refusal(publish, built.hub, IN | EVEN | {"rate": "2.01"}, TODAY) == (
        "On 2017-01-10 somebody could gain by going round: "
        "points -> unit:fuel:MILES at 1/2 (exchange out of fuel, version 1); "
        "unit:fuel:MILES -> points at 201/100 (exchange in of fuel, version 2); together 1.005000 (201/200)."
    )
    assert [one["version"] for one in exchange_rates.listing(partner(built.hub))] == [1, 1]


def partner(hub: Hub) -> Any:
    with hub.database.connect() as connection:
        return hub.moment(connection).configuration.partner("fuel")


def test_a_circle_through_money_is_refused_whoever_closes_it(built: Coalition) -> None:
    """Redeem a point at the grocer for a cent, buy a mile for it, exchange the mile for more than a point."""
    sold = IN | EVEN | {"rate": "3", "sold_at": "3", "currency": "USD"}
    assert "sale of MILES by fuel" in refusal(publish, built.hub, sold | {"rate": "4"})
    publish(built.hub, sold)
    detail = refusal(set_price, built.hub, "grocer", 2)
    assert "points -> money:USD at 2 (reimbursement of grocer, version 2)" in detail
    set_price(built.hub, "grocer", 1)
    shown = partners.show(built.hub, "grocer")["rates"]
    assert [one["version"] for one in shown if one["kind"] == "reimbursement"] == [1, 2]


def test_a_circle_of_two_partners_is_refused(built: Coalition) -> None:
    publish(built.hub, OUT | EVEN | {"rate": "1/2"})
    publish(built.hub, IN | EVEN | {"rate": "3", "unit": "STARS", "sold_at": "3", "currency": "USD"}, partner="grocer")
    publish(built.hub, IN | EVEN | {"rate": "2", "sold_at": "2", "currency": "USD"})
    detail = refusal(publish, built.hub, IN | EVEN | {"rate": "2", "sold_at": "1.9", "currency": "USD"})
    assert "reimbursement of fuel" in detail


@pytest.mark.parametrize("days", [0, 1, 5])
def test_a_day_to_come_counts_too(built: Coalition, days: int) -> None:
    publish(built.hub, OUT | EVEN | {"rate": "1"}, TODAY + timedelta(days=days))
    detail = refusal(publish, built.hub, IN | EVEN | {"rate": "2"})
    assert detail.startswith(f"On {TODAY + timedelta(days=days)} ")


def test_what_starts_later_than_both_counts_on_its_own_day(built: Coalition) -> None:
    publish(built.hub, OUT | EVEN | {"rate": "1/4"}, TODAY + timedelta(days=9))
    publish(built.hub, OUT | EVEN | {"rate": "1/2"})
    publish(built.hub, IN | EVEN | {"rate": "2"})
    assert "On 2017-01-13 " in refusal(publish, built.hub, IN | EVEN | {"rate": "3"}, date(2017, 1, 13))
    assert "On 2017-01-19 " in refusal(publish, built.hub, IN | EVEN | {"rate": "3"}, date(2017, 1, 19))
    publish(built.hub, IN | EVEN | {"rate": "4"}, date(2017, 1, 20))


def test_quotes_of_the_day_before_count(built: Coalition) -> None:
    publish(built.hub, OUT | EVEN | {"rate": "1/2"})
    publish(built.hub, OUT | EVEN | {"rate": "1/4"}, TODAY + timedelta(days=3))
    refused = [TODAY + timedelta(days=days) for days in range(4)]
    for day in refused:
        assert refusal(publish, built.hub, IN | EVEN | {"rate": "4"}, day).startswith(f"On {day} ")
    publish(built.hub, IN | EVEN | {"rate": "4"}, TODAY + timedelta(days=4))


def test_quotes_of_a_version_that_was_superseded_today_count(built: Coalition) -> None:
    for rate in ("1/2", "1/3", "1/4"):
        publish(built.hub, OUT | EVEN | {"rate": rate}, TODAY)
    for day in (TODAY, TODAY + timedelta(days=1)):
        assert "version 1" in refusal(publish, built.hub, IN | EVEN | {"rate": "4"}, day)
    _published_earlier(built.hub, hours=23)
    assert "version 1" in refusal(publish, built.hub, IN | EVEN | {"rate": "4"}, TODAY)
    _published_earlier(built.hub, hours=2)
    publish(built.hub, IN | EVEN | {"rate": "4"}, TODAY)


def _published_earlier(hub: Hub, hours: int) -> None:
    update = text("UPDATE hub.rate SET created_at = created_at - make_interval(hours => :hours)")
    hub.database.transact(lambda connection: connection.execute(update, {"hours": hours}))


def test_what_is_long_superseded_does_not_count(built: Coalition) -> None:
    publish(built.hub, OUT | EVEN | {"rate": "1/2"})
    publish(built.hub, OUT | EVEN | {"rate": "1/4"}, TODAY - timedelta(days=2))
    _published_earlier(built.hub, hours=25)
    publish(built.hub, IN | EVEN | {"rate": "4"})


def test_two_at_once_do_not_slip_past_each_other(built: Coalition) -> None:
    for number in range(8):
        name = f"air{number}"
        join(built.hub, name)
        offers = [OUT | EVEN | {"rate": "1"}, IN | EVEN | {"rate": "2"}]

        def attempt(terms: dict[str, Any], name: str = name) -> str:
            try:
                return str(publish(built.hub, terms, partner=name)["kind"])
            except Refused as refused:
                return refused.code

        outcomes = at_once([partial(attempt, terms) for terms in offers])
        assert sorted(outcomes) == ["exchange", "not_allowed"]


def test_an_uncommitted_version_is_not_remembered(built: Coalition) -> None:
    """Whoever publishes reads the small tables in the same transaction; no reader may keep what was rolled back."""
    publish(built.hub, OUT | EVEN)
    with pytest.raises(Refused):
        publish(built.hub, IN | EVEN | {"rate": "3"})
    assert [one["exchange"]["direction"] for one in exchange_rates.listing(partner(built.hub))] == ["out"]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (OUT | {"rate": "0"}, "greater than zero"),
        (OUT | {"unit": "miles"}, "A-Z"),
        (OUT | {"spread": "1"}, "less than one"),
        (OUT | {"minimum": 150}, "multiple of step"),
        (OUT | {"direction": "sideways"}, "direction must be one of"),
        (OUT | {"sold_at": "1", "currency": "USD"}, "only with the direction in"),
        ({name: value for name, value in OUT.items() if name != "rate"}, "lacks rate"),
    ],
)
def test_terms_that_make_no_sense_are_refused(built: Coalition, terms: dict[str, Any], reason: str) -> None:
    assert reason in refusal(publish, built.hub, terms)


def test_only_a_partner_has_rates(built: Coalition) -> None:
    with pytest.raises(Refused) as refused:
        publish(built.hub, OUT, partner="nobody")
    assert refused.value.code == "unknown_partner"
