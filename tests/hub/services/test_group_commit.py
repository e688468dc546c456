"""Group commit: reports that wait together are answered as if they had come one after another."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from hub.core.errors import Refused
from hub.services import business_clock, partners, redemptions
from hub.services.context import Hub
from hub.services.earnings import OfPartner, Report, post_for_all
from hub.services.group_commit import MOST_TOGETHER, Answer, Waiting, redeem
from tests.support import agreements, services
from tests.support.coalition import FIRST_DAY, NOON, Coalition, join
from tests.support.groups import Group, available, document, wish
from tests.support.network import broken_rows, sale
from tests.support.services import evidence
from tests.support.threads import at_once


@pytest.fixture
def group(built: Coalition) -> Group:
    return Group(built.hub)


def told(answer: Answer | None) -> list[tuple[Any, ...]]:
    return [(one["status"], one["points"], one.get("duplicate", False)) for one in document(answer)["results"]]


def test_reports_of_several_partners_are_all_posted(group: Group) -> None:
    reports = [
        group.waiting(f"{partner}-{n}", partner, sale(f"e{n}", f"card:{n}", minor=1_000))
        for n in range(MOST_TOGETHER)
        for partner in ("grocer", "fuel")
    ]
    answers = group.post(*reports)
    assert all(told(answers[f"grocer-{n}"]) == [("posted", 10, False)] for n in range(MOST_TOGETHER))
    assert all(told(answers[f"fuel-{n}"]) == [("posted", 5, False)] for n in range(MOST_TOGETHER))


def test_an_event_that_two_reports_share_has_one_effect(group: Group) -> None:
    """Whether they meet in one group or not, one is first and the other a duplicate or a conflict."""
    same, other = sale("e", "card:1", minor=1_000), sale("e", "card:1", minor=2_000)
    answers = group.post(*(group.waiting(ticket, "grocer", one) for ticket, one in (("a", same), ("b", same))))
    assert sorted(map(told, answers.values())) == [[("posted", 10, False)], [("posted", 10, True)]]
    conflict = group.post(group.waiting("c", "grocer", other))["c"]
    assert document(conflict)["results"][0]["error"]["code"] == "event_conflict"


def test_a_refused_event_does_not_disturb_the_others(group: Group) -> None:
    """pharmacy's reports enrol nobody, so its sale to a stranger is rejected, and the other posted."""
    group.post(group.waiting("enrol", "grocer", sale("e0", "card:known", minor=0)))
    answers = group.post(
        group.waiting("a", "pharmacy", sale("e1", "card:stranger")),
        group.waiting("b", "pharmacy", sale("e2", "card:known", minor=1_000)),
    )
    assert told(answers["a"])[0][0] == "rejected"
    assert told(answers["b"]) == [("posted", 20, False)]


def test_a_caller_known_under_an_older_configuration_is_handed_back(group: Group) -> None:
    """Since the caller was believed its partner was suspended: nothing is posted on the old belief."""
    believed = group.waiting("a", "grocer", sale("e", "card:1"))
    partners.set_status(group.hub, "grocer", "suspended")
    assert group.post(believed) == {"a": None}
    with group.hub.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hub.event").scalar_one() == 0


def test_a_group_that_fails_is_handed_back_and_the_next_is_posted(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away and comes back; the writing thread survives both a known and an unknown failure."""
    reports = [group.waiting(str(n), "grocer", sale(f"e{n}", "card:1", minor=1_000)) for n in range(3)]
    with monkeypatch.context() as broken:
        broken.setattr(group.hub, "database", None)
        assert group.post(reports[0]) == {"0": None}
    with group.hub.database.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE hub.lot RENAME TO elsewhere")
        assert group.post(reports[1]) == {"1": None}
        connection.exec_driver_sql("ALTER TABLE hub.elsewhere RENAME TO lot")
    assert told(group.post(reports[2])["2"]) == [("posted", 10, False)]


def test_a_revoked_key_holds_back_its_group_and_nothing_is_posted(group: Group) -> None:
    """The key is revoked by the database's own word, as between the reading of the configuration and the posting."""
    honest = group.waiting("a", "fuel", sale("e1", "card:1", minor=1_000))
    late = group.waiting("b", "grocer", sale("e2", "card:1", minor=1_000))
    keyid = late.caller.key.keyid
    late = late._replace(caller=late.caller._replace(evidence=late.caller.evidence._replace(keyid=keyid)))
    with group.hub.database.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE hub.partner_key SET state = 'revoked', revoked_since = '2016-01-01' WHERE keyid = %s", (keyid,)
        )
    with group.hub.database.connect() as connection:
        moment = group.hub.moment(connection)
        waiting = [
            OfPartner(one.caller.partner, [Report(one.caller.evidence, one.asked["earnings"])])
            for one in (honest, late)
        ]
        with pytest.raises(Refused, match="revoked"):
            post_for_all(group.hub, connection, moment, waiting)
        assert connection.exec_driver_sql("SELECT count(*) FROM hub.event").scalar_one() == 0
    assert told(group.post(honest)["a"]) == [("posted", 5, False)]


