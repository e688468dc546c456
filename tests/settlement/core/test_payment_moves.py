"""What a bank's word does to a payment, in whatever order banks say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.payment_ids import MAX_ATTEMPTS, PAY
from settlement.core.payment_moves import (
    ACCEPTED,
    APPLIED,
    CONTRADICTS,
    LATE,
    NOTED,
    OUTCOMES,
    PAYABLE,
    PENDING,
    REJECTED,
    RELEASED,
    REPEATED,
    RETURNED,
    SENT,
    SETTLED,
    STATES,
    UNKNOWN,
    WRONG_AMOUNT,
    Payment,
    PaymentMove,
    Standing,
    Word,
    answer,
    following,
)

DUE = Payment("P", "2017-01", "bakery", "EUR", PAY, 5012)
BY = PaymentMove("P", 0, 0, "", "bank", datetime(2017, 2, 6, tzinfo=UTC), "message")
SAYS = (PENDING, ACCEPTED, SETTLED, REJECTED, RETURNED)


def at(*states: str, attempt: int = 1) -> Standing:
    """A payment whose attempt went through these states."""
    return Standing(DUE, following(Standing(DUE, ()), [(attempt, state) for state in states], BY))


def heard(standing: Standing, attempt: int, says: str) -> tuple[str, Standing]:
    decided = answer(standing, attempt, Word("P-1", says, "CODE"))
    return decided.outcome, standing._replace(moves=[*standing.moves, *following(standing, decided.steps, BY)])


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        (SENT, [NOTED, APPLIED, APPLIED, APPLIED, APPLIED]),
        (ACCEPTED, [LATE, REPEATED, APPLIED, APPLIED, APPLIED]),
        (SETTLED, [LATE, LATE, REPEATED, CONTRADICTS, APPLIED]),
        (REJECTED, [LATE, LATE, CONTRADICTS, REPEATED, REPEATED]),
        (RETURNED, [LATE, LATE, LATE, LATE, REPEATED]),
        (PAYABLE, [CONTRADICTS] * 5),
        (RELEASED, [CONTRADICTS] * 5),
    ],
)
def test_every_word_at_every_state(state: str, outcomes: list[str]) -> None:
    standing = at(PAYABLE, state) if state != PAYABLE else at(PAYABLE)
    assert [answer(standing, 1, Word("P-1", says, "CODE")).outcome for says in SAYS] == outcomes


def test_every_state_is_in_the_table() -> None:
    assert {SENT, ACCEPTED, SETTLED, REJECTED, RETURNED, PAYABLE, RELEASED} == set(STATES)


@pytest.mark.parametrize("says", [REJECTED, RETURNED])
def test_what_came_back_is_payable_again_as_another_attempt(says: str) -> None:
    outcome, after = heard(at(PAYABLE, RELEASED, SENT), 1, says)
    assert outcome == APPLIED
    assert [(move.seq, move.attempt, move.state) for move in after.moves[-2:]] == [(4, 1, says), (5, 2, PAYABLE)]
    assert after.state_of(1) == says
    assert after.state == PAYABLE


def test_a_late_word_about_the_first_attempt_does_not_touch_the_second() -> None:
    _, standing = heard(at(PAYABLE, RELEASED, SENT), 1, REJECTED)
    standing = standing._replace(moves=[*standing.moves, *following(standing, [(2, RELEASED), (2, SENT)], BY)])
    assert heard(standing, 1, SETTLED) == (CONTRADICTS, standing)
    assert heard(standing, 2, SETTLED)[0] == APPLIED


def test_an_attempt_that_there_was_not() -> None:
    assert answer(at(PAYABLE, SENT), 2, Word("P-2", SETTLED, "ACSC")).outcome == UNKNOWN


def test_a_status_that_is_not_known_moves_nothing() -> None:
    decided = answer(at(PAYABLE, SENT), 1, Word("P-1", "", "ABCD"))
    assert (decided.outcome, decided.detail, decided.steps) == (UNKNOWN, "the status ABCD is not known here", ())


@pytest.mark.parametrize(("minor", "currency"), [(5011, "EUR"), (5012, "USD"), (0, "EUR")])
def test_another_amount_moves_nothing(minor: int, currency: str) -> None:
    decided = answer(at(PAYABLE, SENT), 1, Word("P-1", RETURNED, "", "AC04", minor, currency))
    assert decided.outcome == WRONG_AMOUNT
    assert decided.detail.endswith("instead of 50.12 EUR")
    assert decided.steps == ()


@pytest.mark.parametrize("state", [SENT, ACCEPTED])
@pytest.mark.parametrize("reason", ["DUPL", "AM05", "NARR AM05"])
def test_a_file_that_was_sent_twice_is_not_paid_again(state: str, reason: str) -> None:
    """The refusal may come before the bank's word about the first; taken for one, it would make the payment payable."""
    decided = answer(at(PAYABLE, state), 1, Word("P-1", REJECTED, "RJCT", reason))
    assert (decided.outcome, decided.steps) == (CONTRADICTS, ())


def test_names_end_and_payments_with_them() -> None:
    _, after = heard(at(SENT, attempt=MAX_ATTEMPTS), MAX_ATTEMPTS, REJECTED)
    assert after.state == REJECTED


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([*SAYS, "sent again"])), max_size=30))
def test_whatever_banks_say_a_payment_is_under_way_once_at_most(said: list[tuple[int, str]]) -> None:
    """An attempt begins only after the one before it failed, and a word said twice never moves anything twice."""
    standing = at(PAYABLE, RELEASED, SENT)
    for attempt, says in said:
        if says == "sent again":
            if standing.state == PAYABLE:
                last = standing.last.attempt
                more = following(standing, [(last, RELEASED), (last, SENT)], BY)
                standing = standing._replace(moves=[*standing.moves, *more])
            continue
        outcome, standing = heard(standing, attempt, says)
        assert outcome in OUTCOMES
        assert heard(standing, attempt, says)[0] != APPLIED
    assert [move.seq for move in standing.moves] == list(range(1, len(standing.moves) + 1))
    latest = standing.last.attempt
    assert all(standing.state_of(attempt) in {REJECTED, RETURNED} for attempt in range(1, latest))
