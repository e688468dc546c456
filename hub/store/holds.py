"""Holds: what is reserved of which lot, until when, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.core.ledger import Lot, LotKey
from hub.store.database import fetch, run
from settlement.store.arrays import columns_of

NEVER_LAPSES = datetime.fromisoformat("9999-12-31T23:59:59+00:00")
OPEN, CAPTURED, VOIDED, LAPSED = "open", "captured", "voided", "lapsed"

_COLUMNS = (
    "partner_id", "event_id", "line", "member_id", "expires_on", "issuer", "kind", "matures_on", "points", "lapses_at",
)  # fmt: skip
_KEY = ("partner_id", "event_id")
_ADD = f"""
    INSERT INTO hub.hold ({", ".join(_COLUMNS)})
    SELECT * FROM unnest(
        %(partner_id)s::text[], %(event_id)s::text[], %(line)s::smallint[], %(member_id)s::bigint[],
        %(expires_on)s::date[], %(issuer)s::text[], %(kind)s::text[], %(matures_on)s::date[], %(points)s::bigint[],
        %(lapses_at)s::timestamptz[])
"""
_OPEN_OF = """
    SELECT partner_id, event_id, sum(points)::bigint AS points, min(lapses_at) AS lapses_at FROM hub.hold
    WHERE member_id = %(member_id)s AND state = 'open' AND lapses_at > %(now)s
    GROUP BY partner_id, event_id ORDER BY min(lapses_at), partner_id, event_id
"""
_OF_ALL = """
    SELECT partner_id, event_id, member_id, expires_on, issuer, hold.kind, matures_on, points, lapses_at, state
    FROM unnest(%(partner_id)s::text[], %(event_id)s::text[]) AS asked (partner_id, event_id)
    JOIN hub.hold AS hold USING (partner_id, event_id) ORDER BY partner_id, event_id, line
"""
_END = """
    UPDATE hub.hold AS hold SET state = %(state)s
    FROM unnest(%(partner_id)s::text[], %(event_id)s::text[]) AS ended (partner_id, event_id)
    WHERE (hold.partner_id, hold.event_id) = (ended.partner_id, ended.event_id)
"""
_MOVE = """
    UPDATE hub.hold SET expires_on = %(until)s
    WHERE member_id = %(member_id)s AND state = 'open'
      AND (expires_on, issuer, kind, matures_on)
        = (%(expires_on)s::date, %(issuer)s, %(kind)s, %(matures_on)s::date)
"""


class Held(NamedTuple):
    """A hold: the lots it reserves, by member, in burning order."""

    lots: Sequence[tuple[int, Lot]]
    lapses_at: datetime
    state: str

    def state_at(self, now: datetime) -> str:
        """Return the state at business time ``now``: what is open has lapsed from its instant on."""
        return LAPSED if self.state == OPEN and self.lapses_at <= now else self.state


class NewHold(NamedTuple):
    """A hold that is to be made."""

    partner_id: str
    event_id: str
    lots: Sequence[tuple[int, Lot]]
    """Parts of lots, by member, in burning order."""
    lapses_at: datetime


def add(
    connection: Connection, partner_id: str, event_id: str, lots: Sequence[tuple[int, Lot]], lapses_at: datetime
) -> None:
    """Reserve parts of lots, by member, under the members' locks."""
    add_all(connection, [NewHold(partner_id, event_id, lots, lapses_at)])


def add_all(connection: Connection, new: Sequence[NewHold]) -> None:
    """Do so for several holds at once."""
    rows = [
        (one.partner_id, one.event_id, line, member_id, *lot.key, lot.points, one.lapses_at)
        for one in new
        for line, (member_id, lot) in enumerate(one.lots, 1)
    ]
    run(connection, _ADD, columns_of(_COLUMNS, rows))


def find(connection: Connection, partner_id: str, event_id: str) -> Held | None:
    """Return a hold, or None if there is none; decide on it only under its members' locks."""
    return find_all(connection, [(partner_id, event_id)]).get((partner_id, event_id))


def find_all(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Held]:
    """Return those of some holds that there are, by partner and event id."""
    rows: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for partner_id, event_id, *row in fetch(connection, _OF_ALL, columns_of(_KEY, keys)):
        rows.setdefault((partner_id, event_id), []).append(tuple(row))
    return {key: _held(own) for key, own in rows.items()}


def _held(rows: Sequence[tuple[Any, ...]]) -> Held:
    lots = [(row[0], Lot(LotKey(*row[1:5]), row[5])) for row in rows]
    states = {row[7] for row in rows}
    # Members of a pool lapse one by one when they are next looked at; one that has means that all have.
    return Held(lots, rows[0][6], LAPSED if LAPSED in states else rows[0][7])


def open_of(connection: Connection, member_id: int, now: datetime) -> list[tuple[str, str, int, datetime]]:
    """Return the holds on a member's lots that count at ``now``: (partner, event, points of the member, lapses at)."""
    rows = fetch(connection, _OPEN_OF, {"member_id": member_id, "now": now})
    return [(partner, event, points, lapses_at) for partner, event, points, lapses_at in rows]


def end(connection: Connection, partner_id: str, event_id: str, state: str) -> None:
    """End an open hold as ``captured`` or ``voided``, under its members' locks."""
    end_all(connection, [(partner_id, event_id)], state)


def end_all(connection: Connection, keys: Sequence[tuple[str, str]], state: str) -> None:
    """Do so for several holds at once, by partner and event id."""
    run(connection, _END, {"state": state, **columns_of(_KEY, keys)})


def follow(connection: Connection, member_id: int, key: LotKey, until: date) -> None:
    """Let open holds reserve from the lot that a whole lot was moved to, which lives ``until`` then."""
    connection.exec_driver_sql(_MOVE, {"member_id": member_id, "until": until, **key._asdict()})
