"""Pages of a printed table: every page says what it is of and which of how many, and rows never run off it.

A row is as many text lines as its longest cell needs; it stays on one page if a page can hold it. How many pages there
are is known only at the end, so that number is drawn once, as a form that every page shows. The library keeps all
pages until the file is saved, a few hundred bytes for each cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from settlement.formats.pdf_text import draw, register_fonts, width_of, wrapped

WIDTH, HEIGHT = landscape(A4)
MARGIN, SIZE, LEADING, GAP = 36.0, 7.0, 9.5, 5.0
TOP, BOTTOM = HEIGHT - MARGIN - 16, MARGIN + 14
_TOTAL = "number-of-pages"


def nothing() -> None:
    """Do nothing where a page ends or begins, or where a row stands."""


class Column(NamedTuple):
    """A column with its title; `width` is in points, numbers stand to the right."""

    title: str
    width: float
    right: bool = False


class Pages:
    """Writes rows to a file; `turn` is called with this at the end of each page, and `begin` on each new one."""

    def __init__(self, path: Path, head: str, foot: str, language: str, page: str, page_end: str) -> None:
        register_fonts()
        # Uncompressed, so that the bytes do not depend on the machine's zlib; invariant, so that not on its clock.
        self._canvas = Canvas(str(path), (WIDTH, HEIGHT), pageCompression=0, invariant=1, lang=language)
        self._canvas.setTitle(head)
        self._canvas.setAuthor("Hansa")
        self._head, self._foot, self._page, self._page_end = head, foot, page, page_end
        self.turn: Callable[[], None] = nothing
        self.begin: Callable[[], None] = nothing
        self.number = 0
        self.reserved = 0
        """Text lines at the foot of each page that only `turn` may use."""
        self._y = 0.0
        self._new_page()

    def row(
        self, columns: Sequence[Column], cells: Sequence[str], bold: bool = False, placed: Callable[[], None] = nothing
    ) -> None:
        """Write a row; it goes to the next page when it does not fit. `placed` is called once its first line stands."""
        parts = [wrapped(cell, one.width - GAP, SIZE, bold) for one, cell in zip(columns, cells, strict=True)]
        height = max(map(len, parts))
        if self.room < min(height, self._most):
            self.next_page()
        for place, texts in enumerate(itertools.zip_longest(*parts, fillvalue="")):
            if self.room < 1:
                self.next_page()
            self._line(columns, texts, bold)
            if place == 0:
                placed()

    def heading(self, text: str, needs: int) -> None:
        """Write a heading that stays together with the `needs` text lines after it."""
        if self.room < needs + 2:
            self.next_page()
        self._y -= LEADING / 2
        draw(
            self._canvas,
            MARGIN,
            self._y,
            wrapped(text, WIDTH - 2 * MARGIN, SIZE + 2, bold=True)[0],
            SIZE + 2,
            bold=True,
        )
        self._y -= LEADING * 1.5

    def text(self, text: str) -> None:
        """Write a text over the whole width."""
        self.row([Column("", WIDTH - 2 * MARGIN)], [text])

    def titles(self, columns: Sequence[Column]) -> None:
        """Write the titles of the columns, with a rule below."""
        self.row(columns, [column.title for column in columns], bold=True)
        self.rule()

    def rule(self) -> None:
        """Draw a rule below the last row."""
        self._rule(self._y + LEADING - 2.5)

    @property
    def room(self) -> int:
        """How many text lines fit on the page still, without those that are reserved."""
        return int((self._y - BOTTOM) / LEADING) - self.reserved

    @property
    def _most(self) -> int:
        """How many text lines of a row are always left on a new page, whatever `begin` writes."""
        return int((TOP - BOTTOM) / LEADING) - self.reserved - 8

    def next_page(self) -> None:
        """End the page and begin another one."""
        reserved, self.reserved = self.reserved, 0
        self.turn()
        self.reserved = reserved
        self._canvas.showPage()
        self._new_page()
        self.begin()

    def save(self) -> None:
        """Write the file; nothing can be added then."""
        self._canvas.showPage()
        self._canvas.beginForm(_TOTAL)
        draw(self._canvas, 0, 0, f"{self.number}{self._page_end}", SIZE)
        self._canvas.endForm()
        self._canvas.save()

    def _new_page(self) -> None:
        self.number += 1
        draw(self._canvas, MARGIN, HEIGHT - MARGIN, wrapped(self._head, WIDTH - 2 * MARGIN, SIZE)[0], SIZE)
        self._rule(HEIGHT - MARGIN - 4)
        said = self._page.format(self.number)
        x = WIDTH - MARGIN - 90
        draw(self._canvas, MARGIN, MARGIN, self._foot, SIZE)
        draw(self._canvas, x, MARGIN, said, SIZE)
        self._canvas.saveState()
        self._canvas.translate(x + width_of(said, SIZE), MARGIN)
        self._canvas.doForm(_TOTAL)
        self._canvas.restoreState()
        self._y = TOP

    def _rule(self, y: float) -> None:
        self._canvas.setLineWidth(0.4)
        self._canvas.line(MARGIN, y, WIDTH - MARGIN, y)

    def _line(self, columns: Sequence[Column], texts: Sequence[str], bold: bool) -> None:
        x = MARGIN
        for column, text in zip(columns, texts, strict=True):
            if text:
                at = x + column.width - GAP - width_of(text, SIZE, bold) if column.right else x
                draw(self._canvas, at, self._y, text, SIZE, bold)
            x += column.width
        self._y -= LEADING
