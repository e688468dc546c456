"""Packs while points are posted: what of a batch the packs of its issuers cover, and what comes back to them.

A partner whose contract says nothing about packs costs nothing here. For the others the lines by which they would owe
for points at issue are first covered by packs, in the transaction that gives the points out; what is left of them is
owed as ever, or, where the contract says stop, the points are not given out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from hub.core.errors import Refused
from hub.core.ledger import Event, Transfer
from hub.core.point_kinds import class_of
from hub.services import reimbursement
from hub.services.context import Hub, Moment
from hub.store import configuration, webhooks
from hub.store.database import Connection
from settlement import packs
from settlement.core.packs import STOP, Cover, Draw, Need, Pack, PackTerms, cover, covers, in_order, returned
from settlement.core.parties import FUND_LINES, ISSUE
from settlement.core.pricing import value_minor
from settlement.intake import Obligation
from settlement.packs import Booking

LOG = logging.getLogger("hansa.packs")
TOPIC = "pack.low"
NOTHING_SOLD: Mapping[str, frozenset[str]] = {}


class Uncovered(Refused):
    """``pack_exhausted``: points that no pack covers, of events that a contract then does not let be posted."""

    def __init__(self, issuer: str, event_ids: Iterable[str]) -> None:
        super().__init__("pack_exhausted", f"The points that {issuer} bought in advance do not suffice.")
        self.event_ids = frozenset(event_ids)


class Covered(NamedTuple):
    """What is still owed for points that are given out, and the packs of which something is due now."""

    owed: Sequence[Obligation]
    watched: Sequence[Pack] = ()


def terms_of(moment: Moment, issuer: str) -> tuple[int, PackTerms] | None:
    """Return the version of an issuer's contract in force and what it says about packs; None where it says nothing."""
    if issuer not in moment.configuration.prepaying:
        return None
    partner = moment.configuration.partners[issuer]
    contract = partner.contracts.on(moment.day)
    money = partner.money.get(contract.version) if contract else None
    return (contract.version, money.packs) if contract and money and money.packs else None


def booking(connection: Connection, moment: Moment, version: int, author: str = packs.HUB) -> Booking:
    """Return how something about packs is booked now: what is owed goes to intake, and against credit lines."""
    owe = partial(reimbursement.record, connection, moment, authorise=True)
    return Booking(moment.day, moment.now, version, owe, author)


def draw(
    connection: Connection,
    moment: Moment,
    reporter: str,
    transfers: Iterable[Transfer],
    owed: Sequence[Obligation],
    sold: Mapping[str, frozenset[str]] = NOTHING_SOLD,
) -> Covered:
    """Cover what is owed at issue for a reporter's transfers by the packs of their issuers, and record that.

    ``sold`` has the categories of the items of each event that has items.

    Raises:
        Uncovered: packs do not suffice, and a contract says that then nothing is given out.
        Refused: ``credit_limit_reached``, if a pack was to be refilled.
    """
    issuers = {line.issuer for line in owed if _is_issue(line)} & moment.configuration.prepaying
    if not issuers:
        return Covered(owed)
    kinds = {(one.event_id, one.line): one.kind for one in transfers}
    watched: list[Pack] = []
    for issuer in sorted(issuers):
        found = terms_of(moment, issuer)
        if found is None:
            continue
        needs = [
            Need(line.event_id, line.line - FUND_LINES, line.points,
                 class_of(kinds[line.event_id, line.line - FUND_LINES]), sold.get(line.event_id, frozenset()))
            for line in owed
            if _is_issue(line) and line.issuer == issuer
        ]  # fmt: skip
        covered, due = _cover(connection, moment, issuer, needs, found)
        if covered.open and found[1].when_empty == STOP:
            raise Uncovered(issuer, (need.event_id for need in covered.open))
        packs.record(connection, reporter, covered.draws, moment.day)
        owed, watched = _less(owed, covered), [*watched, *due]
    return Covered(owed, watched)


def _cover(
    connection: Connection, moment: Moment, issuer: str, needs: Sequence[Need], found: tuple[int, PackTerms]
) -> tuple[Cover, list[Pack]]:
    """Take from one pack after the other what of the needs is open; return who gets what, and what is due now."""
    version, terms = found
    booked = booking(connection, moment, version)
    pools: list[tuple[Pack, int]] = []
    due, refilled, covered = list[Pack](), False, cover(needs, [])
    for pack in in_order(moment.configuration.packs.get(issuer, ()), terms.order, moment.day):
        wanted = sum(points for need, points in covered.open.items() if covers(pack.offer, need))
        if not wanted:
            continue
        taken = packs.take(connection, pack, wanted, booked)
        pools.append((pack, taken.points))
        covered, refilled = cover(needs, pools), refilled or taken.refilled
        due += [pack] if pack.is_watched(taken.left) else []
    if refilled:
        configuration.announce(connection)
    if covered.open and terms.when_empty == STOP:
        covered = cover(needs, pools, whole_events=True)
    return covered, due


