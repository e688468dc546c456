"""The terms of a card issuer, and what is said about those that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.card_terms import CardTerms
from hub.core.errors import TermsRefused

BONUS = {"name": "welcome", "points": 50_000, "spend_minor": 300_000, "days": 90}


def test_what_is_left_out_is_usual() -> None:
    assert CardTerms.of(None) is None
    terms = CardTerms.of({})
    assert terms is not None
    assert [code in terms.excluded for code in ("7995", "7801", "6011", "5411", None)] == [True] * 3 + [False] * 2
    assert (terms.bonuses, terms.closed_early_days) == ((), 0)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ([], "an object"),
        ({"more": 1}, "an object"),
        ({"excluded": "7995"}, "a list"),
        ({"excluded": [7995]}, "four digits"),
        ({"excluded": ["799"]}, "four digits"),
        ({"excluded": ["7995-7000"]}, "four digits"),
        ({"excluded": ["7995"] * 501}, "at most 500"),
        ({"bonuses": {}}, "a list"),
        ({"bonuses": [BONUS] * 11}, "at most 10"),
        ({"bonuses": [BONUS, BONUS]}, "same name"),
        ({"bonuses": [BONUS | {"more": 1}]}, "a bonus has"),
        ({"bonuses": [BONUS | {"name": "Welcome"}]}, "the name"),
        ({"bonuses": [BONUS | {"name": "w" * 13}]}, "the name"),
        ({"bonuses": [BONUS | {"points": 0}]}, "whole numbers"),
        ({"bonuses": [BONUS | {"spend_minor": 1.5}]}, "whole"),
        ({"bonuses": [BONUS | {"spend_minor": True}]}, "whole"),
        ({"bonuses": [BONUS | {"days": 0}]}, "days are"),
        ({"closed_early_days": -1}, "days are"),
        ({"closed_early_days": "9"}, "days are"),
    ],
)
def test_terms_that_make_no_sense_are_refused_with_what_to_change(terms: Any, words: str) -> None:
    with pytest.raises(TermsRefused, match=words):
        CardTerms.of(terms)
