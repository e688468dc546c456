"""References: what names one payment or one line in two parties' books.

People and banks write the same reference in other case, with spaces every four characters, with slashes for dashes.
Comparison therefore leaves out what carries no meaning; the reference as it was written is kept beside it.
"""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile(r"[\s\-/._:,;#+'|\\]+")
_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}", re.ASCII)
NOT_PROVIDED = frozenset({"", "NOTPROVIDED", "NONREF", "NONE"})
"""What banks write, in normalised form, where there is no reference."""


def normalised(reference: str) -> str:
    """The reference in upper case, in compatibility form (Unicode NFKC), without spaces and the usual separators.

    `b-4001`, `B 4001` and `B/4001` are all `B4001`. Leading zeros stay, because they tell references apart.
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", reference)).upper()


def given(reference: str | None) -> str:
    """The reference without the blanks around it; "" where the bank says in its words that there is none."""
    text = " ".join((reference or "").split())
    return "" if normalised(text) in NOT_PROVIDED else text


def is_creditor_reference(reference: str) -> bool:
    """Whether it is a structured creditor reference (ISO 11649): RF, two check digits, 1 to 21 characters.

    The check digits are those of ISO 7064, MOD 97-10, over the reference with its first four characters at its end.
    """
    text = reference.replace(" ", "").upper()
    if not _CREDITOR_REFERENCE.fullmatch(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1
