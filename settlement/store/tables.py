"""The tables, as SQLAlchemy sees them; `migrations/` is what builds them, a test holds the two equal.

Texts sort by byte (collation "C"), so the database and any other program put lines in the same order. There
are no triggers and no foreign keys: facts are keyed by (partner_id, event_id), and a cycle's rows by its
name. Rows are only ever added, with two exceptions: a decision (of a second operator, or to take a role from one) is
marked once on the row that it is about, and the figures of a cycle that is not published are replaced when it is
calculated again.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from sqlalchemy.dialects.postgresql import JSONB

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
    Column("kind", _NAME, nullable=False, server_default=text("'reimbursement'")),
    Column("points_of", _NAME, nullable=False, server_default=text("''")),
    CheckConstraint(
        "line >= 0 AND (points <> 0 OR amount_minor <> 0 AND (kind <> 'reimbursement' OR points_of <> ''))"
        " AND (points >= 0 AND amount_minor >= 0 OR points <= 0 AND amount_minor <= 0 AND origin <> '')",
        name="obligation_amounts",
    ),
    CheckConstraint("kind IN ('reimbursement', 'issue', 'breakage', 'adjustment', 'pack')", name="obligation_kind"),
    Index("obligation_business_date", "business_date"),
    Index("obligation_tx", "tx"),
    Index("obligation_origin", "origin", postgresql_where=text("origin <> ''")),
)
"""What an issuer owes a redeemer: one row a line of an event, written by intake only.

A row with an origin corrects that event's rows, and alone may be below zero. The partner whose points the fund pays for
is `points_of`; `@fund` and `@operator` are parties beside the partners.
"""

contract = Table(
    "contract",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("valid_from", Date()),
    Column("terms", JSONB, nullable=False),
    Column("account", JSONB),
    _required("digest", LargeBinary()),
    _required("drafted_by", _NAME),
    Column("drafted_at", DateTime(timezone=True), nullable=False),
    _required("published_by", _NAME),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    CheckConstraint("version > 0 AND drafted_by <> published_by", name="contract_two_people"),
)
"""What a partner agreed to about money, a row a version, only ever added; where it is paid (`account`) stands apart.

`settlement.core.contracts` reads `terms`, and says what `digest` is taken over.
"""

tax_rate = Table(
    "tax_rate",
    metadata,
    Column("code", _NAME, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    _required("numerator", BigInteger()),
    _required("denominator", BigInteger()),
    _required("added_by", _NAME),
    Column("added_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("numerator >= 0 AND denominator > 0 AND numerator <= denominator", name="tax_rate_share"),
)
"""The share of a fee that is tax, by code and first day; only ever added."""

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
    Column("maker", _NAME, nullable=False, server_default=text("''")),
    CheckConstraint("state <> 'published' OR maker <> '' AND lower(maker) <> lower(author)", name="cycle_move_by_two"),
)
"""The moves of a cycle. `subject` is the digest of what the move established, `digest` chains it to the move before.

A move of two people has the author who approved it and the maker who proposed it; other moves have no maker.
"""

cycle_deadline = Table(
    "cycle_deadline",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("step", _NAME, primary_key=True),
    _required("due_on", Date()),
)
"""The days that publication fixed: the last on which a line may be disputed, and those of the moves that follow."""

calendar_change = Table(
    "calendar_change",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("valid_from", Date()),
    _required("calendar", _NAME),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""The timetable: each change of the coalition's calendar, in the order in which they were made."""

