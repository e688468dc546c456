"""What the hub has on record for a partner: rates, events, statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.disputes import Dispute, Withheld
from partner_sdk.model.exchanges import ExchangeTerms
from partner_sdk.model.values import Failure, Money, Readable, Wire, optional


@dataclass(frozen=True, slots=True)
class Rule(Readable):
    """An earning rule; `linear` gives `points` for each full `per_minor` minor units, of the kind that it `gives`."""

    rule: str
    points: int
    per_minor: int
    gives: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Price(Readable):
    """Minor units for one point, as a fraction; `version` is the contract price it came from, when known."""

    numerator: int
    denominator: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Conversion(Readable):
    """Minor units of the currency `into` for one of a foreign currency, as a fraction."""

    into: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Rate(Readable):
    """One version of a rate of this partner: `rules` for earning, `price` for reimbursement, or `exchange`.

    The first two are in a `currency`; `conversion` is what purchases in a foreign `currency` are converted at.
    """

    kind: str
    version: int
    valid_from: date
    currency: str | None = None
    rules: tuple[Rule, ...] = ()
    price: Price | None = None
    conversion: Conversion | None = None
    exchange: ExchangeTerms | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a terminal, `first` to `last`: none of them came (`missing`), or two events bear one (`repeated`).

    `since` is the hub's business time at which it showed; `event_ids` are the two events of a repeated number.
    """

    kind: str
    terminal: str
    first: int
    last: int
    since: datetime
    event_ids: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, wire: Wire) -> "Gap":
        """Read an element of GET /v1/events/gaps."""
        since = datetime.fromisoformat(wire["since"])
        return cls(
            wire["kind"], wire["terminal"], wire["first"], wire["last"], since, tuple(wire.get("event_ids", ()))
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event(Readable):
    """An event of this partner as the hub recorded it; `refers_to` is the event that it follows, if any."""

    event_id: str
    kind: str
    status: str
    points: int
    occurred_at: datetime
    posted_at: datetime
    amount: Money | None = None
    value: Money | None = None
    expires_on: date | None = None
    error: Failure | None = None
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class StatementHead(Readable):
    """A statement in the list; `net_minor` is positive when the partner is to receive."""

    cycle: str
    state: str
    currency: str
    net_minor: int
    published_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Net(Readable):
    """What the partner receives and pays in one currency, in minor units; corrections may bring each below zero."""

    currency: str
    receive_minor: int
    pay_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Pair(Readable):
    """The digest of all lines between one issuer and one redeemer, a SHA-256 in hexadecimal."""

    issuer: str
    redeemer: str
    currency: str
    digest: str


@dataclass(frozen=True, slots=True)
class Position(Readable):
    """What one issuer owes one redeemer in a cycle: `lines` obligations, `points`, `minor` units.

    Where corrections outweigh the rest, both are below zero and the redeemer owes that back.
    """

    issuer: str
    redeemer: str
    currency: str
    lines: int
    points: int
    minor: int
    digest: str


@dataclass(frozen=True, slots=True)
class Charge(Readable):
    """What a partner owes the operator in a cycle by its contract: `amount_minor`, below zero the other way round.

    `kind` is `fee`, `minimum`, `discount`, `rounding` or `tax`; it is for so many transactions, points and minor units.
    """

    kind: str
    currency: str
    contract_version: int
    basis_count: int
    basis_points: int
    basis_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Movement(Readable):
    """The lines of one kind in one currency; those that correct earlier events stand apart.

    What is `on_us_minor`, between the partner and itself, is not cleared.
    """

    kind: str
    corrects: bool
    lines: int
    points: int
    receive_minor: int
    pay_minor: int
    on_us_minor: int


@dataclass(frozen=True, slots=True)
class BalanceCharge(Readable):
    """A charge in a balance: the partner owes `amount_minor` to the operator."""

    kind: str
    contract_version: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Balance(Readable):
    """How the opening balance of a currency becomes the closing one; positive when the partner is to receive.

    Opening balance and movements, less the charges, are the closing balance: what is due now and what is carried to the
    next cycle. Of what is due, `withheld_minor` waits for disputes.
    """

    currency: str
    decimals: int
    opening_minor: int
    movements: tuple[Movement, ...]
    charges: tuple[BalanceCharge, ...]
    closing_minor: int
    due_minor: int
    withheld_minor: int
    carried_minor: int


@dataclass(frozen=True, slots=True)
class Statement(Readable):
    """A partner's statement of one cycle; `digest` is the cycle's, over the pairs of all partners.

    Its `charges` are beside the nets and no part of them.
    """

    cycle: str
    partner: str
    state: str
    digest: str
    published_at: datetime
    nets: tuple[Net, ...]
    positions: tuple[Position, ...]
    pairs_of_cycle: tuple[Pair, ...]
    charges: tuple[Charge, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    balances: tuple[Balance, ...] = ()
    """By currency; none from a hub that does not say them yet."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One obligation: `issuer` owes `redeemer` `minor` for `points`, by the event that `partner` reported.

    `origin` is "", or of a correction `partner/event_id` of the event that it corrects, as the text has it that its
    digest is over; only a correction's `points` and `minor` may be below zero. `kind` says for what it is owed; where
    the issuer is `@fund`, the points are of the partner `points_of`. `origin_cycle` is the cycle that has the lines of
    the event that is corrected, "" if none has.
    """

    partner: str
    event_id: str
    line: int
    issuer: str
    redeemer: str
    points: int
    minor: int
    currency: str
    price: Price
    business_date: date
    digest: str
    origin: str = ""
    kind: str = "reimbursement"
    points_of: str = ""
    origin_cycle: str = ""

    @classmethod
    def from_wire(cls, wire: Wire) -> "StatementLine":
        """Read one element of the answer to GET /v1/statements/{cycle}/lines."""
        return cls(
            partner=wire["partner"],
            event_id=wire["event_id"],
            line=wire["line"],
            issuer=wire["issuer"],
            redeemer=wire["redeemer"],
            points=wire["points"],
            minor=wire["minor"],
            currency=wire["currency"],
            price=Price.from_wire(wire["price"]),
            business_date=date.fromisoformat(wire["business_date"]),
            digest=wire["digest"],
            origin=optional(_event_name, wire.get("origin")) or "",
            kind=wire.get("kind", "reimbursement"),
            points_of=wire.get("points_of", ""),
            origin_cycle=wire.get("origin", {}).get("cycle", ""),
        )


def _event_name(wire: Wire) -> str:
    """Read {"partner", "event_id"} as the text `partner/event_id`."""
    return f"{wire['partner']}/{wire['event_id']}"