def test_partners_whose_rates_count_are_posted_beside_the_others(group: Group) -> None:
    cap = {"name": "bought", "minor": 1_500, "period": "year", "then": 0}
    capped = {"rule": "category", "points": 1, "per_minor": 100, "other_than": [], "cap": cap}
    partners.set_rate(group.hub, "grocer", "earning", FIRST_DAY, "USD", [capped])
    reports = [
        group.waiting(f"{partner}-{n}", partner, sale(f"e{n}", "card:1", minor=1_000))
        for n in range(3)
        for partner in ("grocer", "fuel")
    ]
    answers = group.post(*reports)
    assert [told(answers[f"fuel-{n}"]) for n in range(3)] == [[("posted", 5, False)]] * 3
    assert sorted(told(answers[f"grocer-{n}"])[0][1] for n in range(3)) == [0, 5, 10]


def test_partners_that_pay_at_issue_are_posted_with_the_others(built: Coalition) -> None:
    agreements.agree(built.hub, "grocer", agreements.ON_ISSUE, NOON.date())
    group = Group(built.hub)
    results = at_issue(group, "grocer", "fuel", "grocer")
    assert [(one["status"], one["points"]) for partner in results.values() for [one] in partner or []] == [
        ("posted", 10), ("posted", 10), ("posted", 5),
    ]  # fmt: skip
    with built.hub.database.connect() as connection:
        query = "SELECT count(DISTINCT tx) FROM hub.event WHERE event_id <> 'enrol'"
        assert connection.exec_driver_sql(query).scalar_one() == 1
        owed = "SELECT event_id, redeemer, amount_minor FROM settlement.obligation ORDER BY event_id"
        assert [tuple(row) for row in connection.exec_driver_sql(owed)] == [("e0", "@fund", 9), ("e2", "@fund", 9)]
    again = at_issue(group, "grocer", "fuel", "grocer", "grocer")
    flags = [[one.get("duplicate", False) for [one] in partner or []] for partner in again.values()]
    assert flags == [[True, True, False], [True]]
    with built.hub.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM settlement.obligation").scalar_one() == 3
    assert broken_rows(built.hub) == []


def test_only_who_may_owe_no_more_at_issue_is_posted_alone(built: Coalition) -> None:
    """grocer may owe 9: one of its two sales is too much, and which one is for each alone to say."""
    credit = {"form": "postpaid", "limit_minor": 9, "alert_minor": 9}
    agreements.agree(built.hub, "grocer", agreements.ON_ISSUE | {"credit": credit}, NOON.date())
    group = Group(built.hub)
    results = at_issue(group, "grocer", "fuel", "pharmacy", "grocer")
    assert results["grocer"] is None
    assert [one["status"] for partner in ("fuel", "pharmacy") for [one] in results[partner] or []] == ["posted"] * 2
    alone = [services.post(built.hub, "grocer", sale(name, "card:1", minor=1_000))[0] for name in ("e0", "e3")]
    assert [(one["status"], one.get("error", {}).get("code")) for one in alone] == [
        ("posted", None), ("rejected", "credit_limit_reached"),
    ]  # fmt: skip
    assert broken_rows(built.hub) == []


def at_issue(group: Group, *reporters: str) -> dict[str, list[list[dict[str, Any]]] | None]:
    """Let partners report a sale each at the same moment; return the results of each partner's requests."""
    services.post(group.hub, "fuel", sale("enrol", "card:1", minor=0))
    waiting = [
        (one, group.waiting("", one, sale(f"e{n}", "card:1", minor=1_000)).asked["earnings"])
        for n, one in enumerate(reporters)
    ]
    of_partners = [
        OfPartner(
            services.partner(group.hub, name), [Report(evidence(), sales) for one, sales in waiting if one == name]
        )
        for name in dict.fromkeys(reporters)
    ]
    with group.hub.database.connect() as connection:
        found = post_for_all(group.hub, connection, group.hub.moment(connection), of_partners)
    return dict(zip(dict.fromkeys(reporters), found, strict=True))


def test_groups_of_many_partners_at_the_same_moment_wait_for_no_one_in_circles(group: Group) -> None:
    others = Group(group.hub)
    reports = [
        [
            group.waiting(f"{side}-{n}", partner, sale(f"{side}-{n}", f"card:{n % 3}", minor=1_000))
            for n, partner in enumerate(("grocer", "fuel", "pharmacy") * 40)
        ]
        for side in ("left", "right")
    ]
    group.post(group.waiting("enrol", "grocer", *(sale(f"e{n}", f"card:{n}", minor=0) for n in range(3))))
    both = at_once([partial(group.post, *reports[0]), partial(others.post, *reports[1][::-1])])
    assert all(told(results) for answers in both for results in answers.values())
    assert broken_rows(group.hub) == []


