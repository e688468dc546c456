"""The journal and the trial balance as CSV (RFC 4180), for a spreadsheet or another accounting program.

No cell can be taken for a formula: what names it begins with words of ours, and only a balance can be below zero.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from settlement.core.books.chart import kind_of
from settlement.core.books.entries import Entry, Total
from settlement.core.currency import written

JOURNAL = ("day", "name", "words", "debit_account", "credit_account", "amount", "currency")
TRIAL_BALANCE = ("currency", "class", "account", "meaning", "debit", "credit", "balance")


def write_journal(path: Path, entries: Iterable[Entry]) -> None:
    """Write a row a posting: the day, what it comes from, both accounts and the amount in the currency's usual unit."""
    rows = (
        (str(entry.day), entry.name, entry.words, one.debit_account, one.credit_account,
         written(one.amount_minor, entry.currency), entry.currency)
        for entry in entries for one in entry.postings
    )  # fmt: skip
    _write(path, JOURNAL, rows)


def write_trial_balance(path: Path, totals: Iterable[Total]) -> None:
    """Write a row an account: debits, credits, and the balance, debits less credits."""
    rows = (
        (one.currency, kind_of(one.account).group, one.account, kind_of(one.account).meaning,
         *(written(minor, one.currency) for minor in (one.debit_minor, one.credit_minor, one.balance_minor)))
        for one in totals
    )  # fmt: skip
    _write(path, TRIAL_BALANCE, rows)


def _write(path: Path, names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(names)
        table.writerows(rows)
