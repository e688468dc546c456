"""A small coalition for tests: three partners with keys, contracts, rates and prices, in a sandbox hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hub import setup
from hub.services import business_clock, partners
from hub.services.context import Hub
from hub.settings import Settings
from partner_sdk.wire.keys import PrivateKey, key_id, registration

FIRST_DAY = date(2017, 1, 1)
NOON = datetime(2017, 1, 10, 12, tzinfo=UTC)
PARTNERS = {"grocer": (1, 100, 9, 10), "fuel": (1, 200, 1, 1), "pharmacy": (2, 100, 4, 5)}
"""Partner -> points for each full per_minor, and the reimbursement price as a fraction."""


@dataclass(frozen=True)
class Coalition:
    """A hub that is set up, with the partners' keys."""

    hub: Hub
    settings: Settings
    keys: dict[str, PrivateKey]

    def keyid(self, partner: str) -> str:
        """The id of a partner's key."""
        return key_id(partner, self.keys[partner].public)


def build(database_url: str, data: Path, environment: str = "sandbox") -> Coalition:
    """Set up a coalition in an empty, migrated database."""
    settings = Settings(data=data, database_url=database_url)
    hub = setup.initialise(settings, "Test coalition", environment)
    keys = {
        partner: join(
            hub, partner, points=points, per_minor=per_minor, price=(up, down), enrols_unknown=partner != "pharmacy"
        )
        for partner, (points, per_minor, up, down) in PARTNERS.items()
    }
    if environment == "sandbox":
        business_clock.move(hub, NOON)
    return Coalition(hub, settings, keys)


def join(
    hub: Hub,
    partner: str,
    *,
    points: int = 1,
    per_minor: int = 100,
    price: tuple[int, int] = (1, 1),
    life_months: int = 6,
    enrols_unknown: bool = True,
    terms: Mapping[str, Any] = partners.NO_TERMS,
    gives: Sequence[Mapping[str, Any]] = ({},),
) -> PrivateKey:
    """Let a partner join with a contract, an earning rate, a price and an approved key, which is returned.

    ``terms`` are what its contract says beyond the usual; the rate has one linear rule for each of what it ``gives``.
    """
    partners.add(hub, partner, partner.title(), FIRST_DAY, life_months, enrols_unknown, terms)
    linear = {"rule": "linear", "points": points, "per_minor": per_minor}
    rules = [linear | ({"gives": dict(one)} if one else {}) for one in gives]
    partners.set_rate(hub, partner, "earning", FIRST_DAY, "USD", rules)
    fraction = {"numerator": price[0], "denominator": price[1]}
    partners.set_rate(hub, partner, "reimbursement", FIRST_DAY, "USD", fraction)
    key = PrivateKey.generate()
    add_key(hub, partner, key)
    return key


def add_key(hub: Hub, partner: str, key: PrivateKey, overlap: timedelta = partners.OVERLAP) -> str:
    """Register and approve a key; return its id."""
    keyid = str(partners.register_key(hub, registration(partner, key))["keyid"])
    partners.approve_key(hub, partner, keyid, overlap)
    return keyid
