"""What becomes of each kind of record: the schema that it must fit, and the service that posts it.

Both are the API's own, so a record is worth in a file what it is worth in a call. One more kind of record is a line
here and one in `hub.core.files.records`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.ledger import Evidence
from hub.services import card_records, earnings, refunds
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import Within
from hub.store.database import Connection
from partner_sdk.wire.card_records import CardRecordSchema
from partner_sdk.wire.fields import WireSchema
from partner_sdk.wire.returns import RefundSchema
from partner_sdk.wire.schemas import EarningSchema

Records = Sequence[Mapping[str, Any]]
Post = Callable[[Hub, Connection, Moment, Partner, Evidence, Records], Within]
"""Posts records in a transaction; returns their results, and what is left to do after it."""


class RecordKind(NamedTuple):
    """One kind of record."""

    schema: WireSchema
    post: Post
    at_once: int
    """Records in a chunk: few where each locks its member."""
    in_order: bool
    """Whether a record may be about one before it, so that chunks are posted one after another."""


def _earnings(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, records: Records
) -> Within:
    return earnings.post_within(hub, connection, moment, partner, earnings.Report(evidence, records))


def _refunds(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, records: Records
) -> Within:
    return Within(refunds.post_within(connection, moment, partner, evidence, records))


KINDS: Mapping[str, RecordKind] = MappingProxyType({
    "card-record": RecordKind(CardRecordSchema(), card_records.post_within, 500, in_order=True),
    "earning": RecordKind(EarningSchema(), _earnings, 1_000, in_order=False),
    "refund": RecordKind(RefundSchema(), _refunds, 50, in_order=True),
})  # fmt: skip
