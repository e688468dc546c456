"""Records of cards that are decided one by one, each in a transaction of its own, since they take what others left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting
from hub.services import accounts
from hub.services.accounts import Standing, as_json
from hub.services.card_answers import Record, again, digest, posted, rejected
from hub.services.context import Hub, Moment, Partner
from hub.services.reporting import Reporter, by_partner
from hub.services.sale_terms import check_time
from hub.store import events, posting
from hub.store.database import Connection


class OneRecord(ABC):
    """One record in its transaction: what both returns and representments know and do."""

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        moment: Moment,
        partner: Partner,
        reporter: Reporter,
        record: Record,
    ) -> None:
        self.hub, self.connection, self.moment = hub, connection, moment
        self.partner, self.reporter, self.record = partner, reporter, record
        self.own_id: str = record["event_id"]

    def post(self) -> dict[str, Any]:
        """Post the record, unless that was done before; return its result.

        Raises:
            Refused: the record is rejected with this code.
        """
        if first := self.stored([self.own_id]):
            return again(self.record, first[0])
        check_time(self.record["occurred_at"], self.moment.now)
        member_id = self.find()
        standing = accounts.lock(self.connection, self.moment, [member_id])[member_id]
        # Another request with this id may have been decided while this one waited for the lock.
        if first := self.stored([self.own_id]):
            return again(self.record, first[0])
        return self.decide(standing)

    @abstractmethod
    def find(self) -> int:
        """Find what the record is about; return the member whose lock decides on it."""

    @abstractmethod
    def decide(self, standing: Standing) -> dict[str, Any]:
        """Decide and post, under that lock; return the result."""

    def stored(self, event_ids: Sequence[str]) -> list[Any]:
        """Return the partner's events of these ids that there are, in order."""
        found = events.first_answers(self.connection, self.partner.partner_id, event_ids)
        return [found[event_id] for event_id in event_ids if event_id in found]

    def note(self, details: Mapping[str, Any], standing: Standing) -> dict[str, Any]:
        """Post the record as one that moves no points by itself; return its result."""
        amount = self.record["amount"]
        event = Event(
            self.own_id, "card-record", standing.member_id, "posted", 0, self.record["occurred_at"],
            digest(self.record), amount["minor"], amount["currency"], store=self.record.get("merchant"),
            evidence_id=self.reporter.evidence_id,
            details=as_json({"record": self.record["kind"], **details, **self.reporter.said}),
        )  # fmt: skip
        moment, evidences = self.moment, self.reporter.evidences
        entry = Posting(self.partner.partner_id, moment.now, moment.day, [event], [], evidences)
        posting.post_new(self.connection, entry)
        return posted(event, details, moment.now)


Kind = Callable[..., OneRecord]


def post_each(
    hub: Hub, partner: Partner, evidence: Evidence, records: Sequence[Record], kind: Kind
) -> list[dict[str, Any]]:
    """Post records of one kind, each on its own, and return one result a record, in order."""

    def result(record: Record) -> dict[str, Any]:
        try:
            return hub.database.transact(lambda connection: _post(hub, connection, partner, evidence, record, kind))
        except Refused as refusal:
            return rejected(record, refusal)

    return [result(record) for record in records]


def each_within(
    hub: Hub, transaction: Connection, partner: Partner, evidence: Evidence, records: Sequence[Record], kind: Kind
) -> list[dict[str, Any]]:
    """Do the same inside a transaction of the caller's, who has locked the members."""

    def result(record: Record) -> dict[str, Any]:
        try:
            with transaction.begin_nested():
                return _post(hub, transaction, partner, evidence, record, kind)
        except Refused as refusal:
            return rejected(record, refusal)

    return [result(record) for record in records]


def _post(
    hub: Hub, connection: Connection, partner: Partner, evidence: Evidence, record: Record, kind: Kind
) -> dict[str, Any]:
    moment = hub.moment(connection)
    # As it is now, and not when the request came in: the purchase may have been posted under newer terms.
    current = moment.configuration.partner(partner.partner_id)
    return kind(hub, connection, moment, current, by_partner(current, evidence), record).post()
