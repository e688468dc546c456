"""What must hold of the books: debits equal credits, and every party has what its statements say.

The journal comes from lines, charges and moves; dues were calculated and published by another way. So after each cycle
what is receivable from and payable to a partner for all cycles so far must be what was due in them and what is carried
now, and likewise what the fund holds and what the operator earned. A row altered on either side is named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from settlement.core.books.chart import EXPENSES, FUND, INCOME, PAYABLE, RECEIVABLE, TAX, kind_of
from settlement.core.books.entries import Entry, trial_balance
from settlement.core.books.of_cycles import Settled
from settlement.core.dues import Account, Due
from settlement.core.findings import Finding
from settlement.core.parties import FUND as THE_FUND
from settlement.core.parties import OPERATOR


def check(cycles: Iterable[tuple[Settled, Sequence[Entry]]]) -> list[Finding]:
    """Hold the entries of published cycles, in their order, against their dues."""
    found, before = [], Counter[Account]()
    for settled, entries in cycles:
        changed = _by_party(entries)
        dues = {(due.party, due.currency): due for due in settled.dues}
        for party, currency in sorted({*changed, *dues, *before}):
            due = dues.get((party, currency), Due(party, currency, 0, 0, 0, 0, 0))
            stated = due.net_minor + due.charges_minor
            if changed[party, currency] != stated:
                detail = f"the books come to {changed[party, currency]} minor units of {currency}, the dues to {stated}"
                found.append(Finding("books", f"{settled.cycle} {party}", detail))
            brought = before[party, currency]
            if due.brought_minor != brought:
                detail = f"brings {due.brought_minor} minor units of {currency}, and {brought} were carried"
                found.append(Finding("books", f"{settled.cycle} {party}", detail))
        before = Counter({(due.party, due.currency): due.carried_minor for due in settled.dues if due.carried_minor})
    return found


def unbalanced(entries: Iterable[Entry]) -> list[Finding]:
    """The currencies in which debits and credits differ."""
    sums: defaultdict[str, int] = defaultdict(int)
    for one in trial_balance(entries):
        sums[one.currency] += one.balance_minor
    return [Finding("trial balance", currency, f"comes to {minor}") for currency, minor in sums.items() if minor]


def _by_party(entries: Iterable[Entry]) -> Counter[Account]:
    """What entries bring each party: above zero what it is to receive."""
    found = Counter[Account]()
    for one in trial_balance(entries):
        party = _party(one.account)
        if party:
            found[party, one.currency] -= one.balance_minor
    return found


def _party(account: str) -> str:
    kind, _, owner = account.partition(":")
    if kind in {RECEIVABLE, PAYABLE}:
        return owner
    if kind == FUND:
        return THE_FUND
    return OPERATOR if kind == TAX or kind_of(account).group in {INCOME, EXPENSES} else ""
