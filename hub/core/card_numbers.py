"""Finds card numbers in what others send, so that none is ever kept: 13 to 19 digits that pass Luhn's check.

What is found is named by its place only. The number itself is returned to nobody, and whoever refuses it neither
stores nor logs it. Groups with spaces or dashes between them count as one number where they are written as cards are:
in fours with a shorter rest, or in groups of three to seven digits.

One number of 13 digits in ten passes the check by chance, so what is none is told apart before it is refused:

* leading zeros say nothing: a sequence number filled up to 16 places is as long as its digits;
* 14 digits, or 17, that are a date and a time of day of these two centuries are just that: no issuer's numbers of such
  lengths begin with 19 or 20;
* `+` and up to 15 digits are a telephone number (E.164), and no card begins so;
* the digits inside a hexadecimal word of 24 characters or more are part of a digest or an id;
* groups that touch a letter, or of other lengths, are parts of an id: a date and a number, a UUID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

LEAST_DIGITS, MOST_DIGITS = 13, 19
"""The lengths of a primary account number (ISO/IEC 7812)."""
_MOST_GROUPS = 7
"""Of three digits each there are six in a number of 19, and a rest."""
_MOST_OF_A_PHONE = 15
_LEAST_OF_A_DIGEST = 24
_INSTANT = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:\d{3})?", re.ASCII
)
_GAP = "[ \\t\u00a0\u2000-\u200b\u202f\u3000\\-\u2010-\u2015\u2212\ufe63\uff0d]{1,3}"
_CANDIDATE = re.compile(rf"(?<!\d)\d(?:(?:{_GAP})?\d){{{LEAST_DIGITS - 1},}}")
_GROUP = re.compile(r"\d+")
_HEX_BEFORE, _HEX_AFTER = re.compile(r"[0-9A-Fa-f]*\Z"), re.compile(r"[0-9A-Fa-f]*")
_DIGITS_ALIKE = bytes(ord("0") if chr(one).isdecimal() and one < 0x80 else one for one in range(256))
_BETWEEN = b" \t-"
_RUN = b"0" * LEAST_DIGITS
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class Place(NamedTuple):
    """Where in a list of texts a card number begins."""

    number: int
    """Of the text, from 0."""
    offset: int


def find(text: str) -> int | None:
    """Return the offset at which the first card number in ``text`` begins, or None."""
    for candidate in _CANDIDATE.finditer(text):
        start, end = candidate.span()
        groups = [one.span() for one in _GROUP.finditer(text, start, end)]
        for first in range(len(groups)):
            if _begins(text, groups[first : first + _MOST_GROUPS]):
                return groups[first][0]
    return None


def is_worth_a_look(text: bytes) -> bool:
    """Tell, at the speed of memory, whether digits in a row stand in a UTF-8 text, or what may stand for them.

    Where this says no, `find` finds nothing.
    """
    if _RUN in text.translate(_DIGITS_ALIKE, _BETWEEN):
        return True
    return not text.isascii() and not all(one.isalpha() for one in set(text.decode()) if not one.isascii())


def find_among(texts: Sequence[str]) -> Place | None:
    """Return where the first card number in some texts begins, or None; quick where there is none."""
    text = "\n".join(texts)
    offset = find(text) if is_worth_a_look(text.encode(errors="replace")) else None
    if offset is None:
        return None
    ends = accumulate(len(text) + 1 for text in texts)
    index, end = next((index, end) for index, end in enumerate(ends) if offset < end)
    return Place(index, offset - (end - len(texts[index]) - 1))


def find_in(document: object) -> str | None:
    """Return the JSON pointer (RFC 6901) of the first text in a document that holds a card number, or None.

    A name that holds one is not repeated: the pointer then is that of the object.
    """
    if isinstance(document, str):
        return None if find(document) is None else ""
    if isinstance(document, Mapping):
        if any(find(str(name)) is not None for name in document):
            return ""
        parts = [(str(name).replace("~", "~0").replace("/", "~1"), part) for name, part in document.items()]
    elif isinstance(document, Sequence) and not isinstance(document, bytes):
        parts = [(str(index), part) for index, part in enumerate(document)]
    else:
        return None
    for name, part in parts:
        found = find_in(part)
        if found is not None:
            return f"/{name}{found}"
    return None


def passes_luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def _begins(text: str, groups: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a card number begins with the first of some groups of digits."""
    start, end = groups[0]
    if _is_number(text[start:end]) and not _is_phone(text, start, end) and not _in_digest(text, start, end):
        return True
    if _touches_word(text, start - 1):
        return False
    lengths: list[int] = []
    for index, (left, right) in enumerate(groups):
        lengths.append(right - left)
        if sum(lengths) > MOST_DIGITS:
            return False
        if index and _written_as_card(lengths) and not _touches_word(text, right):
            number = "".join(text[slice(*group)] for group in groups[: index + 1])
            if _is_number(number) and not _is_phone(text, start, start + len(number)):
                return True
    return False


def _is_number(digits: str) -> bool:
    significant = digits.lstrip("0")
    is_long_enough = LEAST_DIGITS <= len(significant) <= MOST_DIGITS
    return is_long_enough and passes_luhn(significant) and not _INSTANT.fullmatch(digits)


def _written_as_card(lengths: Sequence[int]) -> bool:
    in_fours = all(length == 4 for length in lengths[:-1]) and lengths[-1] <= 4
    return in_fours or all(3 <= length <= 7 for length in lengths)


def _is_phone(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] == "+" and end - start <= _MOST_OF_A_PHONE


def _in_digest(text: str, start: int, end: int) -> bool:
    before = _HEX_BEFORE.search(text, max(0, start - _LEAST_OF_A_DIGEST), start)
    after = _HEX_AFTER.match(text, end)
    assert before
    assert after
    around = len(before[0]) + len(after[0])
    return around > 0 and around + end - start >= _LEAST_OF_A_DIGEST


def _touches_word(text: str, index: int) -> bool:
    return 0 <= index < len(text) and text[index].isalpha()
