"""The lines of redemptions as the ledger has them, for settlement to hold its obligations against.

They come from transfers, events and prices alone; amounts are computed again, not copied.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, column, select, table

COLUMNS = (
    "partner_id", "event_id", "line", "issuer", "redeemer", "points", "amount_minor", "currency",
    "business_date", "tx", "origin",
)  # fmt: skip

_SELECTED: list[ColumnElement[Any]] = [column(name) for name in COLUMNS]
LEDGER: Select[Any] = select(*_SELECTED).select_from(table("redemption_line", schema="hub"))
