"""Comparing two lines that may be the same: in which category they differ, if they do.

The order of the questions is the meaning of the categories. Another price version explains another amount, so it is
asked for first; that two lines lie in different cycles matters only if everything else agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from settlement.core.currency import written
from settlement.core.reconciliation.model import Line, Rules
from settlement.core.references import normalised

ATTRIBUTES = ("points", "price_version", "issuer", "redeemer")
"""Fields that are equal in two lines that are the same, where both sides know them."""

_MONEY = slice(Line._fields.index("amount_minor"), Line._fields.index("batch"))
_REST = slice(Line._fields.index("batch") + 1, None)
"""All of a line but what it is called: most lines are equal in it, which is quickly seen."""


class Prepared(NamedTuple):
    """A line with its reference and its batch as they are compared; `identity` is what duplicates share."""

    line: Line
    reference: str
    batch: str
    identity: tuple[object, ...]


def prepared(line: Line, compared: Sequence[str]) -> Prepared:
    """A line ready to be compared by these attributes."""
    reference = normalised(line.reference)
    identity = (reference, line.currency, line.amount_minor, *(getattr(line, name) for name in compared))
    return Prepared(line, reference, normalised(line.batch), identity)


def compared_attributes(rights: Sequence[Line]) -> list[str]:
    """The attributes that the right side knows of at least one line."""
    return [name for name in ATTRIBUTES if any(getattr(line, name) is not None for line in rights)]


def difference(left: Line, right: Line, rules: Rules) -> tuple[str, str] | None:
    """The category in which two lines differ, with the detail; None when they are the same."""
    if left[_MONEY] == right[_MONEY] and left[_REST] == right[_REST]:
        return None
    if left.currency != right.currency:
        return "currency", f"{_amount(left)} and {_amount(right)}"
    if (right.reverses and not left.reverses) or left.amount_minor * right.amount_minor < 0:
        return "reversed", f"one takes back what the other has: {_amount(left)} and {_amount(right)}"
    for category, names in (("price_version", ("price_version",)), ("attribution", ("issuer", "redeemer"))):
        found = [detail for name in names if (detail := _unequal(left, right, name))]
        if found:
            return category, "; ".join(found)
    return _of_amount(left, right, rules) or _of_time(left, right, rules)


def _of_amount(left: Line, right: Line, rules: Rules) -> tuple[str, str] | None:
    less = left.amount_minor - right.amount_minor
    if abs(less) > rules.tolerance_minor:
        if right.fee_minor == less:
            return "fee", f"{written(less, left.currency)} {left.currency} were taken as a charge"
        return "amount", f"{_amount(left)} and {_amount(right)}, {written(-less, left.currency)} apart"
    points = _unequal(left, right, "points")
    return ("amount", points) if points else None


def _of_time(left: Line, right: Line, rules: Rules) -> tuple[str, str] | None:
    cycle = _unequal(left, right, "cycle")
    if cycle:
        return "timing", cycle
    apart = abs((left.day - right.day).days)
    return ("timing", f"{left.day} and {right.day}, {apart} days apart") if apart > rules.days else None


def _unequal(left: Line, right: Line, name: str) -> str:
    """What differs in one field; "" when it is equal, or unknown to one of them."""
    ours, theirs = getattr(left, name), getattr(right, name)
    if ours == theirs or ours is None or theirs is None:
        return ""
    return f"{name.replace('_', ' ')} {ours} and {theirs}"


_IN_COMMON = ("price_version", "issuer", "redeemer", "cycle", "reverses")


def together(lines: Sequence[Line]) -> Line | None:
    """Lines of one side as one line, their amounts added up; None when they are of several currencies.

    What they do not have in common is unknown of the whole; its day is the last of theirs.
    """
    first = lines[0]
    if len(lines) == 1:
        return first
    if any(line.currency != first.currency for line in lines):
        return None
    points = [line.points for line in lines]
    known = [one for one in points if one is not None]
    differing: dict[str, Any] = {name: None for name in _IN_COMMON if len({getattr(line, name) for line in lines}) > 1}
    return first._replace(
        amount_minor=sum(line.amount_minor for line in lines),
        day=max(line.day for line in lines),
        points=sum(known) if len(known) == len(points) else None,
        fee_minor=sum(line.fee_minor for line in lines),
        **differing,
    )


def _amount(line: Line) -> str:
    return f"{written(line.amount_minor, line.currency)} {line.currency}"
