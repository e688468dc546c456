"""The tables, as SQLAlchemy sees them; `migrations/` is what builds them, a test holds the two equal.

Texts sort by byte (collation "C"), so the database and any other program put lines in the same order. There
are no triggers and no foreign keys: facts are keyed by (partner_id, event_id), and a cycle's rows by its
name. Every table is append-only.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from settlement.store.types import Snapshot, Xid8

SCHEMA = "settlement"
metadata = MetaData(schema=SCHEMA)
_NAME = Text(collation="C")


def _required(name: str, kind: Text | BigInteger | Integer | LargeBinary | Date) -> Column[object]:
    return Column(name, kind, nullable=False)


obligation = Table(
    "obligation",
    metadata,
    Column("partner_id", _NAME, primary_key=True),
    Column("event_id", _NAME, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _required("issuer", _NAME),
    _required("redeemer", _NAME),
    _required("points", BigInteger()),
    _required("amount_minor", BigInteger()),
    _required("currency", _NAME),
    _required("price_version", Integer()),
    _required("price_numerator", BigInteger()),
    _required("price_denominator", BigInteger()),
    _required("business_date", Date()),
    _required("digest", LargeBinary()),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("origin", _NAME, nullable=False, server_default=text("''")),
    CheckConstraint(
        "line >= 0 AND (points > 0 AND amount_minor >= 0 OR points < 0 AND amount_minor <= 0 AND origin <> '')",
        name="obligation_amounts",
    ),
    Index("obligation_business_date", "business_date"),
    Index("obligation_tx", "tx"),
    Index("obligation_origin", "origin", postgresql_where=text("origin <> ''")),
)
"""What an issuer owes a redeemer: one row a line of an event, written by intake only.

A row with an origin corrects that event's rows, and alone may be below zero.
"""

cycle = Table(
    "cycle",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    _required("ends_on", Date()),
    Column("cutoff_snapshot", Snapshot, nullable=False),
)
"""A cycle that was cut off: `number` counts from 1 in the order of months and makes two cut-offs at once collide."""

cycle_move = Table(
    "cycle_move",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("seq", SmallInteger, primary_key=True, autoincrement=False),
    _required("state", _NAME),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
    _required("subject", LargeBinary()),
    _required("digest", LargeBinary()),
)
"""The moves of a cycle. `subject` is the digest of what the move established, `digest` chains it to the move before."""

cycle_result = Table(
    "cycle_result",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    _required("lines", BigInteger()),
    _required("digest", LargeBinary()),
)
"""What `calculate` found: the number of obligations and the cycle digest."""

position = Table(
    "position",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("issuer", _NAME, primary_key=True),
    Column("redeemer", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("lines", BigInteger()),
    _required("points", BigInteger()),
    _required("amount_minor", BigInteger()),
    _required("digest", LargeBinary()),
)
"""The gross matrix: what each issuer owes each redeemer in a cycle; issuer and redeemer may be one (on-us)."""

net = Table(
    "net",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("partner", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("receive_minor", BigInteger()),
    _required("pay_minor", BigInteger()),
    _required("net_minor", BigInteger()),
)
"""The multilateral net of each partner, positive when it is to receive."""

statement_total = Table(
    "statement_total",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("partner", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("receive_lines", BigInteger()),
    _required("receive_points", BigInteger()),
    _required("receive_minor", BigInteger()),
    _required("pay_lines", BigInteger()),
    _required("pay_points", BigInteger()),
    _required("pay_minor", BigInteger()),
    _required("on_us_lines", BigInteger()),
    _required("on_us_points", BigInteger()),
    _required("on_us_minor", BigInteger()),
)
"""The totals of each partner's statement, added up from its lines and not from the positions."""

cycle_check = Table(
    "cycle_check",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _required("cycle", _NAME),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    _required("findings", Integer()),
    _required("digest", LargeBinary()),
    Index("cycle_check_cycle", "cycle", "tx"),
)
"""Each run of the self-checks on a calculated cycle; `publish` asks for a clean one of its own transaction."""
