"""An obligation: one line of what an issuer owes a redeemer, and the text its digest is taken over.

The text is the contract between the database, the exported file and any other program that recomputes a
cycle: fields in a fixed order, joined by a line break, in UTF-8. A usual line has twelve; the line of a
correction has its origin as a thirteenth. Lines from before there were corrections so keep their text and their
digest. No field may contain a line break, so the number of breaks tells the two forms apart, and two different
lines never have the same text.
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
    points, amount_minor
        This line's share of the event's points, and of its value in minor units of `currency` (cents). Both below
        zero (the amount may be zero) in a correction by which the issuer owes the same redeemer that much less.
    price_version, price_numerator, price_denominator
        The version of the contract price, and the price as minor units a point.
    business_date
        The day of the coalition's business on which it was posted; it decides the cycle.
    origin
        Of a correction: `partner_id/event_id` of the event that it corrects, in this cycle or an earlier one.
        "" otherwise.
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
    origin: str = ""


FIELDS = Obligation._fields
_CORRECTION = SEPARATOR.join(["%s"] * len(FIELDS))
_USUAL = SEPARATOR.join(["%s"] * (len(FIELDS) - 1))


def canonical_text(obligation: Obligation) -> str:
    """The text the digest is taken over; a date is written YYYY-MM-DD, an origin only where there is one."""
    return _CORRECTION % obligation if obligation.origin else _USUAL % obligation[:-1]


def line_digest(obligation: Obligation) -> bytes:
    """SHA-256 (32 bytes) of the canonical text in UTF-8."""
    return hashlib.sha256(canonical_text(obligation).encode()).digest()


def row_name(partner_id: Any, event_id: Any, line: Any) -> str:
    """How messages name an obligation: `partner_id/event_id/line`."""
    return f"{partner_id}/{event_id}/{line}"


def event_name(partner_id: str, event_id: str) -> str:
    """How an origin names an event: `partner_id/event_id`; the first slash is the one between the two."""
    return f"{partner_id}/{event_id}"


def why_not_owed(line: Obligation) -> str:
    """Why these points and this amount cannot be owed, or their origin cannot be one; "" when they can."""
    if not (line.points > 0 <= line.amount_minor or line.points < 0 >= line.amount_minor):
        return "points must not be zero, and the amount not of the other sign"
    if not line.origin:
        return "" if line.points > 0 else "only a correction, which has an origin, may be below zero"
    partner_id, _, event_id = line.origin.partition("/")
    if not (partner_id and event_id):
        return "an origin is written partner/event"
    return "an event does not correct itself" if line.origin == event_name(line.partner_id, line.event_id) else ""
