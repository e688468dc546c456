"""Amounts as people write them, read exactly: `19.99` is 1,999 minor units, and no float ever holds it."""

import re

_PLAIN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,4}))?")
_SWAPPED = str.maketrans(",.", ".,")
_WITHOUT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_WITH_THREE = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def decimals_of(currency: str) -> int:
    """The digits behind the point of a currency (ISO 4217)."""
    if currency in _WITH_THREE:
        return 3
    return 0 if currency in _WITHOUT else 2


def minor_units(text: str, currency: str, *, comma: bool = False) -> int:
    """The minor units of an amount in a currency; with `comma` that is what separates them, as in `19,99`.

    Raises ValueError for anything else than digits with at most as many decimals as the currency has: an amount
    with separators of thousands could be read in two ways, so it is not read at all.
    """
    digits = decimals_of(currency)
    written = text.strip().translate(_SWAPPED) if comma else text.strip()
    match = _PLAIN.fullmatch(written)
    whole, decimals = (match[1], match[2] or "") if match else ("", "")
    if match is None or len(decimals.rstrip("0")) > digits:
        example = f"19{',' if comma else '.'}99" if digits else "1999"
        raise ValueError(f"{text!r} is no amount in {currency} such as {example}")
    return int(whole + decimals[:digits].ljust(digits, "0"))
