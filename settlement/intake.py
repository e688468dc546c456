"""Intake: the one door by which obligations enter settlement.

The hub's posting function calls `record` inside the transaction that moves the member's points, so an
obligation exists exactly when the redemption does; nothing is copied later. Rows are only ever added. Each
carries the digest of its canonical text and the id of the transaction that wrote it, by which a cycle is cut
off in commit order.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError

from settlement.core.lines import FIELDS, SEPARATOR, Obligation, canonical_text, line_digest, row_name
from settlement.errors import InvalidObligation, ObligationExists

__all__ = ["Obligation", "record"]

_MAX_BIGINT = 2**63 - 1
_TYPES = {
    "line": "integer",
    "points": "bigint",
    "amount_minor": "bigint",
    "price_version": "integer",
    "price_numerator": "bigint",
    "price_denominator": "bigint",
    "business_date": "date",
    "digest": "bytea",
}
_COLUMNS = (*FIELDS, "digest")
_INSERT = text(
    f"INSERT INTO settlement.obligation ({', '.join(_COLUMNS)}) SELECT * FROM unnest("  # noqa: S608
    + ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in _COLUMNS)
    + ")"
)
_GETTERS = [(name, itemgetter(place)) for place, name in enumerate(FIELDS)]


def record(connection: Connection, obligations: Sequence[Obligation]) -> None:
    """Store the obligations in the caller's transaction with one statement; an empty sequence does nothing.

    Raises `InvalidObligation` before anything is sent, and `ObligationExists` when a key was recorded before
    (the caller's transaction is then to be rolled back, as after any failed statement).
    """
    if not obligations:
        return
    for obligation in obligations:
        _refuse_invalid(obligation)
    columns: dict[str, list[object]] = {name: [*map(get, obligations)] for name, get in _GETTERS}
    columns["digest"] = [line_digest(obligation) for obligation in obligations]
    try:
        connection.execute(_INSERT, columns)
    except IntegrityError as error:
        raise ObligationExists(f"an obligation was recorded before: {error.orig}") from error
    except DataError as error:
        raise InvalidObligation(f"the database refused an obligation: {error.orig}") from error


def _refuse_invalid(obligation: Obligation) -> None:
    reason = _why_invalid(obligation)
    if reason:
        name = row_name(obligation.partner_id, obligation.event_id, obligation.line)
        raise InvalidObligation(f"{name}: {reason}")


def _why_invalid(obligation: Obligation) -> str | None:
    if not (obligation.partner_id and obligation.event_id and obligation.issuer and obligation.redeemer):
        return "partner, event, issuer and redeemer must be named"
    if len(obligation.currency) != 3:
        return "a currency has three letters"
    if not (0 < obligation.points <= _MAX_BIGINT and 0 <= obligation.amount_minor <= _MAX_BIGINT):
        return "points must be above zero and the amount not below it, in 64 bits"
    if obligation.line < 0 or obligation.price_numerator < 0 or obligation.price_denominator < 1:
        return "line and price must not be negative"
    written = canonical_text(obligation)
    if written.count(SEPARATOR) != len(FIELDS) - 1 or "\0" in written:
        return "a text must not contain a line break or NUL"
    return None
