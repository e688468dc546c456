"""Sixty-four threads at once on twenty members: whatever they do to each other, the ledger stays right.

Holds, captures, voids, redemptions, reversals, refunds, transfers, pools, merges and their undoing, while sales come
in, the clock goes on and days end. There is no deadlock, neither one that a caller sees nor one that is broken for it;
no lot is below zero, and the ledger's checks are clean at the end. `make soak` does it for a minute; ``--seed`` throws
the same dice again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import text

from hub import setup
from hub.services import business_clock
from hub.settings import Settings
from tests.support import coalition
from tests.support.crowd import COMMANDS, CONTRACTS, Crowd
from tests.support.network import broken_rows

THREADS, MEMBERS = 64, 20
SECONDS, SOAK_SECONDS = 8, 60
REFUSALS = {
    "already_merged", "event_conflict", "exceeds_original", "hold_closed", "in_another_pool", "insufficient_points",
    "member_in_debt", "merged_since", "not_in_pool", "not_pending", "not_reversible", "same_member", "unknown_event",
}  # fmt: skip
"""What may be refused, since others were faster; anything else is a fault."""
BELOW_ZERO = "SELECT count(*) FROM hub.lot WHERE points < 0"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def test_many_threads_leave_the_ledger_as_its_checks_want_it(
    postgres_url: str, tmp_path: Path, soaking: bool, seed: int
) -> None:
    sys.stdout.write(f"--seed {seed}\n")
    hub = setup.initialise(Settings(data=tmp_path, database_url=postgres_url, threads=THREADS), "Crowd", "sandbox")
    business_clock.move(hub, coalition.NOON)
    for partner, terms in CONTRACTS.items():
        coalition.join(hub, partner, terms=terms)
    crowd = Crowd(hub, MEMBERS, seed)
    crowd.run(THREADS, SOAK_SECONDS if soaking else SECONDS)
    for (command, outcome), times in sorted(crowd.outcomes.items()):
        sys.stdout.write(f"{command:>10} {outcome:<20} {times:>6}\n")
    assert {outcome for _, outcome in crowd.outcomes} <= REFUSALS | {"done"}
    assert {command for command, outcome in crowd.outcomes if outcome == "done"} == {one.__name__ for one in COMMANDS}
    with hub.database.connect() as connection:
        assert connection.execute(text(BELOW_ZERO)).scalar_one() == 0
        assert connection.execute(text(DEADLOCKS)).scalar_one() == 0
    assert broken_rows(hub) == []
    hub.database.dispose()
