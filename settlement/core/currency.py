"""Minor units as the decimal amount an accountant writes."""

from __future__ import annotations

_USUAL_DECIMALS = 2
_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""The currencies of ISO 4217 whose minor unit is not a hundredth."""


def written(amount_minor: int, currency: str) -> str:
    """Minor units with the decimal point set, without separators: 123456 USD is `1234.56`."""
    places = _DECIMALS.get(currency, _USUAL_DECIMALS)
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits
