"""A DuckDB of our own in memory, which sees what pyarrow has read and nothing else."""

from __future__ import annotations

from functools import cache

import duckdb

MEMORY_LIMIT = "256MB"


def connected() -> duckdb.DuckDBPyConnection:
    """A connection to the one DuckDB of this process; nobody else sees what is registered with it.

    Making a DuckDB takes longer than recomputing a small cycle.
    """
    return _one().cursor()


def spilling(folder: str) -> duckdb.DuckDBPyConnection:
    """A new DuckDB; what does not fit into its memory goes to the folder, and nowhere if that has no name."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "enable_external_access": False,
        "temp_directory": folder,
    }
    return duckdb.connect(config=config)


@cache
def _one() -> duckdb.DuckDBPyConnection:
    return spilling("")
