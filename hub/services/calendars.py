"""The calendar of settlement cycles: which holds, what is planned, and how it is changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services.context import Hub
from hub.store.database import Connection
from settlement.core.people import signature
from settlement.core.periods import Change
from settlement.store.timetable import calendar_changes, change_calendar, timetable


def show(hub: Hub) -> dict[str, Any]:
    """Return the calendar of today, the cycle that today lies in, and every change that was made, in order."""
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        table, changes = timetable(connection), calendar_changes(connection)
    now = table.period_of(moment.day)
    return {
        "calendar": now.calendar,
        "cycle": now.cycle,
        "ends_on": str(now.last_day),
        "changes": [
            {
                "valid_from": str(one.valid_from),
                "calendar": one.calendar,
                "holds": Change(one.valid_from, one.calendar) in table.changes,
                "author": one.author,
                "at": instant(one.at),
            }
            for one in changes
        ],
    }


def change(hub: Hub, valid_from: date, calendar: str, author: str) -> dict[str, Any]:
    """Let cycles follow another calendar from a day on; what was planned for later no longer holds.

    Raises:
        settlement.errors.CalendarRefused: no cycle of both calendars begins on that day (the message names the next
            on which one does), or the day was cut off.
        Refused: ``not_allowed`` for a day that is over.
    """

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        if valid_from <= moment.day and moment.environment == "live":
            raise Refused("not_allowed", "A calendar changes from a day to come, so that nobody is surprised by it.")
        change_calendar(connection, Change(valid_from, calendar), author=signature(author), at=moment.now)

    hub.database.transact(work)
    return show(hub)
