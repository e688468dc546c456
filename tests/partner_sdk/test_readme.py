"""The program in the wheel's README runs as it is printed, but for the hub's address and root key."""

from __future__ import annotations

import re
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partner_sdk.wire.codes import problem

if TYPE_CHECKING:
    import pytest

    from tests.partner_sdk.conftest import Peer, Seen

README = (Path(__file__).parents[2] / "partner_sdk" / "README.md").read_text(encoding="utf-8")


def _program(hub: str, root_key: str) -> str:
    match = re.search(r"## In a program\n\n((?:    .*\n|\n)+)", README)
    assert match is not None
    return textwrap.dedent(match[1]).replace("https://hub.example", hub).replace('"..."', f'"{root_key}"')


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
