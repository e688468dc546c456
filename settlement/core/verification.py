"""What is stated about a cycle, held against what its lines give; every row that differs is named.

Positions and charges are found from the lines by `settlement.recomputation`, as a self-check on the database's rows and
in `python -m settlement verify` on an export; everything above the positions follows from them here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from settlement.core.books.rows import BookedRow, booked_name
from settlement.core.charges import Charge, TaxRate, charge_name, owed_for
from settlement.core.contracts import Contract
from settlement.core.digests import cycle_digest
from settlement.core.dues import Due
from settlement.core.findings import Finding
from settlement.core.netting import Net, multilateral_nets
from settlement.core.parties import OPERATOR
from settlement.core.positions import Position, pair_name
from settlement.core.statement_balances import PartnerMovement
from settlement.core.totals import StatementTotal, totals_of

_ROW = TypeVar("_ROW", Position, Net, StatementTotal, Due, Charge, PartnerMovement, BookedRow)


class Claims(NamedTuple):
    """What is stated about a cycle; `digest` is the published cycle digest, `ends_on` the last business date."""

    cycle: str
    ends_on: date
    lines: int
    digest: bytes
    positions: Sequence[Position]
    nets: Sequence[Net]
    totals: Sequence[StatementTotal]
    dues: Sequence[Due] = ()
    """None for a cycle from before there were dues."""
    charges: Sequence[Charge] = ()
    contracts: Sequence[Contract] = ()
    """All versions, of any partner, that had been published and had begun when the cycle ended."""
    tax_rates: Sequence[TaxRate] = ()


def compare_charges(stated: Sequence[Charge], found: Sequence[Charge]) -> list[Finding]:
    """Findings for each charge that differs from the found one."""
    return _compare("charge", 4, charge_name, stated, found)


def compare_results(claims: Claims, found: Sequence[Position]) -> list[Finding]:
    """Compare stated positions, nets, statement totals and cycle digest with those that `found` gives."""
    digest = cycle_digest(found)
    stated = "" if digest == claims.digest else f"stated is {claims.digest.hex()}, the lines give {digest.hex()}"
    return [
        *compare_positions(claims.positions, found),
        *compare_nets(claims.nets, multilateral_nets(found)),
        *sum_of_nets(claims.nets),
        *dues_hold(claims.nets, claims.dues, claims.charges),
        *compare_totals(claims.totals, totals_of(found)),
        *([Finding("cycle digest", f"cycle {claims.cycle}", stated)] if stated else []),
    ]


def compare_positions(stated: Sequence[Position], found: Sequence[Position]) -> list[Finding]:
    """Findings for each pair whose stated position differs from the found one."""
    return _compare("position", 3, pair_name, stated, found)


def compare_nets(stated: Sequence[Net], found: Sequence[Net]) -> list[Finding]:
    """Findings for each partner whose stated net differs from the found one."""
    return _compare("net", 2, partner_name, stated, found)


def compare_totals(stated: Sequence[StatementTotal], found: Sequence[StatementTotal]) -> list[Finding]:
    """Findings for each partner whose stated statement totals differ from the found ones."""
    return _compare("statement", 2, partner_name, stated, found)


def compare_movements(stated: Sequence[PartnerMovement], found: Sequence[PartnerMovement]) -> list[Finding]:
    """Findings for each movement of a statement that differs from the found one."""
    return _compare("movement", 4, movement_name, stated, found)


def compare_books(stated: Sequence[BookedRow], found: Sequence[BookedRow]) -> list[Finding]:
    """Findings for each posting of the books that differs from the found one."""
    return _compare("books", 2, booked_name, stated, found)


def compare_dues(stated: Sequence[Due], found: Sequence[Due]) -> list[Finding]:
    """Findings for each partner whose stated due differs from the found one."""
    return _compare("due", 2, partner_name, stated, found)


def dues_hold(nets: Sequence[Net], stated: Sequence[Due], charges: Sequence[Charge] = ()) -> list[Finding]:
    """Findings for each due that does not follow from net, charges and itself, and each column whose sum is not zero.

    That needs neither contracts nor the cycle before. No dues at all, as before there were any, are none to find fault
    with.
    """
    due_nets = {due[:2]: due.net_minor for due in stated}
    missing = [net for net in nets if stated and net.net_minor and net[:2] not in due_nets]
    net_minors, owed = {net[:2]: net.net_minor for net in nets}, owed_for(charges)
    return [
        *(Finding("due", partner_name(*net[:2]), f"none is stated for a net of {net.net_minor}") for net in missing),
        *(
            Finding("due", partner_name(*due[:2]), reason)
            for due in stated
            if (reason := _why_not_due(due, net_minors.get(due[:2], 0), owed.get(due[:2], 0)))
        ),
        *_columns_of_dues(stated),
    ]


def _why_not_due(due: Due, net_minor: int, charges_minor: int) -> str:
    if due.net_minor != net_minor:
        return f"is of a net of {due.net_minor}, the net is {net_minor}"
    if due.charges_minor != charges_minor:
        return f"is of charges of {due.charges_minor}, the charges come to {charges_minor}"
    if due.net_minor + due.charges_minor + due.brought_minor != due.due_minor + due.carried_minor:
        return "what is due and carried is not net, charges and what was brought"
    if due.party != OPERATOR and due.due_minor and due.carried_minor:
        return f"is due {due.due_minor} and carries {due.carried_minor}; it is one or the other"
    return ""


def _columns_of_dues(stated: Sequence[Due]) -> list[Finding]:
    findings = []
    for currency in sorted({due.currency for due in stated}):
        columns = zip(*(due[2:] for due in stated if due.currency == currency), strict=True)
        sums = zip(Due._fields[2:], map(sum, columns), strict=True)
        wrong = ", ".join(f"{name} to {total}" for name, total in sums if total)
        if wrong:
            findings.append(Finding("zero sum", currency, f"the dues add up, {wrong}"))
    return findings


def sum_of_nets(nets: Iterable[Net]) -> list[Finding]:
    """Findings for each net that is not receive less pay, and each currency whose nets do not add up to zero."""
    sums: dict[str, int] = {}
    findings = []
    for net in nets:
        sums[net.currency] = sums.get(net.currency, 0) + net.net_minor
        if net.net_minor != net.receive_minor - net.pay_minor:
            findings.append(Finding("net", partner_name(*net[:2]), "the net is not receive less pay"))
    wrong = ((currency, total) for currency, total in sorted(sums.items()) if total)
    return findings + [Finding("zero sum", currency, f"the nets add up to {total}") for currency, total in wrong]


def partner_name(partner: str, currency: str) -> str:
    """How messages name a net or a statement total."""
    return f"{partner} ({currency})"


def movement_name(partner: str, currency: str, kind: str, corrects: bool) -> str:
    """How messages name a movement."""
    return f"{partner}: {kind}{' that corrects' if corrects else ''} ({currency})"


def _compare(
    check: str, width: int, name: Callable[..., str], stated: Sequence[_ROW], found: Sequence[_ROW]
) -> list[Finding]:
    """Compare two lists of rows whose first `width` fields are the key."""
    claimed = {row[:width]: row for row in stated}
    recomputed = {row[:width]: row for row in found}
    details = [(key, _difference(claimed.get(key), recomputed.get(key))) for key in {**claimed, **recomputed}]
    times = Counter(row[:width] for row in stated)
    details += [(key, f"stated {count} times") for key, count in times.items() if count > 1]
    return [Finding(check, name(*key), detail) for key, detail in details if detail]


def _difference(stated: _ROW | None, found: _ROW | None) -> str:
    if stated is None:
        return "not stated, but the lines give one"
    if found is None:
        return "stated, but no line gives it"
    named = zip(stated._fields, stated, found, strict=True)
    return "; ".join(f"{name} {_text(a)} stated, {_text(b)} found" for name, a, b in named if a != b)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
