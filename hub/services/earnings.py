"""Earnings: a batch of reported sales becomes events, transfers and lots in one statement.

Each event is decided on its own: one that a rule refuses is answered with its reason and not stored, so it can
be corrected and sent again; the others are posted. The whole batch commits once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting
from hub.services import accounts, funding, late_events, members, packs, reimbursement, sequences
from hub.services.context import Hub, Moment, Partner
from hub.services.earning_answers import is_late, result
from hub.services.earning_batch import NOBODY, Batch, Reported
from hub.services.reimbursement import OverLimit
from hub.store import events, posting
from hub.store.database import Connection, again_after_deadlock
from settlement.core.packs import Pack
from settlement.intake import Obligation

NONE_REFUSED: Mapping[str, Refused] = MappingProxyType({})


class Report(NamedTuple):
    """The sales of one request, with the evidence that its partner reported them."""

    evidence: Evidence | None
    """None where the operator posts in the partner's name."""
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
    batch = _batch(hub, connection, moment, partner, reports)
    if partner.counts:
        done = hub.database.transact_on(connection, lambda own: _inside(own, moment, partner, batch, reports))
        if done.burdened:
            accounts.settle(hub, done.burdened)
        packs.look_after(hub, connection, done.watched)
        return done.results
    decided, posted = _as_far_as_can_be(
        _Decided.of(batch, moment, reports),
        lambda decided: _write(hub, connection, moment, decided.entry),
        alone=len(reports) == 1,
    )
    if posted.burdened:
        accounts.settle(hub, posted.burdened)
    return _answers(connection, moment, partner, decided, posted.fresh)


class OfPartner(NamedTuple):
    """Requests of one partner that wait to be posted."""

    partner: Partner
    reports: Sequence[Report]


def post_for_all(
    hub: Hub, connection: Connection, moment: Moment, waiting: Sequence[OfPartner]
) -> list[list[list[dict[str, Any]]] | None]:
    """Post requests of several partners, each partner's as `post_together` does, and commit as much as can be at once.

    Returns the results of each partner's requests; None for one of which each has to be posted by itself. Partners
    whose rates count, whose points packs may cover, or who may owe no more for them are posted one after another.
    """
    names = {sale["member"] for one in waiting for report in one.reports for sale in report.sales}
    found = members.resolve(hub, connection, list(names), None, moment.now)
    done: dict[str, list[list[dict[str, Any]]] | None] = {}
    ready: dict[str, _Ready] = {}
    for one in waiting:
        name = one.partner.partner_id
        prepared = None if one.partner.counts else _Ready.of(hub, connection, moment, one, found)
        if prepared is None or not prepared.may_go_together(moment):
            done[name] = _alone(hub, connection, moment, one)
        else:
            ready[name] = prepared
    while ready:
        try:
            posted = _at_once(hub, connection, moment, list(ready.values()))
        except OverLimit as over:
            apart = {name for own in ready.values() for name, _ in over.raised_by(own.owed)}
            for name in apart or set(ready):
                done[name] = _alone(hub, connection, moment, ready.pop(name).of_partner)
        else:
            if posted[0].burdened:
                accounts.settle(hub, posted[0].burdened)
            for (name, own), new in zip(ready.items(), posted, strict=True):
                done[name] = _answers(connection, moment, own.of_partner.partner, own.decided, new.fresh)
            break
    return [done[one.partner.partner_id] for one in waiting]


class _Ready(NamedTuple):
    """Requests of one partner that are decided and not posted."""

    of_partner: OfPartner
    decided: _Decided
    entry: Posting
    owed: Sequence[Obligation]

    @classmethod
    def of(cls, hub: Hub, connection: Connection, moment: Moment, one: OfPartner, found: Mapping[str, int]) -> _Ready:
        """Decide on all of them."""
        batch = _batch(hub, connection, moment, one.partner, one.reports, found)
        decided = _Decided.of(batch, moment, one.reports)
        entry = decided.entry
        return cls(one, decided, entry, _owed(moment, entry))

    def may_go_together(self, moment: Moment) -> bool:
        """Tell whether they can be posted with those of others."""
        return not _says_more(self.entry) and not (self.owed and moment.configuration.prepaying)


def _at_once(hub: Hub, connection: Connection, moment: Moment, ready: Sequence[_Ready]) -> list[posting.Posted]:
    """Post requests of several partners, and what they owe for points at issue.

    Raises:
        OverLimit: an issuer may not owe so much.
    """
    entries = [one.entry for one in ready]
    if not any(one.owed for one in ready):
        return again_after_deadlock(lambda: posting.post_credits_together(connection, entries))

    def write(transaction: Connection) -> list[posting.Posted]:
        posted = posting.post_credits_together(transaction, entries)
        both = zip(ready, posted, strict=True)
        owed = [line for one, new in both for line in one.owed if line.event_id in new.fresh]
        reimbursement.record(transaction, moment, owed, authorise=True)
        return posted

    return hub.database.transact_on(connection, write)


def _alone(hub: Hub, connection: Connection, moment: Moment, one: OfPartner) -> list[list[dict[str, Any]]] | None:
    try:
        return post_together(hub, connection, moment, one.partner, one.reports)
    except Refused:
        return None


