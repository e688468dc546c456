"""Points from one member to another: transfers, gifts, and donations to the account of a charity.

Issuer, kind and last day of each point go with it, so that a later redemption is charged to whoever issued it.
Only what could be spent now can be given, in the order of the scheme, within the scheme's limits of what one
member may give in a transaction, a day and a year. Both members are locked in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.burning import burn
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Lot, Posting, Transfer
from hub.services import accounts, members
from hub.services.accounts import Standing, as_json, moved
from hub.services.context import Hub, Moment
from hub.services.reporting import Reporter
from hub.store import accounts as account_rows
from hub.store import events, posting
from hub.store import members as member_rows
from hub.store.database import Connection

KINDS = ("transfer", "gift", "donation")


def give(hub: Hub, reporter: Reporter, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Move ``points`` of ``member`` to another one (``to``) under ``transfer_id``; return the lots that moved.

    Raises:
        Refused: ``unknown_member``, ``same_member``, ``not_a_charity``, ``member_in_debt``, ``insufficient_points``,
            ``limit_exceeded`` or ``event_conflict``.
    """
    return hub.database.transact(lambda connection: _give(hub, connection, hub.moment(connection), reporter, asked))


def _give(
    hub: Hub, connection: Connection, moment: Moment, reporter: Reporter, asked: Mapping[str, Any]
) -> dict[str, Any]:
    kind, event_id, points = asked.get("kind", KINDS[0]), asked["transfer_id"], asked["points"]
    giver_id = members.require(hub, connection, asked["member"], moment)
    taker_id = members.require(hub, connection, asked["to"], moment)
    standings = accounts.lock(connection, moment, [giver_id, taker_id])
    giver, taker = standings[giver_id], standings[taker_id]
    content = content_digest(kind, {**asked, "kind": kind})
    first = events.first_answers(connection, reporter.partner_id, [event_id]).get(event_id)
    if first is not None:
        return _first_answer(connection, reporter, first, content)
    _check_takers(connection, kind, giver, taker)
    taken = _take(connection, moment, giver, points)
    event = Event(
        event_id, kind, giver_id, "posted", points, moment.now, content,
        evidence_id=reporter.evidence_id, scheme_rule=moment.scheme.burn_order,
        details=as_json({**reporter.said, "from": giver.member_id, "to": taker.member_id, "for": taker_id}),
    )  # fmt: skip
    transfers = [
        line
        for place, lot in enumerate(taken)
        for line in moved(event_id, 2 * place + 1, giver.member_id, lot.key, taker.member_id, lot.key, lot.points)
    ]
    entry = Posting(reporter.partner_id, moment.now, moment.day, [event], transfers, reporter.evidences)
    posting.post_new(connection, entry)
    accounts.pay_debts(connection, moment, [taker])
    return _answer(event_id, kind, transfers)


def _check_takers(connection: Connection, kind: str, giver: Standing, taker: Standing) -> None:
    if giver.member_id == taker.member_id:
        raise Refused("same_member", "Both identifiers are of one member, who keeps the points.")
    if kind == "donation" and not member_rows.is_charity(connection, taker.member_id):
        raise Refused("not_a_charity", "Points are donated to the account of a charity, which the operator names.")


def _take(connection: Connection, moment: Moment, giver: Standing, points: int) -> Sequence[Lot]:
    """Return the lots that go, once limits and debts allow it."""
    if giver.debts:
        raise Refused("member_in_debt", "The member owes points; what it earns next pays them first.")
    family = account_rows.family(connection, giver.member_id)
    broken = moment.scheme.limits.broken(points, *member_rows.given(connection, family, moment.day))
    if broken:
        raise Refused("limit_exceeded", broken)
    taken = burn(giver.spendable(), points, moment.scheme.burn_order)
    if taken is None:
        raise Refused("insufficient_points", "The member has too few available points; nothing was changed.")
    return taken


def _first_answer(connection: Connection, reporter: Reporter, first: Any, content: bytes) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    both = [first.details["from"], first.details["to"]]
    transfers = events.transfers_of(connection, reporter.partner_id, first.event_id, both)
    return _answer(first.event_id, first.kind, transfers) | {"duplicate": True}


def _answer(event_id: str, kind: str, transfers: Sequence[Transfer]) -> dict[str, Any]:
    taken = [one for one in transfers if one.debit_account == ledger.AVAILABLE]
    return {
        "transfer_id": event_id,
        "kind": kind,
        "status": "posted",
        "points": sum(one.points for one in taken),
        "lots": [
            {"issuer": one.issuer, "kind": one.kind, "points": one.points, "expires_on": str(one.expires_on)}
            for one in taken
        ],
    }
