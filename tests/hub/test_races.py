"""Callers at the same moment: nobody spends what another has spent, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import business_clock, cycles, end_of_day
from settlement.errors import SettlementRefused
from tests.support import network
from tests.support.network import Network, broken_rows, earn, redeem, sale
from tests.support.raw import Answer, RawClient
from tests.support.threads import at_once

LAST_DAY = date(2017, 1, 31)


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network of this file's own, whose clock stands on the last day of January."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("races")) as running:
        business_clock.move(running.hub, datetime(2017, 1, 31, 12, tzinfo=UTC))
        yield running


def _available(client: RawClient, member: str) -> int:
    return int(client.call("GET", f"/v1/members/{member}").json["available"])


def _outcomes(answers: list[Answer]) -> Counter[str]:
    """How many redemptions were posted, and why the others were not; all of them signed."""
    assert all(answer.signed for answer in answers)
    return Counter("posted" if answer.status == 200 else answer.code for answer in answers)


def _counted(net: Network, query: str, **values: Any) -> Any:
    with net.hub.database.connect() as connection:
        return connection.execute(text(query), values).scalar_one()


# --- one balance ---


def test_two_redemptions_of_a_whole_balance(net: Network) -> None:
    """At two partners, on points of both, twenty times over: one of the two is posted."""
    first, second = net.join(), net.join()
    for _ in range(20):
        member = net.member()
        earn(first, sale(net.fresh("e"), member))
        earn(second, sale(net.fresh("e"), member))
        calls = [partial(redeem, client, net.fresh("r"), member, 20) for client in (first, second)]
        assert _outcomes(at_once(calls)) == {"posted": 1, "insufficient_points": 1}
        assert _available(first, member) == 0


def test_twenty_redemptions_of_a_whole_balance(net: Network) -> None:
    client, member = net.join(), net.member()
    earn(client, *[sale(net.fresh("e"), member) for _ in range(5)])
    calls = [partial(redeem, client, net.fresh("r"), member, 50) for _ in range(20)]
    assert _outcomes(at_once(calls)) == {"posted": 1, "insufficient_points": 19}
    assert _available(client, member) == 0


def test_twenty_redemptions_for_which_there_is_enough_for_seven(net: Network) -> None:
    client, member = net.join(), net.member()
    earn(client, sale(net.fresh("e"), member, minor=7_900))
    calls = [partial(redeem, client, net.fresh("r"), member, 11) for _ in range(20)]
    assert _outcomes(at_once(calls)) == {"posted": 7, "insufficient_points": 13}
    assert _available(client, member) == 2


@pytest.mark.parametrize("more", [0, 1], ids=["posted", "declined"])
def test_one_id_asked_for_by_many_tills_at_once_has_one_first_answer(net: Network, more: int) -> None:
    """Beside others of the same partner, whose wishes are done all the same."""
    client, member, other = net.join(), net.member(), net.member()
    earn(client, sale(net.fresh("e"), member), sale(net.fresh("e"), other, minor=12_000))
    same = net.fresh("r")
    calls = [partial(redeem, client, same, member, 10 + more) for _ in range(12)]
    calls += [partial(redeem, client, net.fresh("r"), other, 10) for _ in range(12)]
    answers = at_once(calls)
    assert all(one.signed for one in answers)
    assert [one.status for one in answers] == [409 if more else 200] * 12 + [200] * 12
    firsts = [one.json for one in answers[:12] if "duplicate" not in one.json]
    assert len(firsts) == 1
    assert all(one.json in (firsts[0], firsts[0] | {"duplicate": True}) for one in answers[:12])
    assert (_available(client, member), _available(client, other)) == (10 if more else 0, 0)


def test_two_hundred_threads_on_one_member(net: Network) -> None:
    """Earnings and redemptions of three issuers, in lots that they share: every answer is an outcome."""
    clients, member = [net.join(price=(9, 10)) for _ in range(3)], net.member()
    earn(clients[0], sale(net.fresh("e"), member, minor=20_000))
    earned: list[int] = []
    redeemed: list[int] = []

    def caller(number: int) -> None:
        client = clients[number % 3]
        results = earn(client, *[sale(net.fresh("e"), member, minor=300) for _ in range(2)]).json["results"]
        earned.extend(one["points"] for one in results)
        answer = redeem(client, net.fresh("r"), member, 5 + number % 7)
        assert answer.signed
        assert answer.status == 200 or answer.code == "insufficient_points"
        redeemed.append(answer.json["points"] if answer.status == 200 else 0)

    at_once([partial(caller, number) for number in range(200)])
    assert sum(earned) == 200 * 6
    assert _available(clients[0], member) == 200 + sum(earned) - sum(redeemed)
    assert broken_rows(net.hub) == []


# --- one identifier ---


def test_an_identifier_reported_by_many_at_once_becomes_one_member(net: Network) -> None:
    clients, member = [net.join() for _ in range(3)], net.member()
    before = net.rows()["hub.member"]
    calls = [partial(earn, clients[number % 3], sale(net.fresh("e"), member)) for number in range(18)]
    assert {one.json["results"][0]["status"] for one in at_once(calls)} == {"posted"}
    assert net.rows()["hub.member"] == before + 1
    assert _available(clients[0], member) == 180


def test_identifiers_enrolled_crosswise_at_once_become_one_member(net: Network) -> None:
    client = net.join()
    card, phone = net.fresh("card:"), net.fresh("phone:")
    entries = [{"member": card, "identifiers": [phone]}, {"member": phone, "identifiers": [card]}]
    calls = [partial(client.call, "POST", "/v1/members", {"members": [entries[n % 2]]}) for n in range(16)]
    results = [answer.json["results"][0] for answer in at_once(calls)]
    assert {one["status"] for one in results} == {"enrolled"}
    assert sum("duplicate" not in one for one in results) == 1
    earn(client, sale(net.fresh("e"), card), sale(net.fresh("e"), phone))
    assert _available(client, card) == _available(client, phone) == 20


def test_an_identifier_wanted_by_two_members_goes_to_one(net: Network) -> None:
    client = net.join()
    members, wanted = [net.member() for _ in range(8)], net.fresh("email:")
    client.call("POST", "/v1/members", {"members": [{"member": one} for one in members]})
    calls = [
        partial(client.call, "POST", "/v1/members", {"members": [{"member": one, "identifiers": [wanted]}]})
        for one in members
    ]
    results = [answer.json["results"][0] for answer in at_once(calls)]
    assert Counter(one.get("error", {}).get("code", one["status"]) for one in results) == {
        "enrolled": 1,
        "identifier_taken": 7,
    }


# --- the end of a day and the close of a month ---


def test_points_are_redeemed_or_expire_and_never_both(own: Network) -> None:
    """The end of the day runs three times at once, amid redemptions of the very lots that it expires."""
    client, other = own.join(life_months=0), own.join(life_months=0)
    members = [own.member() for _ in range(24)]
    earn(client, *[sale(own.fresh("e"), member, minor=6_000) for member in members])
    earn(other, *[sale(own.fresh("e"), member, minor=4_000) for member in members])
    redemptions: list[Callable[[], Any]] = [partial(redeem, client, own.fresh("r"), one, 70) for one in members]
    runs: list[Callable[[], Any]] = [partial(end_of_day.run, own.hub, LAST_DAY) for _ in range(3)]
    outcomes = at_once(redemptions[:12] + runs + redemptions[12:])
    expired = sum(outcomes[12:15])
    posted = _outcomes(outcomes[:12] + outcomes[15:])["posted"]
    assert expired + 70 * posted == 24 * 100
    assert {_available(client, member) for member in members} == {0}
    assert end_of_day.run(own.hub, LAST_DAY) == 0
    assert broken_rows(own.hub) == []


def test_a_month_is_closed_once_and_every_obligation_is_in_one_cycle(own: Network) -> None:
    """Four operators close January at once while redemptions go on; what is late for it is in February."""
    issuer, redeemer = own.join(), own.join(price=(9, 10))
    members = [own.member() for _ in range(6)]
    earn(issuer, *[sale(own.fresh("e"), member, minor=100_000) for member in members])
    redeem(redeemer, own.fresh("r"), members[0], 10)
    closed: list[str] = []
    refusals: list[SettlementRefused] = []

    def close(author: str) -> None:
        try:
            cycles.close(own.hub, "2017-01", author)
        except SettlementRefused as refused:
            refusals.append(refused)
        else:
            closed.append(author)

    def shop(member: str) -> None:
        for _ in range(12):
            assert redeem(redeemer, own.fresh("r"), member, 7).status == 200

    at_once(
        [partial(shop, member) for member in members] + [partial(close, f"operator {number}") for number in range(4)]
    )
    assert len(closed) == 1
    assert ["2017-01" in str(one) and not one.findings for one in refusals] == [True] * 3
    digest = cycles.show(own.hub, "2017-01")["proposal"]["digest"]
    cycles.publish(own.hub, "2017-01", digest, "second operator")
    business_clock.move(own.hub, datetime(2017, 3, 1, tzinfo=UTC))
    cycles.close_and_publish(own.hub, "2017-02", "operator", "second operator")
    months = [cycles.show(own.hub, cycle) for cycle in ("2017-01", "2017-02")]
    assert [move["author"] for move in months[0]["moves"]] == [closed[0], closed[0], "second operator"]
    lines = _counted(own, "SELECT count(*) FROM settlement.obligation")
    minor = _counted(own, "SELECT sum(amount_minor) FROM settlement.obligation")
    positions = [position for month in months for position in month["positions"]]
    assert sum(position["lines"] for position in positions) == lines
    assert sum(position["amount_minor"] for position in positions) == minor
    ours = [one for one in positions if one["issuer"] == issuer.partner]
    assert sum(one["points"] for one in ours) == 10 + 6 * 12 * 7
    assert [cycles.audit(own.hub, cycle) for cycle in ("2017-01", "2017-02")] == [[], []]
    assert broken_rows(own.hub) == []
