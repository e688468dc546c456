"""Refunds: a returned purchase gives back what it earned, at the rule, rate and lot that it was posted with.

A partial refund takes back the difference between what the sale earned and what it would have earned without the
returned part, so that all refunds together take back exactly what was given. Where its points are gone, the
contract of the sale says what happens (`hub.services.taking_back`). Each refund is decided on its own, under the
lock of the member or of its survivor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting
from hub.services import accounts, counting, late_events, reimbursement, sales, sequences, unissuing
from hub.services.accounts import Standing, as_json, burnt
from hub.services.context import Hub, Moment, Partner
from hub.services.counting import COUNTED
from hub.services.reporting import Reporter, by_partner
from hub.services.sale_terms import check_time
from hub.services.sales import Given
from hub.services.taking_back import Sums, Taking
from hub.store import accounts as stored_accounts
from hub.store import events, posting
from hub.store.counters import Key
from hub.store.database import Connection

Reported = Mapping[str, Any]


def post(hub: Hub, partner: Partner, evidence: Evidence, refunds: Sequence[Reported]) -> list[dict[str, Any]]:
    """Post a partner's refunds, each on its own, and return one result a refund, in order."""
    results = [_result(hub, partner, evidence, reported) for reported in refunds]
    if any("sequence" in one for one in refunds):
        with hub.database.connect() as connection:
            sequences.note(connection, hub.moment(connection), partner, refunds)
    return results


def _result(hub: Hub, partner: Partner, evidence: Evidence, reported: Reported) -> dict[str, Any]:
    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        # As it is now, and not when the request came in: the sale may have been posted under newer terms.
        current = moment.configuration.partner(partner.partner_id)
        return _refund(connection, moment, current, evidence, reported)

    try:
        return hub.database.transact(work)
    except Refused as refusal:
        if refusal.code == late_events.TOO_LATE:
            return hub.database.transact(lambda connection: _quarantine(hub, connection, partner, evidence, reported))
        return _rejected(reported, refusal)


def _rejected(reported: Reported, refusal: Refused) -> dict[str, Any]:
    error = {"code": refusal.code, "detail": refusal.detail}
    return {"event_id": reported["event_id"], "status": "rejected", "points": 0, "error": error}


def post_within(
    transaction: Connection, moment: Moment, partner: Partner, evidence: Evidence, refunds: Sequence[Reported]
) -> list[dict[str, Any]]:
    """Post refunds inside a transaction of the caller's; the evidence is stored. Returns one result a refund."""
    lock_members(transaction, moment, partner, [one["refunds"] for one in refunds])
    results = [_within(transaction, moment, partner, evidence, reported) for reported in refunds]
    sequences.note(transaction, moment, partner, refunds)
    return results


def lock_members(transaction: Connection, moment: Moment, partner: Partner, event_ids: Sequence[str]) -> None:
    """Lock the members of some sales all at once, in order, as whoever refunds several in one transaction must."""
    sold = events.first_answers(transaction, partner.partner_id, event_ids)
    accounts.lock(transaction, moment, sorted({one.member_id for one in sold.values() if one.member_id}))


def _within(
    transaction: Connection, moment: Moment, partner: Partner, evidence: Evidence, reported: Reported
) -> dict[str, Any]:
    try:
        with transaction.begin_nested():
            return _refund(transaction, moment, partner, evidence, reported)
    except Refused as refusal:
        if refusal.code == late_events.TOO_LATE:
            return late_events.quarantine(transaction, moment, partner, "refund", reported, evidence)
        return _rejected(reported, refusal)


def _quarantine(
    hub: Hub, connection: Connection, partner: Partner, evidence: Evidence, reported: Reported
) -> dict[str, Any]:
    moment = hub.moment(connection)
    posting.post(connection, Posting(partner.partner_id, moment.now, moment.day, [], [], [evidence]))
    return late_events.quarantine(connection, moment, partner, "refund", reported, evidence)


