"""Two PostgreSQL types that SQLAlchemy does not know: transaction ids and snapshots.

`xid8` is the 64-bit transaction id that never wraps; `pg_snapshot` is the text form of which transactions had
committed at a moment. Together they say exactly what a cycle contains, however long a transaction stayed
open.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[str]):
    """A 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL and casts."""
        return "xid8"


class Snapshot(UserDefinedType[str]):
    """A snapshot, written `xmin:xmax:in-progress ids`."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL and casts."""
        return "pg_snapshot"
