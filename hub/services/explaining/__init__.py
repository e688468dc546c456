"""Why an event came to its points: the rule versions, the arithmetic, the lots and the obligations, in sentences.

Everything is worked out again from what is stored, with the versions that the event was posted with. Each kind of
event has a function that tells it. To add one: write a function from facts to sentences and add a line to ``TOLD``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services.context import Hub
from hub.services.explaining import among_members, cards, exchanging, sales, spending, upkeep, words
from hub.services.explaining.facts import Facts, gather
from hub.store import reviews
from hub.store.facts import Owed
from settlement import packs
from settlement.core.packs import Draw

TOLD: Mapping[str, Callable[[Facts], Iterator[str]]] = MappingProxyType(
    {
        "earning": sales.earning,
        "confirmation": sales.confirmation,
        "refund": sales.refund,
        "redemption": spending.redemption,
        "hold": spending.hold,
        "capture": spending.capture,
        "void": spending.void,
        "reversal": spending.reversal,
        "exchange": exchanging.exchange,
        "exchange-confirmation": exchanging.confirmation,
        "exchange-failure": exchanging.failure,
        "exchange-reversal": exchanging.reversal,
        "transfer": among_members.gift,
        "gift": among_members.gift,
        "donation": among_members.gift,
        "pool": among_members.pool,
        "merge": among_members.merge,
        "unmerge": among_members.unmerge,
        "extension": among_members.extension,
        "reinstatement": among_members.reinstatement,
        "card-link": cards.link,
        "card-replacement": cards.replacement,
        "card-unlink": cards.unlink,
        "card-record": cards.record,
        "adjustment": upkeep.adjustment,
        "repayment": upkeep.repayment,
        "expiry": upkeep.expiry,
        "settlement": upkeep.settlement,
        "forwarding": upkeep.forwarding,
        "quarantine": upkeep.quarantine,
        "release": upkeep.release,
    }
)
"""Kind of event -> what tells how it came about."""
Visible = Callable[[Facts, Sequence[Draw]], tuple[Sequence[Owed], Sequence[Draw]]]
"""Which of the lines that are owed, and of the draws on packs, whoever asks may see."""
_RECORDED = re.compile(r"[A-Za-z0-9._~:/-]{1,120}")
"""An id as the hub records it."""
_NUMBER = re.compile(r"\b([Mm]embers?) [0-9]+")
_NOTHING_OWED = "Nobody owes anybody for it."


def explain(hub: Hub, name: str) -> dict[str, Any]:
    """Return an event named ``PARTNER/EVENT_ID`` with its explanation, transfers, obligations and later events.

    Raises:
        Refused: ``unknown_event``; the message says what to write.
    """
    return _explained(hub, name, lambda facts, drawn: (facts.owed, drawn))


def explain_to(hub: Hub, partner_id: str, event_id: str) -> dict[str, Any]:
    """Return an event of a partner's own as that partner may see it.

    What is owed between others, and others' packs, are theirs to know; members have no numbers outside.

    Raises:
        Refused: ``unknown_event``.
    """
    if not _RECORDED.fullmatch(event_id):
        raise Refused("unknown_event", "The partner has reported no such event.")

    def visible(facts: Facts, drawn: Sequence[Draw]) -> tuple[Sequence[Owed], Sequence[Draw]]:
        own = {one.line for one in facts.transfers if one.issuer == partner_id}
        owed = [one for one in facts.owed if partner_id in (one.issuer, one.redeemer)]
        return owed, [one for one in drawn if one.line in own]

    found = _explained(hub, f"{partner_id}/{event_id}", visible)
    if found["owed"] == [_NOTHING_OWED]:
        found["owed"] = ["You owe nothing for it, and nobody owes you."]
    told = {name: [_NUMBER.sub(r"\1", one) for one in found[name]] for name in ("why", "moved", "owed", "later")}
    del found["event"], found["member"]
    return {"event_id": event_id} | found | told


def _explained(hub: Hub, name: str, visible: Visible) -> dict[str, Any]:
    with hub.database.snapshot() as connection:
        facts = gather(connection, hub.moment(connection), name)
        drawn = packs.of_event(connection, facts.event.partner_id, facts.event.event_id)
        is_suspect = reviews.is_suspect(connection, facts.event.partner_id, facts.event.event_id)
    owed, covered = visible(facts, drawn)
    return {
        **_event(facts),
        **({"status": "quarantined"} if is_suspect else {}),
        "why": list(TOLD[facts.event.kind](facts)),
        "moved": list(words.transfers(facts.transfers, facts.event.business_date)) or ["Nothing was moved."],
        "owed": [*words.obligations(owed), *words.draws(covered)] or [_NOTHING_OWED],
        "later": [_later(one) for one in facts.later],
    }


def _event(facts: Facts) -> dict[str, Any]:
    event = facts.event
    return {
        "event": facts.name,
        "kind": event.kind,
        "status": event.status,
        "member": event.member_id or None,
        "points": event.points,
        "occurred_at": instant(event.occurred_at),
        "posted_at": instant(event.posted_at),
        "reported": _reported(facts),
    }


def _reported(facts: Facts) -> str:
    if facts.signed is None:
        return "by the operator or the hub itself"
    keyid, received_at = facts.signed
    return f"by {facts.event.partner_id}, signed with the key {keyid}, received {instant(received_at)}"


def _later(one: Any) -> str:
    return f"{instant(one.posted_at)} {one.kind} {one.partner_id}/{one.event_id}: {one.points} points, {one.status}"
