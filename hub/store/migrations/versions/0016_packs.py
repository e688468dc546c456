"""Points at issue are owed for only so far as no pack of their issuer covers them."""

from __future__ import annotations

from importlib import import_module

from alembic import op

revision = "0016"
down_revision = "0015"

_LINES: str = import_module("hub.store.migrations.versions.0011_contracts").LINES
_WHOLE = """transfer.points,
       hub.half_even(transfer.points * hub.numerator_of(price)"""
_UNCOVERED = """(transfer.points - covered)::bigint,
       hub.half_even((transfer.points - covered) * hub.numerator_of(price)"""
_ISSUED = "WHERE starts_with(transfer.debit_account, 'issued:') AND transfer.credit_account = 'available'"
_DRAWN = f"""LEFT JOIN (
    SELECT partner_id, event_id, line, sum(points) AS drawn FROM settlement.pack_draw
    WHERE origin = '' GROUP BY partner_id, event_id, line
) AS draws ON draws.partner_id = transfer.partner_id AND draws.event_id = transfer.event_id
          AND draws.line = transfer.line
CROSS JOIN LATERAL (SELECT coalesce(drawn, 0) AS covered) AS by_packs
{_ISSUED} AND covered < transfer.points"""
COVERED = _LINES.replace(_WHOLE, _UNCOVERED).replace(_ISSUED, _DRAWN)
"""The view of 0011 with its lines of points at issue less what packs cover."""


def upgrade() -> None:
    """Take the view anew."""
    op.execute(COVERED)


def downgrade() -> None:
    """Take the former view."""
    op.execute(_LINES)
