"""Lines that stand alone: nothing on the other side has their reference, or all that had it is used.

Each becomes a break of its own. The first question that is answered with yes decides the category.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

from settlement.core.reconciliation.comparing import Prepared
from settlement.core.reconciliation.model import Break, Line, Rules
from settlement.core.reconciliation.passes import Candidates, Lines, candidates
from settlement.core.references import normalised

Verdict = tuple[str, str]
"""Category and detail."""


def theirs_alone(
    rights: Lines,
    lefts: Lines,
    used: Mapping[Hashable, Lines],
    ours: Mapping[str, int],
    elsewhere: Mapping[str, Line],
    rules: Rules,
) -> Iterator[Break]:
    """The breaks of lines of the right side.

    `used` has the lines of the right side that found another side, and `ours` how many lines the left side has, both
    by reference; `elsewhere` has lines that are ours but of another cycle.
    """
    might_be = candidates(rights, lefts, rules)
    seen = defaultdict[Hashable, list[Prepared]](list, {name: list(lines) for name, lines in used.items()})
    for one in rights:
        category, detail = (
            _taken_back(one)
            or _seen_before(one, seen[one.reference], ours.get(one.reference, 0))
            or _elsewhere(one, elsewhere)
            or _charge(one)
            or _ambiguous(might_be[one.line.key])
            or _unidentified(one)
            or ("missing_in_hub", "we have nothing of this reference")
        )
        if one.reference:
            seen[one.reference].append(one)
        line = one.line
        yield Break(category, (), (line.key,), "", 0, line.currency, line.amount_minor, detail)


def ours_alone(lefts: Lines, rights: Lines, rules: Rules) -> Iterator[Break]:
    """The breaks of lines of the left side."""
    might_be = candidates(lefts, rights, rules)
    cancelled = _cancelled(lefts)
    missing = f"missing_in_{rules.right}", f"the {rules.right} has nothing of this reference"
    for one in lefts:
        nothing_left = one.reference in cancelled or one.batch in cancelled
        both = ("reversed", "it and what takes it back are unknown there") if nothing_left else None
        category, detail = _taken_back(one) or both or _ambiguous(might_be[one.line.key]) or missing
        line = one.line
        yield Break(category, (line.key,), (), line.currency, line.amount_minor, "", 0, detail)


def _taken_back(one: Prepared) -> Verdict | None:
    return ("reversed", f"takes {one.line.reverses} back") if one.line.reverses else None


def _seen_before(one: Prepared, seen: Lines, ours: int) -> Verdict | None:
    """Whether the right side has a line like it already, or one for a reference that we have once."""
    if any(other.identity == one.identity for other in seen):
        return "duplicate", "the same line is there before"
    if not seen or ours != 1:
        return None
    if any(other.line.amount_minor == -one.line.amount_minor for other in seen):
        return "reversed", "takes back what has the same reference"
    return "duplicate", "the reference is used already, with another amount"


def _elsewhere(one: Prepared, elsewhere: Mapping[str, Line]) -> Verdict | None:
    found = elsewhere.get(one.reference) if one.reference else None
    return ("timing", f"we have it in {found.cycle or found.day}") if found else None


def _charge(one: Prepared) -> Verdict | None:
    return ("fee", "a charge of the bank") if one.line.is_fee else None


def _ambiguous(might_be: Candidates) -> Verdict | None:
    detail = f"{might_be.number} lines of the other side have its amount and date"
    return ("ambiguous", detail) if might_be.number else None


def _unidentified(one: Prepared) -> Verdict | None:
    if one.reference or one.line.amount_minor < 0:
        return None
    return "unidentified_receipt", "it has no reference, and nothing of its amount and date is open"


def _cancelled(lefts: Lines) -> set[str]:
    """The references of lines that are there whole, and whole taken back."""
    taken: defaultdict[str, int] = defaultdict(int)
    there: defaultdict[str, int] = defaultdict(int)
    for one in lefts:
        if one.line.reverses:
            taken[normalised(one.line.reverses)] += one.line.amount_minor
        else:
            there[one.batch or one.reference] += one.line.amount_minor
    return {reference for reference, minor in taken.items() if minor and there.get(reference) == -minor}
