"""Card issuers that pay for points when they give them: each return and each second presentment has its line.

What is owed at issue is always for exactly the points that members have of the issuer, whatever came back and stood
again; and where a pack covers them and must, what it does not cover is rejected record by record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import pytest

from hub.services import pack_sales
from hub.services.context import Hub
from tests.support import agreements, coalition
from tests.support.cards import Issuer, record
from tests.support.network import broken_rows

AGREED = date(2017, 1, 2)
AT = "2017-01-05T12:00:00Z"


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data"))
    yield made.hub
    assert broken_rows(made.hub) == []
    made.hub.database.dispose()


def _issuer(hub: Hub, **packs: Any) -> Issuer:
    bank = Issuer(hub, {})
    money = agreements.ON_ISSUE | ({"packs": packs} if packs else {})
    agreements.agree(hub, bank.partner_id, money, AGREED, cards={}, refunds="within_balance")
    return bank


def _owed(hub: Hub, issuer: str) -> tuple[int, int]:
    """Points and minor units that an issuer owes the fund, all lines together."""
    query = """SELECT coalesce(sum(points), 0)::bigint, coalesce(sum(amount_minor), 0)::bigint
               FROM settlement.obligation WHERE kind = 'issue' AND issuer = %(issuer)s"""
    with hub.database.connect() as connection:
        points, minor = connection.exec_driver_sql(query, {"issuer": issuer}).one()
    return int(points), int(minor)


def test_what_is_owed_at_issue_follows_each_return_and_each_presentment(hub: Hub) -> None:
    bank = _issuer(hub)
    bank.link("card:issue", "PAR-issue")
    [bought] = bank.report(record("clearing", "PAR-issue", 25_000, AT))
    assert _owed(hub, bank.partner_id) == (250, 225)
    [back] = bank.report(record("chargeback", "PAR-issue", 10_000, AT, refers_to=bought["event_id"]))
    assert _owed(hub, bank.partner_id) == (150, 135)
    bank.report(record("chargeback_reversal", "PAR-issue", 10_000, AT, refers_to=back["event_id"]))
    assert _owed(hub, bank.partner_id) == (250, 225)
    bank.report(record("fraud", "PAR-issue", 25_000, AT, refers_to=bought["event_id"]))
    assert (_owed(hub, bank.partner_id), bank.points("card:issue")) == ((0, 0), 0)
    assert broken_rows(hub) == []


def test_at_random_the_points_owed_for_are_those_that_the_member_has(hub: Hub, seed: int) -> None:
    bank, draw, charged, bought = _issuer(hub), Random(seed), list[tuple[str, int]](), list[str]()
    bank.link("card:random", "PAR-random")
    for _ in range(60):
        minor, way = draw.randrange(1, 9_000), draw.random()
        if way < 0.4 or not bought:
            [one] = bank.report(record("clearing", "PAR-random", minor, AT))
            bought.append(one["event_id"])
        elif way < 0.75 or not charged:
            [one] = bank.report(record("chargeback", "PAR-random", minor, AT, refers_to=draw.choice(bought)))
            if "error" not in one:
                charged.append((one["event_id"], minor))
        else:
            event_id, minor = charged.pop(draw.randrange(len(charged)))
            [one] = bank.report(record("second_presentment", "PAR-random", minor, AT, refers_to=event_id))
            assert "error" not in one, (seed, one)
        assert _owed(hub, bank.partner_id)[0] == bank.points("card:random"), seed
    assert broken_rows(hub) == [], seed


def test_what_a_pack_does_not_cover_is_rejected_record_by_record(hub: Hub) -> None:
    bank = _issuer(hub, when_empty="stop")
    offer = {
        "currency": "USD", "points": 300, "amount_minor": 270, "valid_from": "2017-01-01", "valid_until": "2017-12-31",
    }  # fmt: skip
    pack_id = f"p-{bank.partner_id}"
    sold = pack_sales.sell(hub, bank.partner_id, pack_id, offer, "ada")
    pack_sales.approve(hub, pack_id, sold["digest"], "ben")
    bank.link("card:pack", "PAR-pack")
    results = bank.report(*(record("clearing", "PAR-pack", minor, AT) for minor in (25_000, 10_000, 4_000)))
    codes = [one.get("error", {}).get("code", one["status"]) for one in results]
    assert (codes, bank.points("card:pack")) == (["posted", "pack_exhausted", "posted"], 290)
    [back] = bank.report(record("chargeback", "PAR-pack", 20_000, AT, refers_to=results[0]["event_id"]))
    assert bank.report(record("clearing", "PAR-pack", 20_000, AT))[0]["points"] == 200
    [again] = bank.report(record("second_presentment", "PAR-pack", 20_000, AT, refers_to=back["event_id"]))
    assert (again["error"]["code"], bank.points("card:pack")) == ("pack_exhausted", 290)
