"""Earnings: a batch of reported sales becomes events, transfers and lots in one statement.

Each event is decided on its own: one that a rule refuses is answered with its reason and not stored, so it can
be corrected and sent again; the others are posted. The whole batch commits once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.core.rules import Grant, Sale
from hub.core.terms import Contract, EarningRate
from hub.services import accounts, funding, late_events, members, packs, reimbursement, sequences
from hub.services.context import Hub, Moment, Partner
from hub.store import events, posting
from hub.store.database import Connection, again_after_deadlock
from settlement.core.packs import Pack
from settlement.intake import Obligation

MAX_AHEAD = timedelta(minutes=5)
"""How far a till's clock may be ahead of business time."""

Reported = Mapping[str, Any]


class Terms(NamedTuple):
    """What applies to the sales of one day: the rate, and what the contract says about its points."""

    rate: EarningRate
    contract: Contract
    day: date

    def expires_on(self, grant: Grant, jurisdiction: str | None) -> date:
        """Return the last day of what is granted to a member of a jurisdiction."""
        return (grant.expiry or self.contract.expiry).on(self.day, jurisdiction)

    @property
    def matures_on(self) -> date:
        """The day from which the points can be spent."""
        return self.contract.maturity.on(self.day)


def terms_on(partner: Partner, day: date) -> Terms:
    """Return what was in force for a partner on ``day``.

    Raises:
        Refused: ``no_contract`` or ``no_rate``.
    """
    contract, rate = partner.contracts.on(day), partner.earning_rates.on(day)
    if contract is None:
        raise Refused("no_contract", f"The partner has no contract in force on {day}.")
    if rate is None:
        raise Refused("no_rate", f"The partner has no earning rate in force on {day}.")
    return Terms(rate, contract, day)


def maturity(terms: Terms, now: datetime) -> date | None:
    """Return the day on which points will mature, or None if they can be spent at ``now``."""
    return terms.matures_on if terms.matures_on > now.date() else None


def available_at(matures_on: date | None, posted_at: datetime) -> dict[str, str]:
    """Return what an answer says of when points can be spent: nothing while that is for their partner to say."""
    if matures_on is None:
        return {"available_at": instant(posted_at)}
    if matures_on == ledger.WHEN_CONFIRMED:
        return {}
    return {"available_at": instant(datetime.combine(matures_on, time(), UTC))}


def enrols_unknown(partner: Partner, moment: Moment) -> bool:
    """Tell whether the partner's reports enrol members that nobody has named before."""
    contract = partner.contracts.on(moment.day)
    return contract is not None and contract.enrols_unknown


def price(terms: Terms, reported: Reported) -> int:
    """Return the points of a sale under ``terms``.

    Raises:
        Refused: ``currency_mismatch``, ``points_over_cap`` or ``points_mismatch``.
    """
    amount = reported["amount"]
    if amount["currency"] != terms.rate.currency:
        raise Refused("currency_mismatch", f"The rate in force is in {terms.rate.currency}.")
    sale = Sale(amount["minor"])
    points = terms.rate.points(sale)
    # No grant may be above the cap either: points that are never spent are not among those counted first.
    most = max(points, *(grant.points for grant in terms.rate.grants(sale)))
    if most > ledger.MAX_POINTS:
        raise Refused("points_over_cap", f"{most} points are above the cap of {ledger.MAX_POINTS}.")
    if reported.get("points", points) != points:
        raise Refused("points_mismatch", f"The rate in force gives {points} points.")
    return points


def check_time(occurred_at: datetime, now: datetime) -> None:
    """Refuse a sale of the future: ``occurred_in_future``."""
    if occurred_at > now + MAX_AHEAD:
        raise Refused("occurred_in_future", f"Business time at the hub is {instant(now)}.")


class Report(NamedTuple):
    """The sales of one request, with the evidence that its partner reported them."""

    evidence: Evidence
    sales: Sequence[Reported]


