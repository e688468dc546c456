"""The documentation builds as a site, and whatever its builder warns of fails, such as a dead link."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from partner_sdk.client import Client

ROOT = Path(__file__).parent.parent


def test_the_site_builds_without_a_warning_and_has_every_call_of_the_client(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    page = (tmp_path / "reference" / "sdk.html").read_text(encoding="utf-8")
    public = [name for name, value in vars(Client).items() if callable(value) and not name.startswith("_")]
    assert [name for name in public if f"partner_sdk.client.Client.{name}" not in page] == []