# --- redemptions ---


@pytest.fixture
def redeeming(built: Coalition) -> Group:
    """Three members with 100 points of grocer's and 50 of fuel's each."""
    return _with_points(built.hub)


def _with_points(hub: Hub) -> Group:
    group = Group(hub)
    for partner in ("grocer", "fuel"):
        group.post(group.waiting("e", partner, *(sale(f"e{n}", f"card:{n}", minor=10_000) for n in range(3))))
    return Group(hub, redeem)


def test_wishes_of_many_partners_and_members_are_done_as_if_one_after_another(redeeming: Group) -> None:
    wishes = [
        wish(redeeming, "a", "grocer", "card:0", 120),
        wish(redeeming, "b", "fuel", "card:1", 10),
        wish(redeeming, "c", "grocer", "card:0", 30),
        wish(redeeming, "d", "fuel", "card:0", 1),
        wish(redeeming, "e", "pharmacy", "card:2", 20, hold=60),
        wish(redeeming, "f", "fuel", "card:9", 1),
    ]
    answers = redeeming.post(*wishes)
    refused = {ticket: answer.code for ticket, answer in answers.items() if isinstance(answer, Refused)}
    assert refused == {"d": "insufficient_points", "f": "unknown_member"}
    assert [available(redeeming, f"card:{n}") for n in range(3)] == [0, 140, 130]
    for one in wishes[:-1]:
        assert again_alone(redeeming, one) == said(answers[one.ticket]) | {"duplicate": True}
    assert again_alone(redeeming, wishes[-1]) == said(answers["f"])
    assert broken_rows(redeeming.hub) == []


def again_alone(group: Group, one: Waiting) -> dict[str, Any]:
    """What the usual way says of a wish that was done before."""
    try:
        return said(redemptions.redeem(group.hub, one.caller.partner, evidence(), one.asked))
    except Refused as refused:
        return said(refused)


def said(answer: Answer | None) -> dict[str, Any]:
    assert answer is not None
    return {"code": answer.code, **answer.members} if isinstance(answer, Refused) else answer


@pytest.mark.parametrize("more", [{}, {"hold": 60}], ids=["redemption", "hold"])
def test_a_wish_for_too_many_points_is_declined_in_a_group_as_it_is_alone(
    redeeming: Group, more: dict[str, int]
) -> None:
    """The group sees what the wish before it left; what is recorded is the same, its evidence included."""
    moment = redeeming.caller("fuel").moment
    group = [
        wish(redeeming, "first", "fuel", "card:0", 100),
        wish(redeeming, "grouped", "fuel", "card:0", 51, **more),
        wish(redeeming, "other", "fuel", "card:0", 50),
        wish(redeeming, "before", "fuel", "card:1", 100),
    ]
    with redeeming.hub.database.connect() as connection:
        first, grouped, other, _ = redeem(redeeming.hub, connection, moment, group)
    assert (document(first)["points"], document(other)["points"]) == (100, 50)
    assert said(grouped) == {"code": "insufficient_points", "redemption_id": "grouped"}
    with pytest.raises(Refused, match="too few"):
        services.redeem(redeeming.hub, "fuel", "alone", "card:1", 51, **more)
    recorded = [
        _recorded(redeeming, one) | {"member_id": None, "event_id": None, "content": None, "evidence_id": None}
        for one in ("grouped", "alone")
    ]
    assert recorded[0] == recorded[1]
    assert recorded[0]["details"] == {"available": 50}
    with redeeming.hub.database.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT count(*) FROM hub.event JOIN hub.evidence USING (partner_id, evidence_id)"
            " WHERE event_id = 'grouped'"
        )
        assert kept.scalar_one() == 1
    assert broken_rows(redeeming.hub) == []


def _recorded(group: Group, event_id: str) -> dict[str, Any]:
    with group.hub.database.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM hub.event WHERE event_id = %s", (event_id,)).mappings().one()
    changing = {"posted_at", "occurred_at", "tx"}
    return {name: value for name, value in row.items() if name not in changing}


