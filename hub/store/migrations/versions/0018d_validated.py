"""The kinds of events that were there before are looked through, beside other work."""

from alembic import op

from hub.store.migrations.beside import beside_other_work

revision = "0018d"
down_revision = "0018c"


def upgrade() -> None:
    """Let the database vouch for what it only checked of new rows so far."""
    with beside_other_work():
        op.execute("ALTER TABLE hub.event VALIDATE CONSTRAINT event_kind_check")


def downgrade() -> None:
    """Nothing is to be taken back."""
