"""A report says something of a payment by itself, by its batch or by the group, in this order."""

from __future__ import annotations

import pytest

from settlement.core.bank_codes import REASONS, STATUSES, in_words
from settlement.core.payment_moves import ACCEPTED, PENDING, REJECTED, SETTLED, STATES, Word
from settlement.core.status_reports import StatusReport, TransactionStatus, words

SENT_NAMES = ["P-1", "Q-1", "R-1"]


def said(status: str, *transactions: TransactionStatus, reason: str = "") -> list[Word]:
    return list(words(StatusReport("pain.002.001.10", "M", "HANSA", 3, status, reason, transactions), SENT_NAMES))


def test_a_group_status_is_said_of_every_payment() -> None:
    assert said("ACCP") == [Word(name, ACCEPTED, "ACCP") for name in SENT_NAMES]
    assert said("RJCT", reason="FF01") == [Word(name, REJECTED, "RJCT", "FF01") for name in SENT_NAMES]


def test_what_is_said_of_a_payment_counts_more() -> None:
    one = TransactionStatus("Q-1", "RJCT", "AC04", 5012, "EUR")
    assert said("ACTC", one) == [
        Word("Q-1", REJECTED, "RJCT", "AC04", 5012, "EUR"),
        Word("P-1", ACCEPTED, "ACTC"),
        Word("R-1", ACCEPTED, "ACTC"),
    ]


@pytest.mark.parametrize("status", ["PART", ""])
def test_a_group_that_was_partly_accepted_says_nothing_of_the_others(status: str) -> None:
    assert said(status, TransactionStatus("Q-1", "ACSC", "")) == [Word("Q-1", SETTLED, "ACSC")]


def test_a_payment_named_without_a_status_has_that_of_the_group() -> None:
    assert said("RJCT", TransactionStatus("Q-1", "", ""), reason="AM04")[0] == Word("Q-1", REJECTED, "RJCT", "AM04")


def test_a_code_that_is_not_known_says_nothing() -> None:
    assert said("", TransactionStatus("Q-1", "ABCD", "")) == [Word("Q-1", "", "ABCD")]


def test_the_codes_say_states_or_that_it_is_pending() -> None:
    assert {*STATUSES.values()} <= {*STATES, PENDING}


def test_reasons_in_words() -> None:
    assert in_words("AC04 XYZ") == "AC04 (the account is closed), XYZ"
    assert all(len(code) == 4 and text[0].islower() for code, text in REASONS.items())
