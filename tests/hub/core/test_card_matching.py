"""Which purchases a refund is of: by amount, by merchant, and then of the month; never more than there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.core.card_matching import Found, Open, match

AT = datetime(2017, 3, 10, tzinfo=UTC)


def bought(origin: str, merchant: str | None, days_ago: int, left: int) -> Open:
    return Open(origin, merchant, AT - timedelta(days=days_ago), left)


def test_the_exact_amount_comes_before_a_later_purchase_that_is_larger() -> None:
    purchases = [bought("a", "m", 9, 500), bought("b", "m", 5, 500), bought("c", "m", 1, 900)]
    assert match(purchases, "m", 500, AT) == Found("amount", [("b", 500)])
    assert match(purchases, "m", 400, AT) == Found("merchant", [("c", 400)])


def test_without_a_merchant_nothing_is_the_same_merchants() -> None:
    assert match([bought("a", None, 1, 500)], None, 500, AT) == Found("period", [("a", 500)])


def test_those_of_the_month_come_before_earlier_ones_and_the_rest_is_told() -> None:
    purchases = [bought("old", "m", 20, 300), bought("new", "m", 2, 100), bought("newer", "n", 1, 100)]
    found = match(purchases, "other", 600, AT)
    assert found == Found("period", [("newer", 100), ("new", 100), ("old", 300)], 100)


def test_what_came_after_the_refund_or_is_too_old_is_not_looked_at() -> None:
    purchases = [bought("after", "m", -1, 500), bought("ancient", "m", 401, 500), bought("gone", "m", 1, 0)]
    assert match(purchases, "m", 500, AT) == Found("period", [], 500)


PURCHASES = st.lists(
    st.builds(bought, st.uuids().map(str), st.sampled_from("mn"), st.integers(-5, 450), st.integers(0, 900)), max_size=8
)


@given(PURCHASES, st.sampled_from("mno"), st.integers(0, 2_000))
def test_nothing_is_lost_and_no_purchase_gives_more_than_is_left(
    purchases: list[Open], merchant: str, minor: int
) -> None:
    found = match(purchases, merchant, minor, AT)
    left = {one.origin: one.left_minor for one in purchases}
    assert sum(part for _, part in found.parts) + found.rest_minor == minor
    assert all(0 <= part <= left[origin] for origin, part in found.parts)
    assert len({origin for origin, _ in found.parts}) == len(found.parts)
    assert match(list(reversed(purchases)), merchant, minor, AT) == found
