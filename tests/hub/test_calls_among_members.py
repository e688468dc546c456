"""Careless and hostile calls for what members do among themselves: the right code, nothing half done, one effect an id.

Transfers, pools, merges and their undoing, as partners ask for them; what they do when all is well is shown in
`test_gifts.py`, `test_pools.py` and `test_merges.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest

from hub.services import business_clock
from hub.store import configuration
from partner_sdk import Client
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE
from partner_sdk.wire.schemas import ProblemSchema, validate
from tests.support import network
from tests.support.coalition import FIRST_DAY, NOON
from tests.support.network import Network, broken_rows, earn, redeem, sale
from tests.support.raw import Answer, RawClient
from tests.support.sdk import business_time, client_of
from tests.support.threads import at_once

Body = dict[str, Any]
TERMS = {"merges": True, "refunds": "debt"}


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its last tests limit what members may give."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert broken_rows(running.hub) == []


@pytest.fixture(scope="module")
def desk(own: Network) -> RawClient:
    """A partner that may merge, and lets members owe."""
    return own.join(terms=TERMS)


def taken(answer: Answer) -> Body:
    """What was answered to a call that must be taken."""
    assert (answer.status, answer.signed) == (200, True), answer.body
    return dict(answer.json)


def refused(answer: Answer, code: str) -> None:
    assert (answer.status, answer.code) == (CODES[code].status, code), answer.body
    assert answer.signed
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    validate(ProblemSchema, answer.json)


def with_points(own: Network, client: RawClient, points: int) -> str:
    """A new member with so many points of the caller's."""
    member = own.member()
    sold = taken(earn(client, sale(own.fresh("e"), member, 100 * points)))
    assert sold["results"][0]["points"] == points
    return member


def in_debt(own: Network, client: RawClient) -> str:
    """A new member who owes the caller 10 points."""
    member, event_id = own.member(), own.fresh("e")
    taken(earn(client, sale(event_id, member, 1_000)))
    taken(redeem(client, own.fresh("r"), member, 10))
    back = {"event_id": own.fresh("f"), "refunds": event_id, "occurred_at": "2017-01-10T09:00:00Z"}
    assert taken(client.call("POST", "/v1/refunds", {"refunds": [back]}))["results"][0]["owed"] == 10
    return member


def accounts(client: RawClient, *members: str) -> list[Body]:
    return [taken(client.call("GET", f"/v1/members/{member}")) for member in members]


def transfer(client: RawClient, transfer_id: str, member: str, to: str, points: int, **more: Any) -> Answer:
    asked = {"transfer_id": transfer_id, "member": member, "to": to, "points": points, **more}
    return client.call("POST", "/v1/transfers", asked)


def pool(client: RawClient, event_id: str, pool_id: str, *members: str) -> Answer:
    joining = [{"member": member, "share": 1, "may_spend": True} for member in members]
    return client.call("POST", "/v1/pools", {"event_id": event_id, "pool_id": pool_id, "members": joining})


def merge(client: RawClient, event_id: str, member: str, into: str, reason: str = "one person") -> Answer:
    asked = {"event_id": event_id, "member": member, "into": into, "reason": reason}
    return client.call("POST", "/v1/merges", asked)


def undo(client: RawClient, event_id: str) -> Answer:
    return client.call("POST", f"/v1/merges/{event_id}/undo")


# --- what is refused ---


class Cast(NamedTuple):
    """Who asks, and about whom: members by their part, ids of events by what they name."""

    own: Network
    desk: RawClient
    other: RawClient
    plain: RawClient
    rich: str
    poor: str
    debtor: str
    gone: str
    """Merged into ``rich``."""
    pooled: str
    sale: str
    gift: str
    merge: str
    inner: str
    """A merge whose survivor was merged later."""

    @property
    def new(self) -> str:
        """An id that nobody has used."""
        return self.own.fresh("n")


@pytest.fixture(scope="module")
def cast(own: Network, desk: RawClient) -> Cast:
    names = {name: own.fresh(name[0]) for name in ("sale", "gift", "merge", "inner")}
    rich, poor, gone, pooled = (with_points(own, desk, points) for points in (100, 3, 20, 40))
    taken(earn(desk, sale(names["sale"], poor, 100)))
    taken(transfer(desk, names["gift"], rich, poor, 5))
    taken(merge(desk, names["merge"], gone, rich))
    taken(pool(desk, own.fresh("p"), "home", pooled))
    first, second, third = (with_points(own, desk, points) for points in (1, 2, 3))
    taken(merge(desk, names["inner"], first, second))
    taken(merge(desk, own.fresh("m"), second, third))
    return Cast(
        own, desk, own.join(terms=TERMS), own.client("grocer"), rich, poor, in_debt(own, desk), gone, pooled, **names
    )


