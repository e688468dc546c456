"""What comes back of purchases with cards: refunds, chargebacks and fraud, at the rate and lots of the purchase.

A record may name its purchase, or is matched to one by the order of `hub.core.card_matching`. Whoever has the points
by then gives them back; what is spent follows the policy of the contract (`taking_back`). A bonus whose condition is
undone by that comes back too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.core.card_matching import NAMED, Found, match
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting
from hub.services import accounts, card_counting, cards, refunds, sales
from hub.services.accounts import Standing, as_json
from hub.services.card_answers import Record, again, digest, posted, rejected
from hub.services.card_counting import COUNTED
from hub.services.card_purchases import NOTHING
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import check_time
from hub.services.refunds import Return
from hub.services.reporting import Reporter, by_partner
from hub.services.taking_back import Sums
from hub.store import card_records, events, posting
from hub.store import cards as stored_cards
from hub.store.database import Connection

EARNING_NOTHING = ("clearing", *NOTHING)
"""Records that may be notes: of them nothing comes back."""
UNKNOWN = Refused("unknown_event", "There is no purchase that this can be of; name it with refers_to.")


def post(hub: Hub, partner: Partner, evidence: Evidence, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Post what came back of an issuer's purchases, each on its own; one result a record, in order."""
    return [_result(hub, partner, evidence, record) for record in records]


def _result(hub: Hub, partner: Partner, evidence: Evidence, record: Record) -> dict[str, Any]:
    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        current = moment.configuration.partner(partner.partner_id)
        return _OneReturn(hub, connection, moment, current, by_partner(current, evidence), record).post()

    try:
        return hub.database.transact(work)
    except Refused as refusal:
        return rejected(record, refusal)


