"""The main job: the demonstration's figures equal an independent calculation over the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.reference.sample_coalition import run as calculate

GOLDEN = Path(__file__).parent / "golden"


def test_a_month_end_and_a_month_cut_short(tmp_path: Path) -> None:
    """Ten days of January with its end, then a February cut short: figures, files and exit code."""
    first, last = "2017-01-22", "2017-02-04"
    figures, out = tmp_path / "figures.json", tmp_path / "out"
    command = [sys.executable, "-m", "hub", "demo", "--from", first, "--to", last]
    run = subprocess.run(
        [*command, "--out", str(out), "--json", str(figures)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = calculate(date.fromisoformat(first), date.fromisoformat(last))
    assert figures.read_text() == json.dumps(expected, indent=2) + "\n"
    assert len(list(out.glob("statement-*"))) == 24
    assert len(list(out.glob("cycle-*"))) == 2
    command = [str(Path(sys.executable).parent / "bean-check"), str(out / "books.beancount")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b""
    assert (out / "trial-balance.csv").read_text().count("receivable:") == 6


def test_the_golden_figures_are_those_of_the_calculation() -> None:
    """Of each golden window; in one test, because the calculation reads the sample's files once a process."""
    windows = sorted(GOLDEN.glob("sample-*.json"))
    assert len(windows) == 3
    for golden in windows:
        first, last = date.fromisoformat(golden.stem[7:17]), date.fromisoformat(golden.stem[18:28])
        assert json.loads(golden.read_text()) == calculate(first, last), golden.name


@pytest.mark.parametrize(
    "arguments",
    [("--from", "2016-12-31"), ("--to", "2018-01-01"), ("--from", "2017-03-02", "--to", "2017-03-01"), ("--to", "x")],
)
def test_days_outside_the_sample_are_wrong_usage(arguments: tuple[str, ...]) -> None:
    run = subprocess.run([sys.executable, "-m", "hub", "demo", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "Error: " in run.stderr