REFUSED: dict[str, tuple[str, Callable[[Cast], Answer]]] = {
    # transfers
    "a gift of nobody": ("unknown_member", lambda c: transfer(c.desk, c.new, c.own.member(), c.rich, 1)),
    "a gift to nobody": ("unknown_member", lambda c: transfer(c.desk, c.new, c.rich, c.own.member(), 1)),
    "a gift to oneself": ("same_member", lambda c: transfer(c.desk, c.new, c.rich, c.rich, 1)),
    "a gift to whom one has become": ("same_member", lambda c: transfer(c.desk, c.new, c.gone, c.rich, 1)),
    "a donation to no charity": (
        "not_a_charity", lambda c: transfer(c.desk, c.new, c.rich, c.poor, 1, kind="donation")
    ),
    "a gift of more than there is": ("insufficient_points", lambda c: transfer(c.desk, c.new, c.poor, c.rich, 10)),
    "a gift of a debtor": ("member_in_debt", lambda c: transfer(c.desk, c.new, c.debtor, c.rich, 1)),
    "a gift under the id of a sale": ("event_conflict", lambda c: transfer(c.desk, c.sale, c.rich, c.poor, 5)),
    "another gift under its id": ("event_conflict", lambda c: transfer(c.desk, c.gift, c.rich, c.poor, 6)),
    "a gift the other way round": ("event_conflict", lambda c: transfer(c.desk, c.gift, c.poor, c.rich, 5)),
    "a gift of another kind": ("event_conflict", lambda c: transfer(c.desk, c.gift, c.rich, c.poor, 5, kind="gift")),
    # pools
    "a pool of nobody": ("unknown_member", lambda c: pool(c.desk, c.new, c.new, c.rich, c.own.member())),
    "a pool of one twice": ("same_member", lambda c: pool(c.desk, c.new, c.new, c.poor, c.poor)),
    "a pool of one under two cards": ("same_member", lambda c: pool(c.desk, c.new, c.new, c.gone, c.rich)),
    "a pool of whom another has": ("in_another_pool", lambda c: pool(c.desk, c.new, c.new, c.poor, c.pooled)),
    "a pool of another's member": ("in_another_pool", lambda c: pool(c.other, c.new, "home", c.pooled)),
    "a pool under the id of a sale": ("event_conflict", lambda c: pool(c.desk, c.sale, "home", c.pooled)),
    "a pool under the id of a gift": ("event_conflict", lambda c: pool(c.desk, c.gift, "home")),
    # merges
    "a merge by who may not": ("not_allowed", lambda c: merge(c.plain, c.new, c.poor, c.rich)),
    "a merge of nobody": ("unknown_member", lambda c: merge(c.desk, c.new, c.own.member(), c.rich)),
    "a merge into nobody": ("unknown_member", lambda c: merge(c.desk, c.new, c.rich, c.own.member())),
    "a merge into oneself": ("same_member", lambda c: merge(c.desk, c.new, c.poor, c.poor)),
    "a merge in a circle": ("same_member", lambda c: merge(c.desk, c.new, c.rich, c.gone)),
    "a second merge": ("already_merged", lambda c: merge(c.desk, c.new, c.gone, c.poor)),
    "a merge under the id of a sale": ("event_conflict", lambda c: merge(c.desk, c.sale, c.poor, c.rich)),
    "a merge the other way round": ("event_conflict", lambda c: merge(c.desk, c.merge, c.rich, c.gone)),
    "a merge for another reason": ("event_conflict", lambda c: merge(c.desk, c.merge, c.gone, c.rich, "another")),
    # merges undone
    "an undoing by who may not": ("not_allowed", lambda c: undo(c.plain, c.merge)),
    "an undoing of nothing": ("unknown_event", lambda c: undo(c.desk, c.new)),
    "an undoing of a sale": ("unknown_event", lambda c: undo(c.desk, c.sale)),
    "an undoing of a gift": ("unknown_event", lambda c: undo(c.desk, c.gift)),
    "an undoing of another's merge": ("unknown_event", lambda c: undo(c.other, c.merge)),
    "an undoing of what was merged since": ("merged_since", lambda c: undo(c.desk, c.inner)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_and_nothing_of_it_done(cast: Cast, name: str) -> None:
    """Twice, for a refusal is not recorded: the same id gets the same refusal."""
    code, attempt = REFUSED[name]
    members = (cast.rich, cast.poor, cast.debtor, cast.gone, cast.pooled)
    before = (cast.own.rows(), accounts(cast.desk, *members))
    for _ in range(2):
        refused(attempt(cast), code)
    assert (cast.own.rows(), accounts(cast.desk, *members)) == before


NO_IDS = {
    "none": "unknown_event",
    "%00": "unknown_event",
    "a%00b": "unknown_event",
    "%ff": "unknown_event",
    "%ed%a0%80": "unknown_event",
    "a%20b": "unknown_event",
    "%25": "unknown_event",
    "'--": "unknown_event",
    "..": "unknown_event",
    "%2E%2E": "unknown_event",
    "...": "unknown_event",
    "x" * 101: "unknown_event",
    "x" * 20_000: "header_too_large",
    "": "not_found",
    "a/b": "not_found",
    "a%2Fb": "not_found",
    "none%2Fundo": "not_found",
}
ABOUT = (
    ("/v1/merges/", "/undo"),
    ("/v1/redemptions/", "/capture"),
    ("/v1/redemptions/", "/void"),
    ("/v1/redemptions/", "/reverse"),
    ("/v1/earnings/", "/confirm"),
)


@pytest.mark.parametrize("name", NO_IDS, ids=lambda name: name[:20])
def test_what_is_no_id_is_no_event(own: Network, desk: RawClient, name: str) -> None:
    before = own.rows()
    for start, end in ABOUT:
        refused(desk.call("POST", f"{start}{name}{end}"), NO_IDS[name])
    assert own.rows() == before


@pytest.mark.parametrize("name", [".", "..", "...", "a:b", "~a.b_c-d"])
def test_each_id_that_a_merge_may_have_can_be_undone(own: Network, name: str) -> None:
    desk = own.join(terms=TERMS)
    one, other = with_points(own, desk, 3), with_points(own, desk, 4)
    with client_of(own, desk.partner) as client:
        assert client.merge(name, one, other, "one person").event_id == name
        assert client.undo_merge(name).points == 3


# --- an id is the caller's own, and has one effect ---


def without_flag(answer: Body) -> Body:
    return {name: value for name, value in answer.items() if name != "duplicate"}


Calls = list[Callable[[RawClient], Answer]]


def story(own: Network, desk: RawClient) -> tuple[list[str], Calls]:
    """Three members, and calls that follow each other, each with an id of its own."""
    one, two, three = members = [with_points(own, desk, points) for points in (50, 60, 70)]
    gift, made, dissolved, merged = (own.fresh("s") for _ in range(4))
    return members, [
        lambda client: transfer(client, gift, one, two, 20),
        lambda client: pool(client, made, "house", two, three),
        lambda client: pool(client, dissolved, "house"),
        lambda client: merge(client, merged, one, three),
        lambda client: undo(client, merged),
    ]


def test_a_replay_gets_the_first_answer_whatever_has_happened_since(own: Network, desk: RawClient) -> None:
    members, calls = story(own, desk)
    first = [taken(call(desk)) for call in calls]
    before = (own.rows(), accounts(desk, *members))
    again = [taken(call(desk)) for call in calls]
    assert again == [one | {"duplicate": True} for one in first]
    assert (own.rows(), accounts(desk, *members)) == before
    assert broken_rows(own.hub) == []


def test_an_id_of_one_partner_is_none_of_another(own: Network, desk: RawClient) -> None:
    """Each does it once under the same ids, and neither finds the other's merge."""
    other = own.join(terms=TERMS)
    for client in (desk, other):
        members, calls = story(own, client)
        assert all("duplicate" not in taken(call(client)) for call in calls)
        assert [one["available"] for one in accounts(client, *members)] == [30, 80, 70]
    _, ours = story(own, desk)
    for call in ours[:4]:
        taken(call(desk))
    refused(ours[4](other), "unknown_event")


def test_the_same_call_many_times_at_once_has_one_effect(own: Network, desk: RawClient) -> None:
    members, calls = story(own, desk)
    for call in calls:
        answers = [taken(one) for one in at_once([partial(call, desk)] * 10)]
        assert len({str(sorted(without_flag(one).items())) for one in answers}) == 1
        assert sum("duplicate" not in one for one in answers) == 1
    assert [one["available"] for one in accounts(desk, *members)] == [30, 80, 70]
    assert broken_rows(own.hub) == []


def test_one_id_for_a_gift_a_pool_and_a_merge_at_once(own: Network, desk: RawClient) -> None:
    """One comes first, and the others conflict with it; where the two were merged, there is no pool of them either."""
    for _ in range(5):
        name, one, two = own.fresh("x"), with_points(own, desk, 10), with_points(own, desk, 10)
        calls = [
            partial(transfer, desk, name, one, two, 4),
            partial(pool, desk, name, name, one, two),
            partial(merge, desk, name, one, two),
        ]
        answers = at_once(calls)
        assert sorted(one.status for one in answers) == [200, 409, 409], [one.body for one in answers]
        assert {one.code for one in answers if one.status == 409} <= {"event_conflict", "same_member"}
        assert sum(one["available"] for one in accounts(desk, one, two)) in {20, 40}
    assert broken_rows(own.hub) == []


def test_two_members_merged_into_each_other_at_once_become_one(own: Network, desk: RawClient) -> None:
    for _ in range(5):
        one, two = with_points(own, desk, 10), with_points(own, desk, 7)
        calls = [partial(merge, desk, own.fresh("m"), *pair) for pair in ((one, two), (two, one))]
        answers = at_once(calls)
        assert sorted(one.status for one in answers) == [200, 409], [one.body for one in answers]
        [loser] = [one for one in answers if one.status == 409]
        assert loser.code in {"same_member", "already_merged"}
        assert [one["available"] for one in accounts(desk, one, two)] == [17, 17]
    assert broken_rows(own.hub) == []


# --- limits; they are the scheme's and hold for all, and the clock moves, so these come last ---


@pytest.fixture
def limited(own: Network) -> Iterator[Client]:
    """A partner's client, while one member may give 50 points at once, 80 a day and 100 a year."""
    terms = {"limits": {"per_transaction": 50, "per_day": 80, "per_year": 100}}
    own.hub.database.transact(lambda c: configuration.add_scheme(c, FIRST_DAY, terms, NOON))
    with client_of(own, own.join(terms=TERMS).partner) as client:
        yield client
    own.hub.database.transact(lambda c: configuration.add_scheme(c, FIRST_DAY, {}, NOON))


def test_what_one_member_may_give_is_limited_at_once_by_the_day_and_by_the_year(own: Network, limited: Client) -> None:
    raw = own.client(limited.partner_id)
    giver, taker = with_points(own, raw, 500), with_points(own, raw, 1)

    def give(points: int, of: str = giver) -> str:
        answer = transfer(raw, own.fresh("t"), of, taker, points)
        return answer.code if answer.status == 409 else str(taken(answer)["status"])

    assert [give(points) for points in (51, 50, 31, 30, 1)] == [
        "limit_exceeded", "posted", "limit_exceeded", "posted", "limit_exceeded"
    ]  # fmt: skip
    business_clock.move(own.hub, business_time(own) + timedelta(days=1))
    assert [give(points) for points in (21, 20, 1)] == ["limit_exceeded", "posted", "limit_exceeded"]
    assert limited.member(giver).available == 400
    other = with_points(own, raw, 100)
    limited.merge(own.fresh("m"), giver, other, "to give more")
    assert give(1, of=other) == "limit_exceeded"
    business_clock.move(own.hub, NOON.replace(year=2018, month=1, day=1))
    assert give(1, of=other) == "insufficient_points"


def test_members_who_give_at_once_do_not_pass_a_limit(own: Network, limited: Client) -> None:
    raw = own.client(limited.partner_id)
    giver, taker = own.member(), own.member()
    for member in (giver, taker):
        taken(earn(raw, sale(own.fresh("e"), member, 50_000) | {"occurred_at": business_time(own).isoformat()}))
    answers = at_once([partial(transfer, raw, own.fresh("t"), giver, taker, 20) for _ in range(8)])
    assert sorted(one.status for one in answers) == [200] * 4 + [409] * 4
    assert {one.code for one in answers if one.status == 409} == {"limit_exceeded"}
    assert limited.member(giver).available == 420
