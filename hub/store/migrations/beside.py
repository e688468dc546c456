"""For migrations that take long over large tables: how to do so beside other work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text


@contextmanager
def beside_other_work() -> Iterator[None]:
    """Run the statements of a block outside any transaction, each for as long as it takes.

    It is for statements that keep nobody out, such as ``CREATE INDEX CONCURRENTLY`` and ``VALIDATE CONSTRAINT``. What
    came before in the migration is committed, so all of it must be able to run again after it was broken off.
    """
    with op.get_context().autocommit_block():
        usual = op.get_bind().execute(text("SHOW lock_timeout")).scalar_one()
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = '{usual}'")
