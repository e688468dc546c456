"""Reading banks' messages as words about payments from here: pain.002 status reports, camt.054 and camt.053.

A status report is about one file, and is refused if that is not from here or had another number of payments. An account
report is about everything on an account. What it says of payments from here is taken, and of money that a partner paid
in with the name of its payment in the reference; the rest is for the reconciliation with the bank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.core.bank_entries import BOOKED, BankEntry, BankTransaction
from settlement.core.payment_ids import NAME, RECEIVE
from settlement.core.payment_moves import REJECTED, RETURNED, SETTLED, Word
from settlement.core.status_reports import words as words_of_report
from settlement.errors import FileRefused
from settlement.formats import camt05x, pain002
from settlement.formats.xml_stream import elements, namespace
from settlement.store.payment_releases import Attempt, attempts_in, attempts_named
from settlement.store.payments import named, standings

RECEIVED = "received"
"""What a credit says that brings nothing back; no state."""
_RETURN = "/RRTN"
"""The sub-family of ISO 20022's bank transaction codes for payments that come back."""


class Said(NamedTuple):
    """A word with the payment and the attempt that it is about; "" and 0 where there are none of that name."""

    word: Word
    payment: str = ""
    attempt: int = 0


class BankMessage(NamedTuple):
    """A bank's message: which one it is, the bank's name of it, and what it says, in its order."""

    message: str
    message_id: str
    said: Sequence[Said]


def read(connection: Connection, path: Path) -> BankMessage:
    """Read a message; raises `FileRefused` for a file that is none, or is about a file that is not from here."""
    message = _kind(path)
    if message.startswith("pain.002"):
        return _status_report(connection, path)
    if message.startswith((camt05x.NOTIFICATION, camt05x.STATEMENT)):
        return _account_report(connection, path, message)
    raise FileRefused(f"is neither pain.002 nor camt.054 or camt.053, but {message[:60]!r}")


def _status_report(connection: Connection, path: Path) -> BankMessage:
    report = pain002.read(path)
    sent = {one.end_to_end_id: one for one in attempts_in(connection, report.original_message_id)}
    if not sent:
        raise FileRefused(f"is about {report.original_message_id!r}, and no file from here has that name")
    if report.original_count not in {None, len(sent)}:
        counted = f"{report.original_count} payments, and that file had {len(sent)}"
        raise FileRefused(f"is about {report.original_message_id} with {counted}; ask the bank what it got")
    said = [_about(word, sent.get(word.end_to_end_id)) for word in words_of_report(report, [*sent])]
    return BankMessage(report.message, report.message_id, said)


def _account_report(connection: Connection, path: Path, message: str) -> BankMessage:
    words: list[Word] = []
    statements: list[str] = []
    for part in camt05x.read(path):
        if isinstance(part, BankEntry):
            words += _entry_words(connection, part)
        else:
            statements.append(part.statement_id)
    return BankMessage(message, " ".join(statements), _ours(connection, words))


def _ours(connection: Connection, words: Sequence[Word]) -> list[Said]:
    """The words about payments from here; a payment that a partner makes has one attempt, and bears its own name."""
    names = {word.end_to_end_id for word in words}
    attempts = attempts_named(connection, names)
    paid_in = {one.payment.payment for one in standings(connection, named(names)) if one.payment.direction == RECEIVE}
    return [
        Said(word, word.end_to_end_id, 1)
        if word.end_to_end_id in paid_in
        else _about(word, attempts[word.end_to_end_id])
        for word in words
        if word.end_to_end_id in paid_in or word.end_to_end_id in attempts
    ]


def _about(word: Word, attempt: Attempt | None) -> Said:
    return Said(word, attempt.payment, attempt.attempt) if attempt else Said(word)


def _entry_words(connection: Connection, entry: BankEntry) -> Iterator[Word]:
    says = _says(entry)
    if entry.status != BOOKED or not says:
        return
    for one in entry.transactions:
        amount_minor = None if one.amount_minor is None else abs(one.amount_minor)
        name = one.end_to_end_id if says != RECEIVED else _name_in(one)
        yield Word(
            name, SETTLED if says == RECEIVED else says, entry.bank_code, one.return_reason, amount_minor, one.currency
        )
    if entry.batch and not entry.transactions and says != RECEIVED:
        yield from _batch_words(connection, entry, says)


def _says(entry: BankEntry) -> str:
    """A debit settled a payment; a credit brought one back if the bank calls it a return, and else money came in."""
    if entry.amount_minor < 0:
        return "" if entry.is_reversal else SETTLED
    is_return = entry.bank_code.endswith(_RETURN) or any(one.return_reason for one in entry.transactions)
    return RETURNED if is_return or entry.is_reversal else RECEIVED


def _name_in(transaction: BankTransaction) -> str:
    """The name of a payment that a partner quotes wherever its bank lets it; "" where it quotes none."""
    places = (transaction.end_to_end_id, transaction.creditor_reference, transaction.unstructured)
    found = (NAME.search("".join(text.split()).upper()) for text in places)
    return next((match[0] for match in found if match), "")


def _batch_words(connection: Connection, entry: BankEntry, says: str) -> Iterator[Word]:
    """One entry for a whole file: a word for each payment that the bank did not reject, if the entry is their sum.

    If it is not, nobody can tell which of them it is, so each gets the amount of the entry, which is not its own.
    """
    total_minor = abs(entry.amount_minor)
    booked = _not_rejected(connection, attempts_in(connection, entry.batch))
    is_sum = sum(one.amount_minor for one in booked) == total_minor
    for one in booked:
        if is_sum or one.amount_minor != total_minor:
            amount_minor = one.amount_minor if is_sum else total_minor
            yield Word(one.end_to_end_id, says, entry.bank_code, "", amount_minor, entry.currency)


def _not_rejected(connection: Connection, attempts: list[Attempt]) -> list[Attempt]:
    found = standings(connection, named({one.payment for one in attempts}))
    by_name = {one.payment.payment: one for one in found}
    return [one for one in attempts if by_name[one.payment].state_of(one.attempt) != REJECTED]


def _kind(path: Path) -> str:
    for _, root in elements(path, frozenset()):
        return namespace(root).rpartition(":")[2]
    raise FileRefused("is empty")
