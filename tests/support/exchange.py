"""Rates of exchange for tests: an airline's miles for points and back, by which nobody gains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hub.services import exchange_rates, exchange_steps, exchanges, quotes, reporting
from hub.services.context import Hub
from partner_sdk import Client
from tests.support.coalition import FIRST_DAY
from tests.support.network import Network
from tests.support.sdk import client_of
from tests.support.services import evidence, partner

USUAL: dict[str, Any] = {
    "unit": "MILES", "spread": "0.02", "minimum": 100, "step": 100, "rounding": "down", "quote_seconds": 600,
}  # fmt: skip
OUT = USUAL | {"direction": "out", "rate": "1/2"}
"""1,000 points give 490 miles."""
IN = USUAL | {"direction": "in", "rate": "2"}
"""100 miles give 196 points."""


def publish(hub: Hub, partner: str, **terms: Any) -> dict[str, Any]:
    """Publish one more version of a rate, from the first day on."""
    return exchange_rates.publish(hub, partner, FIRST_DAY, terms)


def take(hub: Hub, partner_id: str, exchange_id: str, member: str, direction: str, amount: int) -> dict[str, Any]:
    """Quote an exchange of miles and take the quote, asking the services directly."""
    asked = {"member": member, "direction": direction, "unit": "MILES", "amount": amount}
    quoted = quotes.quote(hub, partner(hub, partner_id), {"exchange": asked})["exchange"]
    taken = {"exchange_id": exchange_id, "quote_id": quoted["quote_id"], "member": member}
    return exchanges.take(hub, partner(hub, partner_id), evidence(), taken)


def take_step(hub: Hub, partner_id: str, exchange_id: str, step: str) -> dict[str, Any]:
    """Confirm, fail or reverse an exchange as its partner, asking the services directly."""
    reporter = reporting.by_partner(partner(hub, partner_id), evidence())
    return exchange_steps.take_step(hub, reporter, exchange_id, step)


@contextmanager
def airline(net: Network, **terms: Any) -> Iterator[Client]:
    """The client of a new partner that exchanges miles both ways."""
    partner = net.join(**terms).partner
    publish(net.hub, partner, **OUT)
    publish(net.hub, partner, **IN)
    with client_of(net, partner) as client:
        yield client