def test_ids_that_were_used_are_tried_alone_and_the_rest_of_their_group_is_done(redeeming: Group) -> None:
    used = [wish(redeeming, "a", "fuel", "card:0", 5), wish(redeeming, "b", "fuel", "card:0", 1_000)]
    assert None not in redeeming.post(*used).values()
    moment = redeeming.caller("fuel").moment
    group = [
        used[0],
        wish(redeeming, "c", "fuel", "card:0", 145),
        wish(redeeming, "a", "grocer", "card:1", 5),
        used[1],
    ]
    with redeeming.hub.database.connect() as connection:
        first, second, third, fourth = redeem(redeeming.hub, connection, moment, group)
        assert redeem(redeeming.hub, connection, moment, used) == [None, None]
    assert (first, fourth) == (None, None)
    assert (document(second)["points"], document(third)["points"]) == (145, 5)
    assert [available(redeeming, f"card:{n}") for n in range(2)] == [0, 145]
    assert broken_rows(redeeming.hub) == []


def test_a_group_that_is_not_done_in_so_many_tries_is_left_to_each_alone(
    redeeming: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = wish(redeeming, "a", "fuel", "card:0", 5)
    assert redeeming.post(used)["a"] is not None
    monkeypatch.setattr("hub.services.redemption_groups.TRIES", 1)
    moment = redeeming.caller("fuel").moment
    with redeeming.hub.database.connect() as connection:
        group = [used, wish(redeeming, "b", "fuel", "card:1", 5), wish(redeeming, "c", "fuel", "card:9", 5)]
        first, second, third = redeem(redeeming.hub, connection, moment, group)
    assert (first, second) == (None, None)
    assert said(third) == {"code": "unknown_member"}
    assert available(redeeming, "card:1") == 150


def test_only_points_of_who_may_owe_no_more_are_tried_alone(built: Coalition) -> None:
    """fuel may owe others 20: what takes its points at grocer is apart; what it redeems itself is not."""
    credit = {"form": "postpaid", "limit_minor": 20, "alert_minor": 20}
    agreements.agree(built.hub, "fuel", {"currency": "USD", "credit": credit}, NOON.date())
    redeeming = _with_points(built.hub)
    moment = redeeming.caller("fuel").moment
    group = [
        wish(redeeming, "of both", "grocer", "card:0", 130),
        wish(redeeming, "own", "fuel", "card:1", 50),
        wish(redeeming, "of grocer", "fuel", "card:2", 60),
        wish(redeeming, "too many", "grocer", "card:1", 101),
    ]
    with redeeming.hub.database.connect() as connection:
        first, *others = redeem(redeeming.hub, connection, moment, group)
    assert first is None
    assert [said(one)["redemption_id"] for one in others] == ["own", "of grocer", "too many"]
    assert again_alone(redeeming, group[0]) == {"code": "credit_limit_reached"}
    assert broken_rows(redeeming.hub) == []


def test_what_spending_lets_live_on_can_be_spent_by_the_next_of_the_group(built: Coalition) -> None:
    """Points that idleness ended, and that nobody took away yet, are there again for the second of two."""
    join(built.hub, "kiosk", terms={"expiry": {"rule": "inactivity", "days": 5, "counts": "any"}})
    services.earn(built.hub, "kiosk", "e1", "card:1", 1_000)
    services.earn(built.hub, "grocer", "e1", "card:1", 10_000)
    business_clock.move(built.hub, NOON + timedelta(days=6))
    redeeming = Group(built.hub, redeem)
    assert available(redeeming, "card:1") == 100
    group = [wish(redeeming, "a", "fuel", "card:1", 5), wish(redeeming, "b", "fuel", "card:1", 105)]
    with built.hub.database.connect() as connection:
        first, second = redeem(built.hub, connection, redeeming.caller("fuel").moment, group)
    assert document(first)["points"] == 5
    assert second is None
    assert again_alone(redeeming, group[1])["points"] == 105
    assert broken_rows(built.hub) == []


def test_one_id_twice_in_a_group_is_done_once(redeeming: Group) -> None:
    moment = redeeming.caller("fuel").moment
    group = [wish(redeeming, "a", "fuel", "card:0", 5), wish(redeeming, "b", "fuel", "card:0", 5, id="a")]
    with redeeming.hub.database.connect() as connection:
        first, second = redeem(redeeming.hub, connection, moment, group)
    assert document(first)["points"] == 5
    assert second is None
    assert available(redeeming, "card:0") == 145


def test_groups_that_share_members_never_take_more_than_there_is(redeeming: Group) -> None:
    groups = [redeeming, *(Group(redeeming.hub, redeem) for _ in range(3))]
    wishes = [
        [wish(redeeming, f"{side}-{n}", ("grocer", "fuel")[n % 2], f"card:{n % 3}", 10) for n in range(40)]
        for side in range(4)
    ]
    both = at_once([partial(group.post, *own) for group, own in zip(groups, wishes, strict=True)])
    done = sum(isinstance(answer, dict) for answers in both for answer in answers.values())
    assert done == 3 * 15
    assert [available(redeeming, f"card:{n}") for n in range(3)] == [0, 0, 0]
    assert broken_rows(redeeming.hub) == []
