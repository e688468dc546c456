"""The three books of a cycle side by side: the ledger, each partner's own report, and the bank.

Reports and statements are each held against the ledger by runs; this page only reads what the last runs found, so that
an operator sees, partner by partner, which of the three do not agree yet, and where to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.core.parties import RESERVED
from settlement.core.payment_ids import NAME
from settlement.core.payment_moves import Standing
from settlement.core.reconciliation import Line, Outcome
from settlement.payments import payments
from settlement.store.dues import load_dues
from settlement.store.reconciliation_breaks import OPEN, listing
from settlement.store.reconciliation_runs import Run, load_outcome, runs_of, totals_of
from settlement.store.reconciliation_sources import BANK, PARTNER, Scope, load_ours
from settlement.store.window import window_of


class Books(NamedTuple):
    """What the three books say of a partner in one currency, in minor units.

    report_run
        The last run with the partner's report of the cycle; None while none was run.
    ledger_minor, report_minor
        What its lines come to in our ledger and in its own report, as that run had them.
    open_breaks
        Breaks of that run, and of the bank's that name the partner's payment, that nobody has settled or explained.
    due_minor
        What the cycle comes to for the partner; positive when it is to receive.
    bank_minor
        What of that the bank's statements show, in the same sense.
    """

    partner: str
    currency: str
    report_run: int | None
    ledger_minor: int
    report_minor: int
    open_breaks: int
    due_minor: int
    payment: str
    payment_state: str
    bank_minor: int

    @property
    def agree(self) -> bool:
        """Whether all three say the same: no break is open, and the bank shows what is due."""
        return self.report_run is not None and not self.open_breaks and self.due_minor == self.bank_minor


def three_way(connection: Connection, cycle: str) -> list[Books]:
    """The books of every partner that has anything in a cycle, by partner and currency; raises `UnknownCycle`."""
    window_of(connection, cycle)
    last = {run.scope: run for run in runs_of(connection)}
    reports = {scope.partner: run for scope, run in last.items() if scope[::2] == (PARTNER, cycle)}
    told = {(partner, code): both for partner, run in reports.items() for code, both in totals_of(connection, run.run)}
    dues = {(due.party, due.currency): due.due_minor for due in load_dues(connection, cycle)}
    paid = {(one.payment.partner, one.payment.currency): one for one in payments.listing(connection, cycle=cycle)}
    bank = last.get(Scope(BANK))
    booked = _booked(load_outcome(connection, bank.run), load_ours(connection, bank.run)) if bank else Counter[str]()
    broken = _open_breaks(connection, cycle)
    return [
        _books(account, reports, told.get(account, (0, 0)), dues.get(account, 0), paid.get(account), booked, broken)
        for account in sorted({*dues, *told})
        if account[0] not in RESERVED
    ]


def _books(
    account: tuple[str, str],
    reports: Mapping[str, Run],
    told: tuple[int, int],
    due_minor: int,
    paid: Standing | None,
    booked: Counter[str],
    broken: Counter[str],
) -> Books:
    run, name = reports.get(account[0]), paid.payment.payment if paid else ""
    breaks = broken[f"{account[0]} {account[1]}"] + (broken[name] if name else 0)
    state = paid.state if paid else ""
    return Books(*account, run.run if run else None, *told, breaks, due_minor, name, state, -booked[name])


def _booked(outcome: Outcome, ours: Sequence[Line]) -> Counter[str]:
    """What the bank booked for each payment, in as positive; of several in one booking each has its own amount."""
    own, found = {line.key: line.amount_minor for line in ours}, Counter[str]()
    for match in outcome.matches:
        for key in match.left:
            found[_payment(key)] += match.right_minor if len(match.left) == 1 else own[key]
    return found


def _open_breaks(connection: Connection, cycle: str) -> Counter[str]:
    """How many breaks are open of each partner and currency of the cycle, and of each payment."""
    found = Counter[str]()
    for one in listing(connection, None, (OPEN,)):
        if one.scope.kind == BANK:
            found.update({_payment(key) for key in one.found.left})
        elif one.scope.cycle == cycle:
            found[f"{one.scope.partner} {one.found.left_currency or one.found.right_currency}"] += 1
    return found


def _payment(key: str) -> str:
    """The name of the payment that a line of ours is about."""
    named = NAME.match(key)
    return named.group() if named else key
