"""Purchases with linked cards: authorisations, clearings, and what earns nothing, posted together.

Each is decided on its own, by the terms of its day and for who held the card then. What caps and bonuses count is
locked first, so that a batch and a file that come at the same moment count one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.card_terms import Bonus
from hub.core.errors import Overtaken, Refused
from hub.core.granting import SALE, counted_minor, given, sale_of, spendable
from hub.core.ledger import Event, Evidence, Posting, Transfer
from hub.services import card_cases, counting, funding, members, packs, reimbursement
from hub.services.accounts import as_json
from hub.services.card_answers import Record, again, digest, posted, rejected
from hub.services.card_cases import Case
from hub.services.context import Hub, Moment, Partner
from hub.services.counting import COUNTED, Tally
from hub.services.earnings import Within
from hub.services.sale_terms import maturity
from hub.store import card_records, counters, events, posting
from hub.store.card_records import Given, Purchase
from hub.store.counters import Key
from hub.store.database import Connection
from settlement.core.packs import Pack

NOTHING = {
    "fee": "A fee earns nothing",
    "interest": "Interest earns nothing",
    "cash_advance": "A cash advance earns nothing",
    "balance_transfer": "A balance transfer earns nothing",
}
"""Kinds of records that are no purchases, and why they earn nothing."""


class Decided(NamedTuple):
    """What one record is to become."""

    events: Sequence[Event]
    details: Mapping[str, Any]
    """What the first of the events says beside the rest, as its answer tells it."""
    transfers: Sequence[Transfer] = ()
    purchases: Sequence[Purchase] = ()
    bonuses: Sequence[Given] = ()
    counted: Mapping[Key, int] = {}


def post(hub: Hub, partner: Partner, evidence: Evidence, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Post an issuer's purchases as one batch and return one result a record, in order.

    Where points are paid for at issue and cannot be, the records that would give them are rejected.
    """
    with hub.database.connect() as connection:
        within = _as_far_as_can_be(
            lambda refused: hub.database.transact_on(
                connection, lambda transaction: _Batch(hub, partner, evidence, records, refused).post(transaction)
            ),
            records,
        )
    within.look_after(hub)
    return within.results


def post_within(
    hub: Hub, transaction: Connection, partner: Partner, evidence: Evidence, records: Sequence[Record]
) -> Within:
    """Post purchases inside a transaction of the caller's."""

    def attempt(refused: Mapping[str, Refused]) -> Within:
        with transaction.begin_nested():
            return _Batch(hub, partner, evidence, records, refused).post(transaction)

    return _as_far_as_can_be(attempt, records)


def _as_far_as_can_be(attempt: Callable[[Mapping[str, Refused]], Within], records: Sequence[Record]) -> Within:
    """Post a batch, without what packs do not cover; without all that earns if that may not be owed."""
    refused: dict[str, Refused] = {}
    while True:
        try:
            return attempt(refused)
        except packs.Uncovered as short:
            refused |= {event_id.partition("/")[0]: short for event_id in short.event_ids}
        except Refused as refusal:
            if refusal.code != "credit_limit_reached" or len(refused) == len(records):
                raise
            refused |= {record["event_id"]: refusal for record in records}


