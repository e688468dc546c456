"""Taking in what banks say of payments, and moving the payments that it is about.

A message is taken once, by the digest of its file. Each thing that it says of a payment is kept with what became of it,
so that what was late, doubled or against earlier words can be read afterwards; see `settlement.core.payment_moves`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql

from settlement.core.payment_moves import APPLIED, UNKNOWN, Answer, PaymentMove, Standing, Word, answer, following
from settlement.core.people import signature
from settlement.payments import bank_words
from settlement.payments.bank_words import Said
from settlement.store.payment_releases import attempts_named
from settlement.store.payment_tables import bank_message, bank_word
from settlement.store.payments import add_moves, named, standings


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
    heard: Sequence[Heard]


def take(connection: Connection, path: Path, *, author: str, at: datetime) -> Taken:
    """Take a bank's message in and move the payments that it is about; the same file again changes nothing.

    Raises `FileRefused` for a file that is none of these messages, and for a report about a file that is not from here.
    """
    read, digest = bank_words.read(connection, path), _digest(path)
    head = {"digest": digest, "message": read.message, "message_id": read.message_id}
    added = postgresql.insert(bank_message).values(**head, author=signature(author), at=at)
    if connection.execute(added.on_conflict_do_nothing().returning(bank_message.c.digest)).first() is None:
        return Taken(read.message, read.message_id, True, heard(connection, digest))
    by = PaymentMove("", 0, 0, "", signature(author), at, f"{read.message} {read.message_id}")
    said = list(_applied(connection, read.said, by))
    rows = [{"digest": digest, "place": place, **_row(one)} for place, one in enumerate(said, 1)]
    if rows:
        connection.execute(insert(bank_word), rows)
    return Taken(read.message, read.message_id, False, said)


def heard(connection: Connection, digest: bytes) -> list[Heard]:
    """What a message said, and what became of it when it was taken."""
    query = select(bank_word).where(bank_word.c.digest == digest).order_by(bank_word.c.place)
    rows = connection.execute(query).all()
    names = {row.end_to_end_id for row in rows}
    payments = {name: one.payment for name, one in attempts_named(connection, names).items()}
    payments |= {one.payment.payment: one.payment.payment for one in standings(connection, named(names))}
    return [
        Heard(
            payments.get(row.end_to_end_id, ""),
            Word(row.end_to_end_id, row.says, row.code, row.reason),
            row.outcome,
            row.detail,
        )
        for row in rows
    ]


def _applied(connection: Connection, said: Sequence[Said], by: PaymentMove) -> Iterator[Heard]:
    """What becomes of each word, in order; all payments that they are about are held."""
    found = standings(connection, named({one.payment for one in said}), hold=True)
    held = {one.payment.payment: one for one in found}
    moves: list[PaymentMove] = []
    for word, payment, attempt in said:
        if not payment:
            yield Heard("", word, UNKNOWN, f"no such payment was in that file: {word.end_to_end_id}")
            continue
        decided = answer(held[payment], attempt, word)
        new = _moves(held[payment], decided, word, by)
        held[payment] = held[payment]._replace(moves=(*held[payment].moves, *new))
        moves += new
        yield Heard(payment, word, decided.outcome, decided.detail)
    add_moves(connection, moves)


def _moves(standing: Standing, decided: Answer, word: Word, by: PaymentMove) -> list[PaymentMove]:
    return following(standing, decided.steps, by._replace(reason=word.reason)) if decided.outcome == APPLIED else []


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
