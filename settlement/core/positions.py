"""Positions: the gross matrix of a cycle, one for each issuer, redeemer and currency.

A position is added up line by line, corrections below zero among them, so it may itself be zero or below: then more
was taken back than redeemed. It carries a digest of exactly those lines, so two parties who agree on a position's
digest agree on every line below it.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

Pair = tuple[str, str, str]


class Position(NamedTuple):
    """What `issuer` owes `redeemer` in a cycle: `lines` obligations over `points`, together `amount_minor`.

    Below zero, `redeemer` owes `issuer` as much; the two never change places.
    `digest` is the pair digest (32 bytes), see `Tally`.
    """

    issuer: str
    redeemer: str
    currency: str
    lines: int
    points: int
    amount_minor: int
    digest: bytes

    @property
    def on_us(self) -> bool:
        """Whether issuer and redeemer are one; such a position is kept and never cleared."""
        return self.issuer == self.redeemer


class Tally:
    """A position while its lines come in, in the order of (partner_id, event_id, line).

    Its digest, the pair digest, is SHA-256 over the lines' digests joined in that order.
    """

    __slots__ = ("amount_minor", "digest", "lines", "points")

    def __init__(self) -> None:
        self.lines = self.points = self.amount_minor = 0
        self.digest = hashlib.sha256()

    def add(self, points: int, amount_minor: int, digest: bytes) -> None:
        """Take in one line with its digest."""
        self.lines += 1
        self.points += points
        self.amount_minor += amount_minor
        self.digest.update(digest)

    def position(self, pair: Pair) -> Position:
        """The position so far."""
        return Position(*pair, self.lines, self.points, self.amount_minor, self.digest.digest())


def pair_name(issuer: str, redeemer: str, currency: str) -> str:
    """How messages name a position."""
    return f"{issuer} -> {redeemer} ({currency})"