class _Batch:
    """One attempt at a batch, in one transaction."""

    def __init__(
        self,
        hub: Hub,
        partner: Partner,
        evidence: Evidence,
        records: Sequence[Record],
        refused: Mapping[str, Refused],
    ) -> None:
        self._hub, self._partner, self._evidence = hub, partner, evidence
        self._records, self._refused = records, refused

    def post(self, connection: Connection) -> Within:
        """Decide and post; return the results, and what is left to do."""
        moment = self._hub.moment(connection)
        self._moment, self._partner = moment, moment.configuration.partner(self._partner.partner_id)
        found = card_cases.find(self._hub, connection, moment, self._partner, self._records, self._refused)
        self._jurisdictions = members.jurisdictions(
            connection, self._partner, {one.held.member_id or 0 for one in found if isinstance(one, Case)}
        )
        self._tally = Tally(self._locked(connection, [one for one in found if isinstance(one, Case)]))
        stored = events.first_answers(connection, self._partner.partner_id, [one["event_id"] for one in self._records])
        decided: dict[str, tuple[Record, Decided]] = {}
        results = []
        for record, case in zip(self._records, found, strict=True):
            results.append(self._answer(record, case, stored.get(record["event_id"]), decided))
        burdened, watched = self._write(connection, moment, [one for _, one in decided.values()])
        return Within(results, burdened, watched)

    def _answer(self, record: Record, case: Case | Refused, stored: Any, decided: dict[str, Any]) -> dict[str, Any]:
        """Decide on a record unless it was posted before; return its result."""
        event_id = record["event_id"]
        if stored is not None:
            return again(record, stored)
        if event_id in decided:
            first, one = decided[event_id]
            if digest(first) != digest(record):
                return rejected(record, Refused("event_conflict", "The id was used before with other content."))
            return self._posted(one) | {"duplicate": True}
        try:
            if isinstance(case, Refused):
                raise case
            one = self._decide(case)
        except Refused as refusal:
            return rejected(record, refusal)
        decided[event_id] = (record, one)
        return self._posted(one)

    def _posted(self, one: Decided) -> dict[str, Any]:
        return posted(one.events[0], one.details, self._moment.now)

    def _locked(self, connection: Connection, cases: Sequence[Case]) -> dict[Key, int]:
        """Lock what these purchases count, and find the bonuses that were given already."""
        partner_id, earning = self._partner.partner_id, [one for one in cases if one.earns]
        credits_ = {(one.member_id, one.credit) for one in earning}
        owed = counters.peek(connection, partner_id, credits_) if credits_ else {}
        wanted = {key for key, minor in owed.items() if minor > 0}
        for one in earning:
            wanted |= set(one.caps.values())
            wanted |= {(one.member_id, counting.of_bonus(bonus.name, one.line)) for bonus in one.bonuses}
        looked = {
            key
            for one in cases
            if one.record["kind"] == "authorisation"
            for key in (*one.caps.values(), (one.member_id, one.credit))
        }
        locked = owed | counters.peek(connection, partner_id, looked)
        locked |= counters.lock(connection, partner_id, wanted)
        lines = {one.line for one in earning if one.bonuses}
        self._given = set(card_records.bonuses(connection, partner_id, lines)) if lines else set()
        return locked

    def _decide(self, case: Case) -> Decided:
        record = case.record
        if case.earns:
            return self._purchase(case)
        details: dict[str, Any] = {"record": record["kind"], "line": case.line}
        if record["kind"] == "authorisation":
            expected = spendable(self._grants(case, self._sale(case)))
            details |= {"expected": expected, "why": f"Only a clearing earns; {expected} points are expected"}
        else:
            excluded = f"Purchases of the category {record.get('category')} earn nothing"
            details["why"] = NOTHING.get(record["kind"], excluded)
        amount = record["amount"]
        event = Event(
            record["event_id"], "card-record", case.held.member_id or 0, "posted", 0, record["occurred_at"],
            digest(record), amount["minor"], amount["currency"], store=record.get("merchant"),
            evidence_id=self._evidence.evidence_id, details=as_json(details),
        )  # fmt: skip
        return Decided([event], details)

    def _sale(self, case: Case) -> dict[str, Any]:
        """Return what rules look at beside the amount."""
        record, credit = case.record, (case.member_id, case.credit)
        spent = {name: max(0, self._tally[key]) for name, key in case.caps.items()}
        minor = counted_minor(sale_of(record["amount"]["minor"], {SALE: case.foreign}))
        credited = min(max(0, self._tally[credit]), minor)
        said = {"category": record.get("category"), "partner": record.get("partner"), "spent": spent, **case.foreign}
        return said | ({"credited_minor": credited} if credited else {})

    def _grants(self, case: Case, sale: Mapping[str, Any]) -> list[Any]:
        if case.record.get("category") in case.cards.excluded:
            return []
        return given(case.terms.rate.grants, sale_of(case.record["amount"]["minor"], {SALE: sale}))

    def _purchase(self, case: Case) -> Decided:
        record, sale = case.record, self._sale(case)
        grants = self._grants(case, sale)
        points, minor = spendable(grants), record["amount"]["minor"]
        counts = counted_minor(sale_of(minor, {SALE: sale}))
        if max([points, *(one.points for one in grants)]) > ledger.MAX_POINTS:
            raise Refused("points_over_cap", f"{points} points are above the cap of {ledger.MAX_POINTS}.")
        self._moment.configuration.check_issuing(one.issuer or self._partner.partner_id for one in grants)
        counted = dict.fromkeys(case.caps.values(), counts)
        counted |= {(case.member_id, counting.of_bonus(one.name, case.line)): counts for one in case.bonuses}
        if credited := sale.get("credited_minor"):
            counted[case.member_id, case.credit] = -credited
        bonuses = [self._bonus(case, one) for one in case.bonuses if self._is_reached(case, one, counts)]
        details = {"record": "clearing", "line": case.line, SALE: sale, **self._tally.change(counted)}
        details |= {"claim": record["claim"]} if "claim" in record else {}
        details |= {"bonuses": [given_.name for _, _, _, given_ in bonuses]} if bonuses else {}
        event = self._earning(case, record["event_id"], points, minor, grants[0], details)
        event = event._replace(
            content=digest(record), store=record.get("merchant"), currency=record["amount"]["currency"]
        )
        transfers = [self._transfer(case, event, line, grant) for line, grant in enumerate(grants, 1) if grant.points]
        purchase = Purchase(
            event.event_id, case.line, event.event_id, None, record["occurred_at"], record.get("merchant"), minor,
            record["amount"]["currency"],
        )  # fmt: skip
        return Decided(
            [event, *(one for one, _, _, _ in bonuses)],
            details,
            [*transfers, *(one for _, one, _, _ in bonuses)],
            [purchase, *(one for _, _, one, _ in bonuses)],
            [one for _, _, _, one in bonuses],
            counted,
        )

    def _is_reached(self, case: Case, bonus: Bonus, minor: int) -> bool:
        """Tell whether a purchase brings what was spent to what a bonus asks for, for the first time."""
        before = self._tally[case.member_id, counting.of_bonus(bonus.name, case.line)]
        return (case.line, bonus.name) not in self._given and before + minor >= bonus.spend_minor

    def _bonus(self, case: Case, bonus: Bonus) -> tuple[Event, Transfer, Purchase, Given]:
        """Return a bonus as an earning of its own, whose sale is what had to be spent."""
        self._given.add((case.line, bonus.name))
        event_id, details = f"{case.record['event_id']}/{bonus.name}", {
            "record": "bonus", "bonus": bonus.name, "line": case.line, SALE: {"bonus": bonus.points}, COUNTED: {},
        }  # fmt: skip
        [grant] = given(case.terms.rate.grants, sale_of(bonus.spend_minor, details))
        event = self._earning(case, event_id, bonus.points, bonus.spend_minor, grant, details)
        event = event._replace(refers_to=case.record["event_id"])
        at = case.record["occurred_at"]
        purchase = Purchase(event_id, "", event_id, None, at, None, bonus.spend_minor, case.terms.rate.currency)
        noted = Given(case.line, bonus.name, event_id, bonus.spend_minor)
        return event, self._transfer(case, event, 1, grant), purchase, noted

    def _earning(
        self, case: Case, event_id: str, points: int, minor: int, first: Any, details: Mapping[str, Any]
    ) -> Event:
        jurisdiction = self._jurisdiction(case)
        return Event(
            event_id, "earning", case.held.member_id or 0, "posted", points, case.record["occurred_at"],
            digest({"event_id": event_id}), minor, case.terms.rate.currency, case.terms.rate.version,
            case.terms.expires_on(first, jurisdiction), maturity(case.terms, self._moment.now),
            evidence_id=self._evidence.evidence_id, details=as_json(details),
        )  # fmt: skip

    def _transfer(self, case: Case, event: Event, line: int, grant: Any) -> Transfer:
        issuer = grant.issuer or self._partner.partner_id
        return Transfer(
            event.event_id, line, event.member_id, ledger.issued(issuer), ledger.AVAILABLE,
            case.terms.expires_on(grant, self._jurisdiction(case)), issuer, grant.kind,
            event.matures_on or ledger.MATURE_AT_ONCE, grant.points,
        )  # fmt: skip

    def _jurisdiction(self, case: Case) -> str | None:
        return self._jurisdictions.get(case.held.member_id or 0)

    def _write(
        self, connection: Connection, moment: Moment, decided: Sequence[Decided]
    ) -> tuple[Sequence[int], Sequence[Pack]]:
        """Post what was decided, with what is owed at issue, and note what later records need."""
        partner_id = self._partner.partner_id
        all_events = [event for one in decided for event in one.events]
        transfers = [transfer for one in decided for transfer in one.transfers]
        entry = Posting(partner_id, moment.now, moment.day, all_events, transfers, [self._evidence])
        done = posting.post_whole_credits(connection, entry)
        if len(done.fresh) < len(all_events):
            raise Overtaken("records of these ids were posted meanwhile")
        owed, watched = funding.of_transfers(moment, partner_id, transfers), list[Pack]()
        if owed:
            sold = {one["event_id"]: frozenset({one["category"]}) for one in self._records if "category" in one}
            covered = packs.draw(connection, moment, partner_id, transfers, owed, sold)
            reimbursement.record(connection, moment, covered.owed, authorise=True)
            watched += covered.watched
        card_records.add(connection, partner_id, [purchase for one in decided for purchase in one.purchases])
        for one in decided:
            for bonus in one.bonuses:
                card_records.give_bonus(connection, partner_id, bonus)
        sums: dict[Key, int] = {}
        for one in decided:
            for key, change in one.counted.items():
                sums[key] = sums.get(key, 0) + change
        counters.count(connection, partner_id, sums)
        return done.burdened, watched
