"""Reinstatements: the operator gives expired points back, with the life that their issuer's contract gives today.

What had gone to breakage comes from there; what had been owed to the coalition is no longer owed, by negative
lines that name the expiry as their origin. An expiry is given back whole or in parts, its last line first, and
never more of it than there was.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, reimbursement, reversals
from hub.services.accounts import as_json
from hub.services.context import Hub, Moment
from hub.services.corrections import corrections, parts_of
from hub.services.reporting import Reporter
from hub.store import events, posting
from hub.store.database import Connection
from hub.store.events import OwedLine


class Asked(NamedTuple):
    """What is to be given back: an expiry by its event id, or so many points of it."""

    reinstatement_id: str
    expiry_id: str
    points: int | None = None


def reinstate(hub: Hub, reporter: Reporter, asked: Asked) -> dict[str, Any]:
    """Give an expiry back and return the points with their new last days; again, the first answer.

    Raises:
        Refused: ``unknown_event``, ``not_reversible``, ``exceeds_original`` or ``event_conflict``.
    """
    return hub.database.transact(lambda connection: _reinstate(connection, hub.moment(connection), reporter, asked))


def _reinstate(connection: Connection, moment: Moment, reporter: Reporter, asked: Asked) -> dict[str, Any]:
    expiry = events.first_answers(connection, ledger.COALITION, [asked.expiry_id]).get(asked.expiry_id)
    if expiry is None:
        raise Refused("unknown_event", f"There is no event coalition/{asked.expiry_id}.")
    if expiry.kind != "expiry":
        raise Refused("not_reversible", f"coalition/{asked.expiry_id} is of a {expiry.kind}, not of an expiry.")
    standing = accounts.lock(connection, moment, [expiry.member_id])[expiry.member_id]
    content = content_digest("reinstatement", asked._asdict())
    first = events.first_answers(connection, ledger.COALITION, [asked.reinstatement_id]).get(asked.reinstatement_id)
    if first is not None:
        return _first_answer(connection, first, content)
    before = sum(one.points for one in events.referring(connection, ledger.COALITION, expiry.event_id))
    points = expiry.points - before if asked.points is None else asked.points
    if not 0 < points <= expiry.points - before:
        raise Refused("exceeds_original", f"{expiry.points - before} points of the expiry are left.")
    gone = events.transfers_of(connection, ledger.COALITION, expiry.event_id, [expiry.member_id])
    owed = events.owed_lines(connection, ledger.COALITION, expiry.event_id)
    valued = expiry.amount_minor is not None
    parts = parts_of(_lines(gone, owed), before, points)
    event = Event(
        asked.reinstatement_id, "reinstatement", standing.member_id, "posted", points, moment.now, content,
        sum(part.minor for part in parts) if valued else None, expiry.currency, expiry.rate_version,
        refers_to=expiry.event_id, returned_before=before, priced_by=owed[0].issuer if valued else None,
        details=as_json(dict(reporter.said)),
    )  # fmt: skip
    debit = gone[0].credit_account
    by_line = {one.line: one for one in gone}
    back = [
        Transfer(
            event.event_id, part.owed.line, standing.member_id, debit, ledger.AVAILABLE,
            *_renewed(connection, moment, standing.member_id, by_line[part.owed.line]), part.points,
        )
        for part in parts
    ]  # fmt: skip
    posting.post_new(connection, Posting(ledger.COALITION, moment.now, moment.day, [event], back))
    known = [one for one in parts if one.owed.redeemer]
    reimbursement.record(connection, moment, corrections(moment, ledger.COALITION, event, known))
    accounts.pay_debts(connection, moment, [standing])
    return _answer(event.event_id, expiry.event_id, back)


def _lines(gone: list[Transfer], owed: list[OwedLine]) -> list[OwedLine]:
    """Return the lines of an expiry, those for which nobody owes too; what could never be spent is not given back."""
    by_line = {one.line: one for one in owed}
    unowed = (OwedLine(one.line, one.issuer, one.points, 0, 0, 0, 1) for one in gone if is_spendable(one.kind))
    return [by_line.get(one.line, one) for one in unowed]


def _renewed(connection: Connection, moment: Moment, member_id: int, gone: Transfer) -> LotKey:
    """Return the new lot; what still waited for a confirmation when it expired waits no longer."""
    waited = gone.matures_on == ledger.WHEN_CONFIRMED
    key = LotKey(gone.expires_on, gone.issuer, gone.kind, ledger.MATURE_AT_ONCE if waited else gone.matures_on)
    return reversals.renewed(connection, moment, member_id, key)


def _first_answer(connection: Connection, first: Any, content: bytes) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    back = events.transfers_of(connection, ledger.COALITION, first.event_id, [first.member_id])
    return _answer(first.event_id, first.refers_to, back) | {"duplicate": True}


def _answer(event_id: str, expiry_id: str, back: list[Transfer]) -> dict[str, Any]:
    lots = [
        {"issuer": one.issuer, "kind": one.kind, "points": one.points, "expires_on": str(one.expires_on)}
        for one in sorted(back, key=lambda line: line.line)
    ]
    return {"event_id": event_id, "reinstates": expiry_id, "points": sum(one.points for one in back), "lots": lots}
