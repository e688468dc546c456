"""The journal of a cycle as rows, one a posting, as an export has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from settlement.core.books.entries import Entry


class BookedRow(NamedTuple):
    """A posting of an entry, by its place in it."""

    entry: str
    place: int
    day: date
    words: str
    currency: str
    debit_account: str
    credit_account: str
    amount_minor: int


def rows_of(entries: Iterable[Entry]) -> list[BookedRow]:
    """The postings of entries, in their order."""
    return [
        BookedRow(entry.name, place, entry.day, entry.words, entry.currency, *one)
        for entry in entries
        for place, one in enumerate(entry.postings)
    ]


def booked_name(entry: str, place: int) -> str:
    """How messages name a posting."""
    return f"{entry} posting {place}"
