"""The deadlines that publications fixed, in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, insert, select

from settlement.store.tables import cycle_deadline


def store_deadlines(connection: Connection, cycle: str, deadlines: Mapping[str, date]) -> None:
    """Write down the deadlines of a cycle that is being published."""
    rows = [{"cycle": cycle, "step": step, "due_on": due_on} for step, due_on in deadlines.items()]
    connection.execute(insert(cycle_deadline), rows)


def deadlines_of(connection: Connection, cycle: str) -> dict[str, date]:
    """The deadlines of a published cycle, by step, the first due first; none before."""
    return deadlines_by_cycle(connection, cycle).get(cycle, {})


def deadlines_by_cycle(connection: Connection, *cycles: str) -> dict[str, dict[str, date]]:
    """The deadlines of these cycles, or of all."""
    query = select(cycle_deadline).order_by(cycle_deadline.c.due_on, cycle_deadline.c.step)
    if cycles:
        query = query.where(cycle_deadline.c.cycle.in_(cycles))
    found: defaultdict[str, dict[str, date]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row.cycle][row.step] = row.due_on
    return found
