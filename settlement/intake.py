"""Intake: the one door by which obligations enter settlement.

The hub's posting function calls `record` inside the transaction that moves the member's points, so an
obligation exists exactly when the redemption does; nothing is copied later. Rows are only ever added. Each
carries the digest of its canonical text and the id of the transaction that wrote it, by which a cycle is cut
off in commit order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from operator import itemgetter
from typing import get_type_hints

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from settlement.core.lines import FIELDS, SEPARATOR, Obligation, line_digest, row_name, why_not_owed
from settlement.errors import InvalidObligation, ObligationExists
from settlement.store.arrays import columns_of

__all__ = ["Obligation", "record"]

_MAX_BIGINT = 2**63 - 1
_DIGEST = "digest"
_TYPES = {int: "bigint", str: "text", date: "date", bytes: "bytea"}
_COLUMNS = {**get_type_hints(Obligation), _DIGEST: bytes}


def _insert(columns: Sequence[str]) -> str:
    """Return the statement for lines that fill these columns."""
    given = ", ".join(f"%({name})s::{_TYPES[_COLUMNS[name]]}[]" for name in columns)
    return f"INSERT INTO settlement.obligation ({', '.join(columns)}) SELECT * FROM unnest({given})"


_BEFORE_KIND = FIELDS.index("kind")
_ALL, _USUAL = (*FIELDS, _DIGEST), (*FIELDS[:_BEFORE_KIND], _DIGEST)
_INSERTS = {columns: _insert(columns) for columns in (_ALL, _USUAL)}
"""Lines that are reimbursements by their issuers fill some columns; sending all would cost each redemption."""
_TEXTS = itemgetter(*(place for place, kind in enumerate(get_type_hints(Obligation).values()) if kind is str))


def record(connection: Connection, obligations: Sequence[Obligation]) -> None:
    """Store the obligations in the caller's transaction with one statement; an empty sequence does nothing.

    Raises `InvalidObligation` before anything is sent, and `ObligationExists` when a key was recorded before
    (the caller's transaction is then to be rolled back, as after any failed statement).
    """
    if not obligations:
        return
    for line in obligations:
        _refuse_invalid(line)
    columns = _USUAL if all(line.usual for line in obligations) else _ALL
    rows = [(*line[: len(columns) - 1], line_digest(line)) for line in obligations]
    try:
        connection.exec_driver_sql(_INSERTS[columns], columns_of(columns, rows))
    except IntegrityError as error:
        raise ObligationExists(f"an obligation was recorded before: {error.orig}") from error
    except DataError as error:
        raise InvalidObligation(f"the database refused an obligation: {error.orig}") from error


def _refuse_invalid(line: Obligation) -> None:
    reason = _why_invalid(line)
    if reason:
        name = row_name(*line[:3])
        raise InvalidObligation(f"{name}: {reason}")


def _why_invalid(line: Obligation) -> str:
    if not (line.partner_id and line.event_id and line.issuer and line.redeemer):
        return "partner, event, issuer and redeemer must be named"
    if len(line.currency) != 3:
        return "a currency has three letters"
    if max(abs(line.points), abs(line.amount_minor)) > _MAX_BIGINT:
        return "points and amount must be of 64 bits"
    if line.line < 0 or line.price_numerator < 0 or line.price_denominator < 1:
        return "line and price must not be negative"
    texts = "".join(_TEXTS(line))
    if SEPARATOR in texts or "\0" in texts:
        return "a text must not contain a line break or NUL"
    return why_not_owed(line)
