"""The timetable in the database: changes of the calendar, kept apart from cut-offs by one lock.

A cut-off asks which calendar holds, and a change asks what was cut off. Whoever cuts off shares a lock with others who
do; whoever changes the calendar waits for them, and they for him.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, text

from settlement.core.periods import Change, Timetable
from settlement.errors import CalendarRefused
from settlement.store.tables import calendar_change, cycle

_SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtext('settlement.calendar'))")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('settlement.calendar'))")
_COLUMNS = [calendar_change.c[name] for name in ("valid_from", "calendar", "author", "at")]


class CalendarChange(NamedTuple):
    """A change of the calendar as it was recorded."""

    valid_from: date
    calendar: str
    author: str
    at: datetime


def calendar_changes(connection: Connection) -> list[CalendarChange]:
    """Every change, in the order in which they were made."""
    rows = connection.execute(select(*_COLUMNS).order_by(calendar_change.c.version))
    return [CalendarChange._make(row) for row in rows]


def timetable(connection: Connection) -> Timetable:
    """Which calendar holds on which day."""
    return Timetable(tuple(Change(*row[:2]) for row in calendar_changes(connection)))


def timetable_for_cut_off(connection: Connection) -> Timetable:
    """The same, which nobody changes until the transaction ends."""
    connection.execute(_SHARED)
    return timetable(connection)


def change_calendar(connection: Connection, change: Change, *, author: str, at: datetime) -> Timetable:
    """Record a change and return the timetable with it.

    Raises `CalendarRefused` when the day does not fit both calendars, or lies in what was cut off.
    """
    connection.execute(_ALONE)
    cut_off_to = connection.execute(select(func.max(cycle.c.ends_on))).scalar()
    if cut_off_to is not None and change.valid_from <= cut_off_to:
        raise CalendarRefused(f"the days up to {cut_off_to} were cut off; a change can hold from the day after")
    before = calendar_changes(connection)
    changed = timetable(connection).changed(change)
    row = {"version": len(before) + 1, **change._asdict(), "author": author, "at": at}
    connection.execute(insert(calendar_change), row)
    return changed
