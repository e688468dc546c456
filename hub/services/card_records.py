"""What an issuer reports of its cards: a batch, each record decided by itself, answered line by line and in order.

Authorisation and clearing are two records, and only clearing earns. What comes back follows `card_returns`, what is
presented again `representments`. Records that only add are posted together, those that take one by one; a batch is cut
where one kind follows the other, so that a refund finds the purchase before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from hub.core.ledger import Evidence
from hub.services import card_purchases, card_returns, representments
from hub.services.card_answers import Record
from hub.services.context import Hub, Partner
from partner_sdk.wire.card_records import AGAIN, PURCHASES, RETURNS

Results = list[dict[str, Any]]
Way = Callable[[Hub, Partner, Evidence, Sequence[Record]], Results]

WAYS: Mapping[str, Way] = MappingProxyType(
    dict.fromkeys(PURCHASES, card_purchases.post)
    | dict.fromkeys(RETURNS, card_returns.post)
    | dict.fromkeys(AGAIN, representments.post)
)
"""Kind of record -> what posts it."""


def post(hub: Hub, partner: Partner, evidence: Evidence, records: Sequence[Record]) -> Results:
    """Post an issuer's records and return one result a record, in order."""
    results: Results = []
    for way, run in groupby(records, key=lambda record: WAYS[record["kind"]]):
        results += way(hub, partner, evidence, list(run))
    return results
