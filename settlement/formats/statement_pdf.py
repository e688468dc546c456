"""A statement as PDF, as an accountant files it: balances, positions, then every line with totals carried forward.

Lines come sorted by currency, and each currency has its own part, in which the last row of a page carries what the
rows so far come to and the first of the next page brings it. The same statement gives the same bytes. A line's digest
is not printed: it is in the other formats. reportlab is loaded only when such a file is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settlement.core.currency import written
from settlement.core.parties import REIMBURSEMENT
from settlement.formats.files import whole_file
from settlement.formats.statement_words import Words

if TYPE_CHECKING:
    from settlement.formats.pdf_pages import Column, Pages

Document = Mapping[str, Any]
_HEAD = ("partner", "cycle", "published_at", "digest")
_BALANCE = {"item": 290, "count": 60, "points": 80, "receive": 85, "pay": 85, "on_us": 85, "signed": 85}
_POSITION = {"issuer": 210, "redeemer": 210, "count": 60, "points": 100, "currency": 60, "amount": 130}
_DISPUTE = {"dispute": 210, "disputed_by": 150, "cycle": 70, "dispute_state": 110, "currency": 60,
            "disputed": 85, "granted": 85}  # fmt: skip
_LINE = {"date": 46, "reported_by": 62, "event": 140, "line": 28, "kind": 70, "issuer": 66, "redeemer": 66,
         "points": 52, "price": 60, "receive": 62, "pay": 62, "on_us": 56}  # fmt: skip
"""The columns of the tables with their widths in points."""
_RIGHT = {"count", "points", "receive", "pay", "on_us", "signed", "amount", "line", "price", "disputed", "granted"}
_SIDES = ("receive", "pay", "on_us")
_SUMS_LINES = 3
"""The most text lines that a row of sums takes: 36 digits of points, more of money."""


def write(path: Path, summary: Document, lines: Iterable[Document], words: Words) -> None:
    """Write the statement; the file is there whole or not at all."""
    from settlement.formats.pdf_pages import Pages

    head = f"{words['title']} · {summary['partner']} · {summary['cycle']}"
    with whole_file(path) as beside:
        pages = Pages(beside, head, summary["digest"], words["language"], words["page"], words["page_end"])
        _front(pages, summary, words)
        for currency, own in itertools.groupby(lines, lambda line: str(line["currency"])):
            _LinesOfCurrency(pages, summary["partner"], currency, words).write(own)
        pages.save()


def _front(pages: Pages, summary: Document, words: Words) -> None:
    pages.heading(words["title"], 4)
    for name in _HEAD:
        pages.text(f"{words[name]}: {summary[name]}")
    for balance in summary["balances"]:
        _balance(pages, balance, words)
    if summary["positions"]:
        _positions(pages, summary["positions"], words)
    else:
        pages.text(words["none"])
    if "disputes" in summary:
        _disputes(pages, summary["disputes"], words)
    pages.text(words["note"])


def _balance(pages: Pages, balance: Document, words: Words) -> None:
    currency, columns = balance["currency"], _columns(_BALANCE, words)
    pages.heading(words["balance"].format(currency), 6)
    pages.titles(columns)

    def row(item: str, minor: int, bold: bool = False) -> None:
        pages.row(columns, [item, *[""] * 5, written(minor, currency)], bold)

    row(words["opening"], balance["opening_minor"])
    for movement in balance["movements"]:
        sides = [written(movement[f"{side}_minor"], currency) for side in _SIDES]
        net = written(movement["receive_minor"] - movement["pay_minor"], currency)
        pages.row(columns, [_kind(movement, words), str(movement["lines"]), str(movement["points"]), *sides, net])
    for charge in balance["charges"]:
        row(words[charge["kind"]].format(charge["contract_version"]), -charge["amount_minor"])
    pages.rule()
    row(words["closing"], balance["closing_minor"], bold=True)
    due = balance["due_minor"]
    row(words["due_receive" if due > 0 else "due_pay" if due < 0 else "due_none"], due)
    if balance["withheld_minor"]:
        row(words["withheld"], balance["withheld_minor"])
    row(words["carried"], balance["carried_minor"])


def _positions(pages: Pages, positions: Iterable[Document], words: Words) -> None:
    columns = _columns(_POSITION, words)
    pages.heading(words["positions"], 4)
    pages.titles(columns)
    for row in positions:
        counts = (str(row["lines"]), str(row["points"]), row["currency"], written(row["minor"], row["currency"]))
        pages.row(columns, [row["issuer"], row["redeemer"], *counts])


def _disputes(pages: Pages, disputes: Iterable[Document], words: Words) -> None:
    columns = _columns(_DISPUTE, words)
    pages.heading(words["disputes"], 4)
    pages.titles(columns)
    for row in disputes:
        amounts = [written(row[f"{name}_minor"], row["currency"]) for name in ("disputed", "accepted")]
        state = words[f"state {row['state']}"]
        pages.row(columns, [row["dispute_id"], row["partner"], row["cycle"], state, row["currency"], *amounts])


class _LinesOfCurrency:
    """The lines of one currency, with what they come to so far."""

    def __init__(self, pages: Pages, partner: str, currency: str, words: Words) -> None:
        self._pages, self._partner, self._currency, self._words = pages, partner, currency, words
        self._columns = _columns(_LINE, words)
        self._points, self._lines = 0, 0
        self._minors = dict.fromkeys(_SIDES, 0)

    def write(self, lines: Iterable[Document]) -> None:
        """Write them all, and their total."""
        from settlement.formats.pdf_pages import nothing

        pages, words = self._pages, self._words
        pages.heading(words["lines"].format(self._currency), 5)
        pages.titles(self._columns)
        pages.reserved, pages.turn, pages.begin = _SUMS_LINES, self._carry, self._bring
        for line in lines:
            self._write(line)
        pages.reserved, pages.turn, pages.begin = 0, nothing, nothing
        pages.rule()
        self._sums(words["total"].format(self._lines))

    def _write(self, line: Document) -> None:
        side = (
            "on_us" if line["issuer"] == line["redeemer"] else "pay" if line["issuer"] == self._partner else "receive"
        )

        def placed() -> None:
            self._points += line["points"]
            self._minors[side] += line["minor"]
            self._lines += 1

        shown = written(line["minor"], self._currency)
        amounts = [shown if side == one else "" for one in _SIDES]
        self._pages.row(self._columns, [*_described(line, self._words), *amounts], placed=placed)

    def _carry(self) -> None:
        self._pages.rule()
        self._sums(self._words["carry_forward"])

    def _bring(self) -> None:
        self._pages.titles(self._columns)
        self._sums(self._words["brought_forward"].format(self._pages.number - 1))
        self._pages.rule()

    def _sums(self, title: str) -> None:
        minors = [written(self._minors[side], self._currency) for side in _SIDES]
        self._pages.row(self._columns, ["", "", title, *[""] * 4, str(self._points), "", *minors], bold=True)


def _columns(named: Mapping[str, int], words: Words) -> list[Column]:
    from settlement.formats.pdf_pages import Column

    return [Column(words[name], width, name in _RIGHT) for name, width in named.items()]


def _kind(movement: Document, words: Words) -> str:
    name = words[movement["kind"]]
    return words["correction"].format(name) if movement["corrects"] else name


def _described(line: Document, words: Words) -> list[str]:
    """The cells of a line before its amounts."""
    kind = words[line.get("kind", REIMBURSEMENT)]
    if "origin" in line:
        origin = f"{line['origin']['partner']}/{line['origin']['event_id']}"
        kind = f"{kind}, {words['corrects'].format(origin)}"
    issuer, price = line["issuer"], line["price"]
    if "points_of" in line:
        issuer = f"{issuer}, {words['points_of'].format(line['points_of'])}"
    exact = f"{price['numerator']}/{price['denominator']}".removesuffix("/1")
    event = (line["business_date"], line["partner"], line["event_id"], str(line["line"]))
    return [*event, kind, issuer, line["redeemer"], str(line["points"]), f"{exact}, {price['version']}"]
