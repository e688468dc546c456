"""A partner's copy of our lines with faults in it: shuffled, rewritten, doubled, partly missing.

Each fault is planted in lines of its own and remembered by its category, so that what is found can be held against
what was planted: all of it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from settlement.core.reconciliation import Line

FIRST = date(2017, 1, 1)
PARTNERS = ("bank", "fuel", "grocer", "pharmacy")
Found = set[tuple[str, tuple[str, ...], tuple[str, ...]]]
"""Breaks as category, keys of the left side, keys of the right side."""


class Copy(NamedTuple):
    """Our lines, lines of ours in another cycle, their copy of it, and the breaks that were planted."""

    ours: list[Line]
    elsewhere: list[Line]
    theirs: list[Line]
    planted: Found


def line(number: int, draw: Random, key: str = "") -> Line:
    """A line of ours; amounts and days come up again and again, as they do."""
    points = draw.randint(2, 500)
    issuer, redeemer = draw.choice(PARTNERS), draw.choice(PARTNERS)
    day = FIRST + timedelta(days=draw.randrange(31))
    reference = f"till-{number:06d}"
    return Line(
        key or f"ours/{number}", reference, points * 9 // 10, "USD", day, "", points, 1, issuer, redeemer, "2017-01"
    )


def written_otherwise(reference: str, draw: Random) -> str:
    """The same reference as another program writes it."""
    return draw.choice([reference, reference.upper(), reference.replace("-", " "), f" {reference.replace('-', '/')}"])


Fault = Callable[[Line, Random], list[Line]]
"""What their copy has in the place of a line."""

FAULTS: dict[str, Fault] = {
    "missing_in_partner": lambda one, draw: [],
    "duplicate": lambda one, draw: [one, one],
    "amount": lambda one, draw: [one._replace(amount_minor=one.amount_minor + draw.choice([-7, 1, 300]) + 1000)],
    "price_version": lambda one, draw: [one._replace(price_version=2, amount_minor=one.amount_minor + 5)],
    "currency": lambda one, draw: [one._replace(currency="EUR")],
    "timing": lambda one, draw: [one._replace(day=one.day + timedelta(days=draw.randint(1, 40)))],
    "attribution": lambda one, draw: [one._replace(issuer=draw.choice([*{*PARTNERS} - {one.issuer}]))],
    "reversed": lambda one, draw: [one._replace(amount_minor=-one.amount_minor - 1, points=-(one.points or 0))],
}


def copy(size: int, faults: int, seed: int) -> Copy:
    """`size` lines of ours and a copy of them with about `faults` faults of each kind."""
    draw = Random(seed)
    ours, elsewhere, theirs = [line(number, draw) for number in range(size)], [], []
    planted: Found = set()
    spoilt = draw.sample(range(size), min(size, faults * len(FAULTS)))
    kinds = {place: [*FAULTS][turn % len(FAULTS)] for turn, place in enumerate(spoilt)}
    for place, one in enumerate(ours):
        kind = kinds.get(place, "")
        found = FAULTS[kind](one, draw) if kind else [one]
        keys = tuple(f"theirs/{place:07d}/{number}" for number in range(len(found)))
        writing = written_otherwise(one.reference, draw)
        theirs += [also._replace(key=key, reference=writing) for key, also in zip(keys, found, strict=True)]
        if kind:
            planted.add((kind, (), keys[1:]) if kind == "duplicate" else (kind, (one.key,), keys))
    for number in range(faults):
        unknown = line(size + number, draw, f"theirs/unknown/{number}")
        late = line(size + faults + number, draw, f"theirs/late/{number}")
        elsewhere.append(late._replace(key=f"ours/late/{number}", cycle="2017-02"))
        theirs += [unknown, late]
        planted |= {("missing_in_hub", (), (unknown.key,)), ("timing", (), (late.key,))}
    draw.shuffle(theirs)
    draw.shuffle(ours)
    return Copy(ours, elsewhere, theirs, planted)