def _refund(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, reported: Reported
) -> dict[str, Any]:
    return refund(connection, moment, partner, by_partner(partner, evidence), reported)


def refund(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, reported: Reported
) -> dict[str, Any]:
    """Refund a sale of a partner's, which reports that itself or has the operator do it.

    Raises:
        Refused: ``unknown_event``, ``not_reversible``, ``event_conflict``, ``too_late`` and what `_amount` says.
    """
    content = content_digest("refund", reported)
    if first := _first_answer(connection, partner, reported["event_id"], content):
        return first
    original = sales.sale_of(connection, partner, reported["refunds"])
    counted = _lock_counted(connection, partner, original)
    standing = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    # Another request with this id may have been decided while this one waited for the lock.
    if first := _first_answer(connection, partner, reported["event_id"], content):
        return first
    if reporter.evidence and "line" in (original.details or {}):
        raise Refused("not_reversible", "It is a purchase with a card; report what came back to /v1/card-records.")
    sales.refuse_quarantined(connection, original)
    check_time(reported["occurred_at"], moment.now)
    late_events.ages(connection, moment, partner, [reported["event_id"]]).check(reported)
    following = events.referring(connection, partner.partner_id, original.event_id)
    before = sales.refunded(following)
    minor = _amount(reported, original, before, following)
    back = Return(
        reported["event_id"], reported["occurred_at"], content, minor,
        json.dumps(reported["items"], separators=(",", ":")) if reported.get("items") else None,
        counting.count_back(
            connection, partner.partner_id, standing.member_id, original, original.amount_minor - before, minor, counted
        ),
    )  # fmt: skip
    event, sums = give_back(connection, moment, partner, reporter, original, standing, following, back)
    return _answer(event.event_id, minor, original.currency, sums)


def _lock_counted(connection: Connection, partner: Partner, original: Any) -> Mapping[Key, int]:
    """Lock what a sale counted, before its member: as whoever posts purchases does. It asks nothing where none did."""
    if COUNTED not in (original.details or {}):
        return {}
    member_id = stored_accounts.survivor(connection, original.member_id)
    return counting.lock_back(connection, partner.partner_id, member_id, original)


class Return(NamedTuple):
    """What comes back of a sale, and under which id."""

    event_id: str
    occurred_at: datetime
    content: bytes
    minor: int
    items: str | None = None
    said: Mapping[str, Any] = MappingProxyType({})
    """What else goes into the details of its event."""


def give_back(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    reporter: Reporter,
    original: Any,
    standing: Standing,
    following: Iterable[Any],
    back: Return,
) -> tuple[Event, Sums]:
    """Post what comes back of a sale, which has so much left; return the event, and where its points were found.

    ``following`` are the events that refer to the sale, read under the lock by which its member is ``standing``.
    """
    owners, policy = sales.owners(connection, original), _policy(partner, original)
    taking = Taking(connection, moment, partner, policy, standing, owners, back.event_id)
    sums = taking.take(wanted(connection, partner, original, owners, following, back.minor))
    event = Event(
        back.event_id, "refund", standing.member_id, "posted", taking.moved, back.occurred_at, back.content,
        back.minor, original.currency, items=back.items, evidence_id=reporter.evidence_id,
        refers_to=original.event_id, returned_before=sales.refunded(following), scheme_rule=taking.scheme_rule,
        details=as_json({**sums._asdict(), "policy": policy, **taking.forgone, **back.said, **reporter.said}),
    )  # fmt: skip
    _post(connection, moment, partner, reporter, event, taking)
    return event, sums


