"""Operators and their roles: who may propose what needs two people, and who may approve it.

A role is given and taken, each with author and moment; both stay on record. Whoever decides holds the row of his role
until his transaction ends, so a role that is taken meanwhile is taken after the decision, or the decision is refused.

Until the first role is given, whoever has a name may act, which is how a sandbox begins: nothing is asked but two
different names. From then on, and in a live hub always, only those who have the role.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from settlement.core.people import person, signature
from settlement.errors import ApprovalRefused, SettlementRefused
from settlement.store.tables import operator_role

MAKER, APPROVER = "maker", "approver"
ROLES = {MAKER: "proposes what needs two people", APPROVER: "approves what somebody else proposed"}
"""Role -> what it allows."""

_COLUMNS = [operator_role.c[name] for name in ("name", "role", "granted_by", "granted_at", "revoked_by", "revoked_at")]


class Grant(NamedTuple):
    """A role of an operator, from the moment it was given to the moment it was taken, if it was."""

    name: str
    role: str
    granted_by: str
    granted_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


def grant(connection: Connection, name: str, role: str, *, author: str, at: datetime) -> None:
    """Give an operator a role; raises `SettlementRefused` when he has it already or there is no such role."""
    _refuse_unknown(role)
    mine = (operator_role.c.person == person(name), operator_role.c.role == role)
    version = select(func.coalesce(func.max(operator_role.c.version), 0) + 1).where(*mine).scalar_subquery()
    row = {"person": person(name), "role": role, "name": signature(name), "version": version}
    try:
        with connection.begin_nested():
            connection.execute(insert(operator_role).values(**row, granted_by=signature(author), granted_at=at))
    except IntegrityError as held:
        raise SettlementRefused(f"{name} is {role} already") from held


def revoke(connection: Connection, name: str, role: str, *, author: str, at: datetime) -> None:
    """Take a role from an operator; waits for a decision that is being made under it.

    Raises `SettlementRefused` when he does not have it.
    """
    _refuse_unknown(role)
    taken = update(operator_role).where(*_held(name, role)).returning(operator_role.c.version)
    if connection.execute(taken.values(revoked_by=signature(author), revoked_at=at)).first() is None:
        raise SettlementRefused(f"{name} is no {role}")


def listing(connection: Connection, *, everything: bool = False) -> list[Grant]:
    """The roles that are held, or all that ever were, by name, role and time."""
    query = select(*_COLUMNS).order_by(operator_role.c.person, operator_role.c.role, operator_role.c.version)
    if not everything:
        query = query.where(operator_role.c.revoked_at.is_(None))
    return [Grant._make(row) for row in connection.execute(query)]


def expect_role(connection: Connection, name: str, role: str, *, registered: bool) -> None:
    """Hold the row of a role until the transaction ends; `registered` asks for it even where nobody has one yet.

    Raises `ApprovalRefused` ``no_such_role``.
    """
    row = select(operator_role.c.version).where(*_held(name, role)).with_for_update(read=True)
    if connection.execute(row).first() is not None:
        return
    if registered or connection.execute(select(exists(select(operator_role.c.person)))).scalar():
        raise ApprovalRefused(
            "no_such_role", f"{signature(name)} is no {role}; 'hansa operator list' shows who is, 'add' makes one"
        )


def _held(name: str, role: str) -> tuple[ColumnElement[bool], ...]:
    columns = operator_role.c
    return columns.person == person(name), columns.role == role, columns.revoked_at.is_(None)


def _refuse_unknown(role: str) -> None:
    if role not in ROLES:
        raise SettlementRefused(f"a role is one of {', '.join(ROLES)}")
