"""Reconciliation of lines: the passes in their order, each category, and all of it at once with planted faults."""

from __future__ import annotations

from datetime import date
from random import Random
from time import perf_counter, process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.reconciliation import CATEGORIES, Break, Line, Match, Outcome, Rules, incomplete, reconcile
from tests.settlement.core.reconciliation.planted import copy

DAY = date(2017, 2, 7)
BANK = Rules(right="bank")
SAMPLE_BANK = [
    ("B-4001", 1500000),
    ("B-4002", 875025),
    ("B-4003", 4200000),
    ("B-4004", 320050),
    ("B-4005", 91000),
    ("B-4006", 640000),
]
SAMPLE_BOOKS = [("b 4001", 1500002), ("b-4002 ", 875025), ("B4003", 4200000), ("B - 4004", 620050), ("b4005", 91000)]


def line(key: str, amount_minor: int, reference: str = "", day: date = DAY, **more: object) -> Line:
    return Line(key, reference, amount_minor, "EUR", day)._replace(**more)  # type: ignore[arg-type]


def held(lefts: list[Line], rights: list[Line], rules: Rules = BANK, elsewhere: tuple[Line, ...] = ()) -> Outcome:
    """Reconcile, and prove that it is complete."""
    outcome = reconcile(lefts, rights, rules, elsewhere)
    assert incomplete(lefts, rights, outcome) == []
    return outcome


def sides(found: Match | Break) -> tuple[str, str]:
    return " ".join(found.left), " ".join(found.right)


def matched(outcome: Outcome) -> dict[tuple[str, str], str]:
    return {sides(one): one.by for one in outcome.matches}


def broken(outcome: Outcome) -> dict[tuple[str, str], str]:
    return {sides(one): one.category for one in outcome.breaks}


@pytest.mark.parametrize("tolerance_minor", [0, 1, 2, 100])
def test_the_sample_of_bank_and_books(tolerance_minor: int) -> None:
    books = [line(f"h{reference[-4:]}".strip(), minor, reference) for reference, minor in SAMPLE_BOOKS]
    books = [one._replace(key=f"book {place}") for place, one in enumerate(books, 4001)]
    bank = [line(f"bank {place}", minor, name) for place, (name, minor) in enumerate(SAMPLE_BANK, 4001)]
    outcome = held(books, bank, Rules(tolerance_minor, 0, "bank"))
    same = {(f"book {number}", f"bank {number}"): "exact" for number in (4002, 4003, 4005)}
    first = ("book 4001", "bank 4001")
    breaks = {("book 4004", "bank 4004"): "amount", ("", "bank 4006"): "missing_in_hub"}
    if tolerance_minor >= 2:
        assert matched(outcome) == same | {first: "tolerance"}
        assert broken(outcome) == breaks
    else:
        assert matched(outcome) == same
        assert broken(outcome) == breaks | {first: "amount"}
    [amount] = [one for one in outcome.breaks if one.left == ("book 4004",)]
    assert amount.difference_minor == -300000
    assert amount.detail == "6200.50 EUR and 3200.50 EUR, -3000.00 apart"


HUB = line("l", 90, "e1", points=100, price_version=1, issuer="bank", redeemer="fuel", cycle="2017-01")


@pytest.mark.parametrize(
    ("change", "category"),
    [
        ({"amount_minor": 91}, "amount"),
        ({"points": 99}, "amount"),
        ({"price_version": 2}, "price_version"),
        ({"price_version": 2, "amount_minor": 80}, "price_version"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "USD", "amount_minor": -90}, "currency"),
        ({"day": date(2017, 2, 9)}, "timing"),
        ({"cycle": "2017-02"}, "timing"),
        ({"issuer": "grocer"}, "attribution"),
        ({"redeemer": "grocer", "amount_minor": 80}, "attribution"),
        ({"amount_minor": -90}, "reversed"),
        ({"amount_minor": 88, "fee_minor": 2}, "fee"),
        ({"amount_minor": 87, "fee_minor": 2}, "amount"),
    ],
)
def test_two_lines_of_one_reference_break_in_one_category(change: dict[str, object], category: str) -> None:
    outcome = held([HUB], [HUB._replace(key="r", **change)], Rules(0, 1))  # type: ignore[arg-type]
    assert broken(outcome) == {("l", "r"): category}


