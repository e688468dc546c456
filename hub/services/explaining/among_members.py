"""Events by which points change hands or lives: gifts, pools, merges and their undoing, extensions, reinstatements."""

from __future__ import annotations

from collections.abc import Iterator

from hub.core.burning import MEANINGS
from hub.services.explaining import words
from hub.services.explaining.facts import Facts
from hub.services.explaining.spending import valued
from hub.services.timeline import day


def gift(facts: Facts) -> Iterator[str]:
    """Yield who gave what to whom, and what chose the lots."""
    details, event = facts.details, facts.event
    points = words.count(event.points, "point")
    yield f"Member {details['from']} gave {points} to member {details['to']}; nobody owes anybody for that."
    if event.member_id != details["from"]:
        yield f"The giver was named as member {event.member_id}, which had been merged into {details['from']}."
    if details["for"] != details["to"]:
        yield f"They were for member {details['for']}, which had been merged into {details['to']}."
    yield f"Burning order {event.scheme_rule}: {MEANINGS.get(event.scheme_rule, event.scheme_rule)}."
    yield "Issuer, kind and days of each lot stayed as they were: a later redemption is charged to whoever issued it."
    yield from _said(facts)


def pool(facts: Facts) -> Iterator[str]:
    """Yield who is in a pool from then on, with which share."""
    members = facts.details["members"]
    name = f"{facts.event.partner_id}/{facts.details['pool']}"
    yield f"From then on pool {name} had {words.count(len(members), 'member')}." if members else f"Pool {name} ended."
    for member_id, share, may_spend in members:
        yield f"Member {member_id} pays share {share} and {'may' if may_spend else 'may not'} spend from the pool."
    yield from _said(facts)


def merge(facts: Facts) -> Iterator[str]:
    """Yield who became whom, why, and what went over."""
    details = facts.details
    yield f"Member {facts.event.member_id} became member {details['into']}; its identifiers mean that one since."
    yield f"{_sums(facts)} went over, issuer, kind and days of each lot as they were."
    if details["holds"]:
        yield f"{words.count(len(details['holds']), 'reserved part of a lot')} went with them."
    if "pool" in details:
        partner_id, pool_id, *_, taken = details["pool"]
        place = "its place was taken over" if taken else "the survivor was in a pool already"
        yield f"It was in pool {partner_id}/{pool_id}; {place}."
    yield from _said(facts)


def unmerge(facts: Facts) -> Iterator[str]:
    """Yield what went back, and by which rule."""
    original = facts.original
    yield f"The merge {original.event_id} of member {facts.event.member_id} into {original.details['into']} was undone."
    yield "Its own is what the merge brought and what its own events moved since; of that it got back what was there."
    yield f"{_sums(facts)} went back."
    yield from _said(facts)


def extension(facts: Facts) -> Iterator[str]:
    """Yield until when points live, and who decided it."""
    points = words.count(facts.event.points, "point")
    yield f"{points} of member {facts.event.member_id} end on {day(facts.event.expires_on)} since."
    yield "Each lot moved whole; what was held of it stayed held."
    yield from _said(facts)


def reinstatement(facts: Facts) -> Iterator[str]:
    """Yield what of an expiry came back, with which life."""
    event, points = facts.event, words.count(facts.event.points, "point")
    whole = words.count(facts.original.points, "point")
    yield f"{points} of the {whole} that expired by coalition/{event.refers_to} came back, its last line first."
    if event.returned_before:
        yield f"{words.count(event.returned_before, 'point')} of it had come back before."
    yield "They live as long as if their issuers had given them that day, by the contract in force then."
    yield from valued(facts, [one.points for one in facts.owed if one.points > 0])
    if facts.owed:
        yield "What issuers had owed the coalition for them is taken back, in proportion line by line."
    yield from _said(facts)


def _sums(facts: Facts) -> str:
    details = facts.details
    found = [words.count(details["points"], "point")]
    if details["qualifying"]:
        found.append(words.count(details["qualifying"], "qualifying point"))
    if details["debt"]:
        found.append(f"a debt of {words.count(details['debt'], 'point')}")
    return ", ".join(found)


def _said(facts: Facts) -> Iterator[str]:
    if "reason" in facts.details:
        yield f"Reason: {facts.details['reason']}"
    if "operator" in facts.details:
        yield f"Author: {facts.details['operator']}"
