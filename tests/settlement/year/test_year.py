"""A simulated year of forty partners in three currencies, of which one fails, held against a model to the last unit.

What is drawn follows from a printed seed; `make soak` runs a bigger year with cycles of every calendar, and
`--seed` one of those again.
"""

from __future__ import annotations

from pathlib import Path

from hub.services import exposure
from settlement.__main__ import main as verify
from tests.settlement.year.agenda import ALL_CALENDARS, MONTHLY, Year
from tests.settlement.year.plan import LONG, SHORT, plan
from tests.support.network import broken_rows

HAPPENS = ("sale", "posted", "insufficient_points", "refund", "reversal", "late", "dispute", "returned", "default",
           "issuing_frozen", "credit_limit_reached", "dispute by two", "statement", "file")  # fmt: skip


def test_every_cycle_of_a_year_adds_up(postgres_url: str, tmp_path: Path, seed: int, soaking: bool) -> None:
    print(f"seed {seed}")
    year = Year(plan(seed, LONG if soaking else SHORT), postgres_url, tmp_path, ALL_CALENDARS if soaking else MONTHLY)
    year.run()
    assert [name for name in HAPPENS if not year.trading.seen[name]] == []
    lines = {(one["partner"], one["currency"]): one["left_minor"] for one in exposure.renew(year.hub)}
    assert lines == year.settlement.headroom
    year.closing.expect_books()
    assert broken_rows(year.hub) == []
    assert verify(["verify", str(year.closing.exports)]) == 0
    print(f"seed {seed}: {year.trading.seen}")
    year.hub.database.dispose()
