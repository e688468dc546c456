"""Why a sale gave its points, and why a confirmation or a refund moved what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from hub.core import ledger
from hub.core.content import instant
from hub.core.granting import counted_minor, given, sale_of
from hub.core.point_kinds import class_of, spend_at
from hub.core.rules import Grant, Sale, explain_rules
from hub.core.terms import Contract, EarningRate
from hub.services.context import Partner
from hub.services.explaining import cards, words
from hub.services.explaining.facts import Facts
from hub.services.explaining.spending import valued
from hub.services.timeline import day

POLICIES = {
    "within_balance": "what is spent is taken from other points of the member, as far as there are any",
    "debt": "what is spent is taken from other points of the member, and the member owes the rest",
    "issuer_bears": "what is spent is borne by the issuer",
}
"""What the refund policies of a contract mean."""


def earning(facts: Facts) -> Iterator[str]:
    """Yield the rate, each rule's arithmetic, and why the points last and mature as they do."""
    event = facts.event
    yield f"A sale of {words.money(event.amount_minor, event.currency)} on {instant(event.occurred_at)}."
    if "claim" in facts.details:
        yield f"It was granted on the claim {facts.details['claim']}."
    rate = _rate(facts)
    if rate is None:
        yield f"The earning rate version {event.rate_version} that it was posted with is not there any more."
        return
    yield f"Earning rate version {rate.version} of {event.partner_id}, valid from {rate.valid_from}:"
    sale = sale_of(event.amount_minor, event.details)
    yield from cards.context(facts, sale)
    if sale.foreign:
        converted = words.money(counted_minor(sale), sale.foreign["into"])
        at = f"{sale.foreign['numerator']}/{sale.foreign['denominator']} (version {sale.foreign['version']})"
        yield f"It is converted at {at} and is {converted}, half a minor unit to the even one."
        sale = sale._replace(amount_minor=counted_minor(sale), foreign=None)
    for place, one in enumerate(() if cards.is_part(sale) else explain_rules(rate.terms, sale), 1):
        yield f"rule {place} ({one.rule}): {one.arithmetic}{_of_kind(one.grant, event.partner_id)}."
    yield f"Together {words.count(event.points, 'point')} that can be spent."
    if event.points:
        yield from _life(facts, rate)


def _of_kind(grant: Grant, reporter: str) -> str:
    restricted = f", spent at {' or '.join(spend_at(grant.kind))} only" if spend_at(grant.kind) else ""
    return f": {class_of(grant.kind)} points of {grant.issuer or reporter}{restricted}"


def _rate(facts: Facts) -> EarningRate | None:
    event = facts.original if facts.event.kind == "refund" else facts.event
    versions = facts.partner.earning_rates.versions if facts.partner else []
    return next((one for one in versions if one.version == event.rate_version), None)


def _life(facts: Facts, rate: EarningRate) -> Iterator[str]:
    """Yield why each grant's last day is what it is, and when the points can be spent."""
    event, partner = facts.event, facts.partner
    assert partner is not None
    sold_on = event.occurred_at.date()
    own = {one.line: one for one in facts.transfers}
    for line, grant in enumerate(given(rate.grants, sale_of(event.amount_minor, event.details)), 1):
        if line in own:
            yield f"Line {line}: last day {day(own[line].expires_on)}{_why(facts, grant, own[line].expires_on)}."
    matures_on = event.matures_on or ledger.MATURE_AT_ONCE
    behind = contract_behind(partner, sold_on, lambda one: _matures(one, sold_on, event) == matures_on)
    by = f" (contract version {behind.version} of {event.partner_id})" if behind else ""
    yield f"They can be spent {_from(event.matures_on)}{by}."


def _matures(contract: Contract, sold_on: date, event: Any) -> date:
    matures_on = contract.maturity.on(sold_on)
    return matures_on if matures_on > event.posted_at.date() else ledger.MATURE_AT_ONCE


def _from(matures_on: date | None) -> str:
    if matures_on is None:
        return "at once"
    return "when the partner confirms the sale" if matures_on == ledger.WHEN_CONFIRMED else f"from {matures_on} on"


def _why(facts: Facts, grant: Grant, last_day: date) -> str:
    """Say by which rule a last day follows from the day of the sale; nothing where no version says so any more."""
    sold_on, partner = facts.event.occurred_at.date(), facts.partner
    assert partner is not None
    # The member's jurisdiction may have been settled after the sale.
    for jurisdiction in (facts.jurisdiction, None):
        if grant.expiry is not None and grant.expiry.on(sold_on, jurisdiction) == last_day:
            return f": {grant.expiry.meaning(jurisdiction)}, as the earning rule itself says"
        behind = None if grant.expiry else _contract_of_last_day(partner, sold_on, jurisdiction, last_day)
        if behind is not None:
            return (
                f": {behind.expiry.meaning(jurisdiction)} (contract version {behind.version} of {partner.partner_id})"
            )
    return ""


def _contract_of_last_day(partner: Partner, sold_on: date, jurisdiction: str | None, last_day: date) -> Contract | None:
    return contract_behind(partner, sold_on, lambda one: one.expiry.on(sold_on, jurisdiction) == last_day)


def contract_behind(partner: Partner, day: date, gives: Callable[[Contract], bool]) -> Contract | None:
    """Return the latest contract in force on a day by which something came out as it did.

    A version can be added afterwards for a day that is over, so the one in force by now may not be it.
    """
    in_force = [one for one in partner.contracts.versions if one.valid_from <= day]
    return next((one for one in reversed(in_force) if gives(one)), None)


def confirmation(facts: Facts) -> Iterator[str]:
    """Yield what a confirmation let mature."""
    points = words.count(facts.event.points, "point")
    yield f"{facts.event.partner_id} confirmed its sale {facts.event.refers_to}: {points} can be spent from then on."
    yield "What was refunded or taken away before does not mature."


def refund(facts: Facts) -> Iterator[str]:
    """Yield the arithmetic before and after the return, and where the points came from."""
    event, original, rate = facts.event, facts.original, _rate(facts)
    before = event.returned_before
    left = original.amount_minor - before
    returned = words.money(event.amount_minor, event.currency)
    yield f"{returned} of the sale {event.partner_id}/{original.event_id} came back; {before} minor units had before."
    if rate is None:
        yield f"The earning rate version {original.rate_version} of the sale is not there any more."
        return
    yield f"Earning rate version {rate.version} of {event.partner_id}, the one that the sale was posted with:"
    then, now = (sale_of(minor, original.details) for minor in (left, left - event.amount_minor))
    yield from cards.parts(rate, then, now) if cards.is_part(then) else _difference(rate, then, now)
    yield from _sources(facts)


def _difference(rate: EarningRate, left: Sale, after: Sale) -> Iterator[str]:
    pairs = zip(explain_rules(rate.terms, left), explain_rules(rate.terms, after), strict=True)
    for place, (then, now) in enumerate(pairs, 1):
        yield f"rule {place} ({then.rule}): before the return: {then.arithmetic}"
        back = then.grant.points - now.grant.points
        yield f"rule {place} ({then.rule}): after it: {now.arithmetic}; so {words.count(back, 'point')} back"


def _sources(facts: Facts) -> Iterator[str]:
    details, policy = facts.details, facts.details.get("policy", "")
    yield (
        f"Of those that can be spent, {details['taken']} were taken from lots of the member, {details['owed']} are owed"
        f" by it, {details['borne']} are borne by the issuer, and {details['expired']} had expired already."
    )
    yield f"The contract's policy is {policy}: {POLICIES.get(policy, policy)}."
    yield from valued(facts, facts.redeemed)
