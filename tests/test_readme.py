"""The README's commands, run as they stand by a shell in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.server import free_port

README = Path(__file__).parent.parent / "README.md"
INSTALLED_ALREADY = "pip install .\n"


def test_a_hub_of_your_own_works_as_the_readme_says(tmp_path: Path) -> None:
    """Set up, serve, register, approve, earn, redeem: the member is left with 4 of 19 points."""
    section = README.read_text().split("## Run a hub of your own")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    port = str(free_port())
    script = "".join(blocks).replace(INSTALLED_ALREADY, "").replace("8080", port)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-ec", f"trap 'kill %1; wait' EXIT\n{script}"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "HANSA_SERVE_PORT": port},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"^available +4$", run.stdout, re.MULTILINE), run.stdout
