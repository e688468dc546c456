"""Noting the numbers of terminals costs as much as there are numbers, also where one terminal brings a thousand."""

from __future__ import annotations

from sqlalchemy import Connection

from hub.store import sequences
from hub.store.sequences import Numbered
from tests.support.coalition import NOON, Coalition

TIMES, NUMBERS = 12, 100
"""After some times the server stops planning for the very numbers that are given."""
READ = "SELECT pg_stat_get_xact_tuples_returned('hub.terminal_number_pkey'::regclass)"
"""Entries of the index that this transaction has read."""


def test_the_highest_number_is_looked_up_once_and_not_behind_those_that_just_came(built: Coalition) -> None:
    def work(connection: Connection) -> int:
        for time in range(TIMES):
            numbers = range(time * NUMBERS + 1, (time + 1) * NUMBERS + 1)
            sequences.note(connection, "grocer", [Numbered("t1", number, f"e-{number}") for number in numbers], NOON)
        return int(connection.exec_driver_sql(READ).scalar_one())

    assert built.hub.database.transact(work) < TIMES * NUMBERS
