"""What each step of an exchange moves, by its direction; the steps themselves are in `exchange_steps`.

Points that come in are mature at once. The wait of sales is for returns; an exchange has its own way back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.burning import take
from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, LotKey, Transfer
from hub.core.reclaiming import Reclaimed
from hub.services import accounts, exchange_quotes, funding, redemptions, reimbursement, reversals, unissuing
from hub.services.accounts import Standing
from hub.services.captures import event_id_of
from hub.services.context import Moment, Partner
from hub.services.corrections import corrections, parts_of
from hub.store import events, holds, members
from hub.store.database import Connection
from hub.store.exchanges import Exchange
from settlement.intake import Obligation

KINDS = MappingProxyType(
    {"confirm": "exchange-confirmation", "fail": "exchange-failure", "reverse": "exchange-reversal"}
)
"""The kind of event of each step."""


class Case(NamedTuple):
    """What a step is decided on, under locks: the exchange, and how its member stands, or who it was merged into."""

    connection: Connection
    moment: Moment
    partner: Partner
    exchange: Exchange
    standing: Standing
    recorded: Mapping[str, Any]
    """The events of the exchange so far, by id."""

    def event(self, step: str, **more: Any) -> Event:
        """Return the event of a step, without who takes it."""
        return Event(
            event_id_of(self.exchange.exchange_id, step),
            KINDS[step],
            self.exchange.member_id,
            "posted",
            self.exchange.points,
            self.moment.now,
            content_digest(KINDS[step], {"exchange_id": self.exchange.exchange_id}),
        )._replace(**more)

    @property
    def payers(self) -> list[int]:
        """The members whose points the confirmation moved: its own, or a survivor at that time."""
        payers: list[int] = (self.confirmation.details or {}).get("payers") or [self.confirmation.member_id]
        return payers

    @property
    def opening(self) -> Any:
        """The event that opened the exchange."""
        return self.recorded[self.exchange.exchange_id]

    @property
    def confirmation(self) -> Any:
        """The event that confirmed it."""
        return self.recorded[event_id_of(self.exchange.exchange_id, "confirm")]


class Outcome(NamedTuple):
    """What a step writes."""

    event: Event
    transfers: Sequence[Transfer] = ()
    owed: Sequence[Obligation] = ()


def confirm_in(case: Case) -> Outcome:
    """Issue the points, with the life that the partner's contract gives today."""
    contract = exchange_quotes.contract_on(case.partner, case.moment)
    jurisdiction = members.jurisdiction(case.connection, case.standing.member_id)
    issuer, expires_on = case.partner.partner_id, contract.expiry.on(case.moment.day, jurisdiction)
    event = case.event("confirm", refers_to=case.exchange.exchange_id, expires_on=expires_on)
    key = LotKey(expires_on, issuer, ledger.BASE, ledger.MATURE_AT_ONCE)
    points = Transfer(
        event.event_id, 1, case.standing.member_id, ledger.issued(issuer), ledger.AVAILABLE, *key, case.exchange.points
    )  # fmt: skip
    return Outcome(event, [points], funding.of_transfers(case.moment, issuer, [points]))


def confirm_out(case: Case) -> Outcome:
    """Redeem what was reserved with the partner, at the price of the day on which it was reserved."""
    exchange_id, partner_id = case.exchange.exchange_id, case.partner.partner_id
    hold = holds.find(case.connection, partner_id, exchange_id)
    assert hold is not None
    price = reimbursement.price_of(case.partner, case.opening.rate_version)
    event = case.event(
        "confirm", refers_to=exchange_id, amount_minor=case.opening.amount_minor, currency=price.currency,
        rate_version=price.version,
    )  # fmt: skip
    holds.end(case.connection, partner_id, exchange_id, holds.CAPTURED)
    lines = redemptions.burnt(hold.lots)
    owed = reimbursement.obligations(case.moment, partner_id, event, partner_id, price, lines)
    return Outcome(event, redemptions.transfers_of(case.partner, event.event_id, hold.lots), owed)


def fail(case: Case) -> Outcome:
    """Release what was reserved, if anything was; what has expired meanwhile has expired."""
    exchange_id = case.exchange.exchange_id
    holds.end(case.connection, case.partner.partner_id, exchange_id, holds.VOIDED)
    return Outcome(case.event("fail", refers_to=exchange_id))


def reverse_in(case: Case) -> Outcome:
    """Let the partner take back as many points of its own: those that came in first, then others of it."""
    issuer, came_in = case.partner.partner_id, case.confirmation
    [given] = events.transfers_of(case.connection, issuer, came_in.event_id, case.payers)
    own = [lot for lot in case.standing.spendable(issuer) if lot.key.issuer == issuer]
    same = take([lot for lot in own if lot.key == _key(given)], case.exchange.points)
    missing = case.exchange.points - sum(lot.points for lot in same)
    others = take([lot for lot in own if lot.key != _key(given)], missing) if missing else []
    if sum(lot.points for lot in others) < missing:
        raise Refused("insufficient_points", "The points that came in are spent or have expired.")
    event = case.event("reverse", refers_to=came_in.event_id, returned_before=0)
    taken = accounts.returned(event.event_id, case.standing.member_id, Reclaimed(issuer, [*same, *others]))
    return Outcome(event, taken, unissuing.taken_back(case.connection, case.moment, issuer, event, taken))


def reverse_out(case: Case) -> Outcome:
    """Give the points back to the lots that they came from, and take back what was owed for them."""
    partner_id, went_out = case.partner.partner_id, case.confirmation
    lines = events.owed_lines(case.connection, partner_id, went_out.event_id)
    parts = parts_of(lines, 0, case.exchange.points)
    event = case.event(
        "reverse", refers_to=went_out.event_id, returned_before=0, amount_minor=sum(part.minor for part in parts),
        currency=went_out.currency, rate_version=went_out.rate_version,
    )  # fmt: skip
    burnt = events.transfers_of(case.connection, partner_id, went_out.event_id, case.payers)
    back = reversals.back_to_lots(
        case.connection, case.moment, case.partner, event.event_id, parts, burnt,
        dict.fromkeys(case.payers, case.standing),
    )  # fmt: skip
    return Outcome(event, back, corrections(case.moment, partner_id, event, parts))


def _key(transfer: Transfer) -> LotKey:
    return LotKey(transfer.expires_on, transfer.issuer, transfer.kind, transfer.matures_on)
