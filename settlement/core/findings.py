"""A finding: one row that does not hold, and why.

Self-checks and recomputation return findings instead of raising at the first, because an operator who must
repair a cycle needs to see the rows by name. A file made to hurt can hold millions of wrong rows, so the
collection keeps the first ones and counts the rest.
"""

from __future__ import annotations

from typing import NamedTuple

KEPT = 200


class Finding(NamedTuple):
    """`check` is the rule that failed, `row` the row's name, `detail` what was stated and what was found."""

    check: str
    row: str
    detail: str

    def __str__(self) -> str:
        return printable(f"[{self.check}] {self.row}: {self.detail}")


class Findings:
    """Findings in the order in which they came up: the first `KEPT` as they are, the rest as a number."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self.count = 0

    def add(self, check: str, row: str, detail: str) -> None:
        """Note one row."""
        self.count += 1
        if len(self._kept) < KEPT:
            self._kept.append(Finding(check, row, detail))

    def extend(self, findings: list[Finding]) -> None:
        """Note several rows."""
        for finding in findings:
            self.add(*finding)

    def listed(self) -> list[Finding]:
        """What was kept, and as a last entry how many more there were."""
        more = self.count - len(self._kept)
        return self._kept + ([Finding("more", f"{more} rows", "not listed")] if more else [])


def printable(text: str) -> str:
    """The text with every character escaped that a terminal could take for a command."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
