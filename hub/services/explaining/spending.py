"""Why a redemption, a hold, a capture, a void or a reversal came to its lots, its value and its obligations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hub.core.burning import MEANINGS
from hub.core.content import instant
from hub.services.corrections import parts_of
from hub.services.explaining import words
from hub.services.explaining.facts import Facts
from hub.store import holds
from hub.store.holds import Held


def redemption(facts: Facts) -> Iterator[str]:
    """Yield the burning order, the lots, the price and its rounding and split; or why it was declined."""
    event = facts.event
    if event.status == "rejected":
        yield from _declined(facts)
        return
    yield f"{words.count(event.points, 'point')} of member {event.member_id} were redeemed at {event.partner_id}."
    yield from _order(event)
    yield from _payers(facts)
    yield from valued(facts, [one.points for one in facts.transfers])


def _declined(facts: Facts) -> Iterator[str]:
    event = facts.event
    yield f"Declined ({event.error_code}): nothing was changed."
    had = facts.details.get("available")
    if had is not None:
        yield f"{words.count(had, 'point')} could be spent at {event.partner_id} then; {event.points} were asked."
    else:
        yield f"{words.count(event.points, 'point')} were asked, more than could be spent at {event.partner_id}."


def _order(event: Any) -> Iterator[str]:
    if event.scheme_rule:
        yield f"Burning order {event.scheme_rule}: {MEANINGS.get(event.scheme_rule, event.scheme_rule)}."


def _payers(facts: Facts) -> Iterator[str]:
    payers, account = facts.details.get("payers"), facts.details.get("account")
    if account and payers == [account]:
        yield f"Member {account} paid, into which it was merged at that time."
    elif payers:
        yield f"Members {', '.join(map(str, payers))} paid, each its share of their pool."


def valued(facts: Facts, points: Sequence[int]) -> Iterator[str]:
    """Yield the price version, the rounding of the whole, and its split over lines of ``points``."""
    if facts.price is None or not points:
        return
    partner, price = facts.price
    yield (
        f"Price version {price.version} of {partner.partner_id}, valid from {price.valid_from}, in minor units of"
        f" {price.currency}: {words.valuation(price, sum(points))}."
    )
    if len(points) > 1:
        yield "Split over the lines by largest remainder:"
        value = facts.reimbursed_minor if facts.owed else facts.event.amount_minor
        yield from (f"{one}." for one in words.splitting(value, points))


def hold(facts: Facts) -> Iterator[str]:
    """Yield which lots a hold reserved, at which price, and what became of it."""
    event, held = facts.event, facts.hold
    if held is None:
        yield from _declined(facts)
        return
    yield f"{words.count(event.points, 'point')} of member {event.member_id} were reserved for {event.partner_id}."
    yield from reserved(facts, held)
    if held.lapses_at != holds.NEVER_LAPSES:
        yield f"If nothing ends it, it lapses at {instant(held.lapses_at)}."
    yield f"It is {held.state_at(facts.moment.now)} now. A hold itself moves nothing; a capture is an event of its own."


def reserved(facts: Facts, held: Held) -> Iterator[str]:
    """Yield in which order and from which lots points were reserved, and what they are worth."""
    yield from _order(facts.event)
    yield from _payers(facts)
    for member_id, lot in held.lots:
        yield f"Reserved: {words.lot(lot.key, lot.points, facts.event.business_date)} of member {member_id}."
    yield from valued(facts, [lot.points for _, lot in held.lots])


def capture(facts: Facts) -> Iterator[str]:
    """Yield what of a hold was burnt, at the price of the hold, and what was released."""
    event, held = facts.event, facts.hold
    reserved = sum(lot.points for _, lot in held.lots) if held else event.points
    yield (
        f"{event.points} of the {reserved} points of the hold {event.partner_id}/{event.refers_to} were redeemed,"
        f" {reserved - event.points} released."
    )
    yield "Lots are taken in the order in which the hold reserved them, at the price of the hold."
    yield from _payers(facts)
    yield from valued(facts, [one.points for one in facts.transfers])


def void(facts: Facts) -> Iterator[str]:
    """Yield what a void released."""
    event = facts.event
    points = words.count(event.points, "point")
    yield f"The hold {event.partner_id}/{event.refers_to} ended without effect; its {points} are free again."


def reversal(facts: Facts) -> Iterator[str]:
    """Yield which lines were given back, in which proportion, after what was given back before."""
    event, before = facts.event, facts.event.returned_before
    yield (
        f"{words.count(event.points, 'point')} of {event.partner_id}/{event.refers_to} were taken back;"
        f" {before} of its {facts.original.points} had been before."
    )
    yield "What was taken last returns first, with its last day; where that is over, with the issuer's life of today."
    yield "Each line gives back its amount in proportion, on the running total, so that all parts add up to it:"
    yield from _proportions(facts, before)


def _proportions(facts: Facts, before: int) -> Iterator[str]:
    later = 0
    starts = {}
    for one in reversed(facts.original_owed):
        starts[one.line] = min(max(before - later, 0), one.points)
        later += one.points
    for part in parts_of(facts.original_owed, before, facts.event.points):
        line, start = part.owed, starts[part.owed.line]
        end = start + part.points
        yield (
            f"line {line.line}: {line.amount_minor} * {end} / {line.points} = {_share(line, end)},"
            f" less {_share(line, start)} for the {start} before: {part.minor}."
        )


def _share(line: Any, points: int) -> str:
    return words.rounded(line.amount_minor * points, line.points)
