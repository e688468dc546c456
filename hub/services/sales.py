"""A posted sale as later events see it: what it gave, in which lots that is now, and what of it is back already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.errors import Refused
from hub.core.granting import given
from hub.core.granting import sale_of as sale_of_details
from hub.core.ledger import LotKey
from hub.core.rules import Grant
from hub.core.terms import EarningRate
from hub.services.context import Partner
from hub.store import accounts, events, lots, reviews
from hub.store.database import Connection


class Whereabouts(NamedTuple):
    """Where the points are that one line of a sale gave."""

    lots: Sequence[LotKey]
    """The lot they went to, or the one that their confirmation moved them to; then those that it was extended into."""
    before: Sequence[LotKey]
    """The lots that they waited in until they were confirmed, and may have expired in."""

    @property
    def all(self) -> list[LotKey]:
        """All lots that they have been in."""
        return [*self.lots, *self.before]


class Given(NamedTuple):
    """What one line of a sale gave, so far as it is asked about, and where it is."""

    where: Whereabouts
    points: int


def sale_of(connection: Connection, partner: Partner, event_id: str) -> Any:
    """Return the posted sale that something refers to.

    Raises:
        Refused: ``unknown_event`` or ``not_reversible``.
    """
    original = events.first_answers(connection, partner.partner_id, [event_id]).get(event_id)
    if original is None or original.status != "posted":
        raise Refused("unknown_event", "The partner has reported no sale under this id.")
    if original.kind != "earning":
        raise Refused("not_reversible", f"This id is of a {original.kind}, not of a sale.")
    return original


def refuse_quarantined(connection: Connection, original: Any) -> None:
    """Refuse (``not_reversible``) to go on with a sale on which a person has yet to decide; under its member's lock."""
    if reviews.is_suspect(connection, original.partner_id, original.event_id):
        raise Refused("not_reversible", "The sale is quarantined: the operator has to decide on it first.")


def refunded(following: Iterable[Any]) -> int:
    """Return the minor units of a sale that refunds among the events that follow it gave back."""
    return sum(one.amount_minor for one in following if one.kind == "refund")


def grants_of(partner: Partner, original: Any, minor: int) -> list[Grant]:
    """Return what a sale would have given for ``minor`` units, under the rate version that it was posted with."""
    return given(rate_of(partner, original).grants, sale_of_details(minor, original.details))


def rate_of(partner: Partner, original: Any) -> EarningRate:
    """Return the version of the rate that a sale was posted with."""
    return next(rate for rate in partner.earning_rates.versions if rate.version == original.rate_version)


def owners(connection: Connection, original: Any) -> list[int]:
    """Return the members who have had the points of a sale: its own, and those that it was merged into."""
    return accounts.lineage(connection, original.member_id)


def whereabouts(
    connection: Connection, partner: Partner, original: Any, members: Sequence[int], *, confirmed: bool
) -> dict[int, Whereabouts]:
    """Return where the points of each line of a sale are, which these members have had."""
    transfers = events.transfers_of(connection, partner.partner_id, original.event_id, [original.member_id])
    extended = lots.extended(connection, members)
    given = {one.line: LotKey(one.expires_on, one.issuer, one.kind, one.matures_on) for one in transfers}
    return {line: _whereabouts(key, extended, confirmed) for line, key in given.items()}


def _whereabouts(key: LotKey, extended: Mapping[LotKey, Sequence[LotKey]], confirmed: bool) -> Whereabouts:
    own = followed([key], extended)
    if not confirmed:
        return Whereabouts(own, [])
    mature = [one._replace(matures_on=ledger.MATURE_AT_ONCE) for one in own]
    return Whereabouts(followed(mature, extended), own)


def followed(keys: Iterable[LotKey], extended: Mapping[LotKey, Sequence[LotKey]]) -> list[LotKey]:
    """Return these lots and all that they were extended into, each once."""
    found = list(keys)
    for key in found:
        found += [later for later in extended.get(key, ()) if later not in found]
    return found
