"""Dated rates between a partner's own currency and coalition points, one for each pair and direction.

A rate names its source and its target by its direction: ``in`` takes the partner's own units and gives points,
``out`` takes points and gives own units. The amount is converted once, at the rate less its spread, and rounded
once by the rate's rounding rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from hub.core.errors import AmountNotExchangeable, TermsRefused
from hub.core.fields import check_fields, whole
from hub.core.ledger import MAX_POINTS
from hub.core.rounding import ROUNDINGS, convert, number_text, parse_number, parse_rate

DIRECTIONS = ("in", "out")
MAX_AMOUNT = MAX_POINTS
"""Most points, and most own units, that one exchange may take or give."""
MAX_QUOTE_SECONDS = 86_400
MAX_SUM = 1_000 * MAX_AMOUNT
"""The largest limit of what one member gives in a day or in a year."""
_NEEDED = ("direction", "unit", "rate", "spread", "minimum", "step", "rounding", "quote_seconds")
_SALE = ("sold_at", "currency")
_BOUGHT = ("most", "most_a_day", "most_a_year")
_PAYMENT = "payment"
_UNIT = re.compile("[A-Z][A-Z0-9]{1,15}")
_CURRENCY = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What an exchange in one direction gives, from ``valid_from`` on."""

    version: int
    valid_from: date
    partner_id: str
    direction: str
    unit: str
    """The name of the partner's own currency, such as ``MILES``."""
    rate: Fraction
    """Units of the target for one of the source, before the spread."""
    spread: Fraction
    """The share of the target that is kept, from zero to less than one."""
    minimum: int
    """The least amount of the source; a multiple of the step."""
    step: int
    """Amounts of the source are multiples of it."""
    rounding: str
    quote_seconds: int
    """How long a quote at this rate can be taken."""
    sold_at: Fraction | None = None
    """What a member pays the partner for one own unit, in minor units of ``currency``, where they are sold."""
    currency: str | None = None
    most: int | None = None
    """Most of the source that one exchange takes, and a member gives in a day and in a year; None: no such limit."""
    most_a_day: int | None = None
    most_a_year: int | None = None
    payment: bool = False
    """Whether each exchange names the payment by which the source comes, and no payment comes twice."""

    @classmethod
    def of(cls, version: int, valid_from: date, partner_id: str, terms: Mapping[str, Any]) -> ExchangeRate:
        """Read terms as they are written in JSON; rate, spread and ``sold_at`` are text, so that they stay exact.

        Raises:
            TermsRefused: a field is missing, unknown or out of range; the message says what to change.
        """
        check_fields(terms, "an exchange rate", _NEEDED, (*_SALE, *_BOUGHT, _PAYMENT))
        found = cls(
            version,
            valid_from,
            partner_id,
            _one_of(terms["direction"], "direction", DIRECTIONS),
            _matching(terms["unit"], _UNIT, "a unit is named by 2 to 16 of A-Z and 0-9, a letter first"),
            parse_rate(terms["rate"]),
            _spread(terms["spread"]),
            whole(terms["minimum"], "minimum", 1, MAX_AMOUNT),
            whole(terms["step"], "step", 1, MAX_AMOUNT),
            _one_of(terms["rounding"], "rounding", tuple(ROUNDINGS)),
            whole(terms["quote_seconds"], "quote_seconds", 1, MAX_QUOTE_SECONDS),
            *_sale(terms),
            **_bought(terms),
        )
        _check_minimum(found)
        return found

    @property
    def effective(self) -> Fraction:
        """Units of the target for one of the source, after the spread."""
        return self.rate * (1 - self.spread)

    def give(self, amount: int) -> int:
        """Return what ``amount`` of the source gives.

        Raises:
            AmountNotExchangeable: it is below the minimum, no multiple of the step, or gives too much at once.
        """
        if self.most is not None and amount > self.most:
            raise AmountNotExchangeable(f"this exchange takes at most {self.most}")
        if amount < self.minimum or amount % self.step:
            raise AmountNotExchangeable(f"this exchange takes {self.minimum} or more, in multiples of {self.step}")
        given = convert(amount, self.effective, self.rounding)
        if max(amount, given) > MAX_AMOUNT:
            raise AmountNotExchangeable(f"one exchange takes and gives at most {MAX_AMOUNT}; split it")
        return given

    def terms(self) -> dict[str, Any]:
        """Write the terms so that ``of`` reads the same rate again."""
        sale = {} if self.sold_at is None else {"sold_at": number_text(self.sold_at), "currency": self.currency}
        return {
            "direction": self.direction,
            "unit": self.unit,
            "rate": number_text(self.rate),
            "spread": number_text(self.spread),
            "minimum": self.minimum,
            "step": self.step,
            "rounding": self.rounding,
            "quote_seconds": self.quote_seconds,
            **sale,
            **{name: most for name in _BOUGHT if (most := getattr(self, name)) is not None},
            **({_PAYMENT: True} if self.payment else {}),
        }


def _check_minimum(rate: ExchangeRate) -> None:
    """Nobody may give something and get nothing, and some amount must be exchangeable."""
    if rate.minimum % rate.step:
        raise TermsRefused("minimum must be a multiple of step")
    if any(most is not None and most < rate.minimum for most in (rate.most, rate.most_a_day, rate.most_a_year)):
        raise TermsRefused("most, most_a_day and most_a_year are not below the minimum")
    given = convert(rate.minimum, rate.effective, rate.rounding)
    if not 1 <= given <= MAX_AMOUNT:
        raise TermsRefused(f"the minimum gives {given}; change it or the rate so that it gives 1 to {MAX_AMOUNT}")


def _spread(text: object) -> Fraction:
    spread = parse_number(text)
    if spread >= 1:
        raise TermsRefused('a spread is the share that is kept, less than one: "0.02" keeps two in a hundred')
    return spread


def _sale(terms: Mapping[str, Any]) -> tuple[Fraction | None, str | None]:
    if not set(_SALE) & set(terms):
        return None, None
    if not set(_SALE) <= set(terms) or terms["direction"] != "in":
        raise TermsRefused("sold_at and currency go together, and only with the direction in")
    currency = _matching(terms["currency"], _CURRENCY, "a currency is three letters A-Z (ISO 4217)")
    return parse_rate(terms["sold_at"]), currency


def _bought(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Read what limits what members give, and whether they pay for it, which only those who get points do."""
    given = {*_BOUGHT, _PAYMENT} & set(terms)
    if given and terms["direction"] != "in":
        raise TermsRefused(f"{', '.join(sorted(given))}: only with the direction in")
    if type(terms.get(_PAYMENT, False)) is not bool:
        raise TermsRefused("payment is true or false")
    limits = {name: whole(terms[name], name, 1, MAX_SUM) for name in _BOUGHT if name in terms}
    return limits | {_PAYMENT: terms.get(_PAYMENT, False)}


def _one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise TermsRefused(f"{name} must be one of: {', '.join(allowed)}")
    return value


def _matching(value: object, pattern: re.Pattern[str], complaint: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise TermsRefused(complaint)
    return value
