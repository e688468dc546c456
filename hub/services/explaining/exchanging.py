"""Why an exchange gave what it gave, and what each of its steps moved."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hub.core.exchange import ExchangeRate
from hub.core.rounding import number_text
from hub.services.explaining import words
from hub.services.explaining.facts import Facts
from hub.services.explaining.spending import reserved, valued


def exchange(facts: Facts) -> Iterator[str]:
    """Yield the rate version, its arithmetic and rounding, and what was reserved."""
    event, said = facts.event, facts.details
    source, target = f"{said['source']} {said['unit']}", words.count(said["target"], "point")
    if said["direction"] == "out":
        source, target = words.count(said["source"], "point"), f"{said['target']} {said['unit']}"
    yield f"Member {event.member_id} exchanges {source} for {target}, as {event.partner_id} had been quoted."
    yield from _rated(facts)
    if facts.hold is None:
        yield f"Nothing moves before {event.partner_id} has said that its own side is done."
    else:
        yield from reserved(facts, facts.hold)
    yield "It is open until its confirmation or failure, which is an event of its own."


def _rated(facts: Facts) -> Iterator[str]:
    said = facts.details
    assert facts.partner is not None
    versions = facts.partner.exchanges[said["direction"], said["unit"]].versions
    rate = next(one for one in versions if one.version == said["rate_version"])
    yield (
        f"Exchange rate {said['direction']}, version {rate.version} of {rate.partner_id}, valid from {rate.valid_from}:"
        f" {number_text(rate.rate)} less a spread of {number_text(rate.spread)} is {number_text(rate.effective)}:"
        f" {_converted(rate, said['source'], said['target'])}."
    )


def _converted(rate: ExchangeRate, source: int, target: int) -> str:
    exact = Fraction(source) * rate.effective
    rounding = "" if exact == target else f" -> {target} ({rate.rounding})"
    return f"{source} * {number_text(rate.effective)} = {number_text(exact)}{rounding}"


def confirmation(facts: Facts) -> Iterator[str]:
    """Yield what came in or went out, and at which price."""
    event = facts.event
    yield f"The side of {event.partner_id} in the exchange {event.partner_id}/{event.refers_to} is done."
    if event.currency is None:
        yield f"{words.count(event.points, 'point')} came in, of {event.partner_id}, by its contract of that day."
    else:
        yield f"What was reserved was redeemed at {event.partner_id}, at the price of the day on which it was reserved."
        yield from valued(facts, [one.points for one in facts.transfers])
    yield from _by_hand(facts)


def failure(facts: Facts) -> Iterator[str]:
    """Yield that nothing came of an exchange."""
    event = facts.event
    yield (
        f"The side of {event.partner_id} in the exchange {event.partner_id}/{event.refers_to} is not done and will not"
        " be; what was reserved for it, if anything was, is free again."
    )
    yield from _by_hand(facts)


def reversal(facts: Facts) -> Iterator[str]:
    """Yield how a confirmed exchange was undone."""
    event = facts.event
    yield f"The exchange that {event.partner_id}/{event.refers_to} confirmed was undone."
    if event.currency is None:
        yield f"{event.partner_id} took as many points of its own back: those that came in first, then others of it."
    else:
        yield "What went out returned to its lots; where its last day is over, with the issuer's life of today."
        yield "Each line is owed no longer, whole."
    yield from _by_hand(facts)


def _by_hand(facts: Facts) -> Iterator[str]:
    if "operator" in facts.details:
        yield f"Said by {facts.details['operator']} in the partner's name: {facts.details['reason']}"
