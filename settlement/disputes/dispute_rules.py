"""How long lines can be disputed, and the dated rules of what follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from settlement.core.contracts import USUAL_DISPUTE_DAYS
from settlement.core.deadlines import DISPUTES
from settlement.core.disputes import TREATMENTS, Rules
from settlement.core.moves import PUBLISHED
from settlement.core.people import signature
from settlement.core.periods import last_day
from settlement.errors import NotPublished, SettlementRefused, UnknownCycle
from settlement.store.deadlines import deadlines_of
from settlement.store.dispute_tables import dispute_rules
from settlement.store.disputes import all_rules as listing
from settlement.store.disputes import rules_on as in_force
from settlement.store.dues import terms_in_force
from settlement.store.history import moves_of

__all__ = ["in_force", "last_window", "listing", "set_rules", "window_ends_on"]

MAX_DAYS = 365


def window_ends_on(connection: Connection, cycle: str, partner: str) -> date:
    """The last day on which a partner may dispute lines of a published cycle.

    Its contract's days after publication; without a contract about money the day that the publication fixed for all.
    Raises `UnknownCycle` and `NotPublished`.
    """
    published_on = _published_on(connection, cycle)
    terms = terms_in_force(connection, last_day(cycle)).get(partner)
    if terms is not None:
        return published_on + timedelta(terms.dispute_days)
    return _of_all(connection, cycle, published_on)


def last_window(connection: Connection, cycle: str) -> date:
    """The last day on which anybody may dispute lines of a published cycle."""
    published_on = _published_on(connection, cycle)
    agreed = terms_in_force(connection, last_day(cycle)).values()
    longest = [published_on + timedelta(terms.dispute_days) for terms in agreed]
    return max([_of_all(connection, cycle, published_on), *longest])


def set_rules(connection: Connection, rules: Rules, *, author: str, at: datetime) -> Rules:
    """Add rules that hold for disputes opened from `valid_from` on, with the next number; the given one is not asked.

    Raises `SettlementRefused` for rules that make no sense or would begin in the past.
    """
    days = (rules.answer_days, rules.escalate_days, rules.second_days, rules.arbitration_days)
    if rules.treatment not in TREATMENTS or not all(0 < one <= MAX_DAYS for one in days) or rules.limit_minor < 0:
        raise SettlementRefused(
            f"disputes are {' or '.join(TREATMENTS)}, each stage has 1 to {MAX_DAYS} days, a limit is not below zero"
        )
    if rules.valid_from < at.astimezone(UTC).date():
        raise SettlementRefused("rules of disputes begin today or later")
    last = connection.execute(select(func.coalesce(func.max(dispute_rules.c.version), 0))).scalar_one()
    added = rules._replace(version=last + 1)
    try:
        with connection.begin_nested():
            connection.execute(insert(dispute_rules), added._asdict() | {"author": signature(author), "at": at})
    except IntegrityError as error:
        raise SettlementRefused("somebody else changed the rules of disputes at the same time") from error
    return added


def _published_on(connection: Connection, cycle: str) -> date:
    moves = moves_of(connection, cycle)
    if not moves:
        raise UnknownCycle(f"there is no cycle {cycle[:40]!r}")
    published = next((move.at for move in moves if move.state == PUBLISHED), None)
    if published is None:
        raise NotPublished(f"cycle {cycle} is not published")
    return published.astimezone(UTC).date()


def _of_all(connection: Connection, cycle: str, published_on: date) -> date:
    return deadlines_of(connection, cycle).get(DISPUTES) or published_on + timedelta(USUAL_DISPUTE_DAYS)
