"""Strict reading of terms: what is missing, unknown or out of range is named."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.errors import TermsRefused
from hub.core.fields import check_fields, whole


@pytest.mark.parametrize("terms", [{"a": 1}, {"a": None, "b": 2}])
def test_needed_and_optional_fields_pass(terms: dict[str, Any]) -> None:
    check_fields(terms, "a thing", ("a",), ("b",))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "a thing lacks a"),
        ({"b": 1}, "a thing lacks a"),
        ({"a": 1, "d": 2, "c": 3}, "a thing has no field c, d; it has: a, b"),
        ([], "object"),
        (None, "object"),
        ("a", "object"),
    ],
)
def test_other_fields_are_named(terms: Any, message: str) -> None:
    with pytest.raises(TermsRefused, match=message):
        check_fields(terms, "a thing", ("a",), ("b",))


@pytest.mark.parametrize("value", [0, 4, True, 2.0, "2", None])
def test_what_is_no_whole_number_within_the_limits_is_refused(value: Any) -> None:
    with pytest.raises(TermsRefused, match="days must be a whole number from 1 to 3"):
        whole(value, "days", 1, 3)


def test_both_limits_are_allowed() -> None:
    assert [whole(value, "days", 1, 3) for value in (1, 2, 3)] == [1, 2, 3]
