"""A finding: one row that does not hold, and why.

Self-checks and recomputation return findings instead of raising at the first, because an operator who must
repair a cycle needs to see all rows at once, by name.
"""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """`check` is the rule that failed, `row` the row's name, `detail` what was stated and what was found."""

    check: str
    row: str
    detail: str

    def __str__(self) -> str:
        return f"[{self.check}] {self.row}: {self.detail}"
