"""Events about co-branded cards: whose a card was from when on, and which part of a purchase gave what."""

from __future__ import annotations

from collections.abc import Iterator

from hub.core.content import instant
from hub.core.granting import given, spendable
from hub.core.rules import Sale
from hub.core.terms import EarningRate
from hub.services.explaining import words
from hub.services.explaining.facts import Facts


def link(facts: Facts) -> Iterator[str]:
    """Yield from when on a card was whose, and by what consent."""
    event, details = facts.event, facts.details
    product = f" ({details['product']})" if details.get("product") else ""
    yield f"From {instant(event.occurred_at)} on member {event.member_id} held a card of {event.partner_id}{product}."
    yield f"The member agreed to that: {details['consent']}."


def replacement(facts: Facts) -> Iterator[str]:
    """Yield which card took which one's place, and why."""
    event, details = facts.event, facts.details
    product = f", now {details['product']}" if details.get("product") else ""
    yield f"From {instant(event.occurred_at)} on another card stood for that of {event.refers_to}{product}."
    yield f"The issuer's reason: {details['reason']}. The member stayed {event.member_id}."


def unlink(facts: Facts) -> Iterator[str]:
    """Yield from when on a card was nobody's, and why."""
    event = facts.event
    yield f"From {instant(event.occurred_at)} on the card of {event.refers_to} was nobody's."
    yield f"The issuer's reason: {facts.details['reason']}."


def is_part(sale: Sale) -> bool:
    """Tell whether rules alone do not explain what a sale gave."""
    return bool(sale.above_minor or sale.withheld or sale.withheld_qualifying or sale.credited_minor or sale.bonus)


def context(facts: Facts, sale: Sale) -> Iterator[str]:
    """Yield what beside its amount decides what a purchase with a card gave."""
    details = facts.details
    if sale.bonus:
        yield f"It is the bonus {details.get('bonus')}: {words.count(sale.bonus, 'point')} for what was spent."
    if "represents" in details:
        yield f"It was presented again after {details['represents']}, above {sale.above_minor} minor units that stood."
    if sale.withheld:
        yield f"{words.count(sale.withheld, 'point')} had not been taken back then, and are not given again."
    if sale.withheld_qualifying:
        points = words.count(sale.withheld_qualifying, "point")
        yield f"{points} that count for status had not been taken back then, and are not given again."
    if sale.credited_minor:
        yield f"{sale.credited_minor} minor units of it make good a refund that had no purchase in the period."


def parts(rate: EarningRate, then: Sale, now: Sale) -> Iterator[str]:
    """Yield what a part of a purchase gave before a return and after it."""
    before, after = spendable(given(rate.grants, then)), spendable(given(rate.grants, now))
    yield f"What stood of it gave {before} before and {after} after; so {words.count(before - after, 'point')} back."


def record(facts: Facts) -> Iterator[str]:
    """Yield what the issuer reported that moved no points by itself, and why not."""
    details = facts.details
    yield f"The issuer reported: {details['record']} of {words.money(facts.event.amount_minor, facts.event.currency)}."
    yield f"{details['why']}."
