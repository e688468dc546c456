"""The moves of a payment, and what a bank's word about it does.

    payable -> released -> sent -> accepted -> settled
                              '---------'---> rejected, returned -> payable (the next attempt)

Banks answer late, twice, out of order, and sometimes against what they said before. A word only ever moves the attempt
that it is about forwards. What it says again changes nothing; what it says too late changes nothing; what cannot be
true beside what was said before changes nothing either and is told, for a person to ask the bank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from settlement.core.currency import written
from settlement.core.payment_ids import MAX_ATTEMPTS, RECEIVE

PAYABLE, RELEASED, SENT, ACCEPTED = "payable", "released", "sent", "accepted"
SETTLED, REJECTED, RETURNED = "settled", "rejected", "returned"
STATES = (PAYABLE, RELEASED, SENT, ACCEPTED, SETTLED, REJECTED, RETURNED)
PENDING = "pending"
"""What a bank says of a payment that it has not decided on; no state."""

APPLIED, NOTED, REPEATED, LATE = "applied", "noted", "repeated", "late"
CONTRADICTS, WRONG_AMOUNT, UNKNOWN = "contradicts", "wrong_amount", "unknown"
OUTCOMES = {
    APPLIED: "the payment moved",
    NOTED: "the bank has not decided yet",
    REPEATED: "it was known already",
    LATE: "the payment is further than that",
    CONTRADICTS: "it cannot be true beside what was said before; ask the bank",
    WRONG_AMOUNT: "the amount is not that of the payment; ask the bank",
    UNKNOWN: "no payment of this name was sent, or the code of the status is not known",
}
"""What may become of a bank's word, and what that means."""
TO_BE_LOOKED_AT = frozenset({CONTRADICTS, WRONG_AMOUNT, UNKNOWN})

DUPLICATE_REASONS = frozenset({"AM05", "DUPL"})
"""Codes by which a bank refuses what it has already; they say nothing of the payment that it has."""

_OUTCOME = {
    SENT: {PENDING: NOTED},
    ACCEPTED: {PENDING: LATE, ACCEPTED: REPEATED},
    SETTLED: {PENDING: LATE, ACCEPTED: LATE, SETTLED: REPEATED, REJECTED: CONTRADICTS},
    REJECTED: {PENDING: LATE, ACCEPTED: LATE, SETTLED: CONTRADICTS, REJECTED: REPEATED, RETURNED: REPEATED},
    RETURNED: {PENDING: LATE, ACCEPTED: LATE, SETTLED: LATE, REJECTED: LATE, RETURNED: REPEATED},
}
"""State of the attempt -> word -> outcome; what is not here moves the payment. Before `sent` no bank can know it."""


class Payment(NamedTuple):
    """What a partner is paid (`out`), or pays (`in`), for a cycle in a currency: minor units, above zero."""

    payment: str
    cycle: str
    partner: str
    currency: str
    direction: str
    amount_minor: int


class PaymentMove(NamedTuple):
    """One move: `author` or a bank's message (`source`) took an attempt, counted from 1, to a state.

    `reason` is the bank's code, empty where it gave none.
    """

    payment: str
    seq: int
    attempt: int
    state: str
    author: str
    at: datetime
    source: str
    reason: str = ""


class Word(NamedTuple):
    """What a bank says of one attempt: `says` is a state or `pending`, `code` and `reason` are as the bank wrote them.

    `amount_minor` is without a sign; None, and `currency` empty, where the bank says none.
    """

    end_to_end_id: str
    says: str
    code: str
    reason: str = ""
    amount_minor: int | None = None
    currency: str = ""


class Standing(NamedTuple):
    """A payment with all its moves, in order."""

    payment: Payment
    moves: Sequence[PaymentMove]

    @property
    def state(self) -> str:
        """Where the payment stands."""
        return self.last.state

    @property
    def last(self) -> PaymentMove:
        """The move that says where the payment stands."""
        return self.moves[-1]

    def state_of(self, attempt: int) -> str:
        """Where an attempt stands, or where it ended; empty for one that there was not."""
        return next((move.state for move in reversed(self.moves) if move.attempt == attempt), "")


class Answer(NamedTuple):
    """What becomes of a word: its outcome, what to tell of it, and the (attempt, state) that it moves to."""

    outcome: str
    detail: str = ""
    steps: Sequence[tuple[int, str]] = ()


def answer(standing: Standing, attempt: int, word: Word) -> Answer:
    """What a word about an attempt of a payment does, by where that attempt stands."""
    state, payment = standing.state_of(attempt), standing.payment
    if word.says not in {PENDING, *STATES}:
        return Answer(UNKNOWN, f"the status {word.code or '(none)'} is not known here")
    if payment.direction == RECEIVE:
        return _receipt(state, payment, word)
    if state not in _OUTCOME:
        detail = f"attempt {attempt} is {state}, no bank has it" if state else f"there was no attempt {attempt}"
        return Answer(CONTRADICTS if state else UNKNOWN, detail)
    if other := _other_amount(payment, word):
        return Answer(WRONG_AMOUNT, other)
    outcome = _OUTCOME[state].get(word.says, APPLIED)
    if outcome == APPLIED and word.says == REJECTED and not DUPLICATE_REASONS.isdisjoint(word.reason.split()):
        return Answer(CONTRADICTS, "it was refused as a duplicate; what the bank says of the first counts")
    if outcome == CONTRADICTS:
        return Answer(outcome, f"attempt {attempt} was {state} before")
    return Answer(outcome, "", _steps(attempt, word.says) if outcome == APPLIED else ())


def _receipt(state: str, payment: Payment, word: Word) -> Answer:
    """What becomes of a partner's payment when money came in under its name: notification and statement both say so."""
    if word.says != SETTLED or state not in {PAYABLE, SETTLED}:
        return Answer(CONTRADICTS, "a partner pays it in")
    if other := _other_amount(payment, word):
        return Answer(WRONG_AMOUNT, other)
    return Answer(REPEATED) if state == SETTLED else Answer(APPLIED, "", [(1, SETTLED)])


def _other_amount(payment: Payment, word: Word) -> str:
    """How the amount that the bank says differs; empty if it is the payment's, or the bank says none."""
    if word.amount_minor is None or (word.amount_minor, word.currency) == (payment.amount_minor, payment.currency):
        return ""
    said, due = written(word.amount_minor, word.currency), written(payment.amount_minor, payment.currency)
    return f"{said} {word.currency} instead of {due} {payment.currency}"


def _steps(attempt: int, says: str) -> list[tuple[int, str]]:
    """What was rejected or returned is payable again at once, unless it failed as often as names allow."""
    again = says in {REJECTED, RETURNED} and attempt < MAX_ATTEMPTS
    return [(attempt, says), *([(attempt + 1, PAYABLE)] if again else [])]


def following(standing: Standing, steps: Iterable[tuple[int, str]], by: PaymentMove) -> list[PaymentMove]:
    """The moves that come next, one for each (attempt, state), and in all else like `by`."""
    seq = standing.moves[-1].seq if standing.moves else 0
    return [
        by._replace(payment=standing.payment.payment, seq=seq + place, attempt=attempt, state=state)
        for place, (attempt, state) in enumerate(steps, 1)
    ]
