"""Reconciliation: holding our lines against somebody else's, until each line is matched or explained by a category.

`reconcile` is a function of its arguments alone: the same lines in any order give the same matches and breaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from settlement.core.reconciliation.alone import ours_alone, theirs_alone
from settlement.core.reconciliation.comparing import Prepared, compared_attributes, prepared
from settlement.core.reconciliation.completeness import incomplete
from settlement.core.reconciliation.model import CATEGORIES, PASSES, Break, Line, Match, Outcome, Rules
from settlement.core.reconciliation.pairing import PAIRINGS, judged, matched
from settlement.core.reconciliation.passes import TABLE, Lines, grouped, reference_of
from settlement.core.references import normalised

__all__ = ["CATEGORIES", "PASSES", "Break", "Line", "Match", "Outcome", "Rules", "incomplete", "reconcile"]


def reconcile(lefts: Sequence[Line], rights: Sequence[Line], rules: Rules, elsewhere: Sequence[Line] = ()) -> Outcome:
    """Match the lines of two sides and classify what does not match.

    `elsewhere` are lines of ours that are not part of the left side, being of another cycle; a line of the right side
    that is one of them is a break of timing. Keys are unique on each side.
    """
    compared = compared_attributes(rights)
    work = _Work([prepared(line, compared) for line in lefts], [prepared(line, compared) for line in rights])
    for name, a_pass in TABLE:
        for group in list(a_pass(*work.open(), rules)):
            work.take(matched(group, name))
    for pairing in PAIRINGS:
        for group in list(pairing(*work.open(), rules)):
            work.take(judged(group, rules))
    ours, theirs = work.open()
    known = {normalised(line.reference): line for line in elsewhere}
    work.breaks += ours_alone(ours, theirs, rules)
    work.breaks += theirs_alone(theirs, ours, work.used(), work.references(), known, rules)
    return Outcome(sorted(work.matches, key=_names), sorted(work.breaks, key=_names))


class _Work:
    """What is open on each side, and what was found; lines are in the order of their keys, whatever they came in."""

    def __init__(self, lefts: Iterable[Prepared], rights: Iterable[Prepared]) -> None:
        self._lefts = {one.line.key: one for one in sorted(lefts, key=_key)}
        self._rights = {one.line.key: one for one in sorted(rights, key=_key)}
        self._ours, self._theirs = dict(self._lefts), dict(self._rights)
        self.matches: list[Match] = []
        self.breaks: list[Break] = []

    def open(self) -> tuple[Lines, Lines]:
        """What no match and no break has yet."""
        return [*self._ours.values()], [*self._theirs.values()]

    def take(self, found: Match | Break) -> None:
        """Note a match or a break."""
        for keys, side in ((found.left, self._ours), (found.right, self._theirs)):
            for key in keys:
                del side[key]
        if isinstance(found, Match):
            self.matches.append(found)
        else:
            self.breaks.append(found)

    def used(self) -> dict[Hashable, list[Prepared]]:
        """The lines of the right side that found another side, by reference."""
        return grouped((one for key, one in self._rights.items() if key not in self._theirs), reference_of)

    def references(self) -> Counter[str]:
        """How many lines of the left side there are of each reference."""
        return Counter(one.reference for one in self._lefts.values())


def _key(one: Prepared) -> str:
    return one.line.key


def _names(found: Match | Break) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return found.left, found.right
