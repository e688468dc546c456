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
_DIGITS_ALIKE = bytes(ord("0") if chr(one).isdecimal() and one < 0x80 else one for one in range(256))
_BETWEEN = b" \t-"
_RUN = b"0" * LEAST_DIGITS


def refuse_in_body(body: bytes, document: object) -> None:
    """Refuse (``card_number``) a body one of whose texts holds a card number; ``document`` is what it says."""
    if not _may_hold_one(body):
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


def _may_hold_one(body: bytes) -> bool:
    """Tell whether a body is worth a closer look: digits in a row, or something that may stand for them."""
    if _RUN in body.translate(_DIGITS_ALIKE, _BETWEEN) or b"\\" in body:
        return True
    return not body.isascii() and not all(one.isalpha() for one in set(body.decode()) if not one.isascii())
