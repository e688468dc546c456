"""The sample coalition: its six partners, what they earn, and what a redeemed point is worth there."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from hub.services import partners
from hub.services.context import Hub
from partner_sdk import Client
from partner_sdk.wire.keys import PrivateKey

CURRENCY = "USD"
LIFE_MONTHS = 6


class Terms(NamedTuple):
    """A partner's name, its earning rule and its reimbursement price (minor units a point)."""

    name: str
    points: int
    per_minor: int
    numerator: int
    denominator: int


PARTNERS = {
    "bank": Terms("Unity Bank", 1, 200, 1, 1),
    "fuel": Terms("Northway Fuel", 1, 200, 1, 1),
    "garden": Terms("Bloom & Garden", 3, 100, 1, 1),
    "grocer": Terms("Freshfield Grocers", 1, 100, 9, 10),
    "kitchen": Terms("Corner Kitchen", 1, 100, 1, 1),
    "pharmacy": Terms("Carewell Pharmacy", 2, 100, 4, 5),
}


def onboard(hub: Hub, url: str, partner_id: str, valid_from: date) -> Client:
    """Do all that it takes to bring one partner in, from both sides; return the partner's client.

    The operator adds the partner with its terms; the partner makes a key and registers it over the wire; the
    operator compares the thumbprint and approves.
    """
    terms = PARTNERS[partner_id]
    partners.add(hub, partner_id, terms.name, valid_from, LIFE_MONTHS, enrols_unknown=False)
    rule = {"rule": "linear", "points": terms.points, "per_minor": terms.per_minor}
    partners.set_rate(hub, partner_id, "earning", valid_from, CURRENCY, [rule])
    price = {"numerator": terms.numerator, "denominator": terms.denominator}
    partners.set_rate(hub, partner_id, "reimbursement", valid_from, CURRENCY, price)
    client = Client(url, partner_id, PrivateKey.generate(), root_key=hub.keyring.root.public)
    registered = client.register_key()
    partners.approve_key(hub, partner_id, registered.keyid)
    return client
