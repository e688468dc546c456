"""The operator's books: the journal of everything published and paid, its trial balance, and the proof that it holds.

The journal is derived each time from rows that are only ever added (docs/decisions/0043-books.md), so it needs no
posting run, and what was booked for a published cycle never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.core.agreements import Agreements
from settlement.core.books.approved_checks import check_security, check_write_offs
from settlement.core.books.checks import check, unbalanced
from settlement.core.books.entries import Entry, Total, trial_balance
from settlement.core.books.of_cycles import Settled, entries_of
from settlement.core.books.of_money import of_payments, of_security, of_write_offs
from settlement.core.books.payment_checks import Paid, check_payments
from settlement.core.dues import dues_of_nets
from settlement.core.findings import Finding
from settlement.core.moves import is_public
from settlement.core.payment_moves import Standing
from settlement.store import books as store
from settlement.store.history import moves_by_cycle
from settlement.store.payments import standings
from settlement.store.results import load_claims
from settlement.store.window import Window, cut_offs

__all__ = ["Books", "books", "settled_of"]


class Books(NamedTuple):
    """The journal up to a day, by day and name, and the findings of the checks; none where all holds."""

    entries: Sequence[Entry]
    findings: Sequence[Finding]

    @property
    def totals(self) -> list[Total]:
        """The trial balance."""
        return trial_balance(self.entries)


def books(connection: Connection, until: date | None = None) -> Books:
    """The books of all published cycles and moves of money, up to and with a day, or all."""
    cycles, payments = [*_cycles(connection)], standings(connection)
    money = [
        *of_payments(payments),
        *of_security(store.secured(connection)),
        *of_write_offs(store.written_off(connection)),
    ]
    found = [*(entry for _, entries in cycles for entry in entries), *money]
    entries = sorted((one for one in found if until is None or one.day <= until), key=lambda one: (one.day, one.name))
    findings = [*check(cycles), *unbalanced(entries)]
    return Books(entries, [*findings, *_of_money(connection, payments, [settled for settled, _ in cycles])])


def settled_of(connection: Connection, window: Window) -> tuple[Settled, Agreements]:
    """What of a calculated cycle is posted, and the contracts it rests on; raises `UnknownCycle`."""
    claims = load_claims(connection, window)
    sums = store.ask_sums(connection, window)
    dues = claims.dues or dues_of_nets(claims.nets)
    return Settled(claims.cycle, claims.ends_on, sums, claims.charges, dues), Agreements(claims.contracts)


def _of_money(connection: Connection, payments: Sequence[Standing], cycles: Sequence[Settled]) -> list[Finding]:
    """What is wrong with payments, security and write-offs, held against what else is known of them."""
    moves = moves_by_cycle(connection)
    paid = [Paid(one.cycle, moves[one.cycle][-1].state, one.dues) for one in cycles]
    return [
        *check_payments(payments, paid, store.said(connection)),
        *check_security(store.ordered(connection), store.booked(connection)),
        *check_write_offs(store.written(connection)),
    ]


def _cycles(connection: Connection) -> Iterator[tuple[Settled, list[Entry]]]:
    moves, cuts = moves_by_cycle(connection), cut_offs(connection)
    for before, cut in zip([None, *cuts], cuts, strict=False):
        if is_public(moves[cut.cycle][-1].state):
            settled, agreements = settled_of(connection, Window(cut, before))
            yield settled, entries_of(settled, agreements)
