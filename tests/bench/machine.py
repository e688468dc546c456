"""What a figure must be read with: the machine, the server's settings, and the command line."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

from hub.store.database import Database
from tests.bench.usage import MIB

SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def describe(database: Database, seed: int) -> dict[str, Any]:
    """Return name and value of all that matters."""
    with database.connect() as connection:
        settings = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SETTINGS}
    return {
        "command": shlex.join([Path(sys.executable).name, "-m", "tests.bench", *sys.argv[1:]]),
        "seed": seed,
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": settings.pop("server_version"),
        **settings,
    }


def _processor() -> str:
    """The processor's model; platform.processor() does not know it on Linux."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
