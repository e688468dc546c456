"""Lots, transfers, obligations and prices in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from hub.core import ledger
from hub.core.ledger import LotKey, Transfer
from hub.core.rounding import number_text
from hub.core.terms import ReimbursementPrice
from hub.services.timeline import day
from hub.store.facts import Owed
from settlement.core.currency import written
from settlement.core.packs import Draw
from settlement.core.parties import REIMBURSEMENT
from settlement.core.pricing import split_minor, value_minor


def count(number: int, noun: str) -> str:
    """Write a number of things: ``1 point``, ``19 points``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def money(minor: int, currency: str | None) -> str:
    """Write an amount as people do: 1999 minor units of USD are ``19.99 USD``."""
    return f"{written(minor, currency or '')} {currency}"


def lot(key: LotKey, points: int, on: date) -> str:
    """Write points of one lot, and what matters of it on a day."""
    return f"{points} {key.kind} {'point' if points == 1 else 'points'} of {key.issuer} ({lasting(key, on)})"


def lasting(key: LotKey, on: date) -> str:
    """Write a lot's last day, and when its points can be spent if not yet on a day."""
    pending = "" if key.matures_on <= on else f", pending until {until(key.matures_on)}"
    return f"last day {day(key.expires_on)}{pending}"


def until(matures_on: date) -> str:
    """Write what pending points wait for."""
    return "their partner confirms the sale" if matures_on == ledger.WHEN_CONFIRMED else str(matures_on)


def transfers(moved: Sequence[Transfer], on: date) -> Iterator[str]:
    """Yield a sentence for each transfer, and one for two that move points from lot to lot through transit."""
    rest = list(moved)
    while rest:
        one = rest.pop(0)
        if rest and _is_pair(one, rest[0]):
            yield _pair(one, rest.pop(0), on)
        else:
            yield f"{_what(one, on)} {_leg(one)}."


def _is_pair(one: Transfer, other: Transfer) -> bool:
    same = (one.points, one.issuer, one.kind) == (other.points, other.issuer, other.kind)
    return same and one.credit_account == ledger.TRANSIT == other.debit_account


def _pair(one: Transfer, other: Transfer, on: date) -> str:
    taken, given = key_of(one), key_of(other)
    who = f"member {one.member_id}"
    whom = f"member {other.member_id}" if one.member_id != other.member_id else "another lot of the same member"
    changed = "" if taken == given else f"; there: {lasting(given, on)}"
    if one.debit_account == ledger.DEBT:
        return f"A debt of {count(one.points, 'point')} with {one.issuer} left {who} and came to {whom}."
    return f"{lot(taken, one.points, on)} went from {who} to {whom}{changed}."


def key_of(one: Transfer) -> LotKey:
    """Return the lot that a transfer touches."""
    return LotKey(one.expires_on, one.issuer, one.kind, one.matures_on)


def _what(one: Transfer, on: date) -> str:
    if ledger.DEBT in (one.debit_account, one.credit_account) or one.member_id == ledger.NO_MEMBER:
        return f"{count(one.points, 'point')} of {one.issuer}"
    return lot(key_of(one), one.points, on)


_LEGS = {
    ("issued", "available"): "were given to member {member} by {debit}",
    ("available", "issued"): "went from member {member} back to {credit}",
    ("available", "redeemed"): "of member {member} were redeemed at {credit}",
    ("redeemed", "available"): "came back to member {member} from {debit}",
    ("available", "breakage"): "of member {member} expired",
    ("breakage", "available"): "that had expired came back to member {member}",
    ("breakage", "issued"): "that had expired went to {credit}, which gave them",
    ("debt", "issued"): "are owed by member {member} to {credit} from now on",
    ("issued", "debt"): "that member {member} owed to {debit} are paid",
    ("redeemed", "issued"): "redeemed at {debit} came home to {credit}",
    ("issued", "redeemed"): "went from {debit} to {credit} again, since more was taken back than redeemed",
    ("available", "transit"): "left member {member}",
    ("transit", "available"): "came to member {member}",
    ("debt", "transit"): "are owed by member {member} from now on",
    ("transit", "debt"): "are owed by member {member} no more",
}
"""What a transfer between two sorts of accounts means."""


def _leg(one: Transfer) -> str:
    (debit, _, debtor), (credit, _, creditor) = (
        account.partition(":") for account in (one.debit_account, one.credit_account)
    )
    usual = "went from {one.debit_account} to {one.credit_account}"
    return _LEGS.get((debit, credit), usual).format(member=one.member_id, debit=debtor, credit=creditor, one=one)


def obligations(owed: Sequence[Owed]) -> Iterator[str]:
    """Yield a sentence for each line that is owed, or owed less."""
    for one in owed:
        price = f"{fraction(one.price_numerator, one.price_denominator)} a point, price version {one.price_version}"
        points, amount = count(abs(one.points), "point"), money(abs(one.amount_minor), one.currency)
        less = " less" if min(one.points, one.amount_minor) < 0 else ""
        what = f"{amount}{less} for {points}{f' of {one.origin}' if one.origin else ''}"
        kind = "" if one.kind == REIMBURSEMENT else f"{one.kind}: "
        whose = f", points of {one.points_of}" if one.points_of else ""
        yield f"Line {one.line}: {kind}{one.issuer} owes {one.redeemer} {what} ({price}){whose}."


def draws(found: Sequence[Draw]) -> Iterator[str]:
    """Yield a sentence for each line that packs cover, or that goes back to one."""
    for one in found:
        points = count(abs(one.points), "point")
        covers = f"pack {one.pack_id} covers {points}, for which nothing is owed"
        yield f"Line {one.line}: {covers if one.points > 0 else f'{points} go back to pack {one.pack_id}'}."


def fraction(numerator: int, denominator: int) -> str:
    """Write a price: ``9/10``, or ``1`` where it is whole."""
    return str(numerator) if denominator == 1 else f"{numerator}/{denominator}"


def rounded(numerator: int, denominator: int) -> str:
    """Write an exact value and, where it is not whole, what half-even rounding makes of it."""
    exact = number_text(Fraction(numerator, denominator))
    if numerator % denominator == 0:
        return exact
    return f"{exact} -> {value_minor(1, numerator, denominator)} (half-even)"


def valuation(price: ReimbursementPrice, points: int) -> str:
    """Write how points are valued: ``9/10 * 15 = 13.5 -> 14 (half-even)``, in minor units."""
    value = rounded(points * price.numerator, price.denominator)
    return f"{fraction(price.numerator, price.denominator)} * {points} = {value}"


def splitting(value: int, points: Sequence[int]) -> Iterator[str]:
    """Yield how a value is split over lines by largest remainder, a line each."""
    total = sum(points)
    for line, (part, minor) in enumerate(zip(points, split_minor(value, points), strict=True), 1):
        whole, remainder = divmod(value * part, total)
        more = ", and 1 of what is left over" if minor > whole else ""
        yield f"line {line}: {value} * {part} // {total} = {whole}, remainder {remainder}{more}: {minor}"
