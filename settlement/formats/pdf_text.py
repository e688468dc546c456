"""Any text, in fonts that every PDF reader has: Helvetica, and STSong-Light for Chinese.

Neither font travels in the file. What neither can show, such as emoji, Arabic, or characters that turn the direction
of writing, is written as \\u{1F600}, so that two different ids never look the same and none can disturb its line.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

LATIN, BOLD, CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"


def register_fonts() -> None:
    """Make the Chinese font known to the library; twice does no harm."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


@lru_cache(maxsize=4096)
def visible(character: str) -> str:
    """What is written for a character: itself where a font has it."""
    if character == "\\":
        return r"\\"
    shown = character.isprintable() and (_encodes(character, "cp1252") or _encodes(character, "gbk"))
    return character if shown else f"\\u{{{ord(character):X}}}"


@lru_cache(maxsize=4096)
def _font(character: str) -> str:
    return LATIN if _encodes(character, "cp1252") else CHINESE


def _encodes(character: str, encoding: str) -> bool:
    try:
        return bool(character.encode(encoding))
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=4096)
def _width(character: str, bold: bool) -> float:
    font = _font(character)
    return float(pdfmetrics.stringWidth(character, BOLD if bold and font == LATIN else font, 1))


def width_of(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is in points; it holds visible characters only."""
    return size * sum(_width(character, bold) for character in text)


def wrapped(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """The text with `visible` characters, in parts that are no wider than `width`; at least one part.

    It breaks behind a space if there is one, and otherwise where the width ends: ids have no words.
    """
    parts, start, reached = [], 0, 0.0
    shown = "".join(map(visible, text))
    for place, character in enumerate(shown):
        reached += size * _width(character, bold)
        if reached > width and place > start:
            end = shown.rfind(" ", start, place) + 1 or place
            parts.append(shown[start:end])
            start, reached = end, width_of(shown[end : place + 1], size, bold)
    return [*parts, shown[start:]]


def draw(canvas: Canvas, x: float, y: float, text: str, size: float, bold: bool = False) -> None:
    """Write visible characters from (x, y) on, each in a font that has it."""
    line = canvas.beginText(x, y)
    for font, run in itertools.groupby(text, _font):
        line.setFont(BOLD if bold and font == LATIN else font, size)
        line.textOut("".join(run))
    canvas.drawText(line)
