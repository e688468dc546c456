"""What needs two people: who may decide, on what, and that each proposal is decided once, also by two at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from settlement import approvals, operators
from settlement.approvals import Approval
from settlement.errors import ApprovalRefused, SettlementRefused
from tests.settlement.sample import AT, meanwhile

SHOWN, EDITED = b"\x01" * 32, b"\x02" * 32
RELEASE = ("payments", "2017-01")


def propose(connection: Connection, digest: bytes = SHOWN, maker: str = "olga", registered: bool = False) -> Approval:
    return approvals.propose(connection, *RELEASE, digest, maker=maker, at=AT, registered=registered)


def approve(
    connection: Connection,
    stated: bytes = SHOWN,
    present: bytes | None = None,
    approver: str = "otto",
    registered: bool = False,
) -> Approval:
    found = stated if present is None else present
    return approvals.approve(
        connection, *RELEASE, stated=stated, present=found, approver=approver, at=AT, registered=registered
    )


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ApprovalRefused, match=f"^{code}: ") as refusal:
        act()
    assert refusal.value.code == code


def test_what_was_proposed_is_approved_by_another_person(connection: Connection) -> None:
    made = propose(connection)
    assert approvals.waiting(connection) == [made]
    done = approve(connection)
    assert (done.state, done.maker, done.decided_by, done.decided_at) == ("approved", "olga", "otto", AT)
    assert approvals.of_subject(connection, *RELEASE) == [done]
    assert approvals.waiting(connection) == []


@pytest.mark.parametrize("approver", ["olga", "Olga", " OLGA ", "ｏｌｇａ"])
def test_whoever_proposed_does_not_approve_however_he_writes_his_name(connection: Connection, approver: str) -> None:
    propose(connection)
    refused("same_person", partial(approve, connection, approver=approver))


@pytest.mark.parametrize("approver", ["olga", "OLGA"])
def test_the_database_asks_for_two_people_too(connection: Connection, approver: str) -> None:
    propose(connection)
    stolen = text("UPDATE settlement.approval SET state = 'approved', decided_by = :approver, decided_at = now()")
    with pytest.raises(IntegrityError, match="approval_by_two"):
        connection.execute(stolen, {"approver": approver})


@pytest.mark.parametrize("change", ["state = 'approved'", "state = 'void', decided_by = 'x'", "state = 'done'"])
def test_the_database_knows_no_decision_without_an_author(connection: Connection, change: str) -> None:
    propose(connection)
    with pytest.raises(IntegrityError, match="approval_state"):
        connection.execute(text(f"UPDATE settlement.approval SET {change}"))


def test_what_was_edited_after_it_was_proposed_is_not_approved(connection: Connection) -> None:
    propose(connection)
    refused("proposal_changed", partial(approve, connection, present=EDITED))
    refused("proposal_stale", partial(approve, connection, EDITED))


def test_another_proposal_makes_the_first_one_void(connection: Connection) -> None:
    propose(connection)
    propose(connection, EDITED, maker="rosa")
    assert [(one.version, one.state, one.decided_by) for one in approvals.of_subject(connection, *RELEASE)] == [
        (1, "void", "rosa"),
        (2, "open", None),
    ]
    refused("proposal_stale", partial(approve, connection, SHOWN, EDITED))
    assert approve(connection, EDITED).version == 2


def test_the_same_proposal_twice_and_an_approval_of_nothing_are_refused(connection: Connection) -> None:
    refused("nothing_proposed", partial(approve, connection))
    propose(connection)
    refused("already_proposed", partial(propose, connection, maker="rosa"))


def test_a_replayed_approval_is_refused(connection: Connection) -> None:
    propose(connection)
    approve(connection)
    refused("proposal_closed", partial(approve, connection))
    refused("proposal_closed", partial(approve, connection, approver="rosa"))


def test_what_was_withdrawn_is_not_approved(connection: Connection) -> None:
    assert approvals.withdraw(connection, *RELEASE, author="rosa", at=AT, reason="wrong") is None
    propose(connection)
    gone = approvals.withdraw(connection, *RELEASE, author="rosa", at=AT, reason="a price is wrong")
    assert gone is not None
    assert (gone.state, gone.decided_by, gone.reason) == ("void", "rosa", "a price is wrong")
    refused("proposal_closed", partial(approve, connection))


def test_until_a_role_is_given_anybody_may_act_unless_operators_must_be_registered(connection: Connection) -> None:
    refused("no_such_role", partial(propose, connection, registered=True))
    propose(connection)
    refused("no_such_role", partial(approve, connection, registered=True))
    operators.grant(connection, "Rosa", "approver", author="olga", at=AT)
    refused("no_such_role", partial(approve, connection))
    refused("no_such_role", partial(propose, connection, EDITED))
    assert approve(connection, approver="rosa").decided_by == "rosa"


def test_a_role_that_was_revoked_after_the_proposal_approves_nothing(connection: Connection) -> None:
    operators.grant(connection, "olga", "maker", author="root", at=AT)
    operators.grant(connection, "otto", "approver", author="root", at=AT)
    propose(connection, registered=True)
    operators.revoke(connection, "Otto", "approver", author="root", at=AT)
    refused("no_such_role", partial(approve, connection))
    operators.grant(connection, "otto", "approver", author="root", at=AT)
    assert approve(connection, registered=True).state == "approved"
    assert [(one.name, one.role, one.revoked_by) for one in operators.listing(connection, everything=True)] == [
        ("olga", "maker", None),
        ("otto", "approver", "root"),
        ("otto", "approver", None),
    ]


def test_roles_are_given_and_taken_once(connection: Connection) -> None:
    operators.grant(connection, "otto", "approver", author="root", at=AT)
    with pytest.raises(SettlementRefused, match="already"):
        operators.grant(connection, "OTTO", "approver", author="root", at=AT)
    with pytest.raises(SettlementRefused, match="is no maker"):
        operators.revoke(connection, "otto", "maker", author="root", at=AT)
    with pytest.raises(SettlementRefused, match="one of maker, approver"):
        operators.grant(connection, "otto", "king", author="root", at=AT)
    with pytest.raises(SettlementRefused, match="1 to 200"):
        operators.grant(connection, "\x1b[2J", "maker", author="root", at=AT)


def test_of_two_approvals_at_once_one_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        propose(connection)
    second = meanwhile(engine, approve, partial(approve, approver="rosa"))
    refused("proposal_closed", second)


def test_of_two_proposals_at_once_one_is_refused(engine: Engine) -> None:
    refused("already_proposed", meanwhile(engine, propose, partial(propose, digest=EDITED, maker="rosa")))


def test_a_role_that_is_being_revoked_approves_nothing(engine: Engine) -> None:
    """The approval waits for the revocation that began before it, and then finds no role."""
    with engine.begin() as connection:
        operators.grant(connection, "otto", "approver", author="root", at=AT)
        operators.grant(connection, "olga", "maker", author="root", at=AT)
        propose(connection)
    revoke = partial(operators.revoke, name="otto", role="approver", author="root", at=AT)
    refused("no_such_role", meanwhile(engine, revoke, approve))


def test_a_role_under_which_somebody_decides_is_revoked_afterwards(engine: Engine) -> None:
    with engine.begin() as connection:
        operators.grant(connection, "otto", "approver", author="root", at=AT)
        operators.grant(connection, "olga", "maker", author="root", at=AT)
        propose(connection)
    meanwhile(engine, approve, partial(operators.revoke, name="otto", role="approver", author="root", at=AT))()
    with engine.connect() as connection:
        assert approvals.of_subject(connection, *RELEASE)[0].state == "approved"
        assert [one.name for one in operators.listing(connection)] == ["olga"]
