"""The tables of payments: bank details, payments and their moves, releases, and what banks said.

They are append-only, like all others. Whether bank details or a release hold is told by `approval`, whose subjects
their names are.
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
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from settlement.store.tables import metadata

_NAME = Text(collation="C")


def _text(name: str) -> Column[str]:
    return Column(name, _NAME, nullable=False)


bank_account = Table(
    "bank_account",
    metadata,
    Column("party", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("account", JSONB, nullable=False),
    Column("habits", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
"""Where a party is paid in a currency; for `@operator` the account it pays from, and the habits of its bank."""

payment = Table(
    "payment",
    metadata,
    Column("payment", _NAME, primary_key=True),
    _text("cycle"),
    _text("partner"),
    _text("currency"),
    _text("direction"),
    Column("amount_minor", BigInteger, nullable=False),
    UniqueConstraint("cycle", "partner", "currency", "direction", name="payment_once"),
    CheckConstraint("amount_minor > 0 AND direction IN ('in', 'out')", name="payment_amount"),
)
"""What a partner is paid (`out`) or pays (`in`) for a cycle in a currency."""

payment_move = Table(
    "payment_move",
    metadata,
    Column("payment", _NAME, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    _text("state"),
    _text("author"),
    Column("at", DateTime(timezone=True), nullable=False),
    _text("source"),
    _text("reason"),
    CheckConstraint(
        "state IN ('payable', 'released', 'sent', 'accepted', 'settled', 'rejected', 'returned')"
        " AND seq > 0 AND attempt > 0",
        name="payment_move_state",
    ),
)
"""The moves of payments. `source` names the release or the bank's message that moved it; the key is compare-and-set."""

payment_release = Table(
    "payment_release",
    metadata,
    Column("release", _NAME, primary_key=True),
    _text("currency"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("execute_on", Date, nullable=False),
    Column("account", JSONB, nullable=False),
    Column("habits", JSONB, nullable=False),
    Column("file_digest", LargeBinary, nullable=False),
)
"""A file to the bank, by its message id: what is in its head, and the SHA-256 by which a second person approves it."""

payment_release_item = Table(
    "payment_release_item",
    metadata,
    Column("release", _NAME, primary_key=True),
    Column("end_to_end_id", _NAME, primary_key=True),
    Column("place", Integer, nullable=False),
    _text("payment"),
    Column("attempt", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("account", JSONB, nullable=False),
    _text("remittance"),
    Index("payment_release_item_name", "end_to_end_id"),
)
"""The attempts in a file, with the bank details that it was proposed with."""

bank_message = Table(
    "bank_message",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _text("message"),
    _text("message_id"),
    _text("author"),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""A bank's message that was taken in, by the SHA-256 of its file."""

bank_word = Table(
    "bank_word",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    _text("end_to_end_id"),
    _text("says"),
    _text("code"),
    _text("reason"),
    _text("outcome"),
    _text("detail"),
)
"""What a message says of each payment, and what became of that."""
