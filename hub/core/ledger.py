"""The ledger's vocabulary: events, transfers, lots and the accounts that points move between.

A transfer is the only primitive: one debit account, one credit account, a positive whole number of points.
Books that do not balance can therefore not be written down. Every transfer names the lot it touches, so each
point remembers who issued it, of what kind it is, and when it expires.

The records are named tuples because a batch of them is turned into columns for one set-based statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from hub.core.point_kinds import BASE as BASE

AVAILABLE = "available"
"""Account of a member: the points in its lots, whether mature, pending or held."""
DEBT = "debt"
"""Account of a member: points that it owes to an issuer, since a refund found them spent."""
TRANSIT = "transit"
"""Account of the coalition through which points go from lot to lot; each event leaves it as it was."""
BREAKAGE = "breakage"
"""Account of the coalition: points that expired unspent."""
PARTNER_ID = re.compile(r"[a-z][a-z0-9-]{1,31}")
COALITION = "coalition"
"""The reporter of the operator's own events, and never the id of a partner."""
NEVER_EXPIRES = date.max
MATURE_AT_ONCE = date.min
WHEN_CONFIRMED = date.max
"""The maturity of points that wait until their partner confirms the event."""
NO_MEMBER = 0
"""The member id of transfers between partners and the coalition, which touch no member."""

MAX_POINTS = 1_000_000_000
"""Most points one reported event may move."""
MAX_MINOR = 1_000_000_000_000
"""Largest amount of money one reported event may state, in minor units."""


def issued(partner_id: str) -> str:
    """Return the account that the points issued by a partner come from."""
    return f"issued:{partner_id}"


def redeemed(partner_id: str) -> str:
    """Return the account that the points redeemed at a partner go to."""
    return f"redeemed:{partner_id}"


class LotKey(NamedTuple):
    """What all points of one lot share. The order of the fields is the burning order."""

    expires_on: date
    issuer: str
    kind: str
    matures_on: date


class Lot(NamedTuple):
    """Points of one member that share expiry, issuer, kind and maturity."""

    key: LotKey
    points: int


class Event(NamedTuple):
    """What a partner, a member or the operator did. ``(partner_id, event_id)`` is unique for ever."""

    event_id: str
    kind: str
    member_id: int
    status: str
    points: int
    occurred_at: datetime
    content: bytes
    """SHA-256 of the reported content; tells a replay from a conflict."""
    amount_minor: int | None = None
    """The sale of an earning, the value of a redemption, in minor units of ``currency``."""
    currency: str | None = None
    rate_version: int | None = None
    expires_on: date | None = None
    matures_on: date | None = None
    """When the points of an earning can be spent; None: at once."""
    store: str | None = None
    terminal: str | None = None
    channel: str | None = None
    items: str | None = None
    """The sold items as JSON text."""
    error_code: str | None = None
    evidence_id: bytes | None = None
    """The signed request that reported it; None for the operator's own events."""
    refers_to: str | None = None
    """The event of the same reporter that this one confirms, captures, voids, refunds or reverses."""
    returned_before: int | None = None
    """What earlier events had returned of it: minor units for a refund, points for a reversal."""
    priced_by: str | None = None
    """The partner whose reimbursement price ``rate_version`` is, where that is not the reporter."""
    scheme_rule: str | None = None
    """The scheme rule that chose the lots, by name and version."""
    details: str | None = None
    """What else the decision rested on, as JSON text."""


class Transfer(NamedTuple):
    """Moves ``points`` of one lot from the debit account to the credit account."""

    event_id: str
    line: int
    member_id: int
    debit_account: str
    credit_account: str
    expires_on: date
    issuer: str
    kind: str
    matures_on: date
    points: int


class Evidence(NamedTuple):
    """The signed request that reported events, so that its sender cannot deny them."""

    evidence_id: bytes
    """First 16 bytes of the SHA-256 of the signature base."""
    keyid: str
    received_at: datetime
    signature_base: bytes
    signature: bytes
    sealed_body: bytes
    """The raw body, compressed and encrypted, because it names members."""


class Posting(NamedTuple):
    """All that is to be written in one transaction for the events of one reporter."""

    partner_id: str
    posted_at: datetime
    business_date: date
    events: Sequence[Event]
    transfers: Sequence[Transfer]
    evidence: Sequence[Evidence] = ()
    """The signed requests that the events came in."""


Json = Mapping[str, Any]
