"""Direct payments: a currency's nets paid from partner to partner, without the operator between, in few payments.

Payments join partners; those who are joined, however indirectly, settle among themselves, so their nets add up to
zero. A group of k that settles needs at least k - 1 payments and k - 1 suffice: the one who owes most pays the one who
is owed most as much as both allow, which finishes with one of them each time and with the last two at once. So n
partners in g groups make n - g payments, and the fewest are found by parting them into as many groups as can be.

Two nets that cancel out are a group of their own in some best parting: put them out of whatever groups they are in,
and what is left of these still adds up to zero. They go first, however many there are. For the others, up to
`EXACT_PARTNERS`, `g(S)`, the most groups whose members come one after another among the set S, is the best `g` of S
less one partner, and one more if S adds up to zero: 2^(n-1) sets of n - 1 partners, since one partner may always be the
last.

Above that number the plain rule is used for all who are left. Of m partners it makes at most m - 1 payments. Each who
owes has to pay and each who is owed has to be paid, so any way takes at least m / 2: it is never twice the fewest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from settlement.errors import NotBalanced

EXACT_PARTNERS = 18
"""The most partners, apart from those whose nets cancel out, among whom the fewest payments are looked for."""
_Nets = Sequence[tuple[str, int]]


class DirectPayment(NamedTuple):
    """`payer` pays `payee` `amount_minor`, above zero."""

    payer: str
    payee: str
    amount_minor: int


class DirectPayments(NamedTuple):
    """Payments that bring every net to zero. `fewest` says that no other payments are fewer.

    `at_least` is a number of payments that none can stay below: their own number when they are the fewest.
    """

    payments: Sequence[DirectPayment]
    fewest: bool
    at_least: int


def direct_payments(nets: Mapping[str, int]) -> DirectPayments:
    """Payments for the nets of one currency, in minor units, positive for who is to receive; sorted by payer.

    Which of several equally short ways is taken depends on nets and names only, not on their order.
    Raises `NotBalanced` when the nets do not add up to zero.
    """
    if sum(nets.values()):
        raise NotBalanced(f"these nets add up to {sum(nets.values())}, and not to zero")
    pairs, rest = _cancelling(
        sorted(((name, minor) for name, minor in nets.items() if minor), key=lambda one: one[::-1])
    )
    fewest = len(rest) <= EXACT_PARTNERS
    groups = [*pairs, *(_most_groups(rest) if fewest else [rest])]
    payments = sorted(payment for group in groups for payment in _settle(group))
    owing = sum(minor < 0 for _, minor in rest)
    at_least = len(payments) if fewest else len(pairs) + max(owing, len(rest) - owing)
    return DirectPayments(payments, fewest or at_least == len(payments), at_least)


def _cancelling(nets: _Nets) -> tuple[list[_Nets], _Nets]:
    """Pairs of nets that cancel out, and the nets that are left, in their order."""
    owed: defaultdict[int, list[str]] = defaultdict(list)
    pairs: list[_Nets] = []
    for name, minor in nets:
        if owed[-minor]:
            pairs.append([(owed[-minor].pop(0), -minor), (name, minor)])
        else:
            owed[minor].append(name)
    left = {name for names in owed.values() for name in names}
    return pairs, [one for one in nets if one[0] in left]


def _most_groups(nets: _Nets) -> list[_Nets]:
    """The nets in as many groups as can be, each of which adds up to zero."""
    if not nets:
        return []
    minors = [minor for _, minor in nets[:-1]]
    sums, most = _group_counts(minors)
    groups: list[_Nets] = []
    group, members = [nets[-1]], len(sums) - 1
    while members:
        if not sums[members]:
            groups.append(group)
            group = []
        place = max(range(len(minors)), key=lambda place: most[members ^ 1 << place] if members >> place & 1 else -1)
        group.append(nets[place])
        members ^= 1 << place
    return [*groups, group]


def _group_counts(minors: Sequence[int]) -> tuple[list[int], list[int]]:
    """Of each set of partners, by the bits of its number: what it adds up to, and the most groups in a row in it."""
    sums = [0]
    for minor in minors:
        sums += [total + minor for total in sums]
    most = [0] * len(sums)
    for members in range(1, len(sums)):
        best, left = 0, members
        while left:
            lowest = left & -left
            found = most[members ^ lowest]
            if found > best:
                best = found
            left ^= lowest
        most[members] = best if sums[members] else best + 1
    return sums, most


def _settle(group: _Nets) -> list[DirectPayment]:
    """The payments of one group: who owes most pays who is owed most, until nothing is owed."""
    left = dict(group)
    payments = []
    while left:
        payer, payee = min(left, key=lambda name: (left[name], name)), max(left, key=lambda name: (left[name], name))
        amount = min(-left[payer], left[payee])
        payments.append(DirectPayment(payer, payee, amount))
        for name, moved in ((payer, amount), (payee, -amount)):
            left[name] += moved
            if not left[name]:
                del left[name]
    return payments
