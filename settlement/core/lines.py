"""An obligation: one line of what an issuer owes a redeemer, and the text its digest is taken over.

The text is the contract between the database, the exported file and any other program that recomputes a
cycle: fields in a fixed order, joined by a line break, in UTF-8. A usual line has twelve; the line of a
correction has its origin as a thirteenth; a line of another kind than a reimbursement, or one that the fund pays,
has all fifteen. Lines from before there were corrections or kinds so keep their text and their digest. No field may
contain a line break, so the number of breaks tells the three forms apart, and two different lines never have the
same text.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, NamedTuple

from settlement.core.parties import ADJUSTMENT, FUND, KINDS, REIMBURSEMENT

SEPARATOR = "\n"


class Obligation(NamedTuple):
    """`issuer` owes `redeemer` `amount_minor` for `points`; the fields stand in canonical order.

    partner_id, event_id, line
        The partner that reported the event, the event's id, and the line's place in it (from 0 or 1 upwards,
        in the order in which the lots were burnt).
    points, amount_minor
        This line's share of the event's points, and of its value in minor units of `currency` (cents). Neither is
        above zero in a correction by which the issuer owes the same redeemer that much less. Where the fund pays a
        part and the issuer the rest, the points stand with the issuer's line and the fund's has none.
    price_version, price_numerator, price_denominator
        The version of the price, and the price as minor units a point: of a reimbursement, the redeemer's price; of
        another kind, a version of the contract of the partner whose points they are, and its price times the
        share that is paid at issue.
    business_date
        The day of the coalition's business on which it was posted; it decides the cycle.
    origin
        Of a correction: `partner_id/event_id` of the event that it corrects, in this cycle or an earlier one.
        "" otherwise.
    kind
        What is owed for, one of `settlement.core.parties.KINDS`.
    points_of
        Where the fund owes: the partner whose points they are. "" otherwise.
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
    kind: str = REIMBURSEMENT
    points_of: str = ""

    @property
    def usual(self) -> bool:
        """Whether it is a reimbursement by the issuer itself, whose text says neither kind nor whose points."""
        return self.kind == REIMBURSEMENT and not self.points_of


FIELDS = Obligation._fields
_WHOLE = SEPARATOR.join(["%s"] * len(FIELDS))
_CORRECTION = SEPARATOR.join(["%s"] * (len(FIELDS) - 2))
_USUAL = SEPARATOR.join(["%s"] * (len(FIELDS) - 3))


def canonical_text(obligation: Obligation) -> str:
    """The text the digest is taken over; a date is written YYYY-MM-DD, an origin only where there is one."""
    if not obligation.usual:
        return _WHOLE % obligation
    return _CORRECTION % obligation[:-2] if obligation.origin else _USUAL % obligation[:-3]


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
    """Why these points, this amount, kind or origin cannot be owed; "" when they can."""
    return _why_not_this_kind(line) or _why_not_this_much(line) or _why_not_this_origin(line)


def _why_not_this_kind(line: Obligation) -> str:
    if line.kind not in KINDS:
        return f"a kind is one of {', '.join(KINDS)}"
    if (line.issuer == FUND) == (line.points_of == "") and line.kind != ADJUSTMENT:
        return "where the fund owes, and only there, a line says whose points they are"
    if line.kind == ADJUSTMENT and (line.points or not line.origin):
        return "an adjustment is money alone, and names the event of the line that it goes back to"
    return ""


def _why_not_this_much(line: Obligation) -> str:
    something = line.points != 0 or (line.amount_minor != 0 and not line.usual)
    same_sign = line.points >= 0 <= line.amount_minor or line.points <= 0 >= line.amount_minor
    if not (something and same_sign):
        return "points must not be zero, and the amount not of the other sign"
    below = line.points < 0 or line.amount_minor < 0
    return "only a correction, which has an origin, may be below zero" if below and not line.origin else ""


def _why_not_this_origin(line: Obligation) -> str:
    if not line.origin:
        return ""
    partner_id, _, event_id = line.origin.partition("/")
    if not (partner_id and event_id):
        return "an origin is written partner/event"
    return "an event does not correct itself" if line.origin == event_name(line.partner_id, line.event_id) else ""
