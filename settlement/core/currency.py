"""Minor units as the decimal amount an accountant or a bank writes, and back."""

from __future__ import annotations

import re

_USUAL_DECIMALS = 2
_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""The currencies of ISO 4217 whose minor unit is not a hundredth."""
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,17})?")


def decimals(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): EUR 2, JPY 0, KWD 3."""
    return _DECIMALS.get(currency, _USUAL_DECIMALS)


def written(amount_minor: int, currency: str) -> str:
    """Minor units with the decimal point set, without separators: 123456 USD is `1234.56`."""
    places = decimals(currency)
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def in_minor(amount: str, currency: str) -> int:
    """A decimal amount without a sign, as ISO 20022 messages have it, in minor units: `1234.5` USD is 123450.

    Raises ValueError for anything else, and for a fraction of a minor unit; zeros behind it are no fraction.
    """
    places = decimals(currency)
    if not _DECIMAL.fullmatch(amount):
        raise ValueError(f"{amount[:40]!r} is no amount; it is written like 1234.56")
    whole, _, fraction = amount.partition(".")
    if fraction[places:].strip("0"):
        raise ValueError(f"{amount} is no whole number of minor units of {currency}, which has {places} decimals")
    return int(whole + fraction[:places].ljust(places, "0"))
