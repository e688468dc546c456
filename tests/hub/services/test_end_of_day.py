"""The end of a day: what is due goes to breakage, all of it, once, and only when the day is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import business_clock, end_of_day
from hub.services.context import Hub
from tests.support import coalition
from tests.support.coalition import Coalition
from tests.support.network import broken_rows
from tests.support.services import earn, redeem

LAST_DAY = date(2017, 1, 31)


def _at(hub: Hub, day: date) -> None:
    business_clock.move(hub, datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def _breakage(hub: Hub) -> int:
    with hub.database.connect() as connection:
        query = "SELECT coalesce(sum(points), 0) FROM hub.transfer WHERE credit_account = 'breakage'"
        return int(connection.execute(text(query)).scalar_one())


@pytest.fixture
def month_of_kiosk(built: Coalition) -> Hub:
    """Seven members with points of two kinds of partner: some end with January, some in July."""
    coalition.join(built.hub, "kiosk", life_months=0)
    for number in range(7):
        earn(built.hub, "grocer", f"g{number}", f"card:{number}", 1_000)
        earn(built.hub, "kiosk", f"k{number}", f"card:{number}", 100 * (number + 1))
    return built.hub


def test_only_what_ends_by_then_goes(month_of_kiosk: Hub) -> None:
    _at(month_of_kiosk, LAST_DAY)
    assert end_of_day.run(month_of_kiosk, LAST_DAY - timedelta(days=1)) == 0
    assert end_of_day.run(month_of_kiosk, LAST_DAY) == 28
    assert end_of_day.run(month_of_kiosk, LAST_DAY) == 0
    assert _breakage(month_of_kiosk) == 28
    _at(month_of_kiosk, date(2017, 8, 1))
    assert end_of_day.run(month_of_kiosk, date(2017, 7, 31)) == 70
    assert broken_rows(month_of_kiosk) == []


@pytest.mark.parametrize("members", [1, 2, 3, 7])
def test_many_members_are_worked_through_in_parts(
    month_of_kiosk: Hub, monkeypatch: pytest.MonkeyPatch, members: int
) -> None:
    """Each member's lots go together, however many members a transaction takes, and whenever they end."""
    monkeypatch.setattr(end_of_day, "MEMBERS_A_TRANSACTION", members)
    done: list[int] = []
    _at(month_of_kiosk, date(2017, 8, 1))
    assert end_of_day.run(month_of_kiosk, date(2017, 7, 31), done.append) == 28 + 70
    assert sum(done) == 7
    assert max(done) == members
    assert broken_rows(month_of_kiosk) == []


def test_what_was_spent_does_not_expire(month_of_kiosk: Hub) -> None:
    redeem(month_of_kiosk, "fuel", "r1", "card:6", 7)
    _at(month_of_kiosk, LAST_DAY)
    assert end_of_day.run(month_of_kiosk, LAST_DAY) == 28 - 7
    assert broken_rows(month_of_kiosk) == []


def test_a_day_of_the_future_cannot_end(built: Coalition) -> None:
    with pytest.raises(Refused) as refused:
        end_of_day.run(built.hub, coalition.NOON.date() + timedelta(days=1))
    assert refused.value.code == "not_allowed"


def test_a_live_hub_ends_no_day_that_goes_on(postgres_url: str, tmp_path: Path) -> None:
    live = coalition.build(postgres_url, tmp_path, "live")
    today = datetime.now(UTC).date()
    assert end_of_day.run(live.hub, today - timedelta(days=1)) == 0
    with pytest.raises(Refused):
        end_of_day.run(live.hub, today + timedelta(days=1))
    live.hub.database.dispose()
