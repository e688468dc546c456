"""What is reconciled, and what comes of it: lines of two sides, matches and breaks.

The left side is ours (obligations, payments that are due); its lines are unique, because the database keeps them so.
The right side is somebody else's word: a partner's report or a bank's statement. It may hold anything twice.
Amounts of both sides are minor units with the same sense, so that lines that mean the same have the same amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

EXACT, TOLERANCE, AMOUNT_AND_DATE, BATCH = "exact", "tolerance", "amount_and_date", "batch"
PASSES = (EXACT, TOLERANCE, AMOUNT_AND_DATE, BATCH)
"""The passes, in the order in which they run; a line that one of them matched is none of the next one's business."""

CATEGORIES = (
    "missing_in_hub",
    "missing_in_partner",
    "missing_in_bank",
    "duplicate",
    "amount",
    "price_version",
    "currency",
    "timing",
    "attribution",
    "reversed",
    "ambiguous",
    "fee",
    "unidentified_receipt",
)
"""Every break is of exactly one of these."""


class Line(NamedTuple):
    """One line of a side. What a side does not know is None, or "" for a reference or batch, and is then not compared.

    key
        Its name on its side, unique there.
    reference, batch
        What names it on both sides, as written; and what names the batch that it is a part of.
    points, price_version, issuer, redeemer, cycle
        As of an obligation.
    reverses
        The reference of what it takes back.
    is_fee, fee_minor
        Whether the line is itself a charge of the bank; and the charge, zero or above, that was taken from it.
    """

    key: str
    reference: str
    amount_minor: int
    currency: str
    day: date
    batch: str = ""
    points: int | None = None
    price_version: int | None = None
    issuer: str | None = None
    redeemer: str | None = None
    cycle: str | None = None
    reverses: str | None = None
    is_fee: bool = False
    fee_minor: int = 0


class Rules(NamedTuple):
    """How exact it has to be.

    tolerance_minor
        By how many minor units two amounts with one reference may differ and still match.
    days
        How many days may lie between two lines that are the same.
    right
        What the right side is called in the categories: `partner` or `bank`.
    """

    tolerance_minor: int = 0
    days: int = 0
    right: str = "partner"


class Match(NamedTuple):
    """Lines that are the same, by the keys of each side, and the pass that found them."""

    by: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    currency: str
    left_minor: int
    right_minor: int


class Break(NamedTuple):
    """Lines that do not agree, or have no other side; `detail` says what was found, for a person.

    The currency of a side without lines is "", its amount zero.
    """

    category: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    left_currency: str
    left_minor: int
    right_currency: str
    right_minor: int
    detail: str

    @property
    def difference_minor(self) -> int | None:
        """What the right side has more; None where the two are of different currencies."""
        both = bool(self.left_currency and self.right_currency)
        return None if both and self.left_currency != self.right_currency else self.right_minor - self.left_minor


class Outcome(NamedTuple):
    """All matches and all breaks; every line of both sides is in exactly one of them."""

    matches: Sequence[Match]
    breaks: Sequence[Break]
