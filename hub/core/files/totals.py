"""Control totals: what a file's footer says that it holds, held against what was counted.

Rows that are refused count too, and so do their amounts as far as they can be read. A file with a row whose amount
cannot be read therefore has other totals than its footer says where that counts amounts, and is refused whole: nobody
can say then that nothing else of it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hub.core.files.faults import MALFORMED, TOTALS, FileFault

_WHOLE = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted: rows, minor units, points that the records state."""

    count: int = 0
    amount: int = 0
    points: int = 0


def check(stated: Mapping[str, str], counted: Totals) -> None:
    """Hold a footer's fields against what was counted.

    Raises:
        FileFault: ``totals_mismatch``, or ``file_malformed`` for a total that is no whole number.
    """
    for name, value in stated.items():
        if not _WHOLE.fullmatch(value):
            raise FileFault(MALFORMED, f"the footer's {name} is no whole number")
        found = getattr(counted, name)
        if int(value) != found:
            raise FileFault(TOTALS, f"the footer says {name} {int(value)}, and the rows come to {found}")
