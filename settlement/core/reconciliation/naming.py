"""Names of breaks, from what they are about: the same break in a later run has the same name, and so goes on living.

A partner that sends its report again has new rows in new places. So the lines of the right side count by what they
say, and the name does not depend on the file they came in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from settlement.core.reconciliation.model import Break, Line

_DIGITS = 12


def named(scope: Sequence[str], breaks: Sequence[Break], rights: Mapping[str, Line]) -> dict[str, Break]:
    """The breaks of a scope by their names, 12 hexadecimal digits; breaks that are alike are told apart by number."""
    times: Counter[tuple[object, ...]] = Counter()
    found = {}
    for one in breaks:
        said = [
            (line.reference, line.amount_minor, line.currency, line.day) for line in map(rights.get, one.right) if line
        ]
        content = (*scope, one.category, one.left, tuple(said))
        times[content] += 1
        found[hashlib.sha256(repr((*content, times[content])).encode()).hexdigest()[:_DIGITS]] = one
    return found


def inputs_digest(parts: Sequence[object], lefts: Sequence[Line], rights: Sequence[Line]) -> bytes:
    """SHA-256 over all that a run depends on: its scope and rules, and the lines of both sides in any order."""
    digest = hashlib.sha256(repr(tuple(parts)).encode())
    for side in (lefts, rights):
        digest.update(b"side\n")
        for line in sorted(side):
            digest.update(repr(tuple(line)).encode())
    return digest.digest()
