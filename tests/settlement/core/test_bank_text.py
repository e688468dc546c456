"""Names keep their sense in the letters that every bank takes, or are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.bank_text import is_text, latin


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("Boulangerie Dupré & Fils", "Boulangerie Dupre + Fils"),
        ("Łódź – Straße № 5", "Lodz - Strasse No 5"),
        ("Øster Ærø", "Oster AEro"),
        ("„Quoted“ d’Or", "'Quoted' d'Or"),
        ("İstanbul ışık", "Istanbul isik"),
        ("plain (1/2), A-Z: it's + ok?", "plain (1/2), A-Z: it's + ok?"),
    ],
)
def test_spelled(text: str, spelled: str) -> None:
    assert latin(text) == spelled


@pytest.mark.parametrize("text", ["上海", "Москва", "tab\there", "€5", "a\x00b"])
def test_what_has_no_latin_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no bank of the European schemes"):
        latin(text)


@given(st.text(max_size=40))
def test_what_comes_out_is_taken_by_every_bank_and_stays_as_it_is(text: str) -> None:
    try:
        spelled = latin(text)
    except ValueError:
        return
    assert re.fullmatch(r"[A-Za-z0-9/?:().,'+ -]*", spelled)
    assert latin(spelled) == spelled


@pytest.mark.parametrize("text", ["", " x", "x ", "a\nb", "x" * 6])
def test_what_is_no_text(text: str) -> None:
    assert not is_text(text, 5)


def test_what_is_a_text() -> None:
    assert is_text("x" * 5, 5)
