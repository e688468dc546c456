"""The journal as a file for beancount, a program for double entry in plain text, whose `bean-check` accepts it.

Accounts are named as beancount wants them, `Assets:Receivable:Grocer`; every entry is a transaction with its name as
metadata, and the balance of each account after the last day is asserted, without the minor unit that beancount would
let it be off. So a file in which anything was changed or cut is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from settlement.core.books.chart import kind_of
from settlement.core.books.entries import Entry, trial_balance
from settlement.core.currency import written


def write_beancount(path: Path, entries: Sequence[Entry]) -> None:
    """Write entries, which are in the order of their days."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in _lines(entries))


def account_name(account: str) -> str:
    """An account's name in beancount: class, kind and owner, each begun with a capital letter or digit."""
    kind, sign, owner = account.partition(":")
    parts = (kind_of(account).group, kind.replace("_", "-"), *([owner] if sign else []))
    return ":".join(_capital(part) for part in parts)


def _capital(part: str) -> str:
    usable = "".join(one if one.isascii() and (one.isalnum() or one == "-") else f"-{ord(one):X}-" for one in part)
    return usable[:1].upper() + usable[1:] if usable[:1].isalnum() else f"X{usable}"


def _lines(entries: Sequence[Entry]) -> Iterator[str]:
    yield 'option "title" "Hansa: the operator\'s books"'
    for currency in sorted({entry.currency for entry in entries}):
        yield f'option "operating_currency" "{currency}"'
    totals = trial_balance(entries)
    for account in sorted({one.account for one in totals}):
        yield f"{entries[0].day} open {account_name(account)}"
    for entry in entries:
        yield from _transaction(entry)
    for one in totals:
        after, amount = entries[-1].day + timedelta(days=1), written(one.balance_minor, one.currency)
        yield f"{after} balance {account_name(one.account)}  {amount} ~ 0 {one.currency}"


def _transaction(entry: Entry) -> Iterator[str]:
    yield f"\n{entry.day} * {_quoted(entry.words)}"
    yield f"  name: {_quoted(entry.name)}"
    for one in entry.postings:
        for account, minor in ((one.debit_account, one.amount_minor), (one.credit_account, -one.amount_minor)):
            yield f"  {account_name(account)}  {written(minor, entry.currency)} {entry.currency}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