def _post(connection: Connection, moment: Moment, partner: Partner, by: Reporter, event: Event, taking: Taking) -> None:
    """Post a refund; whoever issued other points that it took owes for them, with the sale as origin."""
    foreign = burnt(taking.transfers, partner.partner_id)
    price = partner.prices.on(moment.day) if foreign else None
    if price is not None:
        event = event._replace(rate_version=price.version)
    entry = Posting(partner.partner_id, moment.now, moment.day, [event], taking.transfers, by.evidences)
    posting.post_new(connection, entry)
    unpaid = unissuing.taken_back(connection, moment, partner.partner_id, event, taking.transfers)
    reimbursement.record(connection, moment, unpaid)
    if price is not None:
        origin = f"{partner.partner_id}/{event.refers_to}"
        reporter = partner.partner_id
        reimbursement.owe(connection, moment, reporter, event, reporter, price, foreign, origin)


def _amount(reported: Reported, original: Any, before: int, following: Iterable[Any]) -> int:
    """Return the minor units to refund.

    Raises:
        Refused: ``currency_mismatch``, ``refund_mismatch`` or ``exceeds_original``.
    """
    left = original.amount_minor - before
    items, amount = reported.get("items") or [], reported.get("amount")
    if amount is None and not items and before and not left:
        raise Refused("exceeds_original", "Nothing of the sale is left.")
    if amount is not None and amount["currency"] != original.currency:
        raise Refused("currency_mismatch", f"The sale was in {original.currency}.")
    by_items = sum(item["minor"] for item in items)
    minor = amount["minor"] if amount is not None else by_items if items else left
    if items and minor != by_items:
        raise Refused("refund_mismatch", f"The items add up to {by_items}, not to {minor}.")
    if original.items and items:
        returned = [item for one in following if one.items for item in json.loads(one.items)]
        _check_items(items, json.loads(original.items), returned)
    if minor > left:
        raise Refused("exceeds_original", f"{left} minor units of the sale are left.")
    return int(minor)


def _check_items(items: Sequence[Reported], sold: Sequence[Reported], returned: Sequence[Reported]) -> None:
    """Refuse (``exceeds_original``) more of an item than was sold and is not back yet."""
    left: Counter[tuple[str, str]] = Counter()
    for sign, part in ((1, sold), (-1, returned), (-1, items)):
        for item in part:
            for measure in ("quantity", "minor"):
                left[item["sku"], measure] += sign * item[measure]
    short = sorted(sku for (sku, _), count in left.items() if count < 0)
    if short:
        raise Refused("exceeds_original", f"More of {short[0]} is returned than was sold and is not back yet.")


def wanted(
    connection: Connection, partner: Partner, original: Any, owners: Sequence[int], following: Iterable[Any], minor: int
) -> list[Given]:
    """Return what a refund of so many minor units wants back of each line of the sale."""
    confirmed = any(one.kind == "confirmation" for one in following)
    where = sales.whereabouts(connection, partner, original, owners, confirmed=confirmed)
    left = original.amount_minor - sales.refunded(following)
    then, now = sales.grants_of(partner, original, left), sales.grants_of(partner, original, left - minor)
    return [
        Given(where[line], more.points - less.points)
        for line, (more, less) in enumerate(zip(then, now, strict=True), 1)
        if more.points > less.points
    ]


def _policy(partner: Partner, original: Any) -> str:
    contract = partner.contracts.on(original.occurred_at.date())
    assert contract is not None
    return contract.refunds


def _first_answer(connection: Connection, partner: Partner, event_id: str, content: bytes) -> dict[str, Any] | None:
    """Return the answer to a replay, or None if the id is new.

    Raises:
        Refused: ``event_conflict``.
    """
    first = events.first_answers(connection, partner.partner_id, [event_id]).get(event_id)
    if first is None:
        return None
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    sums = Sums(*(first.details[name] for name in Sums._fields))
    return _answer(first.event_id, first.amount_minor, first.currency, sums) | {"duplicate": True}


def _answer(event_id: str, minor: int, currency: str, sums: Sums) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "status": "posted",
        "points": sum(sums),
        "amount": {"minor": minor, "currency": currency},
        **sums._asdict(),
    }
