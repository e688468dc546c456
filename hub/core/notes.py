"""What an operator writes beside what he does: reasons, tickets and names, kept as long as the books are."""

from __future__ import annotations

import unicodedata

from hub.core import card_numbers
from hub.core.errors import Refused

MAX_REASON, MAX_NAME = 500, 100
"""Most characters of a reason, and of a ticket or a person's name."""


def note(text: str, what: str, most: int = MAX_NAME) -> str:
    """Return ``text`` without the white space around it, if it says something that can be printed on one line.

    Raises:
        Refused: ``invalid_request``: it is blank, too long, or holds characters that cannot be seen; ``card_number``.
    """
    found = text.strip()
    if not found or len(found) > most or not found.isprintable():
        raise Refused("invalid_request", f"The {what} is 1 to {most} characters that can be printed, on one line.")
    refuse_card_number(found, what)
    return found


def refuse_card_number(text: str, what: str) -> None:
    """Refuse (``card_number``) words that hold one: what is kept as long as the books are must not."""
    if card_numbers.find(text) is not None:
        raise Refused("card_number", f"The {what} holds a card number; say which card it is by its token.")


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are one, however their letters are written."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
