"""What the local hub remembers: members, and each partner's events with the answer that each got first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from partner_sdk.testing.accounts import Account, Hold, Lot
from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.gate import Refusal, RegisteredKey
from partner_sdk.testing.log import Log
from partner_sdk.testing.terms import Terms
from partner_sdk.testing.webhooks import Webhook, announce_event

Content = Mapping[str, Any]
CONFLICT = "This id was used before for other content; nothing was changed."
NOT_YET = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Event:
    """One event as it was recorded; `content` is what a repetition must equal, `answer` what it gets."""

    event_id: str
    kind: str
    account: Account
    points: int
    content: Content
    answer: dict[str, Any]
    shown: dict[str, Any] = field(default_factory=dict)
    """What GET /v1/events shows of it beside id, kind, points and time of posting."""
    minor: int = 0
    items: list[Any] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    """What it gave or took, lot by lot."""
    minors: list[int] = field(default_factory=list)
    """What each of the lots is worth."""
    refers_to: str | None = None
    status: str = "posted"
    posted_at: datetime = NOT_YET
    place: int = 0
    """Events of one request stand together, in the order of their ids."""


class Place(NamedTuple):
    """A member's place in a pool, which is named by its partner and that one's id for it."""

    pool_id: tuple[str, str]
    share: int
    may_spend: bool


@dataclass(slots=True)
class Coalition:
    """What all partners share."""

    log: Log
    books: dict[str, "Books"] = field(default_factory=dict)
    members: dict[str, Account] = field(default_factory=dict)
    places: dict[Account, Place] = field(default_factory=dict)
    keys: dict[str, RegisteredKey] = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """All that one partner has: its terms, its events, and the coalition that it is in."""

    partner: str
    terms: Terms
    coalition: Coalition
    now: datetime
    """Business time."""
    asked_at: datetime = NOT_YET
    """Real time of the request that is answered."""
    caller: RegisteredKey = field(init=False)
    """The key that signed it."""
    events: dict[str, Event] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    quotes: dict[str, Any] = field(default_factory=dict)
    exchanges: dict[str, Any] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    reviews: dict[str, Any] = field(default_factory=dict)
    """Late events that wait or waited, by their ids."""
    numbers: dict[tuple[str, int, str], datetime] = field(default_factory=dict)
    """When each number of a terminal came with an event: (terminal, number, event id)."""
    requests: int = 0

    @property
    def members(self) -> dict[str, Account]:
        """The members by their identifiers."""
        return self.coalition.members

    def life_of(self, issuer: str) -> int:
        """How many months the points of a partner live."""
        return self.coalition.books[issuer].terms.life_months

    def find(self, member: str) -> Account:
        """A member's account, with its debts paid as far as they can be; refuses (unknown_member)."""
        account = self.members.get(spelled(member))
        if account is None:
            raise Refusal("unknown_member", "No member has this identifier.")
        account.settle(self.now)
        return account

    def enrol(self, member: str) -> Account:
        """A member's account, made if there is none."""
        return self.members.setdefault(spelled(member), Account())

    def first_answer(self, event_id: str, kind: str, content: Content) -> dict[str, Any] | None:
        """The answer to a repetition, or None if the id is new; refuses (event_conflict) other content."""
        event = self.events.get(event_id)
        if event is None:
            return None
        if (event.kind, event.content) != (kind, content):
            raise Refusal("event_conflict", CONFLICT)
        return event.answer | {"duplicate": True}

    def record(self, event: Event) -> dict[str, Any]:
        """Write an event down and return its answer."""
        event.posted_at, event.place = self.now, self.requests
        self.events[event.event_id] = event
        event.account.settle(self.now)
        self.coalition.log.seal(self.partner, event)
        announce_event(self, shown(event))
        return event.answer

    def following(self, event_id: str, kind: str) -> list[Event]:
        """The events of one kind that refer to an event."""
        return [one for one in self.events.values() if one.refers_to == event_id and one.kind == kind]


def spelled(member: str) -> str:
    """An identifier as it is compared: e-mail addresses ignore case."""
    return member.casefold() if member.startswith("email:") else member


def shown(event: Event) -> dict[str, Any]:
    """An event as GET /v1/events has it."""
    written = {
        "event_id": event.event_id,
        "kind": event.kind,
        "status": event.status,
        "points": event.points,
        "occurred_at": instant(event.posted_at),
        "posted_at": instant(event.posted_at),
    }
    refers = {} if event.refers_to is None else {"refers_to": event.refers_to}
    return written | event.shown | refers
