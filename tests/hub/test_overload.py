"""A hub that is asked for more than it can do says so at once, tells how it is, loses nothing, and recovers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

from sqlalchemy import text

from tests.bench.usage import children
from tests.support import flood, network
from tests.support.network import Network, broken_rows, earn, sale

CONNECTIONS = 60
"""Of each partner; a worker of one thread takes on 33 requests of it."""
FLOOD_S, RECOVERED_S, HEALTHY_S = 6.0, 10.0, 1.0
MOST_MIB = 250


def test_what_is_shed_is_told_so_and_what_is_acknowledged_is_there(postgres_url: str, tmp_path: Path) -> None:
    with network.running(postgres_url, tmp_path / "hub", workers=1, threads=1) as net:
        partners = {partner: net.coalition.keys[partner].to_pem().decode() for partner in ("grocer", "fuel")}
        root = net.hub.keyring.root.public.text()
        process = flood.start(flood.Plan(net.server.authority, root, partners, CONNECTIONS, FLOOD_S))
        healths, most_mib = _watched(net, process)
        came = flood.outcome(process)
        assert came.statuses.keys() == {"200", "503"}
        assert came.malformed == []
        assert max(healths) < HEALTHY_S
        assert most_mib < MOST_MIB
        assert sorted(came.acknowledged) == sorted(set(came.acknowledged) & _posted(net))
        began = time.monotonic()
        assert earn(net.client("grocer"), sale("after", "card:1")).status == 200
        assert time.monotonic() - began < RECOVERED_S
        assert broken_rows(net.hub) == []


def _watched(net: Network, process: subprocess.Popen[str]) -> tuple[list[float], float]:
    """Ask how the hub is while it is flooded; return how long each answer took, and the largest worker's MiB."""
    took_s: list[float] = []
    most_mib = 0.0
    while process.poll() is None and len(took_s) < FLOOD_S * 20:
        for path in ("livez", "readyz"):
            began = time.monotonic()
            with urlopen(f"{net.server.url}/{path}", timeout=20) as answer:
                assert answer.status == 200
            took_s.append(time.monotonic() - began)
        most_mib = max([most_mib, *(_resident_mib(pid) for pid in children(net.server.process.pid))])
        time.sleep(0.1)
    return took_s, most_mib


def _resident_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def _posted(net: Network) -> set[str]:
    with net.hub.database.connect() as connection:
        return {
            f"{partner}/{event}"
            for partner, event in connection.execute(text("SELECT partner_id, event_id FROM hub.event"))
        }
