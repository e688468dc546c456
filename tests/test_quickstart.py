"""The quick start is true: each of its blocks is run as it stands, in order, and prints what it says it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.server import free_port

PAGE = (Path(__file__).parent.parent / "docs" / "quickstart.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
INSTALLED_ALREADY = {"python3 -m venv quickstart", ". quickstart/bin/activate", "pip install .", "pip install pytest"}
MARK = "echo '--- next'"


def _script(folder: Path) -> str:
    """Write the files of the page where their blocks stand, and return its commands as one script."""
    lines = []
    for block in BLOCK.finditer(PAGE):
        if block["title"]:
            (folder / block["title"]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "console":
            lines += [MARK, *(line for line in block["text"].splitlines() if line not in INSTALLED_ALREADY)]
    return "\n".join(lines)


def test_every_block_of_the_page_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    port = str(free_port())
    script = _script(tmp_path).replace("8080", port)
    root = Path(__file__).parent.parent
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HANSA_SERVE_PORT": port, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }  # fmt: skip
    run = subprocess.run(
        ["bash", "-ec", f"trap 'kill %1; wait' EXIT\n{script}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    expected = next(block["text"] for block in BLOCK.finditer(PAGE) if block["kind"] == "text" and not block["title"])
    assert expected in run.stdout
    promised = re.findall(r"`(waiting \d delivered \d)`", PAGE)
    assert re.findall(r"^waiting \d delivered \d$", run.stdout, re.MULTILINE) == promised
    assert "1 passed" in run.stdout
    results = (tmp_path / "sales.csv.results.csv").read_text().splitlines()[1:]
    assert [line.split(",")[2] for line in results] == ["posted", "posted", "unreadable"]