approval = Table(
    "approval",
    metadata,
    Column("kind", _NAME, primary_key=True),
    Column("subject", _NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("digest", LargeBinary()),
    _required("maker", _NAME),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("state", _NAME, nullable=False, server_default=text("'open'")),
    Column("decided_by", _NAME),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", _NAME),
    CheckConstraint("state <> 'approved' OR lower(maker) <> lower(decided_by)", name="approval_by_two"),
    CheckConstraint(
        "CASE state WHEN 'open' THEN num_nulls(decided_by, decided_at) = 2"
        " WHEN 'approved' THEN num_nulls(decided_by, decided_at) = 0"
        " WHEN 'void' THEN num_nulls(decided_by, decided_at, reason) = 0 ELSE false END",
        name="approval_state",
    ),
    Index("approval_open", "kind", "subject", unique=True, postgresql_where=text("state = 'open'")),
)
"""What one operator proposed and a second one approved, or what made it void. A row is decided once; what is proposed,
named by its digest, never changes."""

operator_role = Table(
    "operator_role",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("role", _NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("name", _NAME),
    _required("granted_by", _NAME),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("revoked_by", _NAME),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("num_nulls(revoked_by, revoked_at) IN (0, 2)", name="operator_role_revoked"),
    Index("operator_role_held", "person", "role", unique=True, postgresql_where=text("revoked_at IS NULL")),
)
"""Who may propose (`maker`) and who may approve (`approver`), from when to when; `person` is the name folded."""

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

due = Table(
    "due",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("party", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("net_minor", BigInteger()),
    _required("charges_minor", BigInteger()),
    _required("brought_minor", BigInteger()),
    _required("due_minor", BigInteger()),
    _required("carried_minor", BigInteger()),
)
"""What of each party's total is paid after this cycle and what the next one is brought; see `settlement.core.dues`."""

credit_line = Table(
    "credit_line",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("limit_minor", BigInteger()),
    Column("alert_minor", BigInteger),
    Column("hard", Boolean, nullable=False),
)
"""How far a partner may owe now, by its contract or by what it paid in; renewed when these change, not kept."""

headroom = Table(
    "headroom",
    metadata,
    Column("partner", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    Column("stripe", SmallInteger, primary_key=True, autoincrement=False),
    Column("left_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("tight", Boolean, nullable=False, server_default=text("true")),
)
"""What is left of a credit line, in stripes: locked state, which can be found anew from the lines."""

reservation = Table(
    "reservation",
    metadata,
    Column("partner_id", _NAME, primary_key=True),
    Column("event_id", _NAME, primary_key=True),
    Column("partner", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    _required("amount_minor", BigInteger()),
    Column("lapses_at", DateTime(timezone=True), nullable=False),
    Index("reservation_of_line", "partner", "currency"),
)
"""What a hold, by the partner that reported it and its id, has reserved of credit lines until it ends."""

security_order = Table(
    "security_order",
    metadata,
    Column("order_id", _NAME, primary_key=True),
    _required("kind", _NAME),
    Column("content", JSONB, nullable=False),
    _required("digest", LargeBinary()),
    _required("author", _NAME),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""A deposit, a withdrawal or a default that one operator wants booked; a second one approves it by its digest."""

security_entry = Table(
    "security_entry",
    metadata,
    Column("order_id", _NAME, primary_key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    _required("debit_account", _NAME),
    _required("credit_account", _NAME),
    _required("currency", _NAME),
    _required("amount_minor", BigInteger()),
    CheckConstraint("amount_minor > 0 AND debit_account <> credit_account", name="security_entry_moves"),
)
"""What an approved order moved, from account to account; the accounts are those of `settlement.core.security`."""

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

charge = Table(
    "charge",
    metadata,
    Column("cycle", _NAME, primary_key=True),
    Column("partner", _NAME, primary_key=True),
    Column("kind", _NAME, primary_key=True),
    Column("currency", _NAME, primary_key=True),
    Column("contract_version", Integer, primary_key=True, autoincrement=False),
    _required("basis_count", BigInteger()),
    _required("basis_points", BigInteger()),
    _required("basis_minor", BigInteger()),
    _required("amount_minor", BigInteger()),
)
"""What a partner owes the operator in a cycle beside its lines, by contract; below zero the other way."""

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
"""Each run of the self-checks on a calculated cycle: in which transaction, what it saw, how much it found."""
