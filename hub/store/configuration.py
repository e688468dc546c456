"""The small tables: coalition, partners, contracts, rates and keys.

They are read whole and cached by the hub under ``config_version``; every write here raises that version in the
same transaction, so a cache that carries the current version is right.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from hub.store import hub_keys
from hub.store.database import fetch

_STAMP = "SELECT config_version, clock_at, environment FROM hub.coalition"
_RAISE = text("UPDATE hub.coalition SET config_version = config_version + 1")


class Stamp(NamedTuple):
    """What every request asks first: is my cache current, and what is the business time."""

    config_version: int
    clock_at: datetime | None
    environment: str


def read_stamp(connection: Connection) -> Stamp | None:
    """Return the stamp, or None while the coalition has not been set up."""
    rows = fetch(connection, _STAMP, {})
    return Stamp(*rows[0]) if rows else None


def lock(connection: Connection) -> None:
    """Let one transaction at a time decide on a change of the small tables; read them after this, not before."""
    connection.execute(text("SELECT 1 FROM hub.coalition FOR UPDATE"))


def announce(connection: Connection) -> None:
    """Let every process read what is cached beside the small tables anew, with its next request."""
    connection.execute(_RAISE)


def create_coalition(connection: Connection, name: str, environment: str) -> bool:
    """Set up the coalition's one row; False if it was there already."""
    done = connection.execute(
        text("INSERT INTO hub.coalition (name, environment) VALUES (:name, :environment) ON CONFLICT DO NOTHING"),
        {"name": name, "environment": environment},
    )
    return done.rowcount == 1


def set_clock(connection: Connection, at: datetime) -> bool:
    """Move a sandbox's business clock forward to ``at``; False if that is not allowed."""
    done = connection.execute(
        text("""UPDATE hub.coalition SET clock_at = :at
                WHERE environment = 'sandbox' AND (clock_at IS NULL OR clock_at <= :at)"""),
        {"at": at},
    )
    return done.rowcount == 1


def read_all(connection: Connection) -> dict[str, Sequence[Row[Any]]]:
    """Return all rows of the small tables, by table."""
    tables = ("partner", "contract", "rate", "partner_key", "scheme")
    rows = {name: connection.execute(text(f"SELECT * FROM hub.{name} ORDER BY 1, 2")).all() for name in tables}
    return rows | {"hub_key": hub_keys.listed(connection)}


def add_partner(connection: Connection, partner_id: str, name: str, at: datetime) -> bool:
    """Add an active partner; False if the id is taken."""
    done = connection.execute(
        text("""INSERT INTO hub.partner (partner_id, name, status, created_at)
                VALUES (:partner_id, :name, 'active', :at) ON CONFLICT DO NOTHING"""),
        {"partner_id": partner_id, "name": name, "at": at},
    )
    connection.execute(_RAISE)
    return done.rowcount == 1


def set_partner_status(connection: Connection, partner_id: str, status: str) -> bool:
    """Suspend a partner or make it active again; False if there is no such partner."""
    done = connection.execute(
        text("UPDATE hub.partner SET status = :status WHERE partner_id = :partner_id"),
        {"partner_id": partner_id, "status": status},
    )
    connection.execute(_RAISE)
    return done.rowcount == 1


def set_requests_a_second(connection: Connection, partner_id: str, requests: int | None) -> bool:
    """Set a partner's own rate limit, None for the usual one; False if there is no such partner."""
    done = connection.execute(
        text("UPDATE hub.partner SET requests_a_second = :requests WHERE partner_id = :partner_id"),
        {"partner_id": partner_id, "requests": requests},
    )
    connection.execute(_RAISE)
    return done.rowcount == 1


def add_contract(
    connection: Connection,
    partner_id: str,
    valid_from: date,
    life_months: int,
    enrols_unknown: bool,
    terms: Any,
    at: datetime,
) -> int:
    """Add the next version of a partner's contract and return its number."""
    connection.execute(_RAISE)
    return int(
        connection.execute(
            text("""INSERT INTO hub.contract
                    SELECT :partner_id, coalesce(max(version), 0) + 1, :valid_from, :life_months, :enrols_unknown, :at,
                           cast(:terms AS jsonb)
                    FROM hub.contract WHERE partner_id = :partner_id RETURNING version"""),
            {
                "partner_id": partner_id,
                "valid_from": valid_from,
                "life_months": life_months,
                "enrols_unknown": enrols_unknown,
                "terms": json.dumps(terms),
                "at": at,
            },
        ).scalar_one()
    )


def add_rate(
    connection: Connection,
    partner_id: str,
    kind: str,
    valid_from: date,
    currency: str | None,
    terms: Any,
    at: datetime,
) -> int:
    """Add the next version of a partner's rate and return its number; only an exchange rate may be in no currency."""
    connection.execute(_RAISE)
    return int(
        connection.execute(
            text("""INSERT INTO hub.rate
                    SELECT :partner_id, :kind, coalesce(max(version), 0) + 1, :valid_from, :currency,
                           cast(:terms AS jsonb), :at
                    FROM hub.rate WHERE partner_id = :partner_id AND kind = :kind RETURNING version"""),
            {
                "partner_id": partner_id,
                "kind": kind,
                "valid_from": valid_from,
                "currency": currency,
                "terms": json.dumps(terms),
                "at": at,
            },
        ).scalar_one()
    )


def rates_added_since(connection: Connection, at: datetime) -> set[tuple[str, str, int]]:
    """Return (partner, kind, version) of the rates that were added after ``at``, in real time."""
    rows = connection.execute(text("SELECT partner_id, kind, version FROM hub.rate WHERE created_at > :at"), {"at": at})
    return {(row.partner_id, row.kind, row.version) for row in rows}


