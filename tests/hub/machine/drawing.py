"""What is tried: terms that partners agree to, sales, parts of what there is, and places in lists."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.hub.model.terms import Contract, Grant, Life

PARTNERS = ("bank", "fuel", "grocer")
MEMBERS = ("card:1", "card:2", "card:3")
"""The first two shop everywhere from the beginning; the third is new to all."""
COUNTRIES = ("DE", "FR")

A_PARTNER, A_MEMBER = st.sampled_from(PARTNERS), st.sampled_from((*MEMBERS[:2] * 2, MEMBERS[2]))
A_PLACE = st.integers(0, 2) | st.integers(0, 99)
"""Where in a list, the most interesting first; often there."""
TENTHS = st.integers(0, 11)
"""How much of what there is: nothing, some, all or a little more."""
REUSED = st.sampled_from([None] * 12 + [0, 3, 17])
"""Under a new id, or under that of an earlier event."""

PRICES = st.fractions(Fraction(1, 50), 50, max_denominator=50)
LIVES: st.SearchStrategy[Life] = st.sampled_from(
    [
        {"rule": "months_end", "months": 0},
        {"rule": "months_end", "months": 1},
        {"rule": "days", "days": 12},
        {"rule": "days", "days": 40},
        {"rule": "inactivity", "days": 15, "counts": "any"},
        {"rule": "inactivity", "days": 20, "counts": "earning"},
        {"rule": "never"},
    ]
)
CONTRACTS = st.builds(
    Contract,
    life=LIVES,
    by_country=st.just({}) | st.dictionaries(st.sampled_from(COUNTRIES), LIVES),
    pending_days=st.sampled_from([0, 0, 0, 3, None]),
    refunds=st.sampled_from(["within_balance", "debt", "debt", "issuer_bears"]),
    breakage=st.sampled_from(["issuer", "issuer", "coalition"]),
)
_POINTS, _PER_MINOR = st.integers(1, 5), st.integers(1, 300)
_BASE = st.builds(lambda points, per_minor: Grant(points, per_minor), _POINTS, _PER_MINOR)
_MORE = st.builds(
    Grant,
    _POINTS,
    _PER_MINOR,
    kind=st.sampled_from(["bonus", "promotional", "promotional@fuel", "promotional@bank+grocer", "qualifying"]),
    issuer=st.sampled_from([None, None, *PARTNERS]),
    life=st.none() | LIVES.filter(lambda life: life["rule"] != "inactivity"),
    cap_minor=st.none(),
    before=st.just(0),
)
_CAPPED = st.builds(lambda grant, cap: grant._replace(cap_minor=cap), _BASE, st.sampled_from([1_500, 12_000, 40_000]))
RATES = (
    st.tuples(_BASE)
    | st.tuples(_CAPPED)
    | st.tuples(_CAPPED, _MORE)
    | st.tuples(_BASE, _MORE)
    | st.lists(_MORE, min_size=1, max_size=2, unique_by=lambda one: one.kind)
)

FLAWS = st.sampled_from([*[""] * 14, "stated", "stated", "misstated", "future", "early", "EUR"])
SALES = st.tuples(A_MEMBER, st.integers(0, 40), FLAWS, st.integers(0, 2_000), st.booleans())
"""Who, how many days ago, what is wrong, for how many tens of minor units, and whether the basket is told."""


def basket(minor: int) -> list[dict[str, Any]]:
    """Two lines that add up to an amount."""
    half = minor // 2
    return [
        {"sku": "apples", "category": "fruit", "quantity": 2, "minor": half},
        {"sku": "bread", "category": "bakery", "quantity": 1, "minor": minor - half},
    ]