def post(
    hub: Hub, partner: Partner, evidence: Evidence, reported: Sequence[Reported], moment: Moment | None = None
) -> list[dict[str, Any]]:
    """Post a partner's sales, as of ``moment`` or now, and return one result an event, in order."""
    with hub.database.connect() as connection:
        at = moment or hub.moment(connection)
        return post_together(hub, connection, at, partner, [Report(evidence, reported)])[0]


def post_together(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, reports: Sequence[Report]
) -> list[list[dict[str, Any]]]:
    """Post several requests of one partner as one batch, which commits once; return the results of each request.

    The answers are those that the requests would have had one after another. Points that are paid for at issue and
    are more than their issuer may owe are rejected, all of a request.

    Raises:
        Refused: ``credit_limit_reached`` for several requests together; each may be posted by itself.
    """
    decided, posted = _as_far_as_can_be(
        _decided(hub, connection, moment, partner, reports),
        lambda entry: _write(hub, connection, moment, entry),
        alone=len(reports) == 1,
    )
    if posted.burdened:
        accounts.settle(hub, posted.burdened)
    return _answers(connection, moment, partner, decided, posted.fresh)


class Within(NamedTuple):
    """What a report came to inside a transaction, and what is left to do when that is committed."""

    results: list[dict[str, Any]]
    burdened: Sequence[int] = ()
    watched: Sequence[Pack] = ()

    def look_after(self, hub: Hub) -> None:
        """Do what is left to do; whoever dies before has left it to whoever looks next."""
        if self.burdened:
            accounts.settle(hub, self.burdened)
        if self.watched:
            with hub.database.connect() as connection:
                packs.look_after(hub, connection, self.watched)


def post_within(hub: Hub, transaction: Connection, moment: Moment, partner: Partner, report: Report) -> Within:
    """Post one report inside a transaction of the caller's, so that what he notes of it commits with it or not."""
    watched: list[Pack] = []

    def write(entry: Posting) -> posting.Posted:
        with transaction.begin_nested():
            posted, covered = _write_within(transaction, moment, entry, _owed(moment, entry))
        watched.extend(covered.watched)
        return posted

    decided, posted = _as_far_as_can_be(_decided(hub, transaction, moment, partner, [report]), write, alone=True)
    [results] = _answers(transaction, moment, partner, decided, posted.fresh)
    return Within(results, posted.burdened, watched)


class _Decided(NamedTuple):
    """What was decided on each sale of some reports."""

    batch: _Batch
    moment: Moment
    reports: Sequence[Report]
    decisions: Sequence[Sequence[Event | Refused]]
    accepted: Mapping[str, Event]
    """The events that are to be posted, the first of each id."""

    @classmethod
    def of(
        cls, batch: _Batch, moment: Moment, reports: Sequence[Report], decisions: Sequence[Sequence[Event | Refused]]
    ) -> _Decided:
        """Find what is to be posted."""
        accepted: dict[str, Event] = {}
        for one in chain.from_iterable(decisions):
            if isinstance(one, Event):
                accepted.setdefault(one.event_id, one)
        return cls(batch, moment, reports, decisions, accepted)

    def without(self, refusal: Refused, event_ids: Container[str]) -> _Decided:
        """Return the decisions with these events refused."""
        decisions = [
            [refusal if isinstance(one, Event) and one.event_id in event_ids else one for one in report]
            for report in self.decisions
        ]
        return self.of(self.batch, self.moment, self.reports, decisions)

    @property
    def entry(self) -> Posting:
        """All that is to be posted."""
        evidence = [report.evidence for report in self.reports]
        return self.batch.posting(self.moment, evidence, list(self.accepted.values()))


def _decided(hub: Hub, connection: Connection, moment: Moment, partner: Partner, reports: Sequence[Report]) -> _Decided:
    batch = _Batch(hub, connection, moment, partner, [sale for report in reports for sale in report.sales])
    decisions = [[batch.decide(sale, report.evidence) for sale in report.sales] for report in reports]
    return _Decided.of(batch, moment, reports, decisions)


