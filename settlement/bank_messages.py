"""What banks say of payments, taken from their messages: pain.002 status reports, camt.054 and camt.053 entries.

A message is taken once, by the digest of its file. Each thing that it says of a payment is kept with what became of it,
so that what was late, doubled or against earlier words can be read afterwards; see `settlement.core.payment_moves`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql

from settlement.core.bank_entries import BOOKED, BankEntry
from settlement.core.payment_moves import (
    APPLIED,
    REJECTED,
    RETURNED,
    SETTLED,
    UNKNOWN,
    Answer,
    PaymentMove,
    Standing,
    Word,
    answer,
    following,
)
from settlement.core.people import signature
from settlement.core.status_reports import words as words_of_report
from settlement.errors import FileRefused
from settlement.formats import camt05x, pain002
from settlement.formats.xml_stream import elements, namespace
from settlement.payment_releases import sent_names
from settlement.store.payment_tables import bank_message, bank_word, payment_release_item
from settlement.store.payments import add_moves, named, standings

_RETURN = "/RRTN"
"""The sub-family of ISO 20022's bank transaction codes for payments that come back."""


class Heard(NamedTuple):
    """A word with what became of it; `payment` is "" where no payment has the name."""

    payment: str
    word: Word
    outcome: str
    detail: str


class Taken(NamedTuple):
    """A message that was taken in: what it is, and all it says; `repeated` when the very file was taken before."""

    message: str
    message_id: str
    repeated: bool
    heard: list[Heard]


class _Message(NamedTuple):
    message: str
    message_id: str
    words: list[Word]


def take(connection: Connection, path: Path, *, author: str, at: datetime) -> Taken:
    """Take a bank's message in and move the payments that it is about; the same file again changes nothing.

    Raises `FileRefused` for a file that is none of these messages, and for a report about a file that is not from here.
    """
    digest, read = _digest(path), _read(connection, path)
    head = {"digest": digest, "message": read.message, "message_id": read.message_id}
    added = postgresql.insert(bank_message).values(**head, author=signature(author), at=at)
    if connection.execute(added.on_conflict_do_nothing().returning(bank_message.c.digest)).first() is None:
        return Taken(read.message, read.message_id, True, heard(connection, digest))
    by = PaymentMove("", 0, 0, "", signature(author), at, f"{read.message} {read.message_id}")
    said = list(_applied(connection, read.words, by))
    rows = [{"digest": digest, "place": place, **_row(one)} for place, one in enumerate(said, 1)]
    if rows:
        connection.execute(insert(bank_word), rows)
    return Taken(read.message, read.message_id, False, said)


def heard(connection: Connection, digest: bytes) -> list[Heard]:
    """What a message said, and what became of it when it was taken."""
    query = select(bank_word).where(bank_word.c.digest == digest).order_by(bank_word.c.place)
    rows = connection.execute(query).all()
    attempts = _attempts(connection, {row.end_to_end_id for row in rows})
    return [
        Heard(
            attempts.get(row.end_to_end_id, ("", 0))[0],
            Word(row.end_to_end_id, row.says, row.code, row.reason),
            row.outcome,
            row.detail,
        )
        for row in rows
    ]


def _applied(connection: Connection, words: list[Word], by: PaymentMove) -> Iterator[Heard]:
    """What becomes of each word, in order; all payments that they are about are held."""
    attempts = _attempts(connection, {word.end_to_end_id for word in words})
    held = {
        one.payment.payment: one
        for one in standings(connection, named({name for name, _ in attempts.values()}), hold=True)
    }
    moves: list[PaymentMove] = []
    for word in words:
        name, attempt = attempts.get(word.end_to_end_id, ("", 0))
        decided = answer(held[name], attempt, word) if name else _unknown(word)
        if decided.outcome == APPLIED:
            new = following(held[name], decided.steps, by._replace(reason=word.reason))
            held[name] = Standing(held[name].payment, (*held[name].moves, *new))
            moves += new
        yield Heard(name, word, decided.outcome, decided.detail)
    add_moves(connection, moves)


def _unknown(word: Word) -> Answer:
    return Answer(UNKNOWN, f"no file from here has a payment {word.end_to_end_id}")


