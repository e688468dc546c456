"""How the columns of a partner's own report are read: which is which, and how numbers and dates are written.

Nothing is guessed. `1.234` is one thousand in one country and one and a quarter in another, so a report whose
decimals are commas, or whose dates are not those of ISO 8601, has to be announced as such; whatever does not fit what
was announced is refused with its row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from settlement.core.currency import in_minor
from settlement.core.reconciliation import Line
from settlement.errors import FileRefused, MappingRefused

FIELDS: Mapping[str, str] = {
    "reference": "the id of the event, as it was reported to the hub",
    "line": "the number of the event's line, where the report has the lines of an event apart",
    "reported_by": "the partner that reported the event, where that may be another one",
    "day": "the business date",
    "amount": "the amount as a decimal number",
    "minor": "the amount in minor units, instead of `amount`",
    "currency": "the currency (ISO 4217)",
    "points": "the points",
    "price_version": "the version of the price",
    "issuer": "who owes",
    "redeemer": "who is owed",
    "cycle": "the cycle",
    "kind": "what is owed for; such a report is about lines of all kinds, another one about reimbursements only",
    "reverses": "the event that it takes back, empty where it takes back none",
}
"""What a column of theirs can be, and what is meant by it."""
_REQUIRED = ("reference", "day")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_TOKENS = {"YYYY": r"(?P<y>[0-9]{4})", "MM": r"(?P<m>[0-9]{1,2})", "DD": r"(?P<d>[0-9]{1,2})"}
_MAX_TEXT = 200
_MAX_VERSION = 2**31 - 1
_MOST = 10**17
PARTS = "~"
"""Between the parts of a reference; no separator that comparison leaves out."""


class ReportForm(NamedTuple):
    """What was announced of a report.

    columns
        Ours -> theirs, by the names of `FIELDS`.
    currency
        The currency of all lines, where no column says it.
    delimiter, encoding
        Of a CSV file.
    decimal, thousands
        The sign between whole units and fractions, and the one between thousands ("" where there is none).
    dates
        How a date is written, by YYYY, MM and DD.
    """

    columns: Mapping[str, str]
    currency: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    dates: str = "YYYY-MM-DD"


def checked(form: ReportForm) -> ReportForm:
    """The form itself; raises `MappingRefused` with what is wrong with it and what would be right."""
    unknown = sorted(form.columns.keys() - FIELDS.keys())
    if unknown:
        raise MappingRefused(f"there is nothing called {unknown[0]!r}; columns can be {', '.join(FIELDS)}")
    missing = [name for name in _REQUIRED if name not in form.columns]
    if missing:
        raise MappingRefused(f"say which column has the {missing[0]}: --column {missing[0]}=NAME")
    if ("amount" in form.columns) == ("minor" in form.columns):
        raise MappingRefused("say which column has the amount: either --column amount=NAME or --column minor=NAME")
    if ("currency" in form.columns) == bool(form.currency):
        raise MappingRefused("say either which column has the currency (--column currency=NAME) or --currency EUR")
    if len(form.delimiter) != 1 or form.decimal not in (".", ",") or form.thousands == form.decimal:
        raise MappingRefused(
            "a delimiter is one character, a decimal sign . or , and thousands are set apart by another"
        )
    if sorted(re.findall("[A-Z]+", form.dates)) != ["DD", "MM", "YYYY"]:
        raise MappingRefused(f"dates are described by YYYY, MM and DD, such as DD.MM.YYYY, and not {form.dates[:40]!r}")
    return form


def form_of(content: Mapping[str, Any]) -> ReportForm:
    """A form from its JSON object; raises `MappingRefused`."""
    unknown = sorted(content.keys() - {*ReportForm._fields})
    if unknown:
        raise MappingRefused(f"a mapping has {', '.join(ReportForm._fields)}, and no {unknown[0]!r}")
    texts = {name: value for name, value in content.items() if name != "columns"}
    columns = content.get("columns", {})
    if not isinstance(columns, dict) or not all(isinstance(one, str) for one in [*texts.values(), *columns.values()]):
        raise MappingRefused(
            'a mapping is like {"columns": {"reference": "Beleg", ...}, "delimiter": ";"}, all of it texts'
        )
    return checked(ReportForm(columns, **texts))


def line_of(row: Mapping[str, object], number: int, form: ReportForm) -> Line:
    """A row of a report, counted from 1, as a line; its key is the number with leading zeros.

    Raises `FileRefused` with the row, the column and what is wrong.
    """
    read = _Row(row, number, form)
    reference = read.text("reference", required=True)
    currency = read.text("currency", required=True).upper() if "currency" in form.columns else form.currency
    if not re.fullmatch("[A-Z]{3}", currency, re.ASCII):
        raise FileRefused(f"row {number}: {currency[:20]!r} is no currency of three letters")
    issuer, redeemer, cycle, reverses = (
        read.text(name) or None for name in ("issuer", "redeemer", "cycle", "reverses")
    )
    return Line(
        f"{number:09d}",
        event_reference(read.text("reported_by"), reference, read.text("line")),
        read.amount_minor(currency),
        currency,
        read.day(),
        event_reference(read.text("reported_by"), reference, ""),
        read.whole("points"),
        read.whole("price_version", _MAX_VERSION),
        issuer,
        redeemer,
        cycle,
        reverses,
    )


def event_reference(reported_by: str, event_id: str, line: str) -> str:
    """How a line is called on both sides: the event, before it who reported it and after it its line, where known."""
    return PARTS.join(part for part in (reported_by, event_id, line) if part)


class _Row:
    """One row, with the names of its columns for whoever has to mend it."""

    def __init__(self, row: Mapping[str, object], number: int, form: ReportForm) -> None:
        self._row, self._number, self._form = row, number, form

    def text(self, name: str, *, required: bool = False) -> str:
        """The text of a field, without blanks around it; "" where there is none."""
        value = self._row.get(self._form.columns.get(name, ""), "")
        text = "" if value is None else str(value).strip()
        if required and not text:
            raise self._refusal(name, "is empty")
        if len(text) > _MAX_TEXT or not text.isprintable():
            raise self._refusal(name, f"is longer than {_MAX_TEXT} characters, or not printable")
        return text

    def whole(self, name: str, most: int = _MOST) -> int | None:
        """A whole number; None where there is none."""
        text = self._plain(name)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise self._refusal(name, f"has {text[:40]!r}, which is no whole number")
        if abs(int(text)) > most:
            raise self._refusal(name, f"has {text}, which is too large")
        return int(text)

    def amount_minor(self, currency: str) -> int:
        """The amount in minor units, whichever way the report has it."""
        if "minor" in self._form.columns:
            minor = self.whole("minor")
            if minor is None:
                raise self._refusal("minor", "is empty")
            return minor
        text = self._plain("amount")
        sign = -1 if text.startswith("-") else 1
        try:
            minor = in_minor(text.lstrip("+-") if text[1:2] not in ("+", "-") else text, currency)
        except ValueError as error:
            raise self._refusal("amount", f"has {self.text('amount')[:40]!r}: {error}") from error
        if minor > _MOST:
            raise self._refusal("amount", f"has {text}, which is too large")
        return sign * minor

    def day(self) -> date:
        """The business date."""
        value = self._row.get(self._form.columns["day"])
        if type(value) is date:
            return value
        text = self.text("day", required=True)
        pattern = "".join(_TOKENS.get(part, re.escape(part)) for part in re.split("(YYYY|MM|DD)", self._form.dates))
        found = re.fullmatch(pattern, text, re.ASCII)
        try:
            return date(int(found["y"]), int(found["m"]), int(found["d"])) if found else date(0, 0, 0)
        except ValueError as error:
            raise self._refusal("day", f"has {text[:40]!r}, which is no date written {self._form.dates}") from error

    def _plain(self, name: str) -> str:
        """A number with the signs that we write: no thousands set apart, and a point before the fraction."""
        value = self._row.get(self._form.columns.get(name, ""))
        if isinstance(value, float):
            raise self._refusal(
                name, "has binary fractions (floating point), which no amount can be taken from exactly"
            )
        if isinstance(value, int | Decimal):
            return str(value)
        text, form = self.text(name), self._form
        whole, point, fraction = text.partition(form.decimal)
        groups = whole.split(form.thousands) if form.thousands else [whole]
        if any(len(group) != 3 for group in groups[1:]) or (
            form.decimal == "," and "." in "".join((*groups, fraction))
        ):
            raise self._refusal(name, f"has {text[:40]!r}, which is not written as was announced")
        return "".join(groups) + (point and ".") + fraction

    def _refusal(self, name: str, reason: str) -> FileRefused:
        return FileRefused(f"row {self._number}: column {self._form.columns.get(name, name)!r} {reason}")