def _as_far_as_can_be(
    decided: _Decided, write: Callable[[Posting], posting.Posted], *, alone: bool
) -> tuple[_Decided, posting.Posted]:
    """Post what was accepted, without what packs do not cover; of one report alone nothing if that is refused.

    Raises:
        Refused: ``credit_limit_reached`` for several reports together.
    """
    while True:
        try:
            return decided, write(decided.entry)
        except packs.Uncovered as short:
            decided = decided.without(short, short.event_ids)
        except Refused as refusal:
            if not alone:
                raise
            return decided.without(refusal, decided.accepted), posting.Posted(frozenset(), ())


def _answers(
    connection: Connection, moment: Moment, partner: Partner, decided: _Decided, fresh: frozenset[str]
) -> list[list[dict[str, Any]]]:
    """Return the results of each report, once what was new is posted."""
    sequences.note(connection, moment, partner, [sale for report in decided.reports for sale in report.sales])
    # One that a rule refuses today may have been posted before the rule changed: the first answer stands.
    earlier = [event_id for event_id in decided.batch.event_ids if event_id not in fresh]
    stored = events.first_answers(connection, partner.partner_id, earlier) if earlier else {}
    return [
        [
            late_events.quarantine(connection, moment, partner, "earning", sale, report.evidence)
            if _is_late(one) and sale["event_id"] not in stored
            else _result(sale, one, decided.accepted.get(sale["event_id"]), stored.get(sale["event_id"]), moment)
            for sale, one in zip(report.sales, decisions, strict=True)
        ]
        for report, decisions in zip(decided.reports, decided.decisions, strict=True)
    ]


def _write(hub: Hub, connection: Connection, moment: Moment, entry: Posting) -> posting.Posted:
    """Post a batch; with what issuers owe for points that are paid for at issue, in the same transaction.

    Raises:
        Refused: ``credit_limit_reached``.
        packs.Uncovered: some of its points are not paid for in advance and cannot be paid for otherwise.
    """
    owed = _owed(moment, entry)
    if not owed:
        return again_after_deadlock(lambda: posting.post_credits(connection, entry))
    posted, covered = hub.database.transact_on(
        connection, lambda transaction: _write_within(transaction, moment, entry, owed)
    )
    packs.look_after(hub, connection, covered.watched)
    return posted


def _owed(moment: Moment, entry: Posting) -> list[Obligation]:
    return funding.of_transfers(moment, entry.partner_id, entry.transfers)


def _write_within(
    transaction: Connection, moment: Moment, entry: Posting, owed: Sequence[Obligation]
) -> tuple[posting.Posted, packs.Covered]:
    posted = posting.post_credits(transaction, entry)
    if not owed:
        return posted, packs.Covered(owed)
    new = [line for line in owed if line.event_id in posted.fresh]
    sold = packs.categories(entry.events) if moment.configuration.prepaying else packs.NOTHING_SOLD
    covered = packs.draw(transaction, moment, entry.partner_id, entry.transfers, new, sold)
    reimbursement.record(transaction, moment, covered.owed, authorise=True)
    return posted, covered


