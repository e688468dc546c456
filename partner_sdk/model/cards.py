"""Cards of an issuer's that are linked to members."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.values import Failure, Money, Readable


@dataclass(frozen=True, slots=True)
class Card(Readable):
    """A card by the event that linked it; with `unlinked_at` it is the member's no more."""

    event_id: str
    linked_at: datetime | None = None
    unlinked_at: datetime | None = None
    product: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    undone: tuple[str, ...] = ()
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class CardRecord:
    """What an issuer reports of a card; `kind` is clearing, refund, chargeback or another of POST /v1/card-records."""

    event_id: str
    kind: str
    card: str
    occurred_at: datetime
    amount: Money
    category: str | None = None
    merchant: str | None = None
    partner: str | None = None
    refers_to: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/card-records."""
        given = {name: getattr(self, name) for name in self.__slots__}
        given |= {"occurred_at": self.occurred_at.isoformat(), "amount": self.amount.to_wire()}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CardResult(Readable):
    """What became of a record: points given, or taken back where `matched_by` says how its purchase was found."""

    event_id: str
    status: str
    points: int
    recorded: str | None = None
    expected: int | None = None
    expires_on: date | None = None
    matched_by: str | None = None
    purchases: tuple[str, ...] = ()
    unmatched_minor: int = 0
    taken: int = 0
    owed: int = 0
    borne: int = 0
    expired: int = 0
    bonuses: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    duplicate: bool = False
    error: Failure | None = None
