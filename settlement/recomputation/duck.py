"""A DuckDB of our own in memory, which sees what pyarrow has read and nothing else."""

from __future__ import annotations

import duckdb

MEMORY_LIMIT = "256MB"


def connected(spilled: str = "") -> duckdb.DuckDBPyConnection:
    """A new DuckDB; what does not fit into its memory goes to the folder `spilled`, if one is named."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "enable_external_access": False,
        "temp_directory": spilled,
    }
    return duckdb.connect(config=config)
