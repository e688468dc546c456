"""The proof of a reconciliation: matched and broken lines together are the source, on each side, line by line.

It is computed from the outcome alone and not from how it was found, so that a defect in the passes cannot hide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from settlement.core.findings import Finding, Findings
from settlement.core.reconciliation.model import Break, Line, Match, Outcome


def incomplete(lefts: Sequence[Line], rights: Sequence[Line], outcome: Outcome) -> list[Finding]:
    """What is wrong: lines that are in no match or break or in several, and sums that are not those of the source."""
    findings = Findings()
    parts: list[Match | Break] = [*outcome.matches, *outcome.breaks]
    _lines("left", lefts, (key for part in parts for key in part.left), findings)
    _lines("right", rights, (key for part in parts for key in part.right), findings)
    ours = [(one.currency, one.left_minor) for one in outcome.matches]
    theirs = [(one.currency, one.right_minor) for one in outcome.matches]
    ours += [(one.left_currency, one.left_minor) for one in outcome.breaks]
    theirs += [(one.right_currency, one.right_minor) for one in outcome.breaks]
    _sums("left", lefts, ours, findings)
    _sums("right", rights, theirs, findings)
    return findings.listed()


def _lines(side: str, lines: Iterable[Line], keys: Iterable[str], findings: Findings) -> None:
    times = Counter(keys)
    times.subtract(line.key for line in lines)
    for key, more in times.items():
        if more:
            findings.add("completeness", f"{side} {key}", f"is {more + 1} times in the outcome")


def _sums(side: str, lines: Iterable[Line], parts: Iterable[tuple[str, int]], findings: Findings) -> None:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.currency] -= line.amount_minor
    for currency, minor in parts:
        sums[currency] += minor
    for currency, apart in sums.items():
        if apart:
            findings.add("completeness", f"{side} {currency}", f"matched and broken are {apart} off the source")
