"""Proposals: a second operator approves what he saw, and it is posted exactly once, or declines it for good."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.core.errors import LedgerBroken, Refused
from hub.services import adjustments, business_clock, members, proposals, schemes
from hub.services.context import Hub
from tests.support.coalition import FIRST_DAY, Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, redeem
from tests.support.threads import at_once

ASKED: dict[str, Any] = {
    "adjustment_id": "a1", "member": "card:1", "points": 500, "issuer": "grocer", "class": "correction",
    "reason": "Sale of May was lost", "ticket": "T-1", "author": "alice",
}  # fmt: skip


@pytest.fixture
def hub(built: Coalition) -> Hub:
    """A hub with one member, who has 10 points, and where everything above 100 needs two."""
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    schemes.amend(built.hub, FIRST_DAY, {"approval_above": 100})
    return built.hub


def propose(hub: Hub, **changes: Any) -> str:
    """Propose and return the digest."""
    proposed = adjustments.adjust(hub, ASKED | changes)
    assert proposed["status"] == "proposed"
    return str(proposed["digest"])


def refusal(attempt: Any) -> str:
    with pytest.raises(Refused) as refused:
        attempt()
    return refused.value.code


def available(hub: Hub) -> int:
    return int(members.view(hub, "card:1")["available"])


def test_a_proposal_moves_nothing_and_is_the_first_answer(hub: Hub) -> None:
    first = adjustments.adjust(hub, ASKED)
    assert first["status"] == "proposed"
    assert adjustments.adjust(hub, ASKED) == first | {"duplicate": True}
    assert refusal(lambda: adjustments.adjust(hub, ASKED | {"points": 400})) == "event_conflict"
    # Small enough to be posted at once, but the id is taken.
    assert refusal(lambda: adjustments.adjust(hub, ASKED | {"points": 4})) == "event_conflict"
    assert available(hub) == 10
    assert broken_rows(hub) == []


def test_what_is_shown_is_all_of_it(hub: Hub) -> None:
    digest = propose(hub)
    [listed] = proposals.listing(hub)
    shown = proposals.show(hub, "a1")
    assert shown == listed | {
        "member_has_now": 10,
        "would_give": [{"points": 500, "kind": "base", "expires_on": "2017-07-31"}],
    }
    assert listed == {
        "proposal": "a1", "state": "open", "member": listed["member"], "points": 500, "issuer": "grocer",
        "class": "correction", "reason": "Sale of May was lost", "ticket": "T-1", "author": "alice",
        "proposed_at": "2017-01-10T12:00:00Z", "digest": digest,
    }  # fmt: skip
    assert shown["digest"] == digest


def test_approval_posts_it_and_names_both(hub: Hub) -> None:
    digest = propose(hub)
    done = proposals.approve(hub, "a1", digest.upper(), "bob")
    assert (done["status"], done["points"], done["approver"]) == ("posted", 500, "bob")
    assert available(hub) == 510
    assert proposals.listing(hub) == []
    [decided] = proposals.listing(hub, everything=True)
    assert (decided["state"], decided["decided_by"]) == ("approved", "bob")
    assert adjustments.adjust(hub, ASKED) == done | {"duplicate": True}
    assert broken_rows(hub) == []


def test_the_same_approval_again_is_the_first_answer(hub: Hub) -> None:
    digest = propose(hub)
    first = proposals.approve(hub, "a1", digest, "bob")
    assert proposals.approve(hub, "a1", digest, "bob") == first | {"duplicate": True}
    assert refusal(lambda: proposals.approve(hub, "a1", digest, "carol")) == "proposal_closed"
    assert refusal(lambda: proposals.decline(hub, "a1", "bob", "No")) == "proposal_closed"
    assert available(hub) == 510


def test_nobody_approves_his_own(hub: Hub) -> None:
    digest = propose(hub)
    for name in ("alice", " Alice", "ALICE ", "\uff41lice"):
        assert refusal(lambda name=name: proposals.approve(hub, "a1", digest, name)) == "not_allowed"
    with pytest.raises(IntegrityError, match="proposal_check"), hub.database.connect() as connection:
        connection.execute(
            text("UPDATE hub.proposal SET state = 'approved', decided_by = author, decided_at = proposed_at")
        )
    assert available(hub) == 10


@pytest.mark.parametrize("digest", ["", "0" * 64, "zz"])
def test_another_digest_is_refused(hub: Hub, digest: str) -> None:
    right = propose(hub)
    for wrong in (digest, right[:-1], right + "0"):
        assert refusal(lambda wrong=wrong: proposals.approve(hub, "a1", wrong, "bob")) == "proposal_changed"
    assert available(hub) == 10


@pytest.mark.parametrize(
    "altered",
    ["""content = content || '{"points": 50000}'""", "author = 'bob'", """content = content || '{"member_id": 2}'"""],
)
def test_a_row_altered_by_hand_is_not_posted(hub: Hub, altered: str) -> None:
    digest = propose(hub)
    with hub.database.connect() as connection:
        connection.execute(text(f"UPDATE hub.proposal SET {altered}"))
    with pytest.raises(LedgerBroken, match="digest differs"):
        proposals.approve(hub, "a1", digest, "carol")
    assert available(hub) == 10


def test_an_unknown_proposal_is_refused(hub: Hub) -> None:
    for attempt in (
        lambda: proposals.show(hub, "a1"),
        lambda: proposals.approve(hub, "a1", "0" * 64, "bob"),
        lambda: proposals.decline(hub, "a1", "bob", "No"),
    ):
        assert refusal(attempt) == "unknown_proposal"


def test_a_declined_one_stays_declined(hub: Hub) -> None:
    digest = propose(hub)
    declined = proposals.decline(hub, "a1", "bob", "No receipt")
    assert (declined["state"], declined["decided_by"], declined["decision_reason"]) == ("declined", "bob", "No receipt")
    assert proposals.decline(hub, "a1", "bob", "No receipt") == declined | {"duplicate": True}
    assert refusal(lambda: proposals.decline(hub, "a1", "bob", "Other")) == "proposal_closed"
    assert refusal(lambda: proposals.approve(hub, "a1", digest, "carol")) == "proposal_closed"
    assert adjustments.adjust(hub, ASKED)["status"] == "declined"
    assert available(hub) == 10


def test_whoever_proposed_it_may_take_it_back(hub: Hub) -> None:
    propose(hub)
    assert proposals.decline(hub, "a1", "alice", "Wrong member")["state"] == "declined"


@pytest.mark.parametrize("words", [("", "No"), ("bob", " "), ("bob", "a\nb")])
def test_who_and_why_are_said(hub: Hub, words: tuple[str, str]) -> None:
    propose(hub)
    assert refusal(lambda: proposals.decline(hub, "a1", *words)) == "invalid_request"


def test_two_approvals_at_once_post_once(hub: Hub) -> None:
    digest = propose(hub)

    def attempt(name: str) -> str:
        try:
            done = proposals.approve(hub, "a1", digest, name)
        except Refused as refused:
            return refused.code
        return "duplicate" if "duplicate" in done else "posted"

    outcomes = Counter(at_once([partial(attempt, name) for name in ("bob", "carol", "bob", "carol", "dave", "bob")]))
    assert outcomes["posted"] == 1
    assert outcomes["posted"] + outcomes["duplicate"] + outcomes["proposal_closed"] == 6
    assert available(hub) == 510
    assert broken_rows(hub) == []


def test_approval_and_refusal_at_once_one_wins(hub: Hub) -> None:
    for number in range(5):
        digest = propose(hub, adjustment_id=f"b{number}")
        before = available(hub)

        def approve(number: int = number, digest: str = digest) -> str:
            return outcome(lambda: proposals.approve(hub, f"b{number}", digest, "bob"))

        def decline(number: int = number) -> str:
            return outcome(lambda: proposals.decline(hub, f"b{number}", "carol", "No"))

        approved, declined = at_once([approve, decline])
        assert sorted([approved, declined]) == ["done", "proposal_closed"]
        assert available(hub) == before + (500 if approved == "done" else 0)


def outcome(attempt: Any) -> str:
    try:
        attempt()
    except Refused as refused:
        return refused.code
    return "done"


def test_what_cannot_be_posted_now_stays_open(hub: Hub) -> None:
    earn(hub, "grocer", "e2", "card:1", 49_000)
    digest = propose(hub, points=-500)
    redeem(hub, "fuel", "r1", "card:1", 1)
    assert "499 free points" in proposals.show(hub, "a1")["would_be_refused"]
    assert refusal(lambda: proposals.approve(hub, "a1", digest, "bob")) == "insufficient_points"
    assert [one["state"] for one in proposals.listing(hub)] == ["open"]
    earn(hub, "grocer", "e3", "card:1", 100)
    assert proposals.approve(hub, "a1", digest, "bob")["points"] == -500
    assert available(hub) == 0
    assert broken_rows(hub) == []


def test_too_few_points_are_not_even_proposed(hub: Hub) -> None:
    assert refusal(lambda: adjustments.adjust(hub, ASKED | {"points": -500})) == "insufficient_points"
    assert proposals.listing(hub, everything=True) == []


def test_the_limit_of_the_day_of_approval_counts(hub: Hub) -> None:
    digest = propose(hub)
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    schemes.amend(hub, date(2017, 2, 1), {"adjustment_limit": 499})
    assert refusal(lambda: proposals.approve(hub, "a1", digest, "bob")) == "points_over_cap"
    schemes.amend(hub, date(2017, 2, 1), {"adjustment_limit": None})
    # Its life is that of the day on which it is given.
    assert proposals.approve(hub, "a1", digest, "bob")["lots"][0]["expires_on"] == "2017-08-31"


def test_what_was_approved_does_not_use_up_what_its_author_may_do_alone(hub: Hub) -> None:
    proposals.approve(hub, "a1", propose(hub), "bob")
    assert adjustments.adjust(hub, ASKED | {"adjustment_id": "a2", "points": 100})["status"] == "posted"


def test_no_identifier_is_kept_in_a_proposal(hub: Hub) -> None:
    propose(hub)
    with hub.database.connect() as connection:
        rows = [str(row) for row in connection.execute(text("TABLE hub.proposal"))]
    assert not [row for row in rows if "card" in row]
