"""The lines that points give as the ledger has them, for settlement to hold its obligations against.

They come from transfers, events, prices and contracts alone; amounts are computed again, not copied.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, column, literal_column, select, table
from sqlalchemy.dialects.postgresql import JSONB

COLUMNS = (
    "partner_id", "event_id", "line", "issuer", "redeemer", "points", "amount_minor", "currency",
    "business_date", "tx", "origin", "kind", "points_of",
)  # fmt: skip

_SELECTED: list[ColumnElement[Any]] = [column(name) for name in COLUMNS]
LEDGER: Select[Any] = select(*_SELECTED).select_from(table("redemption_line", schema="hub"))

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
