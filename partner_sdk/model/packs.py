"""Packs: points that a partner buys in advance."""

from dataclasses import dataclass
from datetime import date

from partner_sdk.model.values import Money, Readable


@dataclass(frozen=True, slots=True)
class Pack(Readable):
    """Points bought in advance: all, left, given out, kept back; `pack.low` is told below `low_points`."""

    pack: str
    state: str
    points: int
    left_points: int
    drawn_points: int
    reserved_points: int
    low_points: int
    paid: Money
    valid_from: date
    valid_until: date
    products: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
