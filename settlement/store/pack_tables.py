"""The tables of packs: what was offered, what became of it, what is left in stripes, and which points they cover.

All are append-only but the stripes, which are locked state and can be found anew from the moves and the draws.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy import Integer as Int
from sqlalchemy.dialects.postgresql import JSONB

from settlement.store.tables import metadata
from settlement.store.types import Xid8

_NAME = Text(collation="C")
_TX = text("pg_current_xact_id()")

pack = Table(
    "pack",
    metadata,
    Column("pack_id", _NAME, primary_key=True),
    Column("partner", _NAME, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index("pack_partner", "partner"),
)
"""A pack as it was offered; it is bought once a second operator has approved its digest."""

pack_move = Table(
    "pack_move",
    metadata,
    Column("pack_id", _NAME, primary_key=True),
    Column("number", Int, primary_key=True, autoincrement=False),
    Column("kind", _NAME, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("author", _NAME, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("tx", Xid8, nullable=False, server_default=_TX),
    CheckConstraint(
        "kind IN ('bought', 'refilled', 'reserved', 'opened', 'told', 'expired', 'returned')", name="pack_move_kind"
    ),
)
"""What a pack's points and what was paid for them became: bought, refilled, kept back and opened, expired or returned.

`points` is what it adds to those that can be drawn, `paid_minor` to what was paid; both are below zero at the end.
"""

pack_left = Table(
    "pack_left",
    metadata,
    Column("pack_id", _NAME, primary_key=True),
    Column("stripe", SmallInteger, primary_key=True, autoincrement=False),
    Column("left_points", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("left_points >= 0", name="pack_left_points"),
)
"""What is left of a pack to be drawn."""

pack_draw = Table(
    "pack_draw",
    metadata,
    Column("partner_id", _NAME, primary_key=True),
    Column("event_id", _NAME, primary_key=True),
    Column("line", Int, primary_key=True, autoincrement=False),
    Column("pack_id", _NAME, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("origin", _NAME, nullable=False, server_default=text("''")),
    Column("business_date", Date, nullable=False),
    Column("tx", Xid8, nullable=False, server_default=_TX),
    CheckConstraint("points <> 0 AND (points < 0) = (origin <> '')", name="pack_draw_points"),
    Index("pack_draw_origin", "origin", postgresql_where=text("origin <> ''")),
)
"""Points of a pack that cover a line of an event; below zero where they come back, with the event they come back of."""
