"""What parts of a purchase give: they add up to the whole, however it is cut, credited or shared."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given as drawn
from hypothesis import strategies as st

from hub.core.granting import given, sale_of, spendable
from hub.core.rules import Grant, Sale, compile_grants

AIR = {"category": "4511", "spent": {"air": 2_000}}
GRANTS = compile_grants(
    [
        {"rule": "linear", "points": 2, "per_minor": 70},
        {
            "rule": "category", "points": 3, "per_minor": 90, "categories": ["4511"],
            "cap": {"name": "air", "minor": 5_000, "period": "year", "then": 1},
        },
        {"rule": "linear", "points": 1, "per_minor": 30, "gives": {"kind": "qualifying"}},
    ]
)  # fmt: skip
AMOUNTS = st.integers(0, 20_000)


@drawn(AMOUNTS, st.lists(AMOUNTS, max_size=6), AMOUNTS)
def test_the_parts_of_a_purchase_give_what_the_whole_gives(minor: int, cuts: list[int], credited: int) -> None:
    """Line by line: of points that can be spent and of those that cannot."""
    edges = sorted({0, minor, *(cut for cut in cuts if cut <= minor)})
    said = {**AIR, "credited_minor": credited}
    whole = given(GRANTS, sale_of(minor, {"sale": said}))
    parts = [
        given(GRANTS, sale_of(end - start, {"sale": {**said, "above_minor": start}})) for start, end in pairwise(edges)
    ]
    for place, line in enumerate(whole):
        assert line.points == sum(part[place].points for part in parts)


@drawn(AMOUNTS, AMOUNTS, st.integers(0, 2_000))
def test_what_is_withheld_is_given_less_and_never_below_nothing(minor: int, above: int, withheld: int) -> None:
    full = given(GRANTS, sale_of(minor, {"sale": {**AIR, "above_minor": above}}))
    less = given(GRANTS, sale_of(minor, {"sale": {**AIR, "above_minor": above, "withheld": withheld}}))
    assert spendable(less) == max(0, spendable(full) - withheld)
    assert [one.points for one in less if one.kind == "qualifying"] == [
        one.points for one in full if one.kind == "qualifying"
    ]


@drawn(AMOUNTS)
def test_a_plain_sale_gives_what_its_rules_give(minor: int) -> None:
    assert given(GRANTS, sale_of(minor, None)) == GRANTS(Sale(minor)) == given(GRANTS, sale_of(minor, {"sale": None}))


def test_a_bonus_is_given_whole_or_not_at_all() -> None:
    assert given(GRANTS, sale_of(300_000, {"sale": {"bonus": 50}})) == [Grant(50, "bonus")]
    assert given(GRANTS, sale_of(0, {"sale": {"bonus": 50}})) == [Grant(0, "bonus")]


@drawn(AMOUNTS, st.lists(st.integers(1, 99), max_size=4, unique=True))
def test_the_shares_of_points_at_a_partner_add_up(minor: int, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 100]
    term = {"rule": "at_partner", "partner": "grocer", "points": 3, "per_minor": 70}
    shares = [
        compile_grants([{**term, "from_percent": start, "to_percent": end}])(Sale(minor, partner="grocer"))[0].points
        for start, end in pairwise(edges)
    ]
    assert sum(shares) == 3 * (minor // 70)
    assert compile_grants([{**term, "from_percent": 0, "to_percent": 100}])(Sale(minor, partner="fuel"))[0].points == 0