def _batch(
    hub: Hub,
    connection: Connection,
    moment: Moment,
    partner: Partner,
    reports: Sequence[Report],
    found: Mapping[str, int] = NOBODY,
) -> Batch:
    return Batch(hub, connection, moment, partner, [sale for report in reports for sale in report.sales], found)


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
    batch = _batch(hub, transaction, moment, partner, [report])
    done = _inside(transaction, moment, partner, batch, [report])
    return Within(done.results[0], done.burdened, done.watched)


class _Done(NamedTuple):
    """What several reports came to inside a transaction."""

    results: list[list[dict[str, Any]]]
    burdened: Sequence[int]
    watched: Sequence[Pack]


def _inside(
    transaction: Connection, moment: Moment, partner: Partner, batch: Batch, reports: Sequence[Report]
) -> _Done:
    """Post reports inside a transaction, with what they count where the partner's rate counts anything."""
    watched: list[Pack] = []
    if partner.counts:
        batch.count_in(transaction)

    def write(decided: _Decided) -> posting.Posted:
        with transaction.begin_nested():
            entry = decided.entry
            posted, covered = _write_within(transaction, moment, entry, _owed(moment, entry))
            batch.note(transaction, decided.accepted, posted.fresh)
        watched.extend(covered.watched)
        return posted

    decided, posted = _as_far_as_can_be(_Decided.of(batch, moment, reports), write, alone=len(reports) == 1)
    return _Done(_answers(transaction, moment, partner, decided, posted.fresh), posted.burdened, watched)


class _Decided(NamedTuple):
    """What was decided on each sale of some reports."""

    batch: Batch
    moment: Moment
    reports: Sequence[Report]
    decisions: Sequence[Sequence[Event | Refused]]
    accepted: Mapping[str, Event]
    """The events that are to be posted, the first of each id."""
    refused: Mapping[str, Refused]
    """Those that are refused, whatever the terms say."""

    @classmethod
    def of(
        cls, batch: Batch, moment: Moment, reports: Sequence[Report], refused: Mapping[str, Refused] = NONE_REFUSED
    ) -> _Decided:
        """Decide, and find what is to be posted."""
        decisions = batch.decide(reports, refused)
        accepted: dict[str, Event] = {}
        for one in chain.from_iterable(decisions):
            if isinstance(one, Event):
                accepted.setdefault(one.event_id, one)
        return cls(batch, moment, reports, decisions, accepted, refused)

    def without(self, refusal: Refused, event_ids: Iterable[str]) -> _Decided:
        """Decide again with these events refused: what they would have counted, others do not find counted."""
        refused = {**self.refused, **dict.fromkeys(event_ids, refusal)}
        return self.of(self.batch, self.moment, self.reports, refused)

    @property
    def entry(self) -> Posting:
        """All that is to be posted."""
        evidence = [report.evidence for report in self.reports if report.evidence]
        return self.batch.posting(self.moment, evidence, list(self.accepted.values()))


def _as_far_as_can_be(
    decided: _Decided, write: Callable[[_Decided], posting.Posted], *, alone: bool
) -> tuple[_Decided, posting.Posted]:
    """Post what was accepted, without what packs do not cover; of one report alone nothing if that is refused.

    Raises:
        Refused: ``credit_limit_reached`` for several reports together.
    """
    while True:
        try:
            return decided, write(decided)
        except packs.Uncovered as short:
            decided = decided.without(short, short.event_ids)
        except Refused as refusal:
            if not alone:
                raise
            return decided.without(refusal, decided.batch.event_ids), posting.Posted(frozenset(), ())


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
            if report.evidence and is_late(one) and sale["event_id"] not in stored
            else result(sale, one, decided.accepted.get(sale["event_id"]), stored.get(sale["event_id"]), moment)
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
        return again_after_deadlock(lambda: _post(connection, entry))
    posted, covered = hub.database.transact_on(
        connection, lambda transaction: _write_within(transaction, moment, entry, owed)
    )
    packs.look_after(hub, connection, covered.watched)
    return posted


def _owed(moment: Moment, entry: Posting) -> list[Obligation]:
    return funding.of_transfers(moment, entry.partner_id, entry.transfers)


def _post(connection: Connection, entry: Posting) -> posting.Posted:
    """Post earnings; by the statement that writes all columns only where one says more than usual."""
    return (posting.post_whole_credits if _says_more(entry) else posting.post_credits)(connection, entry)


def _says_more(entry: Posting) -> bool:
    return any(event.details is not None for event in entry.events)


def _write_within(
    transaction: Connection, moment: Moment, entry: Posting, owed: Sequence[Obligation]
) -> tuple[posting.Posted, packs.Covered]:
    posted = _post(transaction, entry)
    if not owed:
        return posted, packs.Covered(owed)
    new = [line for line in owed if line.event_id in posted.fresh]
    sold = packs.categories(entry.events) if moment.configuration.prepaying else packs.NOTHING_SOLD
    covered = packs.draw(transaction, moment, entry.partner_id, entry.transfers, new, sold)
    reimbursement.record(transaction, moment, covered.owed, authorise=True)
    return posted, covered
