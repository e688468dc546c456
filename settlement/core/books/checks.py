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
from settlement.core.parties import COALITION, OPERATOR
from settlement.core.parties import FUND as THE_FUND


def check(cycles: Iterable[tuple[Settled, Sequence[Entry]]]) -> list[Finding]:
    """Hold the entries of published cycles, in their order, against their dues."""
    found, before = [], Counter[Account]()
    for settled, entries in cycles:
        stated, brought = _stated(settled.dues), _minors(settled.dues, "brought_minor")
        found += _differences(
            settled.cycle, _by_party(entries), stated, "the books come to {} minor units of {}, the dues to {}"
        )
        found += _differences(settled.cycle, brought, before, "brings {} minor units of {}, and {} were carried")
        before = _minors(settled.dues, "carried_minor")
    return found


def _differences(cycle: str, left: Counter[Account], right: Counter[Account], words: str) -> list[Finding]:
    return [
        Finding("books", f"{cycle} {party}", words.format(left[party, currency], currency, right[party, currency]))
        for party, currency in sorted({*left, *right})
        if left[party, currency] != right[party, currency]
    ]


def _stated(dues: Iterable[Due]) -> Counter[Account]:
    """What dues say that each party gets of a cycle; what the coalition owns is the operator's income."""
    found = Counter[Account]()
    for due in dues:
        found[OPERATOR if due.party == COALITION else due.party, due.currency] += due.net_minor + due.charges_minor
    return found


def _minors(dues: Iterable[Due], name: str) -> Counter[Account]:
    return Counter({(due.party, due.currency): getattr(due, name) for due in dues})


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
