"""Names of payments are computed, fit into 35 characters, and differ whenever what they name does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.payment_ids import MAX_ATTEMPTS, NAME, PAY, RECEIVE, end_to_end_id, message_id, payment_id

TEXTS = st.text(max_size=12)
TAKEN_BY_BANKS = re.compile(r"[A-Z0-9][A-Z0-9-]{0,34}")


def test_a_name_is_the_same_for_ever() -> None:
    assert payment_id("2017-01", "bakery", "EUR", PAY) == "2017-01-EUR-FIOQQPB5HV6WEAK4"
    assert end_to_end_id("2017-01-EUR-FIOQQPB5HV6WEAK4", 2) == "2017-01-EUR-FIOQQPB5HV6WEAK4-2"


@pytest.mark.parametrize("cycle", ["2017-01", "2017-W05", "2017-01-H2", "2017-12-Q4"])
def test_every_bank_takes_the_longest_name(cycle: str) -> None:
    longest = end_to_end_id(payment_id(cycle, "a" * 200, "USD", RECEIVE), MAX_ATTEMPTS)
    assert TAKEN_BY_BANKS.fullmatch(longest)
    found = NAME.search(f"ABOUT{payment_id(cycle, 'a', 'USD', RECEIVE)}THANKS")
    assert found
    assert found[0] == payment_id(cycle, "a", "USD", RECEIVE)
    assert TAKEN_BY_BANKS.fullmatch(message_id([longest]))


@given(st.lists(st.tuples(TEXTS, TEXTS), unique=True, min_size=2, max_size=6))
def test_other_things_have_other_names(pairs: list[tuple[str, str]]) -> None:
    """Also where the parts run together: ("a", "bc") and ("ab", "c")."""
    assert len({payment_id("2017-01", one, other, PAY) for one, other in pairs}) == len(pairs)
    assert len({message_id(pair) for pair in pairs}) == len(pairs)


def test_the_direction_is_in_the_name() -> None:
    assert payment_id("2017-01", "bakery", "EUR", PAY) != payment_id("2017-01", "bakery", "EUR", RECEIVE)


@pytest.mark.parametrize("attempt", [0, -1, MAX_ATTEMPTS + 1])
def test_attempts_are_counted_from_one(attempt: int) -> None:
    with pytest.raises(ValueError, match="attempt"):
        end_to_end_id("2017-01-EUR-FIOQQPB5HV6WEAK4", attempt)
