"""People by name: how an operator signs, and when two names are one person."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from settlement.errors import SettlementRefused

MAX_NAME = 200


def signature(name: str) -> str:
    """The name as it is kept; raises `SettlementRefused` unless it is 1 to 200 printable characters on one line."""
    kept = " ".join(name.split()) if name.isprintable() else ""
    if not 0 < len(kept) <= MAX_NAME:
        raise SettlementRefused(f"a move needs an author of 1 to {MAX_NAME} printable characters")
    return kept


def signed(author: str, at: datetime) -> str:
    """The author of a move as he is kept; raises `SettlementRefused`, also when the moment has no time zone."""
    if at.tzinfo is None:
        raise SettlementRefused("the moment of a move needs a time zone")
    return signature(author)


def person(name: str) -> str:
    """The name folded: equal for all ways of writing it, in letters small or large, wide or narrow."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's."""
    return person(one) == person(other)
