"""What a published cycle posts on its last day: its lines, summed by who owes whom for what, its charges, and netting.

Netting leaves each partner on one side: what remains receivable or payable of a cycle is the total of its statement,
due now or carried (`settlement.core.dues`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from settlement.core.agreements import Agreements
from settlement.core.books import chart
from settlement.core.books.chart import PAYABLE, RECEIVABLE, account
from settlement.core.books.entries import Entry, Posting, posting
from settlement.core.books.templates import CHARGES, LINES, OWED, OWING
from settlement.core.charges import TAX, Charge
from settlement.core.contracts import PRINCIPAL
from settlement.core.dues import Due
from settlement.core.parties import BREAKAGE, COALITION, FUND, KEPT, OPERATOR, REIMBURSEMENT, RESERVED


class Sum(NamedTuple):
    """What the lines of a kind between two parties come to; `points_of` as on an obligation."""

    issuer: str
    redeemer: str
    kind: str
    points_of: str
    currency: str
    amount_minor: int


class Settled(NamedTuple):
    """What of a published cycle is posted; `dues` are those of partners, fund and operator."""

    cycle: str
    ends_on: date
    sums: Sequence[Sum]
    charges: Sequence[Charge]
    dues: Sequence[Due]


def entries_of(settled: Settled, agreements: Agreements) -> list[Entry]:
    """The entries of a cycle in the order of their names; lines whose two sides are one are not cleared."""
    found = [*_of_lines(settled, agreements), *_of_charges(settled, agreements)]
    return sorted([*found, *_netting(settled, found)], key=lambda one: one.name)


def role_of(agreements: Agreements, issuer: str, day: date) -> str:
    """The operator's role towards an issuer of points on a day: its contract's, or the usual one."""
    agreed = agreements.on(issuer, day)
    return agreed.terms.role if agreed else PRINCIPAL


def _of_lines(settled: Settled, agreements: Agreements) -> Iterator[Entry]:
    for one in settled.sums:
        if one.issuer == one.redeemer:
            continue
        issuer = one.points_of or (one.redeemer if one.issuer in RESERVED else one.issuer)
        template = LINES[_kind(one), role_of(agreements, issuer, settled.ends_on)]
        named = {OWING: _owing(one, issuer), OWED: _owed(one, issuer)}
        postings = [
            found
            for debit, credit in template
            for found in posting(named.get(debit, debit), named.get(credit, credit), one.amount_minor)
        ]
        name = "/".join(("lines", one.kind, one.issuer, one.redeemer, *filter(None, (one.points_of,)), one.currency))
        of_whom = f" for points of {one.points_of}" if one.points_of else ""
        yield from _entry(
            settled, name, f"{one.kind}: {one.issuer} owes {one.redeemer}{of_whom}", one.currency, postings
        )


def _of_charges(settled: Settled, agreements: Agreements) -> Iterator[Entry]:
    """What charges post; one of a kind that there is not is in no entry, so the dues disagree and it is found."""
    for one in settled.charges:
        if one.kind not in CHARGES:
            continue
        code = _tax_code(agreements, one) if one.kind == TAX else ""
        postings = posting(account(RECEIVABLE, one.partner), account(CHARGES[one.kind], code), one.amount_minor)
        name = f"charge/{one.kind}/{one.partner}/{one.contract_version}/{one.currency}"
        yield from _entry(settled, name, f"{one.kind} of {one.partner}", one.currency, postings)


def _tax_code(agreements: Agreements, tax: Charge) -> str:
    """The code under which a tax is passed on; none where its version of the contract is not there any more."""
    known = any(one.version == tax.contract_version for one in agreements.versions(tax.partner))
    return agreements.of(tax.partner, tax.contract_version).tax_code if known else ""


def _netting(settled: Settled, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Bring each partner's two sides, what was carried included, down to one."""
    payable: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        for one in entry.postings:
            payable[one.credit_account, entry.currency] += one.amount_minor
            payable[one.debit_account, entry.currency] -= one.amount_minor
    for due in settled.dues:
        if due.party in KEPT:
            continue
        total = due.due_minor + due.carried_minor
        owed = payable[account(PAYABLE, due.party), due.currency] + max(due.brought_minor, 0)
        postings = posting(account(PAYABLE, due.party), account(RECEIVABLE, due.party), owed - max(total, 0))
        yield from _entry(
            settled, f"netting/{due.party}/{due.currency}", f"netting of {due.party}", due.currency, postings
        )


def _kind(one: Sum) -> str:
    """What lines are posted as; expired points that are redeemed with the coalition are breakage."""
    return BREAKAGE if one.redeemer == COALITION and one.kind == REIMBURSEMENT else one.kind


def _owing(one: Sum, issuer: str) -> str:
    return _side(one.issuer, RECEIVABLE, issuer)


def _owed(one: Sum, issuer: str) -> str:
    return _side(one.redeemer, PAYABLE, issuer)


def _side(party: str, of_partner: str, issuer: str) -> str:
    if party == COALITION:
        return chart.BREAKAGE
    if party == OPERATOR:
        return chart.ADJUSTMENTS
    return account(chart.FUND, issuer) if party == FUND else account(of_partner, party)


def _entry(settled: Settled, name: str, words: str, currency: str, postings: Sequence[Posting]) -> Iterator[Entry]:
    if postings:
        yield Entry(settled.ends_on, f"{settled.cycle}/{name}", f"{settled.cycle} {words}", currency, postings)
