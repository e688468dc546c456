"""What is installed runs on every Python that the project names, from the first release of the oldest on."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent


def test_nothing_asks_for_a_newer_python_than_the_project_does() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = f"{named.removeprefix('>=')}.0"
    assert re.fullmatch(r"\d+\.\d+\.0", oldest)
    asked = {one.name: str(one.metadata.json.get("requires_python", "")) for one in distributions()}
    assert asked["hansa"] == named
    assert {name: python for name, python in asked.items() if not SpecifierSet(python).contains(oldest)} == {}
