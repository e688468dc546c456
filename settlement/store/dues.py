"""The dues of a cycle: from its nets, what the cycle before carried, and the contracts in force on its last day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import partial

from sqlalchemy import Connection, select

from settlement.core.agreements import Agreements
from settlement.core.charges import owed_for
from settlement.core.contracts import Contract, Terms, in_force
from settlement.core.dues import Account, Due, carried, dues, least_of
from settlement.core.verification import Claims
from settlement.errors import SettlementRefused
from settlement.store.tables import contract, cycle_result, due
from settlement.store.window import Window

_COLUMNS = [due.c[name] for name in Due._fields]


def ask_dues(connection: Connection, window: Window, claims: Claims) -> list[Due]:
    """The dues that the figures of a cycle give.

    Raises `SettlementRefused` when the cycle before has not been calculated, so that nobody knows what it carries.
    """
    nets = {(net.partner, net.currency): net.net_minor for net in claims.nets}
    terms_of = partial(Agreements(claims.contracts).terms_on, day=window.at.ends_on)
    least_minor = least_of(terms_of, window.at.ends_on)
    return dues(nets, owed_for(claims.charges), _brought(connection, window), least_minor)


def load_dues(connection: Connection, cycle: str) -> list[Due]:
    """What was written down of a cycle's dues, sorted by partner and currency."""
    rows = connection.execute(select(*_COLUMNS).where(due.c.cycle == cycle).order_by(*_COLUMNS))
    return [Due._make(row) for row in rows]


def terms_in_force(connection: Connection, day: date) -> dict[str, Terms]:
    """The terms about money of each partner that has any on a day."""
    versions: defaultdict[str, list[Contract]] = defaultdict(list)
    for row in connection.execute(select(contract)):
        versions[row.partner].append(
            Contract(row.partner, row.version, row.valid_from, row.terms, "", bytes(row.digest))
        )
    found = {partner: in_force(known, day) for partner, known in versions.items()}
    return {partner: one.terms for partner, one in found.items() if one}


def _brought(connection: Connection, window: Window) -> Mapping[Account, int]:
    if window.before is None:
        return {}
    before = window.before.cycle
    if not connection.execute(select(cycle_result.c.cycle).where(cycle_result.c.cycle == before)).first():
        raise SettlementRefused(f"cycle {before} has to be calculated first: it may carry amounts to this one")
    return carried(load_dues(connection, before))
