"""References: equal however they are written, and the check digits of ISO 11649."""

from __future__ import annotations

import pytest

from settlement.core.references import given, is_creditor_reference, normalised


@pytest.mark.parametrize("written", ["B-4001", "b 4001", "B/4001", " b.4001 ", "Ｂ－４００１", "b_4001", "B4001"])
def test_one_reference_in_many_hands(written: str) -> None:
    assert normalised(written) == "B4001"


def test_leading_zeros_tell_references_apart() -> None:
    assert normalised("b-04001") != normalised("b-4001")


@pytest.mark.parametrize("said", [None, "", "  ", "NOTPROVIDED", "not provided", "NONREF"])
def test_a_bank_s_words_for_no_reference(said: str | None) -> None:
    assert given(said) == ""


def test_a_reference_keeps_how_it_was_written() -> None:
    assert given("  a   B-1 ") == "a B-1"


@pytest.mark.parametrize("reference", ["RF18 5390 0754 7034", "rf18539007547034", "RF45G72UUR"])
def test_a_creditor_reference(reference: str) -> None:
    assert is_creditor_reference(reference)


@pytest.mark.parametrize(
    "reference", ["RF19 5390 0754 7034", "RF18539007547043", "RF18", "18539007547034", "RF18٣", ""]
)
def test_no_creditor_reference(reference: str) -> None:
    assert not is_creditor_reference(reference)
