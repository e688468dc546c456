"""The lines that points give as the ledger has them, for settlement to hold its obligations against.

They come from transfers, events, prices and contracts alone; amounts are computed again, not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, column, literal_column, select, table
from sqlalchemy.dialects.postgresql import JSONB

COLUMNS = (
    "partner_id", "event_id", "line", "issuer", "redeemer", "points", "amount_minor", "currency",
    "business_date", "tx", "origin", "kind", "points_of",
)  # fmt: skip

_PRICED_COLUMNS = (
    "partner_id", "event_id", "line", "issuer", "redeemer", "points", "currency", "price_version", "price_numerator",
    "price_denominator", "business_date", "tx",
)  # fmt: skip


def _view(name: str, columns: Sequence[str]) -> Select[Any]:
    selected: list[ColumnElement[Any]] = [column(one) for one in columns]
    return select(*selected).select_from(table(name, schema="hub"))


LEDGER = _view("redemption_line", COLUMNS)
PRICED, OTHERS = _view("priced_line", _PRICED_COLUMNS), _view("other_line", COLUMNS)
"""The same in two parts, where no fund pays for points: redemptions with their prices, and all others."""


def is_funded(connection: Connection) -> bool:
    """Tell whether a fund pays for some partner's points."""
    return bool(connection.exec_driver_sql("SELECT EXISTS (SELECT FROM hub.funded)").scalar_one())


_DOCUMENT = "(terms->'settlement') || jsonb_build_object('breakage', coalesce(terms->>'breakage', 'issuer'))"
CONTRACTS: Select[Any] = (
    select(
        column("partner_id").label("partner"),
        column("version"),
        column("valid_from"),
        literal_column(_DOCUMENT, JSONB).label("document"),
    )
    .select_from(table("contract", schema="hub"))
    .where(literal_column("terms ? 'settlement'"))
)
"""The contracts that say something about money, for settlement to hold its copies against."""
