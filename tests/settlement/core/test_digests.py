"""The digests of lines, pairs and cycles, written out once by hand, so that no change of code changes them."""

from __future__ import annotations

import hashlib
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.digests import cycle_digest
from settlement.core.lines import Obligation, canonical_text, line_digest
from settlement.core.positions import Position, Tally

LINE = Obligation("grocer", "b1-grocer-r", 2, "bank", "grocer", 15, 14, "USD", 3, 9, 10, date(2017, 1, 9))
TEXT = "grocer\nb1-grocer-r\n2\nbank\ngrocer\n15\n14\nUSD\n3\n9\n10\n2017-01-09"


def test_line_digest_is_over_twelve_fields_joined_by_line_breaks() -> None:
    assert canonical_text(LINE) == TEXT
    assert line_digest(LINE) == hashlib.sha256(TEXT.encode()).digest()


def test_pair_digest_is_over_the_line_digests_joined() -> None:
    tally = Tally()
    tally.add(15, 14, b"a" * 32)
    tally.add(1, 1, b"b" * 32)
    due = Position("bank", "grocer", "USD", 2, 16, 15, hashlib.sha256(b"a" * 32 + b"b" * 32).digest())
    assert tally.position(("bank", "grocer", "USD")) == due


def test_cycle_digest_is_over_the_sorted_positions() -> None:
    one = Position("bank", "fuel", "USD", 2, 16, 15, b"\x01" * 32)
    two = Position("bank", "grocer", "USD", 1, 4, 4, b"\x02" * 32)
    text = f"bank\nfuel\nUSD\n{'01' * 32}\n\nbank\ngrocer\nUSD\n{'02' * 32}"
    assert cycle_digest([two, one]) == cycle_digest([one, two]) == hashlib.sha256(text.encode()).digest()
    assert cycle_digest([]) == hashlib.sha256(b"").digest()


@given(
    st.sampled_from([name for name, value in LINE._asdict().items() if isinstance(value, int)]),
    st.integers(1, 99),
)
def test_every_number_of_a_line_counts(name: str, more: int) -> None:
    assert line_digest(LINE._replace(**{name: getattr(LINE, name) + more})) != line_digest(LINE)
