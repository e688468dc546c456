"""`python -m settlement verify`: its words and exit codes, as a script and an auditor see them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settlement.__main__ import main
from settlement.exports import manifest
from tests.settlement.exported import alter

GOLDEN = Path(__file__).parent / "golden" / "2017-01"


def test_an_equal_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(GOLDEN)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "equal: 9 lines, 8 positions, 4 nets and statements and the cycle digest recomputed"
    assert "bank      fuel      USD           1     250    2.50" in printed
    assert "bank      USD           0.00  2.82  -2.82" in printed


def test_a_cycle_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    altered = Path(shutil.copytree(GOLDEN, tmp_path / "altered"))
    alter(altered, "lines", lambda rows: rows[-3].update(points=34))
    assert main(["verify", str(GOLDEN), str(altered)]) == 1
    printed = capsys.readouterr().out
    assert "differs:" in printed
    assert "[line digest] pharmacy/b3-pharmacy-r/1: its fields give" in printed
    assert "[position] bank -> pharmacy (USD): points 33 stated, 34 found" in printed


def test_a_cycle_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = Path(shutil.copytree(GOLDEN, tmp_path / "broken"))
    (broken / "lines.parquet").write_bytes(b"PAR1")
    assert main(["verify", str(broken), str(GOLDEN)]) == 1
    printed = capsys.readouterr().out
    assert "refused: lines.parquet is no readable Parquet file" in printed
    assert "equal: 9 lines" in printed


def test_the_digest_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    digest = manifest.read(GOLDEN).digest.hex()
    assert main(["verify", "--digest", digest, str(GOLDEN)]) == 0
    assert main(["verify", "--digest", "00" * 32, str(GOLDEN)]) == 1
    assert "[cycle digest] cycle 2017-01: the folder states" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: COMMAND"),
        (["verify"], "required: PATH"),
        (["verify", "nowhere"], "there is no folder 'nowhere'"),
        (["verify", "--digest", "zz", str(GOLDEN)], "64 hexadecimal digits"),
        (["prove", str(GOLDEN)], "invalid choice"),
    ],
)
def test_wrong_usage(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--help"])
    assert ended.value.code == 0
    assert "with neither hub nor database" in " ".join(capsys.readouterr().out.split())


def test_as_a_module_without_database_hub_or_flask() -> None:
    """It runs in an interpreter in which importing any of these fails."""
    script = (
        "import sys, runpy\n"
        "for name in ('hub', 'partner_sdk', 'flask', 'psycopg'): sys.modules[name] = None\n"
        f"sys.argv = ['settlement', 'verify', {str(GOLDEN)!r}]\n"
        "runpy.run_module('settlement', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "equal" in done.stdout
