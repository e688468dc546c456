"""Publication takes two people, who agree on a digest: who may, on what, and what makes their agreement void."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from settlement import cycles, operators
from settlement.core.deadlines import Days
from settlement.core.moves import Move
from settlement.cycles import Rules
from settlement.errors import ApprovalRefused, SettlementRefused
from settlement.publication import proposal_of
from tests.settlement.sample import APPROVER, AT, AUTHOR, LEDGER, meanwhile

CYCLE = "2017-01"


def propose(connection: Connection, author: str = AUTHOR, rules: Rules = cycles.USUAL) -> bytes:
    return cycles.close(connection, CYCLE, LEDGER, author=author, at=AT, rules=rules).digest


def publish(
    connection: Connection, digest: bytes | None = None, author: str = APPROVER, rules: Rules = cycles.USUAL
) -> Move:
    """Approve with this digest, or with that of the last proposal."""
    last = proposal_of(connection, CYCLE)
    stated = digest if digest is not None else last.digest if last else b""
    return cycles.publish(connection, CYCLE, LEDGER, digest=stated, author=author, at=AT, rules=rules)


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ApprovalRefused) as refusal:
        act()
    assert refusal.value.code == code


@pytest.fixture
def proposed(posted: Engine) -> Engine:
    """Return an engine on a database with January proposed, and operators with roles."""
    with posted.begin() as connection:
        for name, role in ((AUTHOR, "maker"), (AUTHOR, "approver"), (APPROVER, "approver"), ("rosa", "approver")):
            operators.grant(connection, name, role, author="root", at=AT)
        propose(connection)
    return posted


def test_a_proposal_publishes_nothing_and_its_approval_does(proposed: Engine) -> None:
    with proposed.begin() as connection:
        view = cycles.show(connection, CYCLE)
        assert (view.state, view.proposal and view.proposal.state) == ("calculated", "open")
        move = publish(connection)
        view = cycles.show(connection, CYCLE)
    assert (move.state, move.maker, move.author) == ("published", AUTHOR, APPROVER)
    assert (view.state, view.proposal and view.proposal.decided_by) == ("published", APPROVER)


@pytest.mark.parametrize("name", [AUTHOR, "OLGA", "ｏｌｇａ", " olga"])
def test_the_maker_does_not_approve(proposed: Engine, name: str) -> None:
    with proposed.connect() as connection:
        refused("same_person", partial(publish, connection, author=name))


@pytest.mark.parametrize("maker", ["", AUTHOR, "OLGA"])
def test_the_database_publishes_nothing_by_one_person(proposed: Engine, maker: str) -> None:
    row = "('2017-01', 3, 'published', 'olga', now(), '', '', :maker)"
    with proposed.connect() as connection, pytest.raises(IntegrityError, match="cycle_move_by_two"):
        connection.execute(text(f"INSERT INTO settlement.cycle_move VALUES {row}"), {"maker": maker})


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE settlement.net SET net_minor = net_minor + 1 WHERE partner = 'bank'",
        "UPDATE settlement.position SET points = points + 1 WHERE issuer = 'bank' AND redeemer = 'fuel'",
        "UPDATE settlement.cycle_move SET digest = sha256('') WHERE seq = 2",
    ],
)
def test_an_edit_between_proposal_and_approval_is_refused(proposed: Engine, edit: str) -> None:
    with proposed.connect() as connection:
        connection.execute(text(edit))
        refused("proposal_changed", partial(publish, connection))


def test_an_edit_of_a_line_between_proposal_and_approval_is_refused_and_named(proposed: Engine) -> None:
    with proposed.connect() as connection:
        connection.execute(text("UPDATE ledger_side SET points = 6 WHERE event_id = 'b1-grocer-r' AND line = 1"))
        with pytest.raises(SettlementRefused, match="grocer/b1-grocer-r/1"):
            publish(connection)


def test_other_days_than_were_proposed_are_not_approved(proposed: Engine) -> None:
    with proposed.connect() as connection:
        refused("proposal_changed", partial(publish, connection, rules=Rules(Days(disputes=1))))


def test_calculating_again_makes_a_proposal_void(proposed: Engine) -> None:
    with proposed.connect() as connection:
        cycles.recalculate(connection, CYCLE, author="rosa", at=AT)
        refused("proposal_closed", partial(publish, connection))
        propose(connection)
        assert publish(connection).seq == 4


def test_a_stale_version_is_refused(proposed: Engine) -> None:
    """The digest that was shown is of a proposal that another one followed."""
    with proposed.connect() as connection:
        shown = proposal_of(connection, CYCLE)
        assert shown is not None
        cycles.recalculate(connection, CYCLE, author="rosa", at=AT)
        propose(connection)
        refused("proposal_stale", partial(publish, connection, shown.digest))
        refused("proposal_stale", partial(publish, connection, b"\x00" * 32))


def test_a_replayed_approval_is_refused(proposed: Engine) -> None:
    with proposed.connect() as connection:
        publish(connection)
        refused("proposal_closed", partial(publish, connection))
        refused("proposal_closed", partial(publish, connection, author="rosa"))


def test_what_was_withdrawn_is_not_published(proposed: Engine) -> None:
    with proposed.connect() as connection:
        cycles.withdraw(connection, CYCLE, author=AUTHOR, at=AT, reason="a price is wrong")
        refused("proposal_closed", partial(publish, connection))
        with pytest.raises(SettlementRefused, match="waits for a second operator"):
            cycles.withdraw(connection, CYCLE, author=AUTHOR, at=AT, reason="again")
        propose(connection)
        assert publish(connection).state == "published"


def test_who_has_no_role_neither_proposes_nor_publishes(proposed: Engine) -> None:
    with proposed.connect() as connection:
        refused("no_such_role", partial(publish, connection, author="mallory"))
        refused("no_such_role", partial(propose, connection, author="rosa"))


def test_a_role_revoked_between_proposal_and_approval_is_refused(proposed: Engine) -> None:
    with proposed.connect() as connection:
        operators.revoke(connection, APPROVER, "approver", author="root", at=AT)
        refused("no_such_role", partial(publish, connection))


def test_a_live_hub_asks_for_registered_operators(posted: Engine) -> None:
    with posted.connect() as connection:
        refused("no_such_role", partial(propose, connection, rules=Rules(registered=True)))


def test_of_two_approvals_at_once_one_is_refused(proposed: Engine) -> None:
    refused("proposal_closed", meanwhile(proposed, publish, partial(publish, author="rosa")))
    with proposed.connect() as connection:
        assert [move.author for move in cycles.show(connection, CYCLE).moves] == [AUTHOR, AUTHOR, APPROVER]


def test_a_role_that_is_being_revoked_publishes_nothing(proposed: Engine) -> None:
    revoke = partial(operators.revoke, name=APPROVER, role="approver", author="root", at=AT)
    refused("no_such_role", meanwhile(proposed, revoke, publish))


def test_what_is_being_calculated_again_is_not_published(proposed: Engine) -> None:
    """The approval waits for the calculation that began before it, and then finds its proposal void."""
    again = partial(cycles.recalculate, cycle=CYCLE, author=AUTHOR, at=AT)
    refused("proposal_closed", meanwhile(proposed, again, publish))


def test_of_two_proposals_at_once_one_is_refused(posted: Engine) -> None:
    with posted.begin() as connection:
        cycles.cut_off(connection, CYCLE, author=AUTHOR, at=AT)
        cycles.calculate(connection, CYCLE, author=AUTHOR, at=AT)
    refused("already_proposed", meanwhile(posted, propose, partial(propose, author="rosa")))
