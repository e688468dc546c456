"""The tables of reconciliation: imported files and their lines, runs, breaks and their lives, and write-offs.

They are append-only, like all others: a break is a row by its content, and what is done about it a row each.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from settlement.store.tables import metadata

_NAME = Text(collation="C")


def _required(name: str, kind: Text | BigInteger | Integer | LargeBinary | Date) -> Column[object]:
    return Column(name, kind, nullable=False)


reconciliation_source = Table(
    "reconciliation_source",
    metadata,
    Column("source", _NAME, primary_key=True),
    _required("kind", _NAME),
    _required("partner", _NAME),
    _required("cycle", _NAME),
    _required("file_name", _NAME),
    _required("file_digest", LargeBinary()),
    Column("form", JSONB, nullable=False),
    _required("lines", BigInteger()),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("reconciliation_source_of", "kind", "partner", "cycle", "at"),
)
"""An imported file: a partner's report of a cycle, or a bank's statements. `source` names file, form and purpose."""

bank_statement = Table(
    "bank_statement",
    metadata,
    Column("account", _NAME, primary_key=True),
    Column("statement_id", _NAME, primary_key=True),
    _required("source", _NAME),
    _required("message", _NAME),
    _required("currency", _NAME),
    _required("opening_minor", BigInteger()),
    _required("closing_minor", BigInteger()),
    _required("entries", BigInteger()),
    _required("booked_minor", BigInteger()),
    CheckConstraint("opening_minor + booked_minor = closing_minor", name="bank_statement_adds_up"),
)
"""A statement of an account, which is imported once, whatever files it is in."""

reconciliation_line = Table(
    "reconciliation_line",
    metadata,
    Column("source", _NAME, primary_key=True),
    Column("key", _NAME, primary_key=True),
    _required("reference", _NAME),
    _required("amount_minor", BigInteger()),
    _required("currency", _NAME),
    _required("day", Date()),
    _required("batch", _NAME),
    Column("points", BigInteger),
    Column("price_version", Integer),
    Column("issuer", _NAME),
    Column("redeemer", _NAME),
    Column("cycle", _NAME),
    Column("reverses", _NAME),
    Column("is_fee", Boolean, nullable=False),
    _required("fee_minor", BigInteger()),
    _required("others", _NAME),
    _required("text", _NAME),
)
"""A line of an imported file, or of our side of a run with the bank; `others` are further references, a line each."""

reconciliation_run = Table(
    "reconciliation_run",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    _required("kind", _NAME),
    _required("partner", _NAME),
    _required("cycle", _NAME),
    Column("sources", ARRAY(_NAME), nullable=False),
    _required("tolerance_minor", BigInteger()),
    _required("days", Integer()),
    _required("material_minor", BigInteger()),
    _required("inputs", LargeBinary()),
    _required("left_lines", BigInteger()),
    _required("right_lines", BigInteger()),
    _required("matches", BigInteger()),
    _required("breaks", BigInteger()),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("tolerance_minor >= 0 AND days >= 0 AND material_minor >= 0", name="reconciliation_run_rules"),
    Index("reconciliation_run_of", "kind", "partner", "cycle", "run"),
)
"""One reconciliation of a scope; `inputs` is the digest of all that went into it."""

reconciliation_match = Table(
    "reconciliation_match",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("match", Integer, primary_key=True, autoincrement=False),
    _required("by", _NAME),
    _required("currency", _NAME),
    _required("left_minor", BigInteger()),
    _required("right_minor", BigInteger()),
)
"""Lines that a run found to be the same, and by which pass."""

reconciliation_place = Table(
    "reconciliation_place",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("side", _NAME, primary_key=True),
    Column("key", _NAME, primary_key=True),
    Column("match", Integer),
    Column("break", _NAME),
    CheckConstraint("num_nulls(match, break) = 1 AND side IN ('left', 'right')", name="reconciliation_place_one"),
)
"""Where each line of a run went: the key lets it go to one place only, and the constraint to no fewer."""

reconciliation_break = Table(
    "reconciliation_break",
    metadata,
    Column("break", _NAME, primary_key=True),
    _required("kind", _NAME),
    _required("partner", _NAME),
    _required("cycle", _NAME),
    _required("category", _NAME),
    _required("left_keys", _NAME),
    _required("right_keys", _NAME),
    _required("left_currency", _NAME),
    _required("left_minor", BigInteger()),
    _required("right_currency", _NAME),
    _required("right_minor", BigInteger()),
    _required("detail", _NAME),
    _required("reference", _NAME),
    _required("day", Date()),
    Index("reconciliation_break_of", "kind", "partner", "cycle"),
)
"""A break by its content, so that the same break in a later run is the same row; keys stand a line each."""

reconciliation_step = Table(
    "reconciliation_step",
    metadata,
    Column("break", _NAME, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _required("state", _NAME),
    _required("owner", _NAME),
    Column("run", Integer),
    _required("reason", _NAME),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("state IN ('open', 'explained', 'written_off', 'resolved')", name="reconciliation_step_state"),
)
"""The life of a break; the last step says how it stands and whose it is."""

write_off = Table(
    "write_off",
    metadata,
    Column("break", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("debit_account", _NAME),
    _required("credit_account", _NAME),
    _required("partner", _NAME),
    _required("amount_minor", BigInteger()),
    _required("posted_on", Date()),
    _required("reason", _NAME),
    _required("maker", _NAME),
    _required("approver", _NAME),
    CheckConstraint("amount_minor > 0 AND debit_account <> credit_account", name="write_off_entry"),
    CheckConstraint("lower(maker) <> lower(approver)", name="write_off_by_two"),
)
"""The journal of what was written off: one amount from one account to another, so each entry is balanced."""
