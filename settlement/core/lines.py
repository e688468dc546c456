"""An obligation: one line of what an issuer owes a redeemer, and the text its digest is taken over.

The text is the contract between the database, the exported file and any other program that recomputes a
cycle: twelve fields in a fixed order, joined by a line break, in UTF-8. No field may contain a line break, so
two different lines never have the same text.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, NamedTuple

SEPARATOR = "\n"


class Obligation(NamedTuple):
    """`issuer` owes `redeemer` `amount_minor` for `points`; the fields stand in canonical order.

    partner_id, event_id, line
        The partner that reported the event, the event's id, and the line's place in it (from 0 or 1 upwards,
        in the order in which the lots were burnt).
    amount_minor
        Minor units of `currency` (cents); this line's share of the event's value.
    price_version, price_numerator, price_denominator
        The version of the contract price, and the price as minor units a point.
    business_date
        The day of the coalition's business on which it was posted; it decides the cycle.
    """

    partner_id: str
    event_id: str
    line: int
    issuer: str
    redeemer: str
    points: int
    amount_minor: int
    currency: str
    price_version: int
    price_numerator: int
    price_denominator: int
    business_date: date


FIELDS = Obligation._fields
_TEMPLATE = SEPARATOR.join(["%s"] * len(FIELDS))


def canonical_text(obligation: Obligation) -> str:
    """The text the digest is taken over; a date is written YYYY-MM-DD."""
    return _TEMPLATE % obligation


def line_digest(obligation: Obligation) -> bytes:
    """SHA-256 (32 bytes) of the canonical text in UTF-8."""
    return hashlib.sha256((_TEMPLATE % obligation).encode()).digest()


def row_name(partner_id: Any, event_id: Any, line: Any) -> str:
    """How messages name an obligation: `partner_id/event_id/line`."""
    return f"{partner_id}/{event_id}/{line}"
