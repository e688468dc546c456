"""Direct payments: they settle every net, in the fewest payments there can be, and beside a plain search for them."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.direct_payments import EXACT_PARTNERS, DirectPayment, direct_payments
from settlement.errors import NotBalanced


def balanced(minors: list[int]) -> dict[str, int]:
    """Nets of partners p0, p1 ... and of one more, whom the others leave with what makes all add up to zero."""
    return {f"p{place}": minor for place, minor in enumerate([*minors, -sum(minors)])}


SMALL = st.lists(st.integers(-6, 6), max_size=7).map(balanced)
MANY = st.lists(st.integers(-99, 99), unique_by=abs, min_size=EXACT_PARTNERS + 5, max_size=40).map(balanced)
ANY = st.one_of(st.lists(st.integers(-(10**12), 10**12), max_size=10).map(balanced), MANY)


def fewest_by_trying(nets: dict[str, int]) -> int:
    """The fewest payments, by trying every set as the group of the first partner."""
    names = [name for name, minor in nets.items() if minor]

    def groups(left: tuple[str, ...]) -> int:
        if not left:
            return 0
        first, *others = left
        found = 0
        for size in range(len(others) + 1):
            for more in combinations(others, size):
                if nets[first] + sum(nets[name] for name in more) == 0:
                    found = max(found, 1 + groups(tuple(name for name in others if name not in more)))
        return found

    return len(names) - groups(tuple(names))


def test_five_partners_settle_in_three_payments() -> None:
    nets = dict(zip("abcde", [-3, 3, 2, -4, 2], strict=True))
    found = direct_payments(nets)
    assert found.payments == [DirectPayment("a", "b", 3), DirectPayment("d", "c", 2), DirectPayment("d", "e", 2)]
    assert (found.fewest, found.at_least) == (True, 3)


def test_the_example_of_three_partners_takes_two_payments() -> None:
    found = direct_payments({"UK": -632517, "FR": 841000, "SA": -208483})
    assert found.payments == [DirectPayment("SA", "FR", 208483), DirectPayment("UK", "FR", 632517)]


@given(ANY)
def test_payments_settle_every_net(nets: dict[str, int]) -> None:
    found = direct_payments(nets)
    left = Counter(nets)
    for payer, payee, amount in found.payments:
        assert amount > 0
        assert payer != payee
        left[payer] += amount
        left[payee] -= amount
    assert not any(left.values())


@given(SMALL)
def test_no_way_takes_fewer_payments(nets: dict[str, int]) -> None:
    found = direct_payments(nets)
    assert found.fewest
    assert len(found.payments) == found.at_least == fewest_by_trying(nets)


@given(SMALL, st.randoms(use_true_random=False))
def test_order_and_names_change_nothing(nets: dict[str, int], random: Random) -> None:
    items = [*nets.items()]
    random.shuffle(items)
    assert direct_payments(dict(items)) == direct_payments(nets)
    renamed = {f"renamed-{place}": minor for place, (_, minor) in enumerate(items)}
    assert len(direct_payments(renamed).payments) == len(direct_payments(nets).payments)


@given(MANY)
def test_many_partners_settle_within_the_bound(nets: dict[str, int]) -> None:
    """Never as many payments as partners, and never twice the fewest, whether these were looked for or not."""
    found = direct_payments(nets)
    taking_part = sum(minor != 0 for minor in nets.values())
    assert found.at_least <= len(found.payments) <= max(taking_part - 1, 0)
    assert len(found.payments) < 2 * found.at_least or not found.payments


def test_the_bound_is_named_where_the_fewest_are_not_looked_for() -> None:
    """Powers of two for 19 partners: no two cancel out and no part of them adds up to zero."""
    nets = balanced([2**place for place in range(EXACT_PARTNERS)])
    found = direct_payments(nets)
    assert (len(nets), len(found.payments), found.at_least, found.fewest) == (19, 18, 18, True)
    mixed = balanced([2**place * (-1) ** place for place in range(EXACT_PARTNERS)])
    found = direct_payments(mixed)
    assert (len(found.payments), found.at_least, found.fewest) == (18, 10, False)


def test_eighteen_partners_are_parted_into_the_most_groups() -> None:
    """Six groups of three, none of which can be parted: 12 payments, where the plain rule alone may take 17."""
    groups = [(7 * 10**place, 6 * 10**place, -13 * 10**place) for place in range(6)]
    nets = {f"p{place}": minor for place, minor in enumerate(minor for group in groups for minor in group)}
    assert len(nets) == EXACT_PARTNERS
    found = direct_payments(nets)
    assert (len(found.payments), found.fewest) == (12, True)


def test_nets_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(NotBalanced, match="add up to 1,"):
        direct_payments({"a": 3, "b": -2})


def test_nobody_owes_anything() -> None:
    assert direct_payments({"a": 0}) == direct_payments({}) == ([], True, 0)
