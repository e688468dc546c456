"""Texts in the characters that a bank takes.

European schemes promise only the Latin letters without marks, digits, space and ten signs (EPC217-08). A name keeps
its sense in them: marks are left away, and letters that are no letter with a mark are written as two. A text in
another script is refused rather than guessed at, since a bank compares the name with the account's holder.
"""

from __future__ import annotations

import re
import unicodedata

_BASIC = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
_SPELLED = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ħ": "h", "Ħ": "H", "\u0131": "i",
        "&": "+", "@": "(at)", ";": ",", "!": ".", "*": ".", "#": ".", "_": "-", '"': "'", "`": "'",
        "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-",
        "\u2018": "'", "\u2019": "'", "\u201c": "'", "\u201d": "'", "\u201e": "'",
    }
)  # fmt: skip
"""Beside letters: the dotless i, four hyphens and dashes, five quotation marks."""


def latin(text: str) -> str:
    """The text in the basic Latin characters of the European schemes; raises ValueError when it has no such form."""
    if _BASIC.fullmatch(text):
        return text
    parts = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    bare = "".join(c for c in parts if not unicodedata.combining(c))
    if not _BASIC.fullmatch(bare):
        strange = next(c for c in bare if not _BASIC.fullmatch(c))
        raise ValueError(f"{text!r} has {strange!r}, which no bank of the European schemes has to take")
    return bare


def is_text(text: str, longest: int) -> bool:
    """Whether the text is 1 to `longest` printable characters without a space at either end."""
    return 0 < len(text) <= longest and text.isprintable() and text == text.strip()
