"""schemathesis, which knows nothing of us but the OpenAPI document, against the running hub by a signing proxy.

No answer may be a 5xx, or one that the document does not have: in status, type, header fields or schema.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hub.services import partners
from tests.support import network, signing_proxy
from tests.support.exchange import IN, OUT, publish
from tests.support.network import Network

LONG_S = 160
LONG = ("--max-time", str(LONG_S))
SHORT = ("--phases", "fuzzing,stateful", "--max-examples", "3")
"""A little of each operation, in seconds; the long run also tries out each part of each schema."""
OPTIONS = (
    "--checks", "all",
    # JSON Schema has no word for what strict JSON refuses, such as 1.0 for 1 or a NUL.
    "--exclude-checks", "positive_data_acceptance",
    "--generation-database", "none",
    "--workers", "2",
    "--no-color", "--warnings", "off",
)  # fmt: skip


@pytest.fixture(scope="module")
def busy(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A hub of its own, in which the caller may do whatever a partner may."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub"), workers=1) as running:
        terms = {"refunds": "debt", "merges": True}
        partners.set_contract(running.hub, "grocer", date(2017, 1, 9), 6, True, terms)
        publish(running.hub, "grocer", **OUT)
        publish(running.hub, "grocer", **IN)
        yield running


def test_no_answer_is_undocumented(busy: Network, soaking: bool, seed: int, tmp_path: Path) -> None:
    with signing_proxy.running(busy.client("grocer")) as proxy:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{proxy}/openapi.json", "--url", proxy, *OPTIONS]
        command += ["--seed", str(seed), *(LONG if soaking else SHORT)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=LONG_S * 3, check=False)
    print(done.stdout[-3_000:])
    assert done.returncode == 0, done.stdout
    assert " 0 generated" not in done.stdout
    assert '"exception"' not in busy.server.log.read_text()
