"""The operator's books in money: the trial balance, the journal, and files for an accounting program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hub.core.errors import Refused
from hub.services.context import Hub
from settlement import books
from settlement.books import Books
from settlement.core.books.chart import kind_of
from settlement.formats.books_beancount import write_beancount
from settlement.formats.books_csv import write_journal, write_trial_balance
from settlement.formats.files import whole_file

Record = dict[str, Any]
FORMATS: Mapping[str, Callable[[Path, Books], None]] = MappingProxyType(
    {
        "csv": lambda path, found: write_journal(path, found.entries),
        "trial-balance": lambda path, found: write_trial_balance(path, found.totals),
        "beancount": lambda path, found: write_beancount(path, found.entries),
    }
)
"""What can be exported."""


def trial_balance(hub: Hub, until: date | None = None) -> Record:
    """Return debits, credits and balance of every account up to a day, and what is wrong with the books, if any."""
    found = _books(hub, until)
    accounts = [
        one._asdict() | {"balance_minor": one.balance_minor, "class": kind_of(one.account).group}
        for one in found.totals
    ]
    return {"accounts": accounts, "findings": [str(finding) for finding in found.findings]}


def journal(hub: Hub, until: date | None = None) -> list[Record]:
    """Return every posting up to a day, with the entry that it is of."""
    return [
        {"day": str(entry.day), "name": entry.name, "words": entry.words, **one._asdict(), "currency": entry.currency}
        for entry in _books(hub, until).entries
        for one in entry.postings
    ]


def export(hub: Hub, kind: str, path: Path, until: date | None = None) -> Record:
    """Write the books to a file, whole or not at all; return how many entries they have, and what is wrong with them.

    Raises:
        Refused: ``not_allowed`` where it cannot be written.
    """
    found = _books(hub, until)
    try:
        with whole_file(path) as beside:
            FORMATS[kind](beside, found)
    except OSError as error:
        raise Refused("not_allowed", f"{path} cannot be written: {error.strerror}.") from error
    return {"file": str(path), "entries": len(found.entries), "findings": [str(one) for one in found.findings]}


def _books(hub: Hub, until: date | None) -> Books:
    with hub.database.snapshot() as connection:
        return books.books(connection, until)
