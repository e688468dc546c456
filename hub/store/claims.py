"""Retro claims as they are stored: what was claimed, which never changes, where it stands, and each move.

What the claimed purchase may have been reported as is looked for here too, by the indexes that there are: points of
a member by its transfers, and what gave nothing by its member.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from hub.store.database import fetch

_ADD = """
    INSERT INTO hub.claim (partner_id, claim_id, at_partner, member_id, occurred_at, amount_minor, currency, reference,
                           reason, content, evidence_id, tolerance_minutes, days, outcome, state, due_on)
    VALUES (%(partner_id)s, %(claim_id)s, %(at_partner)s, %(member_id)s, %(occurred_at)s, %(amount_minor)s,
            %(currency)s, %(reference)s, %(reason)s, %(content)s, %(evidence_id)s, %(tolerance_minutes)s, %(days)s,
            %(outcome)s, %(state)s, %(due_on)s)
    ON CONFLICT DO NOTHING RETURNING true
"""
_COLUMNS = """partner_id, claim_id, at_partner, member_id, occurred_at, amount_minor, currency, reference, reason,
    content, evidence_id, tolerance_minutes, days, outcome, state, due_on, event_id"""
_FIND = f"SELECT {_COLUMNS} FROM hub.claim WHERE (partner_id, claim_id) = (%(partner_id)s, %(claim_id)s)"
_PAGE = f"""
    SELECT {_COLUMNS} FROM hub.claim
    WHERE (partner_id = %(caller)s OR at_partner = %(caller)s)
      AND (partner_id, claim_id) > (%(partner_id)s, %(claim_id)s)
    ORDER BY partner_id, claim_id LIMIT %(most)s
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.claim
    WHERE (%(partner_id)s = '' OR partner_id = %(partner_id)s OR at_partner = %(partner_id)s)
      AND (%(state)s = '' OR state = %(state)s)
    ORDER BY due_on NULLS LAST, partner_id, claim_id LIMIT %(most)s
"""
_DUE = f"SELECT {_COLUMNS} FROM hub.claim WHERE due_on < %(day)s ORDER BY due_on, partner_id, claim_id LIMIT %(most)s"
_MOVES = """
    SELECT partner_id, claim_id, seq, state, author, at, text, sha256 FROM hub.claim_move
    WHERE partner_id = ANY(%(partners)s::text[]) AND claim_id = ANY(%(claims)s::text[]) ORDER BY seq
"""
_MOVE = """
    WITH moved AS (
        UPDATE hub.claim SET state = %(state)s, due_on = %(due_on)s, event_id = %(event_id)s
        WHERE (partner_id, claim_id) = (%(partner_id)s, %(claim_id)s)
    )
    INSERT INTO hub.claim_move
    SELECT %(partner_id)s, %(claim_id)s, count(*) + 1, %(state)s, %(author)s, %(at)s, %(text)s, %(sha256)s,
           %(evidence_id)s
    FROM hub.claim_move WHERE (partner_id, claim_id) = (%(partner_id)s, %(claim_id)s)
"""
_REPORTED = """
    WITH candidate AS (
        SELECT event_id FROM hub.transfer
        WHERE member_id = ANY(%(members)s::bigint[]) AND partner_id = %(at_partner)s
        UNION
        SELECT event_id FROM hub.event
        WHERE member_id = ANY(%(members)s::bigint[]) AND (kind <> 'earning' OR points = 0)
          AND partner_id = %(at_partner)s
    )
    SELECT event_id, kind, status, points, occurred_at FROM hub.event JOIN candidate USING (event_id)
    WHERE partner_id = %(at_partner)s AND kind IN ('earning', 'card-record') AND event_id <> %(own)s
      AND coalesce(details->>'record', '') NOT IN ('authorisation', 'bonus')
      AND (event_id = %(reference)s
           OR (amount_minor, currency) = (%(amount_minor)s, %(currency)s)
              AND occurred_at BETWEEN %(since)s AND %(until)s)
    UNION ALL
    SELECT event_id, kind, 'quarantined', 0, occurred_at FROM hub.review
    WHERE (partner_id, event_id, cause) = (%(at_partner)s, %(reference)s, 'late') AND state <> 'released'
    ORDER BY occurred_at, event_id LIMIT 10
"""


class Claim(NamedTuple):
    """One claim; what it is about never changes, ``state``, ``due_on`` and ``event_id`` follow its moves."""

    partner_id: str
    claim_id: str
    at_partner: str
    member_id: int
    occurred_at: datetime
    amount_minor: int
    currency: str
    reference: str | None
    reason: str
    content: bytes
    evidence_id: bytes
    tolerance_minutes: int
    days: int
    outcome: str
    state: str
    due_on: date | None
    event_id: str | None = None

    @property
    def name(self) -> str:
        """How an operator names it."""
        return f"{self.partner_id}/{self.claim_id}"

    @property
    def grants(self) -> str:
        """The id of the earning that a grant posts; no partner can use the claim's name for two purchases."""
        return f"claim:{self.partner_id}:{self.claim_id}"


class Said(NamedTuple):
    """What somebody says with a move."""

    author: str
    text: str = ""
    sha256: str | None = None
    evidence_id: bytes | None = None


def add(connection: Connection, claim: Claim) -> bool:
    """Store a claim; False if one with its id is there already."""
    return bool(fetch(connection, _ADD, claim._asdict()))


def find(connection: Connection, partner_id: str, claim_id: str, *, lock: bool = False) -> Claim | None:
    """Return a claim, locked if it is to be moved, or None."""
    rows = fetch(connection, _FIND + (" FOR UPDATE" if lock else ""), {"partner_id": partner_id, "claim_id": claim_id})
    return Claim(*rows[0]) if rows else None


def page(connection: Connection, caller: str, after: tuple[str, str], most: int) -> list[Claim]:
    """Return claims that a partner made or is asked about, by claimant and id."""
    values = {"caller": caller, "partner_id": after[0], "claim_id": after[1], "most": most}
    return [Claim(*row) for row in fetch(connection, _PAGE, values)]


def listing(connection: Connection, partner_id: str, state: str, most: int) -> list[Claim]:
    """Return claims of or about a partner, or of all (""), those that are due first."""
    return [Claim(*row) for row in fetch(connection, _LIST, {"partner_id": partner_id, "state": state, "most": most})]


def overdue(connection: Connection, day: date, most: int) -> list[Claim]:
    """Return claims whose stage was over before a day."""
    return [Claim(*row) for row in fetch(connection, _DUE, {"day": day, "most": most})]


def moves(connection: Connection, claims: Sequence[Claim]) -> dict[tuple[str, str], list[Row[Any]]]:
    """Return the moves of claims, in order, by claimant and id."""
    values = {"partners": [one.partner_id for one in claims], "claims": [one.claim_id for one in claims]}
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in connection.exec_driver_sql(_MOVES, values):
        found.setdefault((row.partner_id, row.claim_id), []).append(row)
    return found


def move(connection: Connection, claim: Claim, said: Said, at: datetime) -> None:
    """Store where a claim stands now and the move that brought it there."""
    connection.exec_driver_sql(_MOVE, {**claim._asdict(), **said._asdict(), "at": at, "evidence_id": said.evidence_id})


def reported(
    connection: Connection, claim: Claim, members: Sequence[int], since: datetime, until: datetime
) -> list[Row[Any]]:
    """Return what was reported that may be the claimed purchase: by its reference, or by amount and time."""
    values = claim._asdict() | {"members": list(members), "since": since, "until": until, "own": claim.grants}
    return list(connection.exec_driver_sql(_REPORTED, values))
