"""Numbered lines: how an exported file makes a line that was taken out, or put in, show itself by name.

Every line carries its number and the name of the line before it. So when one is gone, the next one still says
which; when one was put in, its number is taken. The header says how many there are and which is the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from settlement.core.findings import Finding
from settlement.core.lines import Obligation, row_name


class NumberedLine(NamedTuple):
    """A line as it stands in a file: `number` from 1, `previous` the name of the line before ("" for the first).

    `origin_cycle` is, of a correction, the cycle in which its origin was settled, if it was in one.
    """

    number: int
    previous: str
    line: Obligation
    digest: bytes
    origin_cycle: str = ""


def number_lines(lines: Iterable[tuple[Obligation, bytes, str]]) -> Iterator[NumberedLine]:
    """Number lines with their digests and the cycles of their origins, in the order given."""
    previous = ""
    for number, (line, digest, origin_cycle) in enumerate(lines, 1):
        yield NumberedLine(number, previous, line, digest, origin_cycle)
        previous = row_name(*line[:3])


class Numbering:
    """Follows the numbers of the lines of a file."""

    def __init__(self) -> None:
        self._due = 1
        self._previous = ""

    def follow(self, number: int, previous: str, name: str) -> Finding | None:
        """What is wrong with the place of this line, if anything."""
        if number < self._due:
            return Finding("numbering", name, f"carries number {number}, which another line has")
        gone = _gone(self._due, number - 1, previous)
        moved = None
        if not gone and previous != self._previous:
            moved = Finding("numbering", name, f"says that it follows {previous!r}, but it follows {self._previous!r}")
        self._due, self._previous = number + 1, name
        return gone or moved

    def finish(self, count: int, last: str) -> Finding | None:
        """What is missing at the end of a file of `count` lines, the last of which is called `last`."""
        return _gone(self._due, count, last)


def _gone(first: int, last: int, name_of_last: str) -> Finding | None:
    if first > last:
        return None
    if first == last:
        return Finding("missing", name_of_last, f"line {first} of the file is gone")
    return Finding("missing", f"lines {first} to {last}", f"gone from the file, the last of them is {name_of_last}")