def test_what_a_side_does_not_know_is_not_compared() -> None:
    outcome = held([HUB], [line("r", 90, "E1", date(2017, 2, 8))], Rules(0, 1))
    assert matched(outcome) == {("l", "r"): "exact"}


def test_a_line_that_is_there_twice_is_a_duplicate_once() -> None:
    rights = [line("r1", 90, "e1"), line("r2", 90, "E 1"), line("r3", 50, "e1"), line("r4", -90, "e1")]
    assert broken(held([HUB], rights)) == {("", "r2"): "duplicate", ("", "r3"): "duplicate", ("", "r4"): "reversed"}
    unknown = [line("r1", 5, "x"), line("r2", 5, "x"), line("r3", 6, "x")]
    found = broken(held([], unknown))
    assert found == {("", "r1"): "missing_in_hub", ("", "r2"): "duplicate", ("", "r3"): "missing_in_hub"}


def test_references_that_only_look_alike_stay_two() -> None:
    outcome = held([line("l1", 5, "1-1"), line("l2", 5, "11")], [line("r1", 5, "11"), line("r2", 5, "1-1")])
    assert matched(outcome) == {("l1", "r2"): "exact", ("l2", "r1"): "exact"}


def test_amount_and_date_alone_match_only_what_is_unique_both_ways() -> None:
    lefts = [line("l1", 70, "p1"), line("l2", 80, "p2"), line("l3", 80, "p3"), line("l4", 60, "p4")]
    rights = [line("r1", 70), line("r2", 80), line("r4", 60, "quite another"), line("r5", 33)]
    outcome = held(lefts, rights)
    assert matched(outcome) == {("l1", "r1"): "amount_and_date"}
    assert broken(outcome) == {
        ("l2", ""): "ambiguous",
        ("l3", ""): "ambiguous",
        ("", "r2"): "ambiguous",
        ("l4", ""): "missing_in_bank",
        ("", "r4"): "missing_in_hub",
        ("", "r5"): "unidentified_receipt",
    }


def test_days_decide_what_is_the_same_amount_and_date() -> None:
    far = [line("r1", 70, day=date(2017, 2, 9))]
    assert matched(held([line("l1", 70, "p1")], far, Rules(0, 2, "bank"))) == {("l1", "r1"): "amount_and_date"}
    assert broken(held([line("l1", 70, "p1")], far, Rules(0, 1, "bank"))) == {
        ("l1", ""): "missing_in_bank",
        ("", "r1"): "unidentified_receipt",
    }


def test_many_to_one_by_batch_both_ways() -> None:
    payments = [line("l1", -200, "f", batch="PAY-1"), line("l2", -50, "p", batch="PAY-1")]
    assert matched(held(payments, [line("r", -250, "pay 1")])) == {("l1 l2", "r"): "batch"}
    assert matched(held([line("l", 250, "x-1")], [line("r1", 200, batch="X1"), line("r2", 50, batch="X1")])) == {
        ("l", "r1 r2"): "batch"
    }
    assert matched(held([line("l", 250, "x")], [line("r1", 200, "x"), line("r2", 50, "X")])) == {
        ("l", "r1 r2"): "batch"
    }


def test_a_batch_that_does_not_add_up_is_one_break_of_all_its_lines() -> None:
    payments = [line("l1", -200, "f", batch="PAY-1"), line("l2", -50, "p", batch="PAY-1")]
    [found] = held(payments, [line("r", -240, "pay 1")]).breaks
    assert (found.category, found.difference_minor, sides(found)) == ("amount", 10, ("l1 l2", "r"))
    event = [HUB._replace(key="l1", batch="e1"), HUB._replace(key="l2", batch="e1", issuer="grocer")]
    [found] = held(event, [line("r", 170, "e1", points=200)]).breaks
    assert (found.category, found.difference_minor) == ("amount", -10)


def test_a_fee_of_the_bank_and_what_it_takes_back() -> None:
    rights = [line("r1", -25, is_fee=True), line("r2", 50, "p1", reverses="p1"), line("r3", -50, "p1"), line("r4", -9)]
    assert broken(held([line("l1", -50, "p1")], rights)) == {
        ("", "r1"): "fee",
        ("", "r2"): "reversed",
        ("", "r4"): "missing_in_hub",
    }