def add_scheme(connection: Connection, valid_from: date, terms: Any, at: datetime) -> int:
    """Add the next version of the scheme's rules and return its number."""
    connection.execute(_RAISE)
    return int(
        connection.execute(
            text("""INSERT INTO hub.scheme
                    SELECT coalesce(max(version), 0) + 1, :valid_from, cast(:terms AS jsonb), :at FROM hub.scheme
                    RETURNING version"""),
            {"valid_from": valid_from, "terms": json.dumps(terms), "at": at},
        ).scalar_one()
    )


def add_key(connection: Connection, keyid: str, partner_id: str, public_key: bytes, at: datetime) -> bool:
    """Add a pending key; False if it is registered already."""
    done = connection.execute(
        text("""INSERT INTO hub.partner_key (keyid, partner_id, public_key, state, registered_at)
                VALUES (:keyid, :partner_id, :public_key, 'pending', :at) ON CONFLICT DO NOTHING"""),
        {"keyid": keyid, "partner_id": partner_id, "public_key": public_key, "at": at},
    )
    connection.execute(_RAISE)
    return done.rowcount == 1


def approve_key(connection: Connection, keyid: str, partner_id: str, at: datetime, retires_at: datetime) -> bool:
    """Make a pending key active and let the keys that were active retire at ``retires_at``; False if not pending."""
    connection.execute(_RAISE)
    values = {"keyid": keyid, "partner_id": partner_id, "at": at, "retires_at": retires_at}
    done = connection.execute(
        text("""UPDATE hub.partner_key SET state = 'active', approved_at = :at
                WHERE keyid = :keyid AND partner_id = :partner_id AND state = 'pending'"""),
        values,
    )
    if done.rowcount == 1:
        connection.execute(
            text("""UPDATE hub.partner_key SET state = 'retiring', retires_at = :retires_at
                    WHERE partner_id = :partner_id AND keyid <> :keyid AND state = 'active'"""),
            values,
        )
    return done.rowcount == 1


def retire_key(connection: Connection, keyid: str, partner_id: str, at: datetime) -> bool:
    """Let a key retire at ``at``; False if the partner has no such key that verifies."""
    connection.execute(_RAISE)
    done = connection.execute(
        text("""UPDATE hub.partner_key SET state = 'retiring', retires_at = :at
                WHERE keyid = :keyid AND partner_id = :partner_id
                  AND (state = 'active' OR (state = 'retiring' AND retires_at > :at))"""),
        {"keyid": keyid, "partner_id": partner_id, "at": at},
    )
    return done.rowcount == 1


def hand_over(
    connection: Connection, keyid: str, partner_id: str, public_key: bytes, former: str, at: datetime, until: datetime
) -> None:
    """Make a new key active, or one that is pending, and let the key that handed over to it retire at ``until``."""
    connection.execute(_RAISE)
    connection.execute(
        text("""INSERT INTO hub.partner_key
                    (keyid, partner_id, public_key, state, registered_at, approved_at, handed_over_by)
                VALUES (:keyid, :partner_id, :public_key, 'active', :at, :at, :former)
                ON CONFLICT (keyid) DO UPDATE SET state = 'active', approved_at = :at, handed_over_by = :former"""),
        {"keyid": keyid, "partner_id": partner_id, "public_key": public_key, "at": at, "former": former},
    )
    connection.execute(
        text("UPDATE hub.partner_key SET state = 'retiring', retires_at = :until WHERE keyid = :former"),
        {"former": former, "until": until},
    )


def revoke_key(connection: Connection, keyid: str, partner_id: str, at: datetime, since: datetime) -> list[str]:
    """Revoke a key for good, as of ``since``, with all to which it handed over from then on; return their ids.

    None if there is no such key or it is revoked already. What was handed over before stays: it was its holder's doing.
    """
    connection.execute(_RAISE)
    done = connection.execute(
        text("""WITH RECURSIVE meant AS (
                    SELECT keyid FROM hub.partner_key
                    WHERE keyid = :keyid AND partner_id = :partner_id AND state <> 'revoked'
                    UNION
                    SELECT heir.keyid FROM hub.partner_key AS heir JOIN meant ON heir.handed_over_by = meant.keyid
                    WHERE heir.approved_at >= :since
                )
                UPDATE hub.partner_key AS key
                SET state = 'revoked', revoked_at = :at, revoked_since = :since, is_swept = false
                FROM meant WHERE key.keyid = meant.keyid AND state <> 'revoked' RETURNING key.keyid"""),
        {"keyid": keyid, "partner_id": partner_id, "at": at, "since": since},
    )
    return sorted(done.scalars())


def signed_since_revoked(connection: Connection, partner_id: str) -> Sequence[Row[Any]]:
    """Return the events that came signed by a key of the partner's at or after the time as of which it is revoked."""
    return connection.execute(
        text("""SELECT event.event_id, event.kind, event.status, event.points, event.member_id, event.posted_at,
                       evidence.received_at, key.keyid
                FROM hub.partner_key AS key
                JOIN hub.evidence USING (partner_id, keyid)
                JOIN hub.event USING (partner_id, evidence_id)
                WHERE key.partner_id = :partner_id AND key.state = 'revoked'
                  AND evidence.received_at >= key.revoked_since
                ORDER BY evidence.received_at, event.event_id"""),
        {"partner_id": partner_id},
    ).all()
