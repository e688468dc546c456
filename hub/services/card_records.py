"""What an issuer reports of its cards: a batch, each record decided by itself, answered line by line and in order.

Authorisation and clearing are two records, and only clearing earns. What comes back follows `card_returns`, what is
presented again `representments`. Records that only add are posted together, those that take one by one; a batch is cut
where one kind follows the other, so that a refund finds the purchase before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from hub.core.ledger import Evidence
from hub.services import accounts, card_purchases, cards
from hub.services.card_answers import Record
from hub.services.card_returns import Back
from hub.services.card_single import Kind, each_within, post_each
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import Within
from hub.services.representments import Again
from hub.store import cards as stored_cards
from hub.store.database import Connection
from partner_sdk.wire.card_records import AGAIN, RETURNS

ONE_BY_ONE: dict[str, Kind] = dict.fromkeys(RETURNS, Back) | dict.fromkeys(AGAIN, Again)
"""What decides on records that take; all others only add."""


def post(hub: Hub, partner: Partner, evidence: Evidence, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Post an issuer's records and return one result a record, in order."""
    results: list[dict[str, Any]] = []
    for kind, run in _runs(records):
        if kind is None:
            results += card_purchases.post(hub, partner, evidence, run)
        else:
            results += post_each(hub, partner, evidence, run, kind)
    return results


def post_within(
    hub: Hub,
    transaction: Connection,
    moment: Moment,
    partner: Partner,
    evidence: Evidence,
    records: Sequence[Record],
) -> Within:
    """Post records inside a transaction of the caller's, so that what he notes of them commits with them or not."""
    _lock_members(hub, transaction, moment, partner, [one for one in records if one["kind"] in ONE_BY_ONE])
    parts = [
        card_purchases.post_within(hub, transaction, partner, evidence, run)
        if kind is None
        else Within(each_within(hub, transaction, partner, evidence, run, kind))
        for kind, run in _runs(records)
    ]
    return Within(
        [result for one in parts for result in one.results],
        [member_id for one in parts for member_id in one.burdened],
        [pack for one in parts for pack in one.watched],
    )


def _runs(records: Sequence[Record]) -> Iterator[tuple[Kind | None, list[Record]]]:
    """Yield records that follow one another and are posted alike, with what decides on each, or None."""
    for kind, run in groupby(records, key=lambda record: ONE_BY_ONE.get(record["kind"])):
        yield kind, list(run)


def _lock_members(
    hub: Hub, transaction: Connection, moment: Moment, partner: Partner, records: Sequence[Record]
) -> None:
    """Lock the members of cards all at once, in order, as whoever takes from several in one transaction must."""
    asked = [(one["card"], one["occurred_at"]) for one in records]
    lines = {held.line for held in cards.holders(hub, transaction, partner.partner_id, asked) if held}
    firsts = [stored_cards.of_event(transaction, partner.partner_id, line) for line in sorted(lines)]
    accounts.lock(transaction, moment, {one.member_id for one in firsts if one and one.member_id})
