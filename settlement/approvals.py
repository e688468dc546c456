"""Approvals: what one operator proposes and a second one approves, whatever it is about.

A subject is named by its kind and its name, such as `publication` of `2017-01`, and what is proposed about it by a
digest. Whoever approves states the digest that he was shown; it must be the one that was proposed and the one that the
rows give now. So what was changed meanwhile is never approved: proposing it again makes the former proposal void.

The caller gives the digest of the present state and has locked what it is taken over. Everything else is decided here,
under a lock on the proposal: one open proposal a subject, one decision a proposal, and two different people, which a
constraint of the table asks for too. Codes of `ApprovalRefused`:

    already_proposed   somebody proposed the very same, and it waits
    nothing_proposed   no proposal was ever made about this subject
    proposal_stale     the digest is that of an earlier proposal, or of none
    proposal_changed   what was proposed is not what the rows give now; it has to be proposed again
    proposal_closed    it was approved before, or made void
    same_person        whoever proposed it cannot approve it
    no_such_role       whoever proposes is no maker, or whoever approves no approver
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from settlement.core.people import same_person, signature
from settlement.errors import ApprovalRefused
from settlement.operators import APPROVER, MAKER, expect_role
from settlement.store.tables import approval

OPEN, APPROVED, VOID = "open", "approved", "void"


class Approval(NamedTuple):
    """One proposal: the `version`-th about its subject, and how it was decided, if it was."""

    kind: str
    subject: str
    version: int
    digest: bytes
    maker: str
    proposed_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None

    def __str__(self) -> str:
        end = f", {self.state} by {self.decided_by}" if self.decided_by else ""
        return f"{self.kind} of {self.subject}, proposed by {self.maker}{end}"


_COLUMNS = [approval.c[name] for name in Approval._fields]


def propose(
    connection: Connection, kind: str, subject: str, digest: bytes, *, maker: str, at: datetime, registered: bool
) -> Approval:
    """Propose what has this digest; an open proposal of another digest becomes void by it.

    `registered` asks for an operator who was given the role of a maker, see `settlement.operators`. Raises
    `ApprovalRefused` ``already_proposed`` and ``no_such_role``.
    """
    expect_role(connection, maker, MAKER, registered=registered)
    before = _locked(connection, kind, subject)
    last = before[-1] if before else None
    if last and last.state == OPEN:
        if last.digest == digest:
            raise ApprovalRefused("already_proposed", f"{last}; a second operator has to approve it")
        _decide(connection, last, VOID, maker, at, "something else was proposed")
    made = Approval(kind, subject, len(before) + 1, digest, signature(maker), at, OPEN, None, None, None)
    try:
        with connection.begin_nested():
            connection.execute(insert(approval), made._asdict())
    except IntegrityError as error:
        raise ApprovalRefused("already_proposed", f"{kind} of {subject}: somebody else was first") from error
    return made


def approve(
    connection: Connection,
    kind: str,
    subject: str,
    *,
    stated: bytes,
    present: bytes,
    approver: str,
    at: datetime,
    registered: bool,
) -> Approval:
    """Approve the open proposal, if `stated` is its digest and `present`, which the rows give now, is too.

    Returns it as it was decided. Raises `ApprovalRefused`.
    """
    expect_role(connection, approver, APPROVER, registered=registered)
    found = _locked(connection, kind, subject)
    if not found:
        raise ApprovalRefused("nothing_proposed", f"nobody proposed the {kind} of {subject}")
    _refuse_old(found, stated)
    last = found[-1]
    if same_person(last.maker, approver):
        raise ApprovalRefused("same_person", f"{last}; somebody else has to approve it")
    if last.digest != present:
        raise ApprovalRefused("proposal_changed", f"{last}: what it is about was changed since; propose it again")
    return _decide(connection, last, APPROVED, approver, at)


def withdraw(
    connection: Connection, kind: str, subject: str, *, author: str, at: datetime, reason: str
) -> Approval | None:
    """Make the open proposal void, because it or what it is about is wrong; None if there is none."""
    found = _locked(connection, kind, subject)
    if not found or found[-1].state != OPEN:
        return None
    return _decide(connection, found[-1], VOID, author, at, signature(reason))


def of_subject(connection: Connection, kind: str, subject: str) -> list[Approval]:
    """All proposals about a subject, in order; only the last can be open."""
    query = select(*_COLUMNS).where(*_about(kind, subject)).order_by(approval.c.version)
    return [Approval._make(row) for row in connection.execute(query)]


def waiting(connection: Connection) -> list[Approval]:
    """Everything that waits for a second operator, the longest first."""
    query = select(*_COLUMNS).where(approval.c.state == OPEN)
    ordered = query.order_by(approval.c.proposed_at, approval.c.kind, approval.c.subject)
    return [Approval._make(row) for row in connection.execute(ordered)]


def _locked(connection: Connection, kind: str, subject: str) -> list[Approval]:
    """All proposals about a subject, held until the transaction ends, as they are when the lock was got."""
    held = select(approval.c.version).where(*_about(kind, subject)).order_by(approval.c.version)
    connection.execute(held.with_for_update()).all()
    return of_subject(connection, kind, subject)


def _refuse_old(found: Sequence[Approval], stated: bytes) -> None:
    """Raise unless the last proposal is open and has the stated digest."""
    last = found[-1]
    if stated != last.digest:
        older = any(one.digest == stated for one in found)
        known = "is that of an earlier proposal" if older else "is that of no proposal"
        raise ApprovalRefused("proposal_stale", f"the digest {known}; the last is the {last}, look at it again")
    if last.state != OPEN:
        raise ApprovalRefused("proposal_closed", str(last))


def _decide(
    connection: Connection, found: Approval, state: str, author: str, at: datetime, reason: str | None = None
) -> Approval:
    """Decide an open proposal that is locked."""
    decision = {"state": state, "decided_by": signature(author), "decided_at": at, "reason": reason}
    still_open = (*_about(found.kind, found.subject), approval.c.version == found.version, approval.c.state == OPEN)
    decided = connection.execute(update(approval).where(*still_open).values(**decision).returning(*_COLUMNS)).first()
    if decided is None:
        raise ApprovalRefused("proposal_closed", f"{found}: somebody else was first")
    return Approval._make(decided)


def _about(kind: str, subject: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return approval.c.kind == kind, approval.c.subject == subject
