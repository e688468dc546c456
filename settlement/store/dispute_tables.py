"""The tables of disputes: what is disputed, the moves, what waits for a second operator, and the rules by date.

They are append-only, like all others.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from settlement.store.tables import metadata
from settlement.store.types import Xid8

_NAME = Text(collation="C")


def _text(name: str) -> Column[str]:
    return Column(name, _NAME, nullable=False)


dispute = Table(
    "dispute",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("dispute_id", _NAME, primary_key=True),
    _text("cycle"),
    _text("currency"),
    Column("rules", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("dispute_cycle", "cycle"),
)
"""A dispute by its partner and the id that the partner chose; `content` is the digest of what it asked for."""

dispute_line = Table(
    "dispute_line",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("dispute_id", _NAME, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    _text("partner_id"),
    _text("event_id"),
    Column("line", Integer, nullable=False),
    Column("minor", BigInteger, nullable=False),
    CheckConstraint("minor > 0", name="dispute_line_amount"),
    Index("dispute_line_key", "partner_id", "event_id", "line"),
)
"""How much of which obligation is disputed."""

dispute_move = Table(
    "dispute_move",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("dispute_id", _NAME, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _text("state"),
    _text("author"),
    _text("maker"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date),
    _text("reason"),
    _text("text"),
    Column("evidence", JSONB, nullable=False),
    Column("accepted", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    CheckConstraint(
        "seq > 0 AND state IN ('opened', 'escalated', 'arbitration', 'rejected', 'rejected_again', 'accepted',"
        " 'decided', 'lapsed', 'withdrawn')",
        name="dispute_move_state",
    ),
    CheckConstraint("maker = '' OR lower(maker) <> lower(author)", name="dispute_move_two_people"),
    Index("dispute_move_tx", "tx"),
)
"""Moves; the key is compare-and-set. `business_date` and `tx` place a move in a cycle, like its money."""

dispute_ruling = Table(
    "dispute_ruling",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _text("partner"),
    _text("dispute_id"),
    Column("accepted", JSONB, nullable=False),
    _text("text"),
)
"""A decision that was proposed for two people to make; `approval` says what became of it."""

dispute_rules = Table(
    "dispute_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("valid_from", Date, nullable=False),
    _text("treatment"),
    Column("answer_days", Integer, nullable=False),
    Column("escalate_days", Integer, nullable=False),
    Column("second_days", Integer, nullable=False),
    Column("arbitration_days", Integer, nullable=False),
    Column("limit_minor", BigInteger, nullable=False),
    _text("author"),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("version > 0 AND treatment IN ('withheld', 'reserve')", name="dispute_rules_treatment"),
)
"""How disputes go that are opened from a day on."""
