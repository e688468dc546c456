"""Numbered lines: how an exported file makes a line that was taken out, or put in, show itself by name.

Every line carries its number and the name of the line before it. So when one is gone, the next one still says
which; when one was put in, its number is taken. The manifest says how many there are and which is the last.
"""

from __future__ import annotations

from settlement.core.findings import Finding


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
