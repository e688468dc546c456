"""What decides on a record of a purchase: who held the card then, the terms of that day, the bonuses to be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from hub.core.card_terms import Bonus, CardTerms
from hub.core.errors import Refused
from hub.core.rules import Counted, Sale
from hub.services import bonus_offers, cards, counting
from hub.services.card_answers import Record
from hub.services.context import Hub, Moment, Partner
from hub.services.counting import Places
from hub.services.sale_terms import Terms, check_time, foreign, terms_on
from hub.store import accounts as stored_accounts
from hub.store import cards as stored_cards
from hub.store.cards import Change
from hub.store.counters import Key
from hub.store.database import Connection


class Case(NamedTuple):
    """A record with what decides on it."""

    record: Record
    held: Change
    member_id: int
    """Who has the points of the card's holder now."""
    terms: Terms
    cards: CardTerms
    bonuses: Sequence[Bonus]
    """Those that are still to be had for the card line, by the terms of when it was linked."""
    caps: Mapping[str, Key]
    """The counter of each cap that the purchase counts towards, by the cap's name."""
    foreign: Mapping[str, Any]
    """What rules look at because the purchase is in a foreign currency; nothing where it is not."""
    credit: str
    """The counter of refunds that had no purchase in its month."""

    @property
    def earns(self) -> bool:
        """Whether it is a purchase of a category that earns."""
        return self.record["kind"] == "clearing" and self.record["category"] not in self.cards.excluded

    @property
    def line(self) -> str:
        """The card line."""
        return self.held.line


def find(
    hub: Hub,
    connection: Connection,
    moment: Moment,
    partner: Partner,
    records: Sequence[Record],
    refused: Mapping[str, Refused],
) -> list[Case | Refused]:
    """Return what decides on each record, or why it is refused whatever is counted; ``refused`` are so already."""
    held = cards.holders(hub, connection, partner.partner_id, [(one["card"], one["occurred_at"]) for one in records])
    there = [one for one in held if one is not None and one.member_id is not None]
    survivors = stored_accounts.survivors(connection, sorted({one.member_id for one in there if one.member_id}))
    places = counting.places(connection, partner, survivors.values())
    starts = _starts(connection, partner, sorted({one.line for one in there}))
    terms = cache(lambda day: terms_on(partner, day))
    applying = cache(lambda day, category: counting.applying(terms(day).rate, Sale(0, category)))

    def case(record: Record, change: Change | None) -> Case | Refused:
        try:
            if record["event_id"] in refused:
                raise refused[record["event_id"]]
            return _case(moment, partner, record, change, survivors, places, starts, terms, applying)
        except Refused as refusal:
            return refusal

    return [case(record, change) for record, change in zip(records, held, strict=True)]


def _starts(connection: Connection, partner: Partner, lines: Sequence[str]) -> Mapping[str, datetime]:
    """Return since when card lines are linked, where bonuses go by that."""
    return stored_cards.starts(connection, partner.partner_id, lines) if bonus_offers.has_bonuses(partner) else {}


def _case(
    moment: Moment,
    partner: Partner,
    record: Record,
    held: Change | None,
    survivors: Mapping[int, int],
    places: Places,
    starts: Mapping[str, datetime],
    terms: Callable[[date], Terms],
    applying: Callable[[date, str | None], Sequence[Counted]],
) -> Case:
    at = record["occurred_at"]
    check_time(at, moment.now)
    in_force = terms(at.date())
    if in_force.contract.cards is None:
        raise Refused("not_allowed", "The contract of that day has no terms about cards.")
    if held is None or held.member_id is None:
        raise Refused("unknown_card", "Nobody held this card then; link it, with the day from which that counts.")
    converted = foreign(partner, in_force, record["amount"]["currency"])
    open_ = bonus_offers.open_at(partner, starts[held.line], at) if held.line in starts else []
    day, member_id = in_force.day, survivors[held.member_id]
    return Case(
        record, held, member_id, in_force, in_force.contract.cards, open_,
        counting.caps_of(applying(day, record.get("category")), day, member_id, places),
        converted, counting.of_credit(held.line, day),
    )  # fmt: skip
