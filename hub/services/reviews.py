"""What the operator does with what is quarantined: he looks, and releases or rejects each event for a reason.

A late report is not posted yet. Releasing waives the limit for it and posts it as its partner sent it, from the
evidence, under the terms of its own day. It is decided first and posted then: whoever is killed in between, or whose
report is refused by another rule, releases it again, and nothing happens twice.

A suspect event is posted, and what it gave is frozen. Releasing it ends the freeze, rejecting it takes it back; either
is one transaction with the decision (`hub.services.verdicts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hub.core.content import content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.core.notes import MAX_REASON, note
from hub.services import earnings, refunds, verdicts
from hub.services.context import Hub, Partner
from hub.services.files import reported as in_files
from hub.store import reviews
from hub.store.database import Connection
from hub.store.reviews import Review
from partner_sdk.wire import strict_json
from partner_sdk.wire.fields import WireSchema
from partner_sdk.wire.returns import RefundsRequest
from partner_sdk.wire.schemas import EarningsRequest, validate

Post = Callable[[Hub, Partner, Evidence, Sequence[Mapping[str, Any]]], list[dict[str, Any]]]

_BODIES: Mapping[str, tuple[type[WireSchema], str, Post]] = MappingProxyType(
    {"earning": (EarningsRequest, "earnings", earnings.post), "refund": (RefundsRequest, "refunds", refunds.post)}
)
"""Kind of late event -> the schema of the request that reports it, its member, and what posts it."""


def listing(hub: Hub, partner_id: str = "", *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the events that wait, or all that ever did, of one partner or of all."""
    with hub.database.connect() as connection:
        return [_plain(one) for one in reviews.listing(connection, partner_id, everything=everything)]


def show(hub: Hub, name: str) -> dict[str, Any]:
    """Return an event named ``PARTNER/EVENT_ID`` with what it says (``reported``), as its partner signed it.

    Of a suspect event also what it gave (``points``), and what of that is ``frozen`` or ``gone``.

    Raises:
        Refused: ``unknown_event``.
    """
    with hub.database.connect() as connection:
        found = _find(connection, name)
        effect = verdicts.effect(connection, found) if found.cause == reviews.REVOKED else {}
        return _plain(found) | effect | {"reported": _as_sent(hub, connection, found)}


def release(hub: Hub, name: str, author: str, reason: str) -> dict[str, Any]:
    """Let an event count; return the ``result`` of posting a late one, which another rule may still have refused.

    Raises:
        Refused: ``unknown_event``; ``not_allowed`` if it was rejected; ``invalid_request`` for words that are missing.
    """
    with hub.database.connect() as connection:
        waiting = _find(connection, name)
    if waiting.cause == reviews.REVOKED:
        return _judge(hub, name, reviews.RELEASED, author, reason, verdicts.release)
    with hub.database.connect() as connection:
        found = _decide(hub, connection, waiting, reviews.RELEASED, author, reason)
        evidence = reviews.evidence(connection, found)
        partner = hub.moment(connection).configuration.partner(found.partner_id)
        reported = _as_reported(hub, connection, found, evidence)
    [result] = _BODIES[found.kind][2](hub, partner, evidence, [reported])
    return _plain(found) | {"result": result}


def reject(hub: Hub, name: str, author: str, reason: str) -> dict[str, Any]:
    """Reject an event for good; the partner of a late one is told the reason when it sends it again.

    Raises:
        Refused: ``unknown_event``; ``not_allowed`` if it was released, or is of a kind that is taken back by hand only;
            ``invalid_request`` for words that are missing.
    """
    with hub.database.connect() as connection:
        waiting = _find(connection, name)
        if waiting.cause == reviews.LATE:
            return _plain(_decide(hub, connection, waiting, reviews.REJECTED, author, reason))
    return _judge(hub, name, reviews.REJECTED, author, reason, verdicts.reject)


def _judge(hub: Hub, name: str, state: str, author: str, reason: str, carry_out: verdicts.CarryOut) -> dict[str, Any]:
    """Decide on a suspect event and carry that out, in one transaction; again, nothing happens twice."""

    def work(connection: Connection) -> dict[str, Any]:
        waiting = _find(connection, name)
        found = _decide(hub, connection, waiting, state, author, reason)
        if waiting.state != reviews.OPEN:
            return _plain(found)
        said = {"operator": found.decided_by, "reason": found.decision_reason}
        return _plain(found) | {"result": carry_out(connection, hub.moment(connection), found, said)}

    return hub.database.transact(work)


def _decide(hub: Hub, connection: Connection, waiting: Review, state: str, author: str, reason: str) -> Review:
    who, why = note(author, "author"), note(reason, "reason", MAX_REASON)
    reviews.decide(connection, waiting, state, who, hub.moment(connection).now, why)
    found = reviews.find(connection, waiting.partner_id, waiting.event_id, [waiting.cause])
    assert found is not None
    if found.state != state:
        raise Refused("not_allowed", f"It was {found.state} by {found.decided_by}: {found.decision_reason}")
    return found


def _find(connection: Connection, name: str) -> Review:
    partner_id, _, event_id = name.partition("/")
    found = reviews.find(connection, partner_id, event_id) if name.isprintable() else None
    if found is None:
        raise Refused("unknown_event", "No such report is quarantined; 'hansa review list' names those that wait.")
    return found


def _as_reported(hub: Hub, connection: Connection, found: Review, evidence: Evidence) -> Mapping[str, Any]:
    """Return a late report as the service that posts it takes it, from the request or the file that it came in."""
    body = strict_json.loads(hub.keyring.unseal(bytes(evidence.sealed_body)))
    if in_files.is_of_file(body):
        return in_files.record(hub, connection, found.partner_id, body, found.event_id)
    schema, member, _ = _BODIES[found.kind]
    sent = validate(schema, body)[member]
    return next(one for one in sent if content_digest(found.kind, one) == bytes(found.content))


def _as_sent(hub: Hub, connection: Connection, found: Review) -> Mapping[str, Any] | None:
    """Return what was sent of an event; None where a request has no body, as those that void a hold."""
    sealed = hub.keyring.unseal(bytes(reviews.evidence(connection, found).sealed_body))
    body: Mapping[str, Any] | None = strict_json.loads(sealed) if sealed else None
    if body is None or found.kind not in _BODIES:
        return body
    if in_files.is_of_file(body):
        return in_files.record(hub, connection, found.partner_id, body, found.event_id)
    sent: list[Mapping[str, Any]] = body[_BODIES[found.kind][1]]
    return next(one for one in sent if one["event_id"] == found.event_id)


def _plain(found: Review) -> dict[str, Any]:
    decided_at = instant(found.decided_at) if found.decided_at else None
    decision = {"decided_by": found.decided_by, "decided_at": decided_at, "decision_reason": found.decision_reason}
    return {
        "report": f"{found.partner_id}/{found.event_id}",
        "cause": found.cause,
        "kind": found.kind,
        "state": found.state,
        "occurred_at": instant(found.occurred_at),
        "received_at": instant(found.received_at),
        **{name: value for name, value in decision.items() if value is not None},
    }
