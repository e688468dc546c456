"""How a cycle's dues can be paid: each partner once, to or by the operator, or partners among themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.core.direct_payments import DirectPayment, direct_payments
from settlement.core.parties import OPERATOR
from settlement.core.verification import Claims
from settlement.store.results import load_claims
from settlement.store.window import window_of


class WayToPay(NamedTuple):
    """The payments of one currency; `fewest` says that no others are fewer, and none are fewer than `at_least`."""

    currency: str
    payments: Sequence[DirectPayment]
    fewest: bool
    at_least: int


def ways_to_pay(connection: Connection, cycle: str, *, direct: bool) -> list[WayToPay]:
    """The payments of a calculated cycle by currency, through the operator or direct; nothing is stored.

    Raises `UnknownCycle`.
    """
    dues = _by_currency(load_claims(connection, window_of(connection, cycle)))
    way = _direct if direct else _through_operator
    return [way(currency, minors) for currency, minors in sorted(dues.items())]


def _by_currency(claims: Claims) -> dict[str, dict[str, int]]:
    """What each party is due; in a cycle from before there were dues, its net."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for due in claims.dues:
        found[due.currency][due.party] = due.due_minor
    for net in [] if claims.dues else claims.nets:
        found[net.currency][net.partner] = net.net_minor
    return found


def _direct(currency: str, nets: dict[str, int]) -> WayToPay:
    return WayToPay(currency, *direct_payments(nets))


def _through_operator(currency: str, nets: dict[str, int]) -> WayToPay:
    """Every partner pays the operator or is paid by it, once; that is the fewest where the operator is in each."""
    partners = [(partner, minor) for partner, minor in sorted(nets.items()) if minor and partner != OPERATOR]
    paid_in = [DirectPayment(partner, OPERATOR, -minor) for partner, minor in partners if minor < 0]
    paid_out = [DirectPayment(OPERATOR, partner, minor) for partner, minor in partners if minor > 0]
    return WayToPay(currency, [*paid_in, *paid_out], True, len(partners))
