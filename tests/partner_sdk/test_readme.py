"""What the wheel's README prints runs: its program but for the hub's address and root key, its tests as they are."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partner_sdk.wire.codes import problem

if TYPE_CHECKING:
    import pytest

    from tests.partner_sdk.conftest import Peer, Seen

ROOT = Path(__file__).parents[2]
README = (ROOT / "partner_sdk" / "README.md").read_text(encoding="utf-8")


def _block(heading: str) -> str:
    match = re.search(rf"## {heading}\n\n(?:\S.*\n+)*((?:    .*\n|\n)+)", README)
    assert match is not None
    return textwrap.dedent(match[1])


def _program(hub: str, root_key: str) -> str:
    return _block("In a program").replace("https://hub.example", hub).replace('"..."', f'"{root_key}"')


def test_the_program_runs(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handle(seen: Seen) -> tuple[int, Any]:
        if seen.target.path == "/v1/redemptions":
            return 409, problem("insufficient_points", "too few")
        event_id = seen.json()["earnings"][0]["event_id"]
        return 200, {"results": [{"event_id": event_id, "status": "posted", "points": 12}]}

    peer.now, peer.handle = time.time(), handle
    (tmp_path / "grocer.pem").write_bytes(peer.partner_key.to_pem())
    monkeypatch.chdir(tmp_path)
    exec(compile(_program(peer.url, peer.root.public.text()), "README.md", "exec"), {})
    assert capsys.readouterr().out == "posted 12\ndeclined\n"


def test_the_tests_run(tmp_path: Path) -> None:
    for name, content in re.findall(r"# (\w+\.py)\n((?:(?!# \w+\.py\n).*\n)+)", _block("In your tests")):
        (tmp_path / name).write_text(content)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))
    environment = {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in run.stdout, run.stdout + run.stderr
