"""The sales of a batch, decided one by one: what each becomes, by the terms of its day, or why it is refused.

Where a rate counts what is bought in a period, the counters are locked first and the sales are counted in order, so a
batch gives what its sales would have given one after another. Partners without such a rate are asked nothing more.

A sale that a retro claim brings names no member but has a ``claim``: whose it is, and what the event is to say of it.
Somebody has decided on it, so it is never too late; where the operator did, there is no evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.errors import Overtaken, Refused
from hub.core.granting import SALE, counted_minor, sale_of, spendable
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.core.rules import Grant, Sale
from hub.services import counting, late_events, members
from hub.services.accounts import as_json
from hub.services.context import Hub, Moment, Partner
from hub.services.counting import Places, Tally
from hub.services.sale_terms import Terms, check_time, enrols_unknown, foreign, granted, maturity, terms_on
from hub.store import accounts, counters, events
from hub.store.counters import Key
from hub.store.database import Connection

Reported = Mapping[str, Any]
NOBODY: Mapping[str, int] = MappingProxyType({})


class Batch:
    """What the decisions of one batch share."""

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        moment: Moment,
        partner: Partner,
        reported: Sequence[Reported],
        found: Mapping[str, int] = NOBODY,
    ) -> None:
        """``found`` are members that were looked up before, by their names."""
        self._partner, self._now, self._configuration = partner, moment.now, moment.configuration
        self._reported = reported
        self.event_ids = {one["event_id"] for one in reported}
        self._ages = late_events.ages(connection, moment, partner, self.event_ids)
        self._terms = cache(lambda day: terms_on(partner, day))
        self._maturity = cache(lambda day: maturity(self._terms(day), moment.now))
        named = {one["member"]: None for one in reported if "claim" not in one}
        self._members = {name: found[name] for name in named if name in found}
        if others := [name for name in named if name not in found]:
            enrol_for = partner.partner_id if enrols_unknown(partner, moment) else None
            self._members |= members.resolve(hub, connection, others, enrol_for, moment.now)
        self._known = {*self._members.values(), *(one["claim"]["member"] for one in reported if "claim" in one)}
        self._jurisdictions = members.jurisdictions(connection, partner, self._known)
        self._counts: _Counts | None = None
        self._refused: Mapping[str, Refused] = {}
        self._granted: dict[str, Sequence[Grant]] = {}
        """What the first sale that was accepted under each id gives."""

    def count_in(self, transaction: Connection) -> None:
        """Lock what these sales count, and find those that were posted before; to be done before any is decided."""
        there = sorted(self._known)
        survivors = accounts.survivors(transaction, there) if there else {}
        found = counting.places(transaction, self._partner, survivors.values())
        counts = _Counts(survivors, found)
        wanted = {key for one in self._reported for key in self._counted(one, counts).values()}
        counts.locked = counters.lock(transaction, self._partner.partner_id, wanted)
        counts.stored = set(events.first_answers(transaction, self._partner.partner_id, list(self.event_ids)))
        self._counts = counts

    def decide(
        self, reports: Sequence[tuple[Evidence | None, Sequence[Reported]]], refused: Mapping[str, Refused]
    ) -> list[list[Event | Refused]]:
        """Decide on all sales, in order; ``refused`` are so whatever the terms say."""
        self._refused = refused
        self._granted.clear()
        if self._counts:
            self._counts.begin()
        return [[self._decide(sale, evidence) for sale in sales] for evidence, sales in reports]

    def _decide(self, reported: Reported, evidence: Evidence | None) -> Event | Refused:
        evidence_id = evidence.evidence_id if evidence else None
        try:
            first = self._counts.accepted.get(reported["event_id"]) if self._counts else None
            if first is not None and first.content == content_digest("earning", reported):
                return first._replace(evidence_id=evidence_id)
            return self._event(reported, evidence_id)
        except Refused as refusal:
            return refusal

    def _event(self, reported: Reported, evidence_id: bytes | None) -> Event:
        occurred_at = reported["occurred_at"]
        check_time(occurred_at, self._now)
        if "claim" not in reported:
            self._ages.check(reported)
        terms = self._terms(occurred_at.date())
        counted = self._counted(reported, self._counts) if self._counts and terms.rate.caps else {}
        said = self._said(terms, reported, counted)
        sale = sale_of(reported["amount"]["minor"], {SALE: said} if said else None)
        grants = granted(terms, reported, sale)
        self._configuration.check_issuing(grant.issuer or self._partner.partner_id for grant in grants)
        member_id = self._member(reported)
        if member_id is None:
            raise Refused("unknown_member", "No member has this identifier.")
        if reported["event_id"] in self._refused:
            raise self._refused[reported["event_id"]]
        self._granted.setdefault(reported["event_id"], grants)
        items = reported.get("items")
        event = Event(
            reported["event_id"],
            "earning",
            member_id,
            "posted",
            spendable(grants),
            occurred_at,
            content_digest("earning", reported),
            reported["amount"]["minor"],
            reported["amount"]["currency"],
            terms.rate.version,
            terms.expires_on(grants[0], self._jurisdictions.get(member_id)),
            self._maturity(terms.day),
            reported.get("store"),
            reported.get("terminal"),
            reported.get("channel"),
            json.dumps(items, separators=(",", ":")) if items else None,
            evidence_id=evidence_id,
        )
        claimed = reported.get("claim", {}).get("says", {})
        if not said:
            return event._replace(details=as_json(claimed)) if claimed else event
        noted = self._counts.count(event, counted, counted_minor(sale)) if self._counts and counted else {}
        return event._replace(details=as_json({SALE: said, **noted, **claimed}))

    def _member(self, reported: Reported) -> int | None:
        return reported["claim"]["member"] if "claim" in reported else self._members.get(reported["member"])

    def _said(self, terms: Terms, reported: Reported, counted: Mapping[str, Key]) -> dict[str, Any]:
        """Return what rules look at beside the amount, where the report says so or something is counted."""
        said = {name: reported[name] for name in ("category", "partner") if name in reported}
        if (currency := reported["amount"]["currency"]) != terms.rate.currency:
            said |= foreign(self._partner, terms, currency)
        if counted and self._counts:
            said["spent"] = {name: max(0, self._counts.tally[key]) for name, key in counted.items()}
        return said

    def _counted(self, reported: Reported, counts: _Counts) -> dict[str, Key]:
        """Return the counters of a sale, by the names of the caps; none for one that will be refused."""
        day, member_id = reported["occurred_at"].date(), self._member(reported)
        rate = self._partner.earning_rates.on(day)
        if rate is None or member_id is None:
            return {}
        sale = Sale(0, reported.get("category"), reported.get("partner"))
        return counting.caps_of(counting.applying(rate, sale), day, counts.survivors[member_id], counts.places)

    def note(self, transaction: Connection, accepted: Mapping[str, Event], fresh: frozenset[str]) -> None:
        """Count what was posted, in its transaction.

        Raises:
            Overtaken: something else was posted under one of the ids since the counters were locked.
        """
        if self._counts is None:
            return
        if accepted.keys() - fresh - self._counts.stored:
            raise Overtaken("sales of these ids were posted meanwhile")
        change: dict[Key, int] = {}
        for event_id in fresh:
            for key, minor in self._counts.changes.get(event_id, {}).items():
                change[key] = change.get(key, 0) + minor
        counters.count(transaction, self._partner.partner_id, change)

    def posting(self, moment: Moment, evidence: Sequence[Evidence], accepted: Sequence[Event]) -> Posting:
        """Return the entry that posts these events."""
        transfers = [transfer for event in accepted for transfer in self._transfers(event)]
        return Posting(self._partner.partner_id, moment.now, moment.day, accepted, transfers, evidence)

    def _transfers(self, event: Event) -> list[Transfer]:
        terms = self._terms(event.occurred_at.date())
        jurisdiction = self._jurisdictions.get(event.member_id)
        return [
            Transfer(
                event.event_id,
                line,
                event.member_id,
                ledger.issued(grant.issuer or self._partner.partner_id),
                ledger.AVAILABLE,
                terms.expires_on(grant, jurisdiction),
                grant.issuer or self._partner.partner_id,
                grant.kind,
                event.matures_on or ledger.MATURE_AT_ONCE,
                grant.points,
            )
            for line, grant in enumerate(self._granted[event.event_id], 1)
            if grant.points
        ]


class _Counts:
    """What a batch counts, under the locks of one transaction."""

    def __init__(self, survivors: Mapping[int, int], found: Places) -> None:
        self.survivors, self.places = survivors, found
        self.locked: Mapping[Key, int] = {}
        self.stored: set[str] = set()
        """The events that were posted before, which are not counted again."""
        self.begin()

    def begin(self) -> None:
        """Begin to decide, or begin again."""
        self.tally = Tally(self.locked)
        self.accepted: dict[str, Event] = {}
        self.changes: dict[str, Mapping[Key, int]] = {}

    def count(self, event: Event, counted: Mapping[str, Key], minor: int) -> dict[str, Any]:
        """Count an event, the first of its id; return the details that say what."""
        if event.event_id in self.stored:
            return {}
        changes = dict.fromkeys(counted.values(), minor)
        self.changes[event.event_id] = changes
        noted = self.tally.change(changes)
        self.accepted[event.event_id] = event
        return noted
