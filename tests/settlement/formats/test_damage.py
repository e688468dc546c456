"""Files of banks and partners with damage in them: read, or refused with the one error that is documented."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from settlement.core.bank_entries import BankEntry
from settlement.core.report_mapping import ReportForm
from settlement.errors import FileRefused, MappingRefused
from settlement.formats import camt05x, reports

BANKS = Path(__file__).parent / "banks"
FORM = ReportForm({"reference": "r", "day": "d", "amount": "a", "points": "p"}, currency="EUR")
CSV = b'r,d,a,p\nx,2017-01-01,5.00,1\n"y",2017-01-02,-6,2\n'
JSON = b'[{"r": "x", "d": "2017-01-01", "a": 5.5, "p": 1}, {"r": "y", "d": "2017-01-02", "a": "-6", "p": 2}]'
TOKENS = (b"<", b"&#x41;", b"]]>", b"<!--", b"\x00", b"9" * 30, b"-", b".", b",", b'"', b"\xff", b"1e9", b"null", b"[")
ROUNDS = 60


def statements(path: Path) -> int:
    return sum(isinstance(one, BankEntry) for one in camt05x.read(path))


def report(path: Path) -> int:
    return sum(1 for _ in reports.read(path, FORM))


SEEDS: list[tuple[str, bytes, Callable[[Path], int]]] = [
    *((path.name, path.read_bytes(), statements) for path in sorted(BANKS.iterdir())),
    ("r.csv", CSV, report),
    ("r.json", JSON, report),
]


@pytest.mark.parametrize(("name", "content", "reader"), SEEDS, ids=[name for name, _, _ in SEEDS])
def test_damage_is_read_or_refused(
    tmp_path: Path, seed: int, name: str, content: bytes, reader: Callable[[Path], int]
) -> None:
    path, draw = tmp_path / name, Random(f"{seed} {name}")
    path.write_bytes(content)
    assert reader(path) > 0
    for _ in range(ROUNDS):
        path.write_bytes(damaged(content, draw))
        with contextlib.suppress(FileRefused, MappingRefused):
            reader(path)


def damaged(content: bytes, draw: Random) -> bytes:
    """A few bytes altered, put in, taken out or said twice."""
    for _ in range(draw.randint(1, 3)):
        at, start = draw.randrange(len(content)), draw.randrange(len(content))
        put = draw.choice([bytes([draw.randrange(256)]), draw.choice(TOKENS), content[start : start + 80], b""])
        content = content[:at] + put + content[at + draw.randrange(0, 20) :] or b"x"
    return content