class _OneReturn:
    """One record of something that came back, in one transaction."""

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        moment: Moment,
        partner: Partner,
        reporter: Reporter,
        record: Record,
    ) -> None:
        self._hub, self._connection, self._moment = hub, connection, moment
        self._partner, self._reporter, self._record = partner, reporter, record
        self._minor: int = record["amount"]["minor"]

    def post(self) -> dict[str, Any]:
        """Find the purchases, take back what they gave, and return the result."""
        if first := self._first():
            return again(self._record, first)
        check_time(self._record["occurred_at"], self._moment.now)
        line, origin, member_id = self._meant()
        standing = accounts.lock(self._connection, self._moment, [member_id])[member_id]
        # Another request with this id may have been decided while this one waited for the lock.
        if first := self._first():
            return again(self._record, first)
        if origin == "":
            return self._note({"why": "What it is of earned nothing", "record": self._record["kind"]}, standing)
        found = self._found(line, origin)
        return self._take(line, found, standing)

    def _first(self) -> Any:
        event_id = self._record["event_id"]
        return events.first_answers(self._connection, self._partner.partner_id, [event_id]).get(event_id)

    def _meant(self) -> tuple[str, str | None, int]:
        """Return the card line, the purchase if it is named ("" for one that earned nothing), and whose points it gave.

        Raises:
            Refused: ``unknown_event`` or ``unknown_card``.
        """
        partner_id, named = self._partner.partner_id, self._record.get("refers_to")
        if named is None:
            asked = [(self._record["card"], self._record["occurred_at"])]
            [held] = cards.holders(self._hub, self._connection, partner_id, asked)
            first = stored_cards.of_event(self._connection, partner_id, held.line) if held else None
            if first is None or first.member_id is None:
                raise Refused("unknown_card", "This card was never linked by then.")
            return first.line, None, first.member_id
        original = events.first_answers(self._connection, partner_id, [named]).get(named)
        purchase = card_records.find(self._connection, partner_id, named)
        if original is not None and purchase is not None and purchase.line:
            return purchase.line, purchase.origin, original.member_id
        details = (original.details or {}) if original is not None else {}
        if original is None or original.kind != "card-record" or details.get("record") not in EARNING_NOTHING:
            raise UNKNOWN
        return details["line"], "", original.member_id

    def _found(self, line: str, origin: str | None) -> Found:
        """Return what the record is taken from.

        Raises:
            Refused: ``currency_mismatch``, ``exceeds_original``, or ``unknown_event`` for what must have a purchase.
        """
        currency, partner_id = self._record["amount"]["currency"], self._partner.partner_id
        at: datetime = self._record["occurred_at"]
        if origin is not None:
            original = events.first_answers(self._connection, partner_id, [origin])[origin]
            if original.currency != currency:
                raise Refused("currency_mismatch", f"The purchase was in {original.currency}.")
            left = sum(one.left_minor for one in card_records.parts_of(self._connection, partner_id, origin))
            if self._minor > left:
                raise Refused("exceeds_original", f"{left} minor units of the purchase are left.")
            return Found(NAMED, [(origin, self._minor)])
        purchases = card_records.open_of(self._connection, partner_id, line, currency, at)
        found = match(purchases, self._record.get("merchant"), self._minor, at)
        if found.by == "period" and self._record["kind"] != "refund":
            raise UNKNOWN
        return found

    def _take(self, line: str, found: Found, standing: Standing) -> dict[str, Any]:
        """Take back from each part of the purchases found, the newest first, and what of bonuses is undone by that."""
        pieces = [piece for origin, minor in found.parts for piece in self._pieces(origin, minor)]
        is_one = len(pieces) == 1 and not found.rest_minor
        said = {"record": self._record["kind"], "line": line, "matched_by": found.by, "parts": list(found.parts)}
        counters = self._lock_counters(line, [event_id for event_id, _ in pieces], standing, found.rest_minor)
        change = self._changes(pieces, line, found.rest_minor)
        undone = self._undone(line, standing, counters, change)
        if undone:
            said["undone"] = [name for name, _ in undone]
        taken = []
        for number, (event_id, minor) in enumerate(pieces, 1):
            own = self._record["event_id"] if is_one else f"{self._record['event_id']}/{number}"
            more = {**said, COUNTED: change} if is_one else {"record": self._record["kind"], "line": line}
            content = digest(self._record if is_one else {"event_id": own})
            taken.append(
                self._give_back(event_id, Return(own, self._record["occurred_at"], content, minor, None, more))
            )
        for name, event_id in undone:
            self._undo(name, event_id)
        keys = {(standing.member_id, name): minor for name, minor in change.items()}
        card_records.count(self._connection, self._partner.partner_id, keys)
        if is_one:
            [(event, _)] = taken
            return posted(event, accounts.from_json(event.details), self._moment.now)
        sums = Sums(*map(sum, zip(Sums(), *(one for _, one in taken), strict=True)))
        said |= {**sums._asdict(), COUNTED: change, "unmatched_minor": found.rest_minor,
                 "pieces": [event.event_id for event, _ in taken],
                 "why": f"It is taken from {len(pieces)} parts of purchases"}  # fmt: skip
        return self._note(said, standing)

    def _pieces(self, origin: str, minor: int) -> list[tuple[str, int]]:
        """Return how much of each part of a purchase comes back, the newest part first."""
        taken = []
        for part in card_records.parts_of(self._connection, self._partner.partner_id, origin):
            own = min(minor, part.left_minor)
            if own:
                taken.append((part.event_id, own))
                minor -= own
        return taken

    def _lock_counters(
        self, line: str, pieces: Sequence[str], standing: Standing, rest_minor: int
    ) -> dict[card_records.Key, int]:
        names = set(self._changes([(piece, 0) for piece in pieces], line, rest_minor))
        return card_records.lock_counters(
            self._connection, self._partner.partner_id, [(standing.member_id, name) for name in names]
        )

    def _changes(self, pieces: Sequence[tuple[str, int]], line: str, rest_minor: int) -> dict[str, int]:
        """Return by which counters change: those of the purchases, and for what was found in none."""
        originals = events.first_answers(self._connection, self._partner.partner_id, [piece for piece, _ in pieces])
        changes = [card_counting.returned(originals[piece].details.get(COUNTED, {}), minor) for piece, minor in pieces]
        if rest_minor:
            day = self._record["occurred_at"].date()
            changes.append({card_counting.of_credit(line, day): rest_minor})
        return card_counting.added(changes)

    def _undone(
        self, line: str, standing: Standing, counters: Mapping[card_records.Key, int], change: Mapping[str, int]
    ) -> list[tuple[str, str]]:
        """Return the bonuses, by name and standing part, whose condition does not hold any more."""
        found = []
        for given in card_records.bonuses(self._connection, self._partner.partner_id, [line]).values():
            name = card_counting.of_bonus(given.name, line)
            spent = counters.get((standing.member_id, name), 0) + change.get(name, 0)
            if name in change and spent < given.spend_minor:
                parts = card_records.parts_of(self._connection, self._partner.partner_id, given.event_id)
                found += [(given.name, part.event_id) for part in parts if part.left_minor]
        return found

    def _undo(self, name: str, event_id: str) -> None:
        """Take a bonus back whole."""
        own = f"{self._record['event_id']}/{name}"
        [original] = events.first_answers(self._connection, self._partner.partner_id, [event_id]).values()
        more = {"record": "bonus", "bonus": name, "because": self._record["event_id"]}
        back = Return(own, self._record["occurred_at"], digest({"event_id": own}), original.amount_minor, None, more)
        self._give_back(event_id, back)

    def _give_back(self, event_id: str, back: Return) -> tuple[Event, Sums]:
        return give_back(self._connection, self._moment, self._partner, self._reporter, event_id, back)

    def _note(self, details: Mapping[str, Any], standing: Standing) -> dict[str, Any]:
        """Post the record as what it is beside what moved: the sum of its parts, or nothing at all."""
        amount = self._record["amount"]
        event = Event(
            self._record["event_id"], "card-record", standing.member_id, "posted", 0, self._record["occurred_at"],
            digest(self._record), amount["minor"], amount["currency"], store=self._record.get("merchant"),
            evidence_id=self._reporter.evidence_id, details=as_json(details),
        )  # fmt: skip
        entry = Posting(
            self._partner.partner_id, self._moment.now, self._moment.day, [event], [], self._reporter.evidences
        )
        posting.post_new(self._connection, entry)
        return posted(event, details, self._moment.now)


def give_back(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event_id: str, back: Return
) -> tuple[Event, Sums]:
    """Post what comes back of one part of a purchase or bonus; the lock of its member is held by now."""
    original = sales.sale_of(connection, partner, event_id)
    sales.refuse_quarantined(connection, original)
    standing = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    following = events.referring(connection, partner.partner_id, event_id)
    return refunds.give_back(connection, moment, partner, reporter, original, standing, following, back)
