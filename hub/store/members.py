"""Members and their identifiers, found by keyed blind index only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.store.database import fetch
from settlement.store.arrays import array_of

_FIND = """
    SELECT blind_index, member_id FROM hub.member_identifier WHERE blind_index = ANY(%(indexes)s::bytea[])
"""
_ENROL = text("""
    INSERT INTO hub.member (enrolled_by, enrolled_at)
    SELECT :partner_id, :at FROM generate_series(1, :count) RETURNING member_id
""")
_ATTACH = text("""
    INSERT INTO hub.member_identifier (blind_index, member_id, scheme, attached_by, attached_at)
    SELECT given.*, :partner_id, :at
    FROM unnest(cast(:indexes AS bytea[]), cast(:members AS bigint[]), cast(:schemes AS text[])) AS given (blind_index)
""")


_RECORD = """
    SELECT member_id, enrolled_by, enrolled_at, jurisdiction, charity FROM hub.member WHERE member_id = %(member_id)s
"""
_JURISDICTIONS = """
    SELECT asked.member_id, member.jurisdiction
    FROM unnest(%(members)s::bigint[]) AS asked (member_id)
    LEFT JOIN hub.merged AS merged USING (member_id)
    JOIN hub.member AS member ON member.member_id = coalesce(merged.survivor, asked.member_id)
    WHERE member.jurisdiction IS NOT NULL
"""
_JOINED = "SELECT member_id, enrolled_at FROM hub.member WHERE member_id = ANY(%(members)s::bigint[])"
_CHARITY = "SELECT charity FROM hub.member WHERE member_id = %(member_id)s"
_GIVEN = """
    SELECT coalesce(sum(points) FILTER (WHERE business_date = %(day)s::date), 0)::bigint,
           coalesce(sum(points), 0)::bigint
    FROM hub.event
    WHERE member_id = ANY(%(members)s::bigint[]) AND kind IN ('transfer', 'gift', 'donation') AND status = 'posted'
      AND business_date BETWEEN date_trunc('year', %(day)s::date) AND %(day)s::date
"""

ENROLMENT_LOCK = 0x656E726F6C
"""Advisory lock under which identifiers are attached, so that one identifier never gets two members."""


def lock_enrolment(connection: Connection) -> None:
    """Let one transaction at a time attach identifiers."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ENROLMENT_LOCK})


def find(connection: Connection, indexes: Sequence[bytes]) -> dict[bytes, int]:
    """Return the member of each blind index that is known."""
    rows = fetch(connection, _FIND, {"indexes": array_of(indexes)})
    return {bytes(row[0]): row[1] for row in rows}


def enrol(connection: Connection, partner_id: str, at: datetime, count: int) -> list[int]:
    """Create members without identifiers and return their ids."""
    rows = connection.execute(_ENROL, {"partner_id": partner_id, "at": at, "count": count})
    return [row[0] for row in rows]


def attach(
    connection: Connection, partner_id: str, at: datetime, identifiers: Sequence[tuple[bytes, int, str]]
) -> None:
    """Attach identifiers (blind index, member, scheme) that nobody has yet, under `lock_enrolment`."""
    if not identifiers:
        return
    indexes, members, schemes = zip(*identifiers, strict=True)
    connection.execute(
        _ATTACH,
        {
            "partner_id": partner_id,
            "at": at,
            "indexes": list(indexes),
            "members": list(members),
            "schemes": list(schemes),
        },
    )


def joined(connection: Connection, ids: Iterable[int]) -> dict[int, date]:
    """Return the day on which each member was enrolled."""
    rows = fetch(connection, _JOINED, {"members": list(ids)})
    return {member_id: at.astimezone(UTC).date() for member_id, at in rows}


def jurisdictions(connection: Connection, members: Iterable[int]) -> dict[int, str]:
    """Return the country (ISO 3166-1 alpha-2) whose law applies to each of these members, where one is known."""
    return dict(fetch(connection, _JURISDICTIONS, {"members": list(members)}))


def jurisdiction(connection: Connection, member_id: int) -> str | None:
    """Return the country whose law applies to a member, if it is known."""
    return jurisdictions(connection, [member_id]).get(member_id)


def is_charity(connection: Connection, member_id: int) -> bool:
    """Tell whether a member's account is a charity's, to which points can be donated."""
    return bool(fetch(connection, _CHARITY, {"member_id": member_id})[0][0])


def given(connection: Connection, members: Iterable[int], day: date) -> tuple[int, int]:
    """Return the points that these members have given to others on a day, and in its calendar year up to it."""
    today, this_year = fetch(connection, _GIVEN, {"members": list(members), "day": day})[0]
    return today, this_year


def set_jurisdiction(connection: Connection, member_id: int, country: str | None) -> None:
    """Say which country's law applies to a member from now on."""
    values = {"member_id": member_id, "country": country}
    connection.execute(text("UPDATE hub.member SET jurisdiction = :country WHERE member_id = :member_id"), values)


def set_charity(connection: Connection, member_id: int, charity: bool) -> None:
    """Say whether a member's account is a charity's from now on."""
    values = {"member_id": member_id, "charity": charity}
    connection.execute(text("UPDATE hub.member SET charity = :charity WHERE member_id = :member_id"), values)


def record(connection: Connection, member_id: int) -> Row[Any]:
    """Return a member's own row: who enrolled it and when, its jurisdiction, and whether it is a charity."""
    return connection.exec_driver_sql(_RECORD, {"member_id": member_id}).one()


def exists(connection: Connection, member_id: int) -> bool:
    """Tell whether there is a member with this number."""
    return bool(fetch(connection, "SELECT 1 FROM hub.member WHERE member_id = %(member_id)s", {"member_id": member_id}))
