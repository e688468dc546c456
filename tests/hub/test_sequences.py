"""Numbers of terminals: what never came is told, by list and by webhook, and no number costs anybody points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from hub.store import sequences
from hub.store.sequences import Numbered
from partner_sdk import Client, Earning, Gap, InvalidRequestError, Money, Refund
from tests.support.network import Network, earn, sale
from tests.support.sdk import Join, Sold, business_time, joining, sell
from tests.support.threads import at_once

HIGHEST = 2**63 - 1


@pytest.fixture
def join(net: Network) -> Iterator[Join]:
    with joining(net) as joined:
        yield joined


@pytest.fixture
def till(join: Join) -> Client:
    return join()


def number(net: Network, till: Client, *sequences: int, terminal: str = "t1") -> list[Sold]:
    return [sell(net, till, 1_000, terminal=terminal, sequence=one) for one in sequences]


def found(till: Client, limit: int = 1000) -> list[tuple[str, str, int, int]]:
    gaps: list[Gap] = [gap for page in till.gaps(limit=limit) for gap in page.items]
    return [(gap.kind, gap.terminal, gap.first, gap.last) for gap in gaps]


def test_what_never_came_is_listed_and_is_gone_when_it_comes(net: Network, till: Client) -> None:
    number(net, till, 2, 3, 7)
    assert found(till) == [("missing", "t1", 1, 1), ("missing", "t1", 4, 6)]
    number(net, till, 1, 5)
    assert found(till) == [("missing", "t1", 4, 4), ("missing", "t1", 6, 6)]
    number(net, till, 6, 4)
    assert found(till) == []


def test_refunds_count_among_a_terminals_events(net: Network, till: Client) -> None:
    [sold] = number(net, till, 1)
    number(net, till, 3)
    till.refund([Refund(net.fresh("f"), sold.event_id, business_time(net), terminal="t1", sequence=2)])
    assert found(till) == []


def test_duplicates_are_harmless_and_a_rejected_event_has_come(net: Network, till: Client) -> None:
    now = business_time(net)
    sale = Earning(net.fresh("e"), net.member(), now, Money(100, "USD"), terminal="t1", sequence=1)
    wrong = Earning(net.fresh("e"), net.member(), now, Money(100, "EUR"), terminal="t1", sequence=2)
    results = till.earn([sale, sale, wrong, sale])
    assert [(one.status, one.duplicate) for one in results[:3]] == [
        ("posted", False), ("posted", True), ("rejected", False),
    ]  # fmt: skip
    till.earn([sale])
    assert found(till) == []


def test_a_till_that_was_set_back_shows_as_repeated_and_its_sales_count(net: Network, till: Client) -> None:
    first = number(net, till, 1, 2)
    again = number(net, till, 1, 2)
    gaps = [gap for page in till.gaps() for gap in page.items]
    assert [(gap.kind, gap.first) for gap in gaps] == [("repeated", 1), ("repeated", 2)]
    assert {*gaps[0].event_ids, *gaps[1].event_ids} == {one.event_id for one in first + again}
    assert all(till.member(one.member).available == 10 for one in again)


def test_the_highest_number_is_taken_and_no_higher(net: Network, till: Client) -> None:
    number(net, till, 1, HIGHEST)
    assert found(till) == [("missing", "t1", 2, HIGHEST - 1)]
    sale = Earning(net.fresh("e"), net.member(), business_time(net), Money(1, "USD"), terminal="t1")
    for wrong in (0, -1, HIGHEST + 1):
        with pytest.raises(InvalidRequestError):
            till.earn([Earning(**{name: getattr(sale, name) for name in sale.__slots__} | {"sequence": wrong})])
    with pytest.raises(InvalidRequestError):
        till.earn([Earning(sale.event_id, sale.member, sale.occurred_at, sale.amount, sequence=1)])


def test_one_partners_terminals_are_not_anothers(net: Network, join: Join, till: Client) -> None:
    other = join()
    number(net, other, 1, 2, 3)
    number(net, till, 2)
    assert (found(till), found(other)) == ([("missing", "t1", 1, 1)], [])


def test_a_thousand_terminals_page_by_page(net: Network, till: Client) -> None:
    now, member = business_time(net), net.member()
    names = [f"t{place:04}" for place in range(1_000)]
    for sequence in (1, 3):
        till.earn(
            Earning(net.fresh("e"), member, now, Money(100, "USD"), terminal=name, sequence=sequence) for name in names
        )
    assert found(till, limit=300) == [("missing", name, 2, 2) for name in names]


def test_the_same_list_where_the_events_are(net: Network) -> None:
    shop = net.join()
    earn(shop, *(sale(net.fresh("e"), net.member(), terminal="t1", sequence=one) for one in (3, 7)))
    pages = {path: shop.call("GET", path).json for path in ("/v1/events/gaps?limit=1", "/v1/events?gaps&limit=1")}
    first, same = pages.values()
    assert first == same
    assert first["more"]
    rest = [shop.call("GET", f"{path}&cursor={first['next_cursor']}").json for path in pages]
    assert rest[0] == rest[1]
    assert [gap["first"] for gap in rest[1]["gaps"]] == [4]
    for query, code in (
        ("gaps=true", None), ("gaps=", None), ("gaps=false", "invalid_request"), ("gaps=1", "invalid_request"),
        ("gaps&state=open", "invalid_request"), ("gaps&kind=missing", "invalid_request"),
        ("gaps&gaps", "malformed_request"), ("GAPS", "invalid_request"),
        (f"cursor={first['next_cursor']}", "cursor_invalid"),
        (f"gaps&cursor={shop.call('GET', '/v1/events').json['next_cursor']}", "cursor_invalid"),
    ):  # fmt: skip
        answer = shop.call("GET", f"/v1/events?{query}")
        assert (answer.signed, answer.json.get("code")) == (True, code), query
        assert ("gaps" in answer.json) is (code is None)


def test_numbers_that_come_at_once_leave_no_gap(net: Network, till: Client) -> None:
    now, member = business_time(net), net.member()
    sales = [
        Earning(net.fresh("e"), member, now, Money(100, "USD"), terminal="t1", sequence=one) for one in range(1, 81)
    ]
    at_once([partial(till.earn, sales[start::8]) for start in range(8)])
    assert found(till) == []


def test_a_gap_is_told_once_for_its_first_number(net: Network, till: Client) -> None:
    """The message waits in the outbox with the rest; what fills a gap, wholly or in part, tells nothing more."""
    partner = net.join().partner
    with net.hub.database.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO hub.webhook (partner_id, webhook_id, url, topics, state, created_at, next_attempt_at)"
            " VALUES (%s, 'w', 'https://shop.example', '{gap.found}', 'paused', now(), now())",
            (partner,),
        )
        at = business_time(net)
        for numbers in ([1, 2], [5, 9], [3], [7], [9], [10], [2]):
            sequences.note(connection, partner, [Numbered("t1", one, f"e{one}") for one in numbers], at)
        told = connection.exec_driver_sql(
            "SELECT details FROM hub.webhook_message WHERE partner_id = %s ORDER BY message_id", (partner,)
        ).scalars()
        assert list(told) == [
            {"terminal": "t1", "first": 3, "last": 4},
            {"terminal": "t1", "first": 6, "last": 8},
        ]
