"""Events of the operator's hand and of the hub itself."""

from __future__ import annotations

from collections.abc import Iterator

from hub.core.burning import MEANINGS
from hub.services.explaining import words
from hub.services.explaining.facts import Facts
from hub.services.explaining.spending import valued
from hub.services.timeline import day


def adjustment(facts: Facts) -> Iterator[str]:
    """Yield who adjusted what, why, who approved it, and which contract or order chose the lots."""
    details = facts.details
    done = "given" if details["points"] > 0 else "taken away"
    points = words.count(abs(details["points"]), "point")
    yield f"{points} of {details['issuer']} {done} by hand ({details['class']}), ticket {details['ticket']}."
    yield f"Reason: {details['reason']}"
    yield f"Author: {details['author']}; " + (
        f"approved by {details['approver']}." if "approver" in details else "no second operator was needed."
    )
    if details["points"] < 0:
        order = facts.event.scheme_rule
        yield f"Only own lots of {details['issuer']}, in the burning order {order}: {MEANINGS.get(order, order)}."
    else:
        yield from _life(facts)


def _life(facts: Facts) -> Iterator[str]:
    issuer, version = facts.details["issuer"], facts.details["contract_version"]
    partner = facts.moment.configuration.partners.get(issuer)
    assert partner is not None
    expiry = next(one.expiry for one in partner.contracts.versions if one.version == version)
    last_day, given_on = facts.transfers[0].expires_on, facts.event.business_date
    # The member's jurisdiction may have been settled afterwards.
    meant = [where for where in (facts.jurisdiction, None) if expiry.on(given_on, where) == last_day]
    why = f": {expiry.meaning(meant[0])}" if meant else ""
    yield f"They can be spent at once. Last day {day(last_day)}{why} (contract version {version} of {issuer})."


def repayment(facts: Facts) -> Iterator[str]:
    """Yield which debt was paid and how points of other issuers are valued for it."""
    yield "Points that came in paid what the member owed, since debts are paid before anything else."
    yield "The issuer's own points went back to it; those of others were redeemed with it, at its price."
    yield from valued(facts, facts.redeemed)


def expiry(facts: Facts) -> Iterator[str]:
    """Yield what expired."""
    points = words.count(facts.event.points, "point")
    yield f"The last day of {points} of member {facts.event.member_id} was over on {facts.event.business_date}."


def settlement(facts: Facts) -> Iterator[str]:
    """Yield that a cycle brought redeemed points home."""
    points = words.count(facts.event.points, "point")
    yield f"A settlement cycle was published; the {points} of this position came home to their issuer."


def forwarding(facts: Facts) -> Iterator[str]:
    """Yield that points followed a merge."""
    yield "Points came in for a member after it was merged into another; they followed it to its survivor."


def quarantine(facts: Facts) -> Iterator[str]:
    """Yield what was frozen of an event that a revoked key signed, and why."""
    event, frozen = facts.event, facts.hold
    yield (
        f"{event.partner_id}/{event.refers_to} was signed by a key that was revoked as of an earlier time; a person"
        " decides whether it counts."
    )
    yield "Of the points that it gave, what was still there is frozen: nothing moves, and nobody can spend it."
    for member_id, lot in frozen.lots if frozen else ():
        yield f"Frozen: {words.lot(lot.key, lot.points, event.business_date)} of member {member_id}."


def release(facts: Facts) -> Iterator[str]:
    """Yield what is free again, and who decided so."""
    event, said = facts.event, facts.details
    yield f"{words.count(said['points'], 'point')} are free again, by {said['operator']}: {said['reason']}"
    if event.points:
        yield "Points whose last day was over meanwhile got a new life, as if their issuer had given them that day."
