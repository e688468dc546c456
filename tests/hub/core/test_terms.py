"""Dated terms: the version in force on a day, and terms that make no sense."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.core.errors import TermsRefused
from hub.core.rules import RULES, Sale, compile_grants
from hub.core.terms import Contract, EarningRate, ReimbursementPrice, Timeline

JANUARY, FEBRUARY = date(2017, 1, 1), date(2017, 2, 1)
LINEAR = {"rule": "linear", "points": 3, "per_minor": 200}


def contract(version: int, valid_from: date) -> Contract:
    return Contract.of(version, valid_from, 6, enrols_unknown=False, terms={})


def test_the_latest_start_not_after_the_day_is_in_force() -> None:
    line = Timeline([contract(2, FEBRUARY), contract(1, JANUARY)])
    found = [line.on(day) for day in (date(2016, 12, 31), JANUARY, date(2017, 1, 31), FEBRUARY)]
    assert [one and one.version for one in found] == [None, 1, 1, 2]


def test_of_two_with_one_start_the_higher_version_is_in_force() -> None:
    found = Timeline([contract(2, JANUARY), contract(1, JANUARY)]).on(JANUARY)
    assert found is not None
    assert found.version == 2


@pytest.mark.parametrize(
    ("minor", "points"), [(0, 0), (199, 0), (200, 3), (399, 3), (400, 6), (10**12, 15_000_000_000)]
)
def test_linear_counts_full_steps(minor: int, points: int) -> None:
    [grant] = EarningRate.of(1, JANUARY, "USD", [LINEAR]).grants(Sale(minor))
    assert grant.points == points


def test_several_rules_add_up() -> None:
    [grant] = compile_grants([LINEAR, {"rule": "linear", "points": 1, "per_minor": 100}])(Sale(450))
    assert grant.points == 6 + 4


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [{}],
        [{"rule": "magic"}],
        [{"rule": ["linear"]}],
        [{"rule": "linear"}],
        [LINEAR | {"cap": 5}],
        [LINEAR | {"points": 0}],
        [LINEAR | {"points": -1}],
        [LINEAR | {"points": True}],
        [LINEAR | {"points": 1.5}],
        [LINEAR | {"points": "1"}],
        [LINEAR | {"points": 10**9 + 1}],
        [LINEAR | {"per_minor": 0}],
    ],
)
def test_terms_of_an_earning_rate_that_make_no_sense(terms: Any) -> None:
    with pytest.raises(TermsRefused):
        EarningRate.of(1, JANUARY, "USD", terms)


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"numerator": 9},
        {"numerator": 9, "denominator": 0},
        {"numerator": 0, "denominator": 1},
        {"numerator": -9, "denominator": 10},
        {"numerator": 0.9, "denominator": 1},
        {"numerator": True, "denominator": 1},
        {"numerator": 1_001, "denominator": 1},
        {"numerator": 1, "denominator": 1_000_001},
    ],
)
def test_prices_that_make_no_sense(terms: Any) -> None:
    with pytest.raises(TermsRefused):
        ReimbursementPrice.of(1, JANUARY, "USD", terms)


def test_every_rule_of_the_table_refuses_unknown_fields() -> None:
    for name in RULES:
        with pytest.raises(TermsRefused):
            compile_grants([{"rule": name, "surprise": 1}])
