"""A member's life as the operator sees it: who it is, what it has, and every event that concerned it.

Members that were merged into another are shown as one with it: their events, from the first, and a balance that
runs over all of them. Points that are pending or held are in the balance; qualifying points and debts have columns
of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from hub.core import ledger
from hub.core.content import instant
from hub.core.ledger import LotKey
from hub.core.point_kinds import is_spendable
from hub.services import accounts, members
from hub.services.accounts import Standing
from hub.services.context import Hub, Moment
from hub.store import accounts as stored_accounts
from hub.store import holds, life
from hub.store import members as stored_members
from hub.store.database import Connection

LIMIT = 200
"""Events that are shown where nothing else is said."""


def show(hub: Hub, name: str, limit: int = LIMIT) -> dict[str, Any]:
    """Return a member's identity, sums, lots, open holds and the last ``limit`` of its events.

    ``name`` is an identifier or the member's number. ``older`` counts the events that are not shown.

    Raises:
        Refused: ``unknown_member``.
    """
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        named = members.named(hub, connection, name, moment)
        standing = accounts.look(connection, moment, named)
        family = stored_accounts.family(connection, standing.member_id)
        merged = [member_id for member_id in family if member_id != standing.member_id]
        shown = life.events(connection, family, limit)
        return {
            **_identity(connection, named, standing.member_id, merged),
            **_sums(standing),
            "lots": _lots(standing, moment),
            "holds": _holds(connection, standing.member_id, moment),
            "older": shown[0].events - len(shown) if shown else 0,
            "events": [_event(row) for row in shown],
        }


def _identity(connection: Connection, named: int, member_id: int, merged: Sequence[int]) -> dict[str, Any]:
    record = stored_members.record(connection, member_id)
    known_by = Counter[str]()
    for _, scheme, count in life.identifiers(connection, [member_id, *merged]):
        known_by[scheme] += count
    pool = life.pool(connection, member_id)
    return {
        "member": member_id,
        **({} if named == member_id else {"asked_for": named}),
        "merged": list(merged),
        "identifiers": dict(known_by),
        "enrolled_by": record.enrolled_by,
        "enrolled_at": instant(record.enrolled_at),
        "jurisdiction": record.jurisdiction,
        "charity": record.charity,
        "pool": None
        if pool is None
        else {
            "pool": f"{pool.partner_id}/{pool.pool_id}",
            "share": pool.share,
            "may_spend": pool.may_spend,
            "others": list(pool.others),
        },
    }


def _sums(standing: Standing) -> dict[str, Any]:
    return {
        "available": sum(lot.points for lot in standing.spendable()),
        "pending": sum(lot.points for lot in standing.pending()),
        "held": sum(standing.account.held.values()),
        "debt": dict(standing.debts),
        "qualifying": sum(lot.points for lot in standing.qualifying()),
    }


def _lots(standing: Standing, moment: Moment) -> list[dict[str, Any]]:
    sums = Counter({lot.key: lot.points for lot in standing.account.lots})
    for _, lot in standing.account.strays:
        sums[lot.key] += lot.points
    return [_lot(key, points, standing, moment) for key, points in sorted(sums.items())]


def _lot(key: LotKey, points: int, standing: Standing, moment: Moment) -> dict[str, Any]:
    last_day = standing.last_day(key)
    return {
        "issuer": key.issuer,
        "kind": key.kind,
        "points": points,
        "held": standing.account.held.get(key, 0),
        "matures": matures(key.matures_on),
        "last_day": day(last_day),
        "state": _state(key, last_day, moment.day),
    }


def _state(key: LotKey, last_day: date, today: date) -> str:
    if last_day < today:
        return "expired"
    if not is_spendable(key.kind):
        return "qualifying"
    return "pending" if key.matures_on > today else "available"


def matures(matures_on: date) -> str:
    """Write when points can be spent: ``at once``, ``when confirmed``, or a day."""
    named = {ledger.MATURE_AT_ONCE: "at once", ledger.WHEN_CONFIRMED: "when confirmed"}
    return named.get(matures_on, str(matures_on))


def day(last_day: date) -> str:
    """Write a last day; points that do not expire have none."""
    return "never" if last_day == ledger.NEVER_EXPIRES else str(last_day)


def _holds(connection: Connection, member_id: int, moment: Moment) -> list[dict[str, Any]]:
    return [
        {"event": f"{partner_id}/{event_id}", "points": points, "lapses": _lapses(lapses_at)}
        for partner_id, event_id, points, lapses_at in holds.open_of(connection, member_id, moment.now)
    ]


def _lapses(at: Any) -> str:
    return "never" if at == holds.NEVER_LAPSES else instant(at)


def _event(row: Any) -> dict[str, Any]:
    optional = {
        "qualifying": row.qualifying,
        "debt": row.debt,
        "refers_to": f"{row.partner_id}/{row.refers_to}" if row.refers_to else None,
        "note": note(row),
    }
    return {
        "at": instant(row.posted_at),
        "event": f"{row.partner_id}/{row.event_id}",
        "kind": row.kind,
        "status": row.status,
        "points": row.moved,
        "balance": row.balance,
        **{name: value for name, value in optional.items() if value},
    }


def _exchanged(said: Mapping[str, Any]) -> str:
    if said["direction"] == "out":
        return f"{said['source']} reserved for {said['target']} {said['unit']}"
    return f"{said['source']} {said['unit']} for {said['target']} points, once confirmed"


_NOTES: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "hold": lambda row: f"{row.points} reserved",
        "void": lambda row: f"{row.points} released",
        "quarantine": lambda row: f"{row.points} frozen",
        "release": lambda row: f"{row.details['points']} free again",
        "confirmation": lambda row: f"{row.points} can be spent from now on",
        "exchange": lambda row: _exchanged(row.details),
        "adjustment": lambda row: f"{row.details['class']}, ticket {row.details['ticket']}, by {row.details['author']}",
    }
)
"""What a kind of event says beside the points that it moved."""


def note(row: Any) -> str:
    """Return what else there is to say of an event: what it did without moving points, and why."""
    if row.error_code:
        return f"declined: {row.error_code}, {row.points} asked"
    said = [_NOTES[row.kind](row)] if row.kind in _NOTES else []
    reason = (row.details or {}).get("reason")
    return "; ".join([*said, *([f"reason: {reason}"] if reason else [])])
