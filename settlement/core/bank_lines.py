"""Entries of a bank as lines to reconcile: one a payment where the bank says what each was, one an entry otherwise.

A payer rarely puts a reference where it belongs. So each line has, beside the reference that the bank gives, all
others by which it may be known; when it is reconciled, the first of them that we expect is its reference.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from settlement.core.bank_entries import BOOKED, BankEntry, BankStatement, BankTransaction
from settlement.core.reconciliation import Line
from settlement.core.references import normalised
from settlement.errors import FileRefused

_FEES = frozenset({"CHRG", "COMM", "FEES"})
"""Families and sub-families of bank transaction codes (ISO 20022 external code set) that are charges."""
_LONGEST_TEXT = 500
_LONGEST_REFERENCE = 140
_MOST_REFERENCES = 50


class BankLine(NamedTuple):
    """A line with the other references by which it may be known, in their order, and what the bank says of it."""

    line: Line
    others: tuple[str, ...]
    account: str
    text: str


def lines_of(entry: BankEntry, statement: BankStatement) -> Iterator[BankLine]:
    """The lines of a booked entry; none of one that is not booked, for it may never be."""
    if entry.status != BOOKED:
        return
    name = f"{statement.account}/{statement.statement_id}/{entry.number:06d}"
    if entry.adds_up:
        for place, one in enumerate(entry.transactions, 1):
            yield _line(f"{name}/{place:06d}", entry, one, statement)
    else:
        yield _line(name, entry, _whole(entry), statement)


def expected_reference(reference: str, others: Sequence[str], expected: Container[str]) -> str:
    """The first of a line's references whose normalised form is expected; its own if none is."""
    return next((one for one in (reference, *others) if normalised(one) in expected), reference)


def _whole(entry: BankEntry) -> BankTransaction:
    """The entry as one payment; what a single payment behind it says counts for it."""
    said = entry.transactions[0] if len(entry.transactions) == 1 else BankTransaction(None, "")
    return said._replace(amount_minor=entry.amount_minor, currency=entry.currency)


def _line(key: str, entry: BankEntry, one: BankTransaction, statement: BankStatement) -> BankLine:
    day = entry.booked_on or entry.value_on or statement.ends_on
    if day is None or one.amount_minor is None:
        raise FileRefused(f"entry {entry.number} of statement {statement.statement_id!r} has no date")
    given = [name for name in (one.end_to_end_id, one.creditor_reference) if name]
    reference = given[0] if given else "" if len(entry.transactions) == 1 else entry.batch
    if len(reference) > _LONGEST_REFERENCE:
        where = f"entry {entry.number} of statement {statement.statement_id!r}"
        raise FileRefused(f"{where} has a reference of {len(reference)} characters")
    words = f"{one.unstructured} {entry.information}".split()
    others = dict.fromkeys([*given[1:], one.instruction_id, entry.reference, *words])
    goes_back = bool(one.return_reason) or entry.is_reversal
    line = Line(
        key,
        reference,
        one.amount_minor,
        one.currency,
        day,
        one.payment_information_id or entry.batch,
        reverses=(reference or entry.servicer_reference or key) if goes_back else None,
        is_fee=not _FEES.isdisjoint(entry.bank_code.split("/")),
        fee_minor=max(0, one.charges_minor),
    )
    return BankLine(line, tuple(filter(_is_reference, others))[:_MOST_REFERENCES], statement.account, _text(entry, one))


def _is_reference(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_REFERENCE


def _text(entry: BankEntry, one: BankTransaction) -> str:
    parts = (one.counterparty, one.unstructured, entry.information, one.return_reason)
    return " / ".join(part for part in parts if part)[:_LONGEST_TEXT]
