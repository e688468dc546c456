"""Writing a break off: one person proposes it with a reason, another one approves it, and the journal has it.

The approval names the digest of break, entries and reason. When any of them is another one by then, or the break is
over, the approval is refused.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from settlement import approvals
from settlement.core.write_offs import SUBJECT, Entry, entries_of, write_off_digest
from settlement.errors import SettlementRefused
from settlement.reconciliation.breaks import expect_open, step
from settlement.store.reconciliation_breaks import WRITTEN_OFF, LivingBreak
from settlement.store.reconciliation_tables import write_off


class WriteOff(NamedTuple):
    """A write-off that is proposed or approved: its entries, and the digest by which it is approved."""

    name: str
    entries: list[Entry]
    reason: str
    digest: bytes
    maker: str
    approver: str | None


class Posted(NamedTuple):
    """An entry of the journal of write-offs."""

    name: str
    entry: Entry
    partner: str
    posted_on: date
    reason: str
    maker: str
    approver: str


def propose(connection: Connection, name: str, reason: str, *, author: str, at: datetime, registered: bool) -> WriteOff:
    """Propose to write a break off.

    Raises `SettlementRefused` for a break that is over, or has no difference in money, and `ApprovalRefused`.
    """
    if not _entries(expect_open(connection, name)):
        raise SettlementRefused(f"break {name} has no difference in money; 'hansa reconcile explain' closes it")
    found = step(connection, name, author=author, at=at, reason=reason)
    made = present(found)
    proposed = approvals.propose(connection, SUBJECT, name, made.digest, maker=author, at=at, registered=registered)
    return made._replace(maker=proposed.maker)


def approve(connection: Connection, name: str, digest: str, *, author: str, at: datetime, registered: bool) -> WriteOff:
    """Approve what was proposed under this digest (in hexadecimal), and post it.

    Raises `SettlementRefused` for a break that is over, and `ApprovalRefused`.
    """
    found = expect_open(connection, name)
    made = present(found)
    decided = approvals.approve(
        connection,
        SUBJECT,
        name,
        stated=_bytes(digest),
        present=made.digest,
        approver=author,
        at=at,
        registered=registered,
    )
    _post(connection, found, made, decided.maker, author, at.date())
    step(connection, name, author=author, at=at, state=WRITTEN_OFF)
    return made._replace(maker=decided.maker, approver=author)


def journal(connection: Connection) -> list[Posted]:
    """Every entry of the journal, in the order of dates."""
    columns = [write_off.c[name] for name in ("break", "partner", "posted_on", "reason", "maker", "approver")]
    entry = [write_off.c[name] for name in Entry._fields]
    query = select(*columns, *entry).order_by(write_off.c.posted_on, write_off.c["break"], write_off.c.currency)
    return [Posted(row[0], Entry(*row[6:]), *row[1:6]) for row in connection.execute(query)]


def present(found: LivingBreak) -> WriteOff:
    """What writing a break off would post, with the reason that it has now."""
    entries, reason = _entries(found), found.last.reason
    return WriteOff(found.name, entries, reason, write_off_digest(found.name, entries, reason), "", None)


def _entries(found: LivingBreak) -> list[Entry]:
    return entries_of(found.found)


def _post(
    connection: Connection, found: LivingBreak, made: WriteOff, maker: str, approver: str, posted_on: date
) -> None:
    common = {"break": made.name, "partner": found.scope.partner, "posted_on": posted_on, "reason": made.reason}
    rows = [{**common, **entry._asdict(), "maker": maker, "approver": approver} for entry in made.entries]
    try:
        with connection.begin_nested():
            connection.execute(insert(write_off), rows)
    except IntegrityError as error:
        raise SettlementRefused(f"break {made.name} was written off by somebody else just now") from error


def _bytes(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)
    except ValueError as error:
        raise SettlementRefused("a digest is 64 hexadecimal digits, as they were shown") from error