def _attempts(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Payment and attempt by the names that attempts bear; those that are in no release's file are left out."""
    item = payment_release_item.c
    query = select(item.end_to_end_id, item.payment, item.attempt).where(item.end_to_end_id.in_(list(names)))
    return {row.end_to_end_id: (row.payment, row.attempt) for row in connection.execute(query)}


def _read(connection: Connection, path: Path) -> _Message:
    message = _kind(path)
    if message.startswith("pain.002"):
        return _status_report(connection, path)
    if message.startswith((camt05x.NOTIFICATION, camt05x.STATEMENT)):
        return _account_report(connection, path, message)
    raise FileRefused(f"is neither pain.002 nor camt.054 or camt.053, but {message[:60]!r}")


def _status_report(connection: Connection, path: Path) -> _Message:
    report = pain002.read(path)
    sent = sent_names(connection, report.original_message_id)
    if not sent:
        raise FileRefused(f"is about {report.original_message_id!r}, and no file from here has that name")
    if report.original_count not in {None, len(sent)}:
        counted = f"{report.original_count} payments, and that file had {len(sent)}"
        raise FileRefused(f"is about {report.original_message_id} with {counted}; ask the bank what it got")
    return _Message(report.message, report.message_id, list(words_of_report(report, sent)))


def _account_report(connection: Connection, path: Path, message: str) -> _Message:
    """What an account report says of payments from here; the rest of it is for the reconciliation with the bank."""
    words: list[Word] = []
    statements: list[str] = []
    for read in camt05x.read(path):
        if isinstance(read, BankEntry):
            words += _entry_words(connection, read)
        else:
            statements.append(read.statement_id)
    ours = _attempts(connection, {word.end_to_end_id for word in words})
    return _Message(message, " ".join(statements), [word for word in words if word.end_to_end_id in ours])


def _entry_words(connection: Connection, entry: BankEntry) -> Iterator[Word]:
    says = _says(entry)
    if entry.status != BOOKED or not says:
        return
    for one in entry.transactions:
        amount_minor = None if one.amount_minor is None else abs(one.amount_minor)
        yield Word(one.end_to_end_id, says, entry.bank_code, one.return_reason, amount_minor, one.currency)
    if entry.batch and not entry.transactions:
        yield from _batch_words(connection, entry, says)


def _says(entry: BankEntry) -> str:
    """A debit settled a payment; a credit brought one back if the bank calls it a return or a reversal."""
    if entry.amount_minor < 0:
        return "" if entry.is_reversal else SETTLED
    is_return = entry.bank_code.endswith(_RETURN) or any(one.return_reason for one in entry.transactions)
    return RETURNED if is_return or entry.is_reversal else ""


def _batch_words(connection: Connection, entry: BankEntry, says: str) -> Iterator[Word]:
    """One entry for a whole file: a word for each payment that the bank did not reject, if the entry is their sum.

    If it is not, nobody can tell which of them it is, so each gets the amount of the entry, which is not its own.
    """
    total_minor = abs(entry.amount_minor)
    rows = _accepted(connection, entry.batch)
    is_sum = sum(minor for _, minor in rows) == total_minor
    for name, minor in rows:
        if is_sum or minor != total_minor:
            yield Word(name, says, entry.bank_code, "", minor if is_sum else total_minor, entry.currency)


def _accepted(connection: Connection, release: str) -> list[tuple[str, int]]:
    """Names and amounts of the payments in a file that were not rejected."""
    item = payment_release_item.c
    query = select(item.end_to_end_id, item.payment, item.attempt, item.amount_minor).where(item.release == release)
    rows = connection.execute(query).all()
    held = {one.payment.payment: one for one in standings(connection, named({row.payment for row in rows}))}
    return [
        (row.end_to_end_id, row.amount_minor) for row in rows if held[row.payment].state_of(row.attempt) != REJECTED
    ]


def _kind(path: Path) -> str:
    for _, root in elements(path, frozenset()):
        return namespace(root).rpartition(":")[2]
    raise FileRefused("is empty")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _row(said: Heard) -> dict[str, str]:
    word = said.word
    return {
        "end_to_end_id": word.end_to_end_id,
        "says": word.says,
        "code": word.code,
        "reason": word.reason,
        "outcome": said.outcome,
        "detail": said.detail,
    }
