"""The year, day by day: what happens when, on the hub's clock, which is moved by hand and only forwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hub.services import business_clock, calendars, disputes, end_of_day
from hub.services.context import Hub
from tests.settlement.year.arithmetic import DAY, ends, month_end
from tests.settlement.year.closing import Closing
from tests.settlement.year.founding import MAKER, found
from tests.settlement.year.ledger_model import LedgerModel
from tests.settlement.year.plan import FIRST_DAY, LAST_DAY, Plan
from tests.settlement.year.settlement_model import SettlementModel
from tests.settlement.year.trading import Trading

TWO_PEOPLE_ABOVE = 40
"""Minor units of a dispute that one operator decides alone."""
Timetable = tuple[tuple[date, str], ...]
MONTHLY: Timetable = ((FIRST_DAY, "monthly"),)
ALL_CALENDARS: Timetable = (
    *MONTHLY, (date(2018, 5, 1), "half_monthly"), (date(2018, 8, 1), "forty_eight"), (date(2018, 10, 1), "weekly"),
)  # fmt: skip
"""On each of these days cycles of both calendars begin."""


class Step(NamedTuple):
    """What happens on a day at an hour; earlier hours first."""

    day: date
    hour: int
    place: int
    act: Callable[[], object]


class Year:
    """A hub, its model, and the steps of a year."""

    def __init__(self, plan: Plan, database_url: str, folder: Path, timetable: Timetable = MONTHLY) -> None:
        self.plan = plan
        self.hub: Hub = found(plan, database_url, folder / "hub")
        self.ledger = LedgerModel(plan)
        self.settlement = SettlementModel(self.ledger)
        self.trading = Trading(self.hub, plan, self.ledger, self.settlement)
        self.closing = Closing(self.hub, plan, self.trading, self.settlement, folder)
        self._timetable = timetable
        for account, business in plan.businesses.items():
            if business.versions[0].credit == "prepaid":
                self.settlement.balances[account, business.currency] = business.versions[0].limit_minor
        self.settlement.recount(FIRST_DAY)
        disputes.set_rules(self.hub, {"limit_minor": TWO_PEOPLE_ABOVE}, None, MAKER)

    def run(self) -> None:
        """Let all of it happen."""
        for step in sorted(self._steps(), key=lambda one: one[:3]):
            business_clock.move(self.hub, datetime.combine(step.day, time(step.hour), UTC))
            step.act()

    def _steps(self) -> Iterator[Step]:
        for valid_from, calendar in self._timetable[1:]:
            change = partial(calendars.change, self.hub, valid_from, calendar, MAKER)
            yield Step(valid_from - DAY, 1, 0, change)
        for month in range(12):
            last = month_end(FIRST_DAY, month)
            first = last.replace(day=1)
            for place in range(self.plan.size.trading_days):
                day = first + timedelta(days=(place + 1) * 27 // (self.plan.size.trading_days + 1) + 1)
                yield Step(day, 12, 0, partial(self.trading.happen, day))
            yield Step(last, 20, 0, partial(self._expire, last))
        for place, (cycle, ends_on) in enumerate(self.cycles()):
            yield from self._steps_of(cycle, ends_on, place)

    def _steps_of(self, cycle: str, ends_on: date, place: int) -> Iterator[Step]:
        published = ends_on + timedelta(days=1)
        yield Step(published, 3, place, partial(self.closing.publish, cycle, ends_on))
        yield Step(published + DAY, 4, place, partial(self.closing.open_disputes, cycle))
        for stage in range(5):
            day = published + timedelta(days=2 + 2 * stage)
            yield Step(day, 5, place, partial(self.closing.move_disputes, cycle, stage, day))
        day = published + timedelta(days=18)
        yield Step(day, 6, place, partial(self.closing.end_stages, cycle, day))
        day = published + timedelta(days=20)
        yield Step(day, 7, place, partial(self.closing.finish, cycle, day))

    def cycles(self) -> Iterator[tuple[str, date]]:
        """The cycles of the year with their last days, by the calendar of each day."""
        day, parts = FIRST_DAY, 0
        while day <= LAST_DAY:
            calendar = [name for valid_from, name in self._timetable if valid_from <= day][-1]
            if ends(calendar, day):
                parts = parts + 1 if day.day > 7 or calendar == "weekly" else 1
                yield _name(calendar, day), day
            day += DAY

    def _expire(self, day: date) -> None:
        before = len(self.ledger.lines)
        assert end_of_day.run(self.hub, day) == self.ledger.expire(day)
        self.settlement.count(self.ledger.lines[before:])


def _name(calendar: str, day: date) -> str:
    if calendar == "weekly":
        return f"{day:%G}-W{day:%V}"
    part = {"monthly": "", "half_monthly": "-H2" if day.day > 15 else "-H1"}
    return f"{day:%Y-%m}" + part.get(calendar, f"-Q{[7, 15, 22].index(day.day) + 1 if day.day in (7, 15, 22) else 4}")
