"""Keeps card numbers out: refuses a request that holds one, before anything of it is stored or logged.

A number is named by its place alone (`hub.core.card_numbers` says what counts as one). Reports of sales come in
thousands, so a body is first looked at as bytes: one pass at the speed of memory tells whether thirteen digits follow
one another anywhere, and nearly always they do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from hub.core import card_numbers
from hub.core.card_numbers import LEAST_DIGITS, MOST_DIGITS
from hub.core.errors import Refused

CARD_NUMBER = "card_number"
WHAT_TO_DO = (
    f"Card numbers are not taken anywhere: {LEAST_DIGITS} to {MOST_DIGITS} digits that pass the Luhn check count as"
    " one. Name a card by its issuer's token, or PAR; put a letter into an id of your own that only looks like one."
)


def refuse_in_body(body: bytes, document: object) -> None:
    """Refuse (``card_number``) a body one of whose texts holds a card number; ``document`` is what it says."""
    # What an escape of JSON stands for is not seen in the bytes.
    if not card_numbers.is_worth_a_look(body) and b"\\" not in body:
        return
    pointer = card_numbers.find_in(document)
    if pointer is not None:
        _refuse(f"The text at {pointer or 'the top'} holds a card number.", pointer)


def refuse_in(what: str, texts: Iterable[str]) -> None:
    """Refuse (``card_number``) a path or a query with a card number in it."""
    if card_numbers.find_among(list(texts)) is not None:
        _refuse(f"The {what} holds a card number.", None)


def _refuse(found: str, pointer: str | None) -> NoReturn:
    errors = {} if pointer is None else {"errors": [{"pointer": pointer, "detail": "a card number"}]}
    raise Refused(CARD_NUMBER, f"{found} {WHAT_TO_DO}", **errors)