class _Batch:
    """What the decisions of one batch share."""

    def __init__(
        self, hub: Hub, connection: Connection, moment: Moment, partner: Partner, reported: Sequence[Reported]
    ) -> None:
        self.partner, self.now, self.configuration = partner, moment.now, moment.configuration
        self.event_ids = {one["event_id"] for one in reported}
        self.ages = late_events.ages(connection, moment, partner, self.event_ids)
        self.terms = cache(lambda day: terms_on(partner, day))
        names = list(dict.fromkeys(one["member"] for one in reported))
        enrol_for = partner.partner_id if enrols_unknown(partner, moment) else None
        self.members = members.resolve(hub, connection, names, enrol_for, moment.now)
        self.jurisdictions = members.jurisdictions(connection, partner, self.members.values())

    def decide(self, reported: Reported, evidence: Evidence) -> Event | Refused:
        try:
            return self._event(reported, evidence)
        except Refused as refusal:
            return refusal

    def _event(self, reported: Reported, evidence: Evidence) -> Event:
        occurred_at = reported["occurred_at"]
        check_time(occurred_at, self.now)
        self.ages.check(reported)
        terms = self.terms(occurred_at.date())
        points = price(terms, reported)
        grants = terms.rate.grants(Sale(reported["amount"]["minor"]))
        self.configuration.check_issuing(grant.issuer or self.partner.partner_id for grant in grants)
        member_id = self.members.get(reported["member"])
        if member_id is None:
            raise Refused("unknown_member", "No member has this identifier.")
        jurisdiction = self.jurisdictions.get(member_id)
        items = reported.get("items")
        return Event(
            reported["event_id"],
            "earning",
            member_id,
            "posted",
            points,
            occurred_at,
            content_digest("earning", reported),
            reported["amount"]["minor"],
            terms.rate.currency,
            terms.rate.version,
            terms.expires_on(grants[0], jurisdiction),
            maturity(terms, self.now),
            reported.get("store"),
            reported.get("terminal"),
            reported.get("channel"),
            json.dumps(items, separators=(",", ":")) if items else None,
            evidence_id=evidence.evidence_id,
        )

    def posting(self, moment: Moment, evidence: Sequence[Evidence], accepted: Sequence[Event]) -> Posting:
        transfers = [transfer for event in accepted for transfer in self._transfers(event)]
        return Posting(self.partner.partner_id, moment.now, moment.day, accepted, transfers, evidence)

    def _transfers(self, event: Event) -> list[Transfer]:
        terms = self.terms(event.occurred_at.date())
        jurisdiction = self.jurisdictions.get(event.member_id)
        grants = terms.rate.grants(Sale(event.amount_minor or 0))
        return [
            Transfer(
                event.event_id,
                line,
                event.member_id,
                ledger.issued(grant.issuer or self.partner.partner_id),
                ledger.AVAILABLE,
                terms.expires_on(grant, jurisdiction),
                grant.issuer or self.partner.partner_id,
                grant.kind,
                event.matures_on or ledger.MATURE_AT_ONCE,
                grant.points,
            )
            for line, grant in enumerate(grants, 1)
            if grant.points
        ]


def _result(
    reported: Reported, decision: Event | Refused, in_batch: Event | None, stored: Any, moment: Moment
) -> dict[str, Any]:
    """Answer one event: the first answer again, what a rule says, what was posted now, or a conflict.

    ``stored`` is what an earlier request posted under its id; ``in_batch`` the first accepted of this one.
    """
    event_id = reported["event_id"]
    if stored is not None:
        content = content_digest("earning", reported) if isinstance(decision, Refused) else decision.content
        same = content == bytes(stored.content)
        return _posted(stored, stored.posted_at) | {"duplicate": True} if same else _conflict(event_id)
    if isinstance(decision, Refused):
        return _rejected(event_id, decision.code, decision.detail)
    if decision is in_batch:
        return _posted(decision, moment.now)
    same = in_batch is not None and decision.content == in_batch.content
    return _posted(decision, moment.now) | {"duplicate": True} if same else _conflict(event_id)


def _is_late(decision: Event | Refused) -> bool:
    return isinstance(decision, Refused) and decision.code == late_events.TOO_LATE


def _posted(event: Any, at: datetime) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "status": "pending" if event.matures_on else "posted",
        "points": event.points,
        **available_at(event.matures_on, at),
        "expires_on": str(event.expires_on),
    }


def _conflict(event_id: str) -> dict[str, Any]:
    return _rejected(event_id, "event_conflict", CONFLICT)


def _rejected(event_id: str, code: str, detail: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "status": "rejected",
        "points": 0,
        "error": {"code": code, "detail": detail},
    }
