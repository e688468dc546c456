"""The sample's bank by files and by calls: the same figures, with refunds made of 2 % of its baskets.

The rule of the refunds: a basket whose id is a multiple of 50 comes back on the day after, the half of it (rounded
down) if its id is a multiple of 100, otherwise all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.demo import card_files, purchases
from hub.demo.purchases import CARD_ISSUER, Earning
from hub.services.context import Hub
from partner_sdk.wire.schemas import MAX_BATCH
from tests.support import bulk, coalition, services
from tests.support.bulk import answers
from tests.support.network import broken_rows

FIRST, LAST = date(2017, 1, 1), date(2017, 1, 8)
BY_CALLS = "calls"
REFUNDS: dict[str, Any] = {
    "record": "refund",
    "format": "csv",
    "header": {"starts": "H", "file_id": {"from": 2}},
    "footer": {"starts": "T", "count": {"from": 2}, "amount": {"from": 3}},
    "columns": {
        "event_id": {"from": 1},
        "refunds": {"from": 2},
        "occurred_at": {"from": 3},
        "minor": {"from": 4},
        "currency": {"value": "USD"},
    },
}


@pytest.fixture(scope="module")
def days() -> list[list[Earning]]:
    loaded = purchases.load(FIRST, LAST)
    return [day.earnings[CARD_ISSUER] for day in loaded.days]


def returned(baskets: Iterable[Earning]) -> Iterator[dict[str, Any]]:
    """The refunds of a day's baskets, as calls report them; their sale is ``<basket>-bank`` under either partner."""
    for one in baskets:
        if one.basket_id % 50 == 0:
            minor = one.amount_minor // 2 if one.basket_id % 100 == 0 else one.amount_minor
            at = (one.at + timedelta(days=1)).astimezone(UTC).isoformat()
            yield {"event_id": f"{one.basket_id}-back", "refunds": f"{one.basket_id}-bank", "occurred_at": at,
                   "amount": {"minor": minor, "currency": "USD"}}  # fmt: skip


def sold(baskets: Iterable[Earning]) -> Iterator[dict[str, Any]]:
    for one in baskets:
        yield {"event_id": f"{one.basket_id}-bank", "member": f"card:{one.household_id}",
               "occurred_at": one.at.astimezone(UTC).isoformat(), "store": str(one.store_id),
               "amount": {"minor": one.amount_minor, "currency": "USD"}}  # fmt: skip


def by_calls(hub: Hub, baskets: list[Earning], refunds: list[dict[str, Any]]) -> None:
    sales = list(sold(baskets))
    for start in range(0, len(sales), MAX_BATCH):
        results = services.post(hub, BY_CALLS, *sales[start : start + MAX_BATCH])
        assert {one["status"] for one in results} == {"posted"}
    for one in refunds:
        assert services.report_refund(hub, services.partner(hub, BY_CALLS), one)["status"] == "posted"


def by_files(hub: Hub, number: int, baskets: list[Earning], refunds: list[dict[str, Any]]) -> None:
    name = f"day-{number}"
    content = card_files.text_of(name, number, baskets).encode()
    assert bulk.send(hub, CARD_ISSUER, name, content)["state"] == "posted"
    rows = [f"{one['event_id']},{one['refunds']},{one['occurred_at']},{one['amount']['minor']}" for one in refunds]
    total = sum(one["amount"]["minor"] for one in refunds)
    lines = [f"H,back-{number}", *rows, f"T,{len(rows)},{total}"]
    assert bulk.send(hub, CARD_ISSUER, f"back-{number}", "\n".join(lines).encode(), "back")["state"] == "posted"
    found = answers(hub, CARD_ISSUER, name) + answers(hub, CARD_ISSUER, f"back-{number}")
    assert [one["status"] for one in found] == ["posted"] * (len(baskets) + len(refunds))


def figures(hub: Hub, partner: str) -> dict[str, Any]:
    """All that a partner's events came to, event by event and lot by lot."""
    queries = {
        "events": "SELECT event_id, kind, points, amount_minor, details FROM hub.event WHERE partner_id = :own",
        "lots": "SELECT member_id, expires_on, matures_on, kind, points FROM hub.lot WHERE issuer = :own",
        "debts": "SELECT member_id, points FROM hub.debt WHERE issuer = :own",
        "contents": "SELECT event_id, encode(content, 'hex') FROM hub.event WHERE partner_id = :own",
    }
    with hub.database.connect() as connection:
        return {name: sorted(map(str, connection.execute(text(query), {"own": partner}).all()))
                for name, query in queries.items()}  # fmt: skip


def test_files_give_the_same_figures_as_calls(
    module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory, days: list[list[Earning]]
) -> None:
    hub = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    for partner in (CARD_ISSUER, BY_CALLS):
        coalition.join(hub, partner, points=1, per_minor=200)
    bulk.add_template(hub, CARD_ISSUER, card_files.TERMS)
    bulk.add_template(hub, CARD_ISSUER, REFUNDS, "back")
    before: list[dict[str, Any]] = []
    for number, baskets in enumerate(days, 1):
        by_calls(hub, baskets, before)
        by_files(hub, number, baskets, before)
        before = list(returned(baskets))
    assert sum(1 for one in figures(hub, CARD_ISSUER)["events"] if "'refund'" in one) > 3
    assert figures(hub, CARD_ISSUER) == figures(hub, BY_CALLS)
    assert broken_rows(hub) == []
    hub.database.dispose()
