"""What must hold of payments: they are what was due, their moves lead on from each other, and banks said so.

The journal takes amounts and moves of payments as they are stored. Three other records tell of the same: the published
dues, the moves of the cycle, and every word that a bank's messages said. A payment that was altered, dropped, slipped
in or moved by hand disagrees with one of them, and is named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from settlement.core.currency import written
from settlement.core.dues import Due
from settlement.core.findings import Finding
from settlement.core.moves import PAID_IN, PAID_OUT, STATES
from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import (
    ACCEPTED,
    PAYABLE,
    REJECTED,
    RELEASED,
    RETURNED,
    SENT,
    SETTLED,
    Payment,
    PaymentMove,
    Standing,
)
from settlement.core.payments_due import payments_of

_FOLLOWS: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        RECEIVE: {PAYABLE: (SETTLED,)},
        PAY: {
            PAYABLE: (RELEASED,),
            RELEASED: (SENT,),
            SENT: (ACCEPTED, SETTLED, REJECTED, RETURNED),
            ACCEPTED: (SETTLED, REJECTED, RETURNED),
            SETTLED: (RETURNED,),
            REJECTED: (PAYABLE,),
            RETURNED: (PAYABLE,),
        },
    }
)
"""Direction -> state -> the states that a payment may be in next."""
_BY_BANK = frozenset({ACCEPTED, SETTLED, REJECTED, RETURNED})
"""States into which only a bank's word moves what goes out."""


class Paid(NamedTuple):
    """A published cycle, the state that it is in, and its dues."""

    cycle: str
    state: str
    dues: Sequence[Due]


class Said(NamedTuple):
    """A bank's word that moved an attempt, by the name that the attempt bears."""

    end_to_end_id: str
    says: str


def check_payments(standings: Iterable[Standing], cycles: Iterable[Paid], said: Iterable[Said]) -> list[Finding]:
    """Hold all payments against the cycles that they are of, and against all that banks said."""
    there: defaultdict[str, dict[str, Standing]] = defaultdict(dict)
    for one in standings:
        there[one.payment.cycle][one.payment.payment] = one
    known = {one.cycle: one for one in cycles}
    found = [finding for name in sorted({*there, *known}) for finding in _of_cycle(there[name], known.get(name))]
    everything = [one for of_cycle in there.values() for one in of_cycle.values()]
    found += [finding for one in everything for finding in _of_moves(one)]
    return found + _of_words(everything, said)


def _of_cycle(there: Mapping[str, Standing], cycle: Paid | None) -> Iterator[Finding]:
    """The payments of a cycle are those of its dues, once they were made, and are as far as it is."""
    passed = STATES.index(cycle.state) if cycle else 0
    are_made = there or passed >= STATES.index(PAID_IN)
    due = payments_of(cycle.cycle, cycle.dues) if cycle and are_made else {}
    for name in sorted({*there, *due}):
        stored = there[name].payment if name in there else None
        if stored != due.get(name):
            yield Finding("payment", name, f"is {_words(stored)}, and due is {_words(due.get(name))}")
    for name, one in sorted(there.items()):
        settled = any(move.state == SETTLED for move in one.moves)
        step = PAID_IN if one.payment.direction == RECEIVE else PAID_OUT
        if passed >= STATES.index(step) and not settled:
            yield Finding("payment", name, f"was never settled, and its cycle is {step}")


def _of_moves(one: Standing) -> Iterator[Finding]:
    """Moves are counted from 1, and each may follow the one before."""
    if not one.moves:
        yield Finding("payment move", f"{one.payment.payment}/1", "is not there")
    before: PaymentMove | None = None
    for move in one.moves:
        if move.seq != (before.seq + 1 if before else 1) or not _may_follow(one.payment.direction, before, move):
            was = f"attempt {before.attempt} being {before.state}" if before else "nothing"
            detail = f"attempt {move.attempt} cannot be {move.state} after {was}"
            yield Finding("payment move", f"{one.payment.payment}/{move.seq}", detail)
        before = move


def _may_follow(direction: str, before: PaymentMove | None, move: PaymentMove) -> bool:
    if before is None:
        return (move.state, move.attempt) == (PAYABLE, 1)
    again = move.state == PAYABLE
    return move.state in _FOLLOWS[direction].get(before.state, ()) and move.attempt == before.attempt + again


def _of_words(standings: Sequence[Standing], said: Iterable[Said]) -> list[Finding]:
    """What a bank said of an attempt moved it, and nothing else moved what goes out; what came in a person may note."""
    names = {one.payment.payment: one.payment.direction for one in standings}
    moved = Counter(
        (one.payment.payment, move.attempt, move.state)
        for one in standings
        for move in one.moves
        if move.state in _BY_BANK
    )
    words = Counter((*_attempt(word.end_to_end_id, names), word.says) for word in said)
    found = []
    for key in sorted({*moved, *words}):
        name, attempt, state = key
        if words[key] > moved[key]:
            found.append(Finding("payment", name, f"a bank said that attempt {attempt} is {state}; it did not move"))
        elif moved[key] > words[key] and names[name] == PAY:
            found.append(Finding("payment", name, f"no bank said that attempt {attempt} is {state}"))
    return found


def _attempt(end_to_end_id: str, names: Mapping[str, str]) -> tuple[str, int]:
    """What a partner pays in has one attempt and bears its own name; other names end with the attempt's number."""
    if names.get(end_to_end_id) == RECEIVE:
        return end_to_end_id, 1
    name, _, attempt = end_to_end_id.rpartition("-")
    return (name, int(attempt)) if name in names and attempt.isdecimal() else (end_to_end_id, 1)


def _words(payment: Payment | None) -> str:
    if payment is None:
        return "nothing"
    amount = f"{written(payment.amount_minor, payment.currency)} {payment.currency}"
    return f"{amount} {'from' if payment.direction == RECEIVE else 'to'} {payment.partner}"
