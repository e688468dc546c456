"""What is done about breaks, short of writing them off: who looks after one, and why it may stay as it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.errors import SettlementRefused
from settlement.store.reconciliation_breaks import EXPLAINED, OPEN, LivingBreak, Step, add_steps, find_break, listing

__all__ = ["AgedBreak", "aged", "assign", "expect_open", "explain", "find_break", "step"]
from settlement.store.reconciliation_runs import runs_of
from settlement.store.reconciliation_sources import Scope

_LONGEST = 200
OPEN_STATES = (OPEN, EXPLAINED)


class AgedBreak(NamedTuple):
    """A break with its age in days since it was first found, and whether its difference is material."""

    living: LivingBreak
    age_days: int
    is_material: bool


def aged(connection: Connection, scope: Scope | None, states: tuple[str, ...], today: date) -> list[AgedBreak]:
    """The breaks in one of these states, of a scope or of all, the oldest first.

    A difference is material above the limit of the last run of its scope; one between two currencies always is.
    """
    limits = {run.scope: run.material_minor for run in runs_of(connection, scope)}
    return [_aged(one, limits[one.scope], today) for one in listing(connection, scope, states)]


def assign(connection: Connection, name: str, owner: str, *, author: str, at: datetime) -> LivingBreak:
    """Make a break somebody's to look after; raises `SettlementRefused` for a break that is over."""
    return step(connection, name, author=author, at=at, owner=_words(owner, "owner"))


def explain(connection: Connection, name: str, reason: str, *, author: str, at: datetime) -> LivingBreak:
    """Say why a break may stay as it is; raises `SettlementRefused` for a break that is over."""
    return step(connection, name, author=author, at=at, state=EXPLAINED, reason=_words(reason, "reason"))


def step(
    connection: Connection,
    name: str,
    *,
    author: str,
    at: datetime,
    state: str | None = None,
    owner: str | None = None,
    reason: str | None = None,
) -> LivingBreak:
    """Add a step to a break that is not over; what is not given stays as it was."""
    last = expect_open(connection, name).last
    added = Step(
        last.seq + 1,
        last.state if state is None else state,
        last.owner if owner is None else owner,
        None,
        last.reason if reason is None else reason,
        _words(author, "author"),
        at,
    )
    add_steps(connection, [(name, added)])
    return find_break(connection, name)


def expect_open(connection: Connection, name: str) -> LivingBreak:
    """The break of that name; raises `SettlementRefused` when it is resolved or written off."""
    found = find_break(connection, name)
    if found.last.state not in OPEN_STATES:
        raise SettlementRefused(
            f"break {name} is {found.last.state} by {found.last.author} since {found.last.at:%Y-%m-%d}"
        )
    return found


def _aged(one: LivingBreak, limit_minor: int, today: date) -> AgedBreak:
    difference = one.found.difference_minor
    is_material = difference is None or abs(difference) > limit_minor
    return AgedBreak(one, (today - one.first.at.date()).days, is_material)


def _words(text: str, what: str) -> str:
    found = text.strip()
    if not (found and found.isprintable() and len(found) <= _LONGEST):
        raise SettlementRefused(f"the {what} must be 1 to {_LONGEST} printable characters")
    return found
