"""What moves of money post: payments in and out, what was put up as security, and what was written off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from settlement.core import security, write_offs
from settlement.core.books import chart
from settlement.core.books.chart import PAYABLE, RECEIVABLE, account
from settlement.core.books.entries import Entry, posting
from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import ACCEPTED, REJECTED, RETURNED, SENT, SETTLED, Standing

Pair = tuple[str, str]
_FROM_PARTNER: Mapping[str, Pair] = MappingProxyType({SETTLED: (chart.BANK, RECEIVABLE)})
_TO_PARTNER: Mapping[str, Pair] = MappingProxyType(
    {SENT: (PAYABLE, chart.PAYMENTS), SETTLED: (chart.PAYMENTS, chart.BANK), REJECTED: (chart.PAYMENTS, PAYABLE)}
)
_BACK_FROM: Mapping[str, Pair] = MappingProxyType(
    {SENT: (chart.PAYMENTS, PAYABLE), ACCEPTED: (chart.PAYMENTS, PAYABLE), SETTLED: (chart.BANK, PAYABLE)}
)
"""What a return posts, by the state from which the payment came back: before it was settled nothing had left."""

SECURITY: Mapping[str, str] = MappingProxyType(
    {
        security.COLLATERAL: chart.COLLATERAL,
        security.FUND_SHARE: chart.DEFAULT_FUND,
        security.PREPAID_BALANCE: chart.PREPAID,
        security.ASSESSMENT: chart.ASSESSMENT,
        security.GATHERED: chart.GATHERED,
        security.CAPITAL: chart.CAPITAL,
        security.BANK: chart.BANK,
    }
)
"""The accounts of security, by the part of their names before the partner."""
WRITE_OFFS: Mapping[str, str] = MappingProxyType(
    {write_offs.CLEARING: chart.CLEARING, write_offs.WRITE_OFF: chart.WRITE_OFF}
)


class Secured(NamedTuple):
    """An entry of an order about security, and the day on which it was booked."""

    order_id: str
    line: int
    day: date
    debit_account: str
    credit_account: str
    currency: str
    amount_minor: int


class WrittenOff(NamedTuple):
    """An entry by which a break was written off, and the day."""

    name: str
    day: date
    debit_account: str
    credit_account: str
    currency: str
    amount_minor: int


def of_payments(standings: Iterable[Standing]) -> Iterator[Entry]:
    """What payments posted by their moves, each on the day of the move."""
    for one in standings:
        state_before = ""
        for move in one.moves:
            pair = _pair(one.payment.direction, move.state, state_before)
            if pair:
                debit, credit = (_of_partner(name, one.payment.partner) for name in pair)
                words = f"payment {one.payment.payment} is {move.state}"
                name = f"payment/{one.payment.payment}/{move.seq:04}"
                postings = posting(debit, credit, one.payment.amount_minor)
                yield Entry(move.at.date(), name, words, one.payment.currency, postings)
            state_before = move.state


def of_security(rows: Iterable[Secured]) -> Iterator[Entry]:
    """What was put up, taken back and used; a row of an account that there is not is named by the checks alone."""
    for one in rows:
        if not {_kind(one.debit_account), _kind(one.credit_account)} <= {*SECURITY}:
            continue
        debit, credit = _of_security(one.debit_account), _of_security(one.credit_account)
        name, words = f"security/{one.order_id}/{one.line:04}", f"security: {one.order_id}"
        yield Entry(one.day, name, words, one.currency, posting(debit, credit, one.amount_minor))


def of_write_offs(rows: Iterable[WrittenOff]) -> Iterator[Entry]:
    """What was written off; a row of an account that there is not is named by the checks alone."""
    for one in rows:
        if not {one.debit_account, one.credit_account} <= {*WRITE_OFFS}:
            continue
        postings = posting(WRITE_OFFS[one.debit_account], WRITE_OFFS[one.credit_account], one.amount_minor)
        yield Entry(one.day, f"write-off/{one.name}/{one.currency}", f"write-off of {one.name}", one.currency, postings)


def _pair(direction: str, state: str, before: str) -> Pair | None:
    if direction == RECEIVE:
        return _FROM_PARTNER.get(state)
    assert direction == PAY
    return _BACK_FROM.get(before) if state == RETURNED else _TO_PARTNER.get(state)


def _of_partner(kind: str, partner: str) -> str:
    return account(kind, partner) if kind in {PAYABLE, RECEIVABLE} else account(kind)


def _of_security(name: str) -> str:
    return account(SECURITY[_kind(name)], name.partition(":")[2])


def _kind(name: str) -> str:
    prefix, sign, _ = name.partition(":")
    return prefix + sign
