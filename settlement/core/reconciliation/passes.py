"""The passes: each finds lines of two sides that are the same, among those that no pass before it has taken.

A pass takes open lines and gives groups of them. It never takes what differs in anything but what it allows; what is
left over is classified afterwards. Each sorts, or looks up, and is therefore fast whatever the lines are like.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from settlement.core.reconciliation.comparing import Prepared, difference, together
from settlement.core.reconciliation.model import AMOUNT_AND_DATE, BATCH, EXACT, TOLERANCE, Rules

Lines = Sequence[Prepared]
Group = tuple[Lines, Lines]
"""Lines of the left side and lines of the right side."""
Pass = Callable[[Lines, Lines, Rules], Iterable[Group]]


def grouped(lines: Iterable[Prepared], key: Callable[[Prepared], Hashable]) -> dict[Hashable, list[Prepared]]:
    """The lines by a key, in their order; a line whose key is "" or None is left out."""
    found: defaultdict[Hashable, list[Prepared]] = defaultdict(list)
    for line in lines:
        value = key(line)
        if value not in ("", None):
            found[value].append(line)
    return found


def exact_as_written(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """The same amount, and the same reference written in the same way."""
    yield from _equal(lefts, rights, rules, lambda one: (one.line.reference, one.identity) if one.reference else None)


def exact(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """The same amount and the same reference."""
    yield from _equal(lefts, rights, rules, lambda one: one.identity if one.reference else None)


def within_tolerance(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """The same reference, and an amount that is at most the tolerance away."""
    ours, theirs = grouped(lefts, _all_but_amount), grouped(rights, _all_but_amount)
    for value in ours:
        yield from _in_order(ours[value], theirs.get(value, []), rules, _amount)


def by_amount_and_date(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """The same amount within so many days, where one of the two has no reference, if there is one only, both ways."""
    ours, theirs = candidates(lefts, rights, rules), candidates(rights, lefts, rules)
    for left in lefts:
        right = ours[left.line.key].only
        if right and theirs[right.line.key].only is left and difference(left.line, right.line, rules) is None:
            yield [left], [right]


def parts_of_ours(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """One line of the right side that is called by the batch of several of the left, and has their sum."""
    for parts, whole in _sums(grouped(lefts, batch_of), grouped(rights, reference_of), rules):
        yield parts, [whole]


def parts_of_theirs(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """One line of the left side that is called by the batch of several of the right, and has their sum."""
    for parts, whole in _sums(grouped(rights, batch_of), grouped(lefts, reference_of), rules):
        yield [whole], parts


def payments_in_parts(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """One line of the left side, and several of the right with its reference, and its sum."""
    for parts, whole in _sums(grouped(rights, reference_of), grouped(lefts, reference_of), rules):
        yield [whole], parts


TABLE: Sequence[tuple[str, Pass]] = (
    (EXACT, exact_as_written),
    (EXACT, exact),
    (TOLERANCE, within_tolerance),
    (AMOUNT_AND_DATE, by_amount_and_date),
    (BATCH, parts_of_ours),
    (BATCH, parts_of_theirs),
    (BATCH, payments_in_parts),
)
"""The passes in their order, by the names under which matches are kept."""


class Candidates(NamedTuple):
    """How many lines of the other side might be this one by amount and date; `only` is the one, if it is one."""

    number: int
    only: Prepared | None


def candidates(lines: Lines, others: Lines, rules: Rules) -> dict[str, Candidates]:
    """The candidates of each line, by its key; two lines that both have references are none for each other."""
    pools = {True: _pools(others, with_reference=True), False: _pools(others, with_reference=False)}
    found = {}
    for one in lines:
        pool = pools[not one.reference].get((one.line.currency, one.line.amount_minor), [])
        day = one.line.day.toordinal()
        start = bisect_left(pool, day - rules.days, key=_day)
        end = bisect_right(pool, day + rules.days, key=_day)
        count = 0 if _takes_back(one) else end - start
        found[one.line.key] = Candidates(count, pool[start] if count == 1 else None)
    return found


def _pools(lines: Lines, *, with_reference: bool) -> Mapping[tuple[str, int], Lines]:
    """The lines that can be found by amount alone, by currency and amount, in the order of days."""
    pools: defaultdict[tuple[str, int], list[Prepared]] = defaultdict(list)
    for one in sorted(lines, key=_day):
        if (with_reference or not one.reference) and not _takes_back(one):
            pools[one.line.currency, one.line.amount_minor].append(one)
    return pools


def _takes_back(one: Prepared) -> bool:
    return one.line.is_fee or bool(one.line.reverses)


def _equal(lefts: Lines, rights: Lines, rules: Rules, key: Callable[[Prepared], Hashable]) -> Iterator[Group]:
    ours, theirs = grouped(lefts, key), grouped(rights, key)
    for value in ours:
        yield from _in_order(ours[value], theirs.get(value, []), rules, _day)


def _in_order(ours: Lines, theirs: Lines, rules: Rules, measure: Callable[[Prepared], int]) -> Iterator[Group]:
    """Pairs of lines that are the same, each side walked through once in the order of a measure."""
    waiting = deque(sorted(theirs, key=measure))
    for left in sorted(ours, key=measure):
        while waiting:
            if difference(left.line, waiting[0].line, rules) is None:
                yield [left], [waiting.popleft()]
                break
            if measure(waiting[0]) > measure(left):
                break
            waiting.popleft()


def _sums(
    parts: Mapping[Hashable, Lines], wholes: Mapping[Hashable, Lines], rules: Rules
) -> Iterator[tuple[Lines, Prepared]]:
    for name in parts:
        total = together([one.line for one in parts[name]]) if name in wholes else None
        if total:
            same = (one for one in wholes[name] if difference(total, one.line, rules) is None)
            yield from ((parts[name], whole) for whole in islice(same, 1))


def batch_of(one: Prepared) -> str:
    """The batch as it is compared."""
    return one.batch


def reference_of(one: Prepared) -> str:
    """The reference as it is compared."""
    return one.reference


def _all_but_amount(one: Prepared) -> Hashable:
    reference, currency, _, *attributes = one.identity
    return (reference, currency, *attributes) if reference else None


def _amount(one: Prepared) -> int:
    return one.line.amount_minor


def _day(one: Prepared) -> int:
    return one.line.day.toordinal()