def test_what_we_took_back_and_the_partner_does_not_know() -> None:
    back = HUB._replace(key="l2", reference="e2", amount_minor=-90, points=-100, reverses="e1")
    assert broken(held([HUB, back], [HUB._replace(key="r")], Rules())) == {("l2", ""): "reversed"}
    assert broken(held([HUB, back], [], Rules())) == {("l", ""): "reversed", ("l2", ""): "reversed"}
    part = back._replace(amount_minor=-30)
    assert broken(held([HUB, part], [], Rules())) == {("l", ""): "missing_in_partner", ("l2", ""): "reversed"}
    assert broken(held([back], [back._replace(key="r", reverses=None)], Rules())) == {}


def test_a_line_of_another_cycle_is_a_break_of_timing() -> None:
    elsewhere = HUB._replace(key="later", reference="e-9", cycle="2017-02")
    [found] = held([], [line("r", 90, "E9")], Rules(), (elsewhere,)).breaks
    assert (found.category, found.detail) == ("timing", "we have it in 2017-02")


def test_completeness_names_what_is_missing_or_twice() -> None:
    lefts, rights = [HUB], [HUB._replace(key="r")]
    outcome = reconcile(lefts, rights, Rules())
    twice = Outcome([*outcome.matches, *outcome.matches], [])
    assert "is 2 times in the outcome" in str(incomplete(lefts, rights, twice)[0])
    assert {one.row for one in incomplete(lefts, rights, Outcome([], []))} == {
        "left l",
        "right r",
        "left EUR",
        "right EUR",
    }
    less = Outcome([outcome.matches[0]._replace(right_minor=89)], [])
    assert [str(one) for one in incomplete(lefts, rights, less)] == [
        "[completeness] right EUR: matched and broken are -1 off the source"
    ]


LINES = st.builds(
    Line,
    st.just(""),
    st.sampled_from(["", "a", "A ", "b", "a-b"]),
    st.integers(-3, 3),
    st.sampled_from(["EUR", "USD"]),
    st.dates(date(2017, 1, 1), date(2017, 1, 4)),
    st.sampled_from(["", "a", "c"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 1]),
    st.sampled_from([None, "x", "y"]),
    reverses=st.sampled_from([None, "a"]),
    is_fee=st.booleans(),
    fee_minor=st.integers(0, 1),
)
SIDE = st.lists(LINES, max_size=9).map(lambda lines: [one._replace(key=f"{n}") for n, one in enumerate(lines)])


@settings(max_examples=150)
@given(SIDE, SIDE, SIDE, st.integers(0, 2), st.integers(0, 2), st.randoms(use_true_random=False))
def test_every_line_is_somewhere_once_whatever_the_lines_and_their_order(
    lefts: list[Line], rights: list[Line], elsewhere: list[Line], tolerance: int, days: int, draw: Random
) -> None:
    rules = Rules(tolerance, days)
    outcome = held(lefts, rights, rules, tuple(elsewhere))
    assert {one.category for one in outcome.breaks} <= {*CATEGORIES}
    draw.shuffle(lefts)
    draw.shuffle(rights)
    assert reconcile(lefts, rights, rules, elsewhere) == outcome


def test_planted_faults_are_found_and_none_invented(seed: int, soaking: bool) -> None:
    """With `--soak` 200,000 lines, whose time is printed; of a processor it must stay under a minute."""
    size, faults = (200_000, 500) if soaking else (3_000, 20)
    made = copy(size, faults, seed)
    began, began_processor = perf_counter(), process_time()
    outcome = held(made.ours, made.theirs, Rules(), tuple(made.elsewhere))
    seconds, processor = perf_counter() - began, process_time() - began_processor
    found = {(one.category, one.left, one.right) for one in outcome.breaks}
    assert found == made.planted, f"seed {seed}"
    assert len(outcome.matches) + sum(bool(one.left) for one in outcome.breaks) == size
    took = f"{seconds:.1f} s, {processor:.1f} s of a processor"
    print(f"{size:,} lines against {len(made.theirs):,} in {took}; {len(found):,} breaks; seed {seed}")
    assert processor < 60