def _is_issue(line: Obligation) -> bool:
    """Tell whether a line is owed for points that are given out, and does not take one back."""
    return line.kind == ISSUE and not line.origin


def _less(owed: Sequence[Obligation], covered: Cover) -> list[Obligation]:
    """Return what is owed less what packs cover, each line at its own price."""
    drawn: dict[tuple[str, int], int] = {}
    for one in covered.draws:
        key = (one.event_id, one.line + FUND_LINES)
        drawn[key] = drawn.get(key, 0) + one.points
    left = []
    for line in owed:
        points = line.points - (drawn.get((line.event_id, line.line), 0) if _is_issue(line) else 0)
        minor = value_minor(points, line.price_numerator, line.price_denominator)
        if points == line.points:
            left.append(line)
        elif points:
            left.append(line._replace(points=points, amount_minor=minor))
    return left


def categories(sold: Iterable[Event]) -> dict[str, frozenset[str]]:
    """Return the categories of the items of each event that has items."""
    return {one.event_id: frozenset(item["category"] for item in json.loads(one.items)) for one in sold if one.items}


def record(
    connection: Connection, moment: Moment, reporter: str, transfers: Iterable[Transfer], owed: Sequence[Obligation]
) -> None:
    """Hand what is owed for transfers to settlement, less what packs cover of it.

    Raises:
        Uncovered: as `draw`.
    """
    reimbursement.record(connection, moment, draw(connection, moment, reporter, transfers, owed).owed)


def came_back(connection: Connection, moment: Moment, reporter: str, event: Event, issuer: str) -> int:
    """Return how many of the points that an event refers to have come back to packs already."""
    if issuer not in moment.configuration.prepaying:
        return 0
    own = {draw.pack_id for draw in _drawn(connection, moment, reporter, event, issuer)}
    back = packs.came_back(connection, f"{reporter}/{event.refers_to}")
    return sum(points for pack_id, points in back.items() if pack_id in own)


def give_back(
    connection: Connection, moment: Moment, reporter: str, event: Event, issuer: str, between: tuple[int, int]
) -> None:
    """Bring back to the packs of an issuer what covered points from one to another, counted from the last."""
    start, stop = max(between[0], 0), max(between[1], 0)
    if issuer not in moment.configuration.prepaying or start == stop:
        return
    # Whoever buys no packs any more gets nothing for what comes back to those that are closed.
    version, terms = terms_of(moment, issuer) or (0, PackTerms())
    draws = returned(_drawn(connection, moment, reporter, event, issuer), start, stop)
    origin = f"{reporter}/{event.refers_to}"
    booked = booking(connection, moment, version)
    packs.give_back(connection, reporter, draws, (event.event_id, origin), booked, terms)


def _drawn(connection: Connection, moment: Moment, reporter: str, event: Event, issuer: str) -> Sequence[Draw]:
    assert event.refers_to is not None
    own = {sold.pack_id for sold in packs.listing(connection, issuer)}
    return [draw for draw in packs.draws_of(connection, reporter, event.refers_to) if draw.pack_id in own]


def look_after(hub: Hub, connection: Connection, watched: Iterable[Pack]) -> None:
    """Do what is due of packs, each in a transaction of its own: refill it, and tell its partner that it is low.

    What was posted stands whatever comes of this: a refill that its partner may not owe is logged, and tried again by
    the next posting and by the worker.
    """
    for pack in {one.pack_id: one for one in watched}.values():
        try:
            hub.database.transact_on(connection, partial(_look_after, hub, pack=pack))
        except Refused as refusal:
            LOG.warning("pack %s of %s is not refilled: %s", pack.pack_id, pack.partner, refusal.detail)


def _look_after(hub: Hub, connection: Connection, *, pack: Pack) -> None:
    moment = hub.moment(connection)
    found = terms_of(moment, pack.partner)
    if found is None:
        return
    looked = packs.look(connection, pack, booking(connection, moment, found[0]))
    if looked.told is not None:
        details = {"pack": pack.pack_id, "left_points": looked.left, "low_points": pack.offer.low_points}
        webhooks.announce(connection, pack.partner, TOPIC, f"{pack.pack_id} {looked.told}", details, moment.now)
    if looked.refilled or looked.told is not None:
        configuration.announce(connection)
