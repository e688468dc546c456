"""The kinds of record that a file can carry, one kind a file, and the values that each has.

A value's name here is what a template maps a column to. What a record must be like beyond that, and how it is posted,
is the API's: a record is what the same call would have had (`hub.services.files.kinds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

MONEY = ("minor", "currency")
WHOLE = frozenset({"minor", "points"})
"""Values that are whole numbers; the others are texts."""


class Kind(NamedTuple):
    """One kind of record."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]


KINDS: Mapping[str, Kind] = MappingProxyType({
    "earning": Kind(
        ("event_id", "member", "occurred_at", "minor", "currency"),
        ("store", "terminal", "channel", "category", "partner", "points"),
    ),
    "card-record": Kind(
        ("event_id", "kind", "card", "occurred_at", "minor", "currency"),
        ("category", "merchant", "partner", "refers_to"),
    ),
    "refund": Kind(("event_id", "refunds", "occurred_at"), ("minor", "currency", "terminal")),
})  # fmt: skip
