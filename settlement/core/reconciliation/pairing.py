"""Lines that no pass has matched, but that belong together: they have one reference, and differ in something.

Each group becomes one break, in the category in which the two sides differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from settlement.core.reconciliation.comparing import Prepared, difference, together
from settlement.core.reconciliation.model import BATCH, EXACT, TOLERANCE, Break, Line, Match, Rules
from settlement.core.reconciliation.passes import Group, Lines, Pass, batch_of, grouped, reference_of


def same_reference(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """Lines with one reference: as a whole where one side has one line for several, one by one otherwise."""
    ours, theirs = grouped(lefts, reference_of), grouped(rights, reference_of)
    for reference in ours:
        if reference in theirs:
            yield from _paired(ours[reference], theirs[reference])


def batch_of_ours(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """Lines of the left side whose batch is the reference of a line of the right side."""
    parts, wholes = grouped(lefts, batch_of), grouped(rights, reference_of)
    return ((parts[name], wholes[name][:1]) for name in parts if name in wholes and _of_one_currency(parts[name]))


def batch_of_theirs(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Group]:
    """Lines of the right side whose batch is the reference of a line of the left side."""
    parts, wholes = grouped(rights, batch_of), grouped(lefts, reference_of)
    return ((wholes[name][:1], parts[name]) for name in parts if name in wholes and _of_one_currency(parts[name]))


PAIRINGS: Sequence[Pass] = (same_reference, batch_of_ours, batch_of_theirs)
"""In their order."""


def judged(group: Group, rules: Rules) -> Match | Break:
    """The break of a group, or a match if its two sides agree after all."""
    left, right = (_whole(side) for side in group)
    found = difference(left, right, rules)
    if found is None:
        several = max(map(len, group)) > 1
        by = BATCH if several else EXACT if left.amount_minor == right.amount_minor else TOLERANCE
        return matched(group, by)
    category, detail = found
    sides = (left.currency, left.amount_minor, right.currency, right.amount_minor)
    return Break(category, _keys(group[0]), _keys(group[1]), *sides, detail)


def matched(group: Group, by: str) -> Match:
    """The match of a group whose sides agree, found by a pass."""
    left, right = group
    sums = (sum(one.line.amount_minor for one in side) for side in group)
    return Match(by, _keys(left), _keys(right), left[0].line.currency, *sums)


def _paired(ours: Lines, theirs: Lines) -> Iterator[Group]:
    one_for_all = len(theirs) == 1 and all(one.batch == one.reference for one in ours)
    in_parts = len(ours) == 1 and len({one.line.amount_minor for one in theirs}) > 1
    if (one_for_all or in_parts) and _of_one_currency([*ours, *theirs]):
        yield ours, theirs
    else:
        by_amount = (sorted(side, key=lambda one: one.line.amount_minor) for side in (ours, theirs))
        yield from (([left], [right]) for left, right in zip(*by_amount, strict=False))


def _of_one_currency(lines: Lines) -> bool:
    return len({one.line.currency for one in lines}) == 1


def _whole(lines: Lines) -> Line:
    whole = together([one.line for one in lines])
    assert whole is not None, "groups are of one currency"
    return whole


def _keys(lines: Iterable[Prepared]) -> tuple[str, ...]:
    return tuple(one.line.key for one in lines)
