"""Events about co-branded cards: whose a card was from when on."""

from __future__ import annotations

from collections.abc import Iterator

from hub.core.content import instant
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
