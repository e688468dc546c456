"""Kinds of points: what a lot may be spent on.

``base`` and ``bonus`` points are spent anywhere. ``promotional`` points are spent at named partners, which the
kind itself lists (``promotional@fuel+grocer``), so that the restriction travels with the points wherever they
go. ``qualifying`` points count for status and are never spent.
"""

from __future__ import annotations

from collections.abc import Iterable

BASE = "base"
BONUS = "bonus"
PROMOTIONAL = "promotional"
QUALIFYING = "qualifying"
CLASSES = (BASE, BONUS, PROMOTIONAL, QUALIFYING)

_AT, _AND = "@", "+"


def kind_of(point_class: str, spend_at: Iterable[str] = ()) -> str:
    """Return the kind of points of a class that are spent at these partners only, or anywhere if none is named."""
    partners = sorted(set(spend_at))
    return point_class + (_AT + _AND.join(partners) if partners else "")


def class_of(kind: str) -> str:
    """Return the class of a kind: one of `CLASSES`."""
    return kind.partition(_AT)[0]


def spend_at(kind: str) -> tuple[str, ...]:
    """Return the partners at which a kind is spent, in order; none means anywhere."""
    partners = kind.partition(_AT)[2]
    return tuple(partners.split(_AND)) if partners else ()


def is_restricted(kind: str) -> bool:
    """Tell whether points of a kind are spent at some partners only."""
    return _AT in kind


def is_spendable(kind: str, partner_id: str | None = None) -> bool:
    """Tell whether points of a kind can be spent at a partner, or at all when no partner is named."""
    if kind == BASE:
        return True
    if class_of(kind) == QUALIFYING:
        return False
    partners = spend_at(kind)
    return not partners or partner_id is None or partner_id in partners
