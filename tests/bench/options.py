"""What the command line may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What to measure, how long, with how much in the books, and from which seed."""

    only: frozenset[str]
    seconds: float
    members: int
    """Members that earn, and as many others that redeem."""
    obligations: int
    sealed: int
    """Events in the log when proofs are measured."""
    events: int
    """Events stored when the rate is measured beside that of an empty hub."""
    seed: int
