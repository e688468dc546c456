"""Which bonuses can be had for a card line, and how far a member is on the way to each: what the small print says.

A bonus within days goes by the contract of the day on which the first card was linked, a yearly one by the contract of
the day on which the year began. So nobody changes a promise under way.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from hub.core.card_terms import Bonus
from hub.core.content import instant
from hub.core.periods import anniversary, year_number
from hub.services import counting
from hub.services.context import Moment, Partner
from hub.store import accounts, card_records, cards, counters
from hub.store.database import Connection

MOST_SHOWN = 100


class Offer(NamedTuple):
    """A bonus that was promised for a card line, and the instant before which the spending counts."""

    bonus: Bonus
    until: datetime


def has_bonuses(partner: Partner) -> bool:
    """Tell whether some contract of a partner promises any; of the others nothing is asked."""
    return any(one.cards and one.cards.bonuses for one in partner.contracts.versions)


def promised(partner: Partner, since: datetime, at: datetime) -> list[Offer]:
    """Return what was promised for a card line that was first linked at ``since``, with the yearly ones of ``at``."""
    start, number = since.date(), year_number(since.date(), at.date())
    begin = anniversary(start, start.year + number - 1)
    end = datetime.combine(anniversary(start, start.year + number), time(), UTC)
    then, of_year = partner.contracts.on(start), partner.contracts.on(begin)
    once = then.cards.bonuses if then and then.cards else ()
    yearly = of_year.cards.bonuses if of_year and of_year.cards else ()
    return [Offer(one, since + timedelta(days=one.days)) for one in once if one.days is not None] + [
        Offer(one.of_year(number), end) for one in yearly if one.days is None
    ]


def open_at(partner: Partner, since: datetime, at: datetime) -> list[Bonus]:
    """Return the bonuses towards which a purchase at an instant counts."""
    return [one.bonus for one in promised(partner, since, at) if at < one.until]


def conditions(connection: Connection, moment: Moment, partner: Partner, member_id: int) -> list[dict[str, Any]]:
    """Return each bonus of a member's cards: what has to be spent until when, what was, and what became of it."""
    if not has_bonuses(partner):
        return []
    family = accounts.family(connection, member_id)
    lines = cards.lines_of(connection, partner.partner_id, family)
    starts = cards.starts(connection, partner.partner_id, lines)
    offers = [(line, one) for line in lines for one in promised(partner, starts[line], moment.now)][:MOST_SHOWN]
    keys = {(member_id, counting.of_bonus(one.bonus.name, line)) for line, one in offers}
    spent = counters.peek(connection, partner.partner_id, keys)
    given = _states(connection, partner, lines)
    return [
        {
            "name": one.bonus.name,
            "points": one.bonus.points,
            "spend_minor": one.bonus.spend_minor,
            "spent_minor": max(0, spent.get((member_id, counting.of_bonus(one.bonus.name, line)), 0)),
            "until": instant(one.until),
            "card": line,
            "state": given.get((line, one.bonus.name)) or ("open" if moment.now < one.until else "missed"),
        }
        for line, one in offers
    ]


def _states(connection: Connection, partner: Partner, lines: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return for each bonus that was given whether the member has it, or it came back."""
    given = card_records.bonuses(connection, partner.partner_id, lines)
    return {
        key: "given" if any(part.left_minor for part in parts) else "undone"
        for key, one in given.items()
        if (parts := card_records.parts_of(connection, partner.partner_id, one.event_id))
    }
