"""What may be done to a cell before it is a value: a fixed table of named steps, so that no template holds code.

A step takes a text and gives a text, or refuses the row. Its arguments stand in the template behind its name, as in
``["minor", 2, ",", "."]``, and are checked when the template is put on record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from hub.core.errors import TermsRefused
from hub.core.files.faults import MALFORMED_ROW, RowRefused

Step = Callable[[str], str]
MAX_STEPS, MAX_TEXT, MAX_WORDS, MAX_PLACES = 10, 100, 500, 4
_TOKENS = {"YYYY": "(?P<y>[0-9]{4})", "MM": "(?P<m>[0-9]{2})", "DD": "(?P<d>[0-9]{2})", "hh": "(?P<h>[0-9]{2})",
           "mm": "(?P<n>[0-9]{2})", "ss": "(?P<s>[0-9]{2})"}  # fmt: skip
_OFFSET = re.compile(r"Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Transformation(NamedTuple):
    """One step: what it does, and what makes it of its arguments, which raises TypeError or TermsRefused."""

    meaning: str
    make: Callable[..., Step]


def steps(written: object) -> list[Step]:
    """Return the steps that a template asks for, each a name or a list of a name and its arguments.

    Raises:
        TermsRefused: there is no such step, or not with these arguments.
    """
    if not isinstance(written, Sequence) or isinstance(written, str) or len(written) > MAX_STEPS:
        raise TermsRefused(f"'as' is a list of at most {MAX_STEPS} steps")
    return [_step(one) for one in written]


def _step(written: object) -> Step:
    name, *arguments = [written] if isinstance(written, str) else written if isinstance(written, list) else [""]
    known = TRANSFORMATIONS.get(name) if isinstance(name, str) else None
    if known is None:
        raise TermsRefused(f"there is no such step; those there are: {', '.join(TRANSFORMATIONS)}")
    try:
        return known.make(*arguments)
    except TypeError as error:
        raise TermsRefused(f"the step {name} has other arguments: {known.meaning}") from error


def _prefix(text: str) -> Step:
    before = _text(text)
    return lambda value: before + value if value else value


def _unpad(character: str) -> Step:
    if len(_text(character)) != 1:
        raise TermsRefused("unpad takes one character")
    rest = "0" if character == "0" else ""
    return lambda value: value.lstrip(character) or (rest if value else "")


def _part(start: int, length: int) -> Step:
    first, count = _whole(start, 1), _whole(length, 1)
    return lambda value: value[first - 1 : first - 1 + count]


def _default(text: str) -> Step:
    otherwise = _text(text)
    return lambda value: value or otherwise


def _words(table: Mapping[str, str]) -> Step:
    if not isinstance(table, Mapping) or not 0 < len(table) <= MAX_WORDS:
        raise TermsRefused(f"words takes a table of 1 to {MAX_WORDS} texts")
    known = {_text(name): _text(word) for name, word in table.items()}
    return partial(_word, known)


def _word(known: Mapping[str, str], value: str) -> str:
    if value not in known:
        raise RowRefused(MALFORMED_ROW, "has a word that the template does not know")
    return known[value]


def _minor(places: int, point: str = ".", thousands: str = "") -> Step:
    count = _whole(places, 0, MAX_PLACES)
    if point not in (".", ",") or thousands not in ("", ".", ",", " ", "'") or point == thousands:
        raise TermsRefused("minor takes the number of decimals, the decimal sign and what sets thousands apart")
    apart = re.escape(thousands)
    whole = f"[0-9]{{1,3}}(?:{apart}[0-9]{{3}}){{1,5}}|[0-9]{{1,15}}" if thousands else "[0-9]{1,15}"
    fraction = f"(?:{re.escape(point)}([0-9]{{1,{count}}}))?" if count else "()"
    return partial(_in_minor, re.compile(f"([+-]?)({whole}){fraction}"), count, thousands)


def _in_minor(pattern: re.Pattern[str], places: int, thousands: str, value: str) -> str:
    found = pattern.fullmatch(value)
    if found is None:
        raise RowRefused(MALFORMED_ROW, "is no amount as the template writes it")
    sign, whole, fraction = found.groups()
    digits = whole.replace(thousands, "") if thousands else whole
    return ("-" if sign == "-" else "") + digits + (fraction or "").ljust(places, "0")


def _time(pattern: str, offset: str = "Z") -> Step:
    tokens = re.findall("YYYY|MM|DD|hh|mm|ss", _text(pattern))
    if len(set(tokens)) != len(tokens) or not {"YYYY", "MM", "DD"} <= set(tokens) or not _OFFSET.fullmatch(offset):
        raise TermsRefused("time takes a pattern of YYYY, MM, DD, hh, mm and ss, each once, and an offset like +01:00")
    parts = re.split("(YYYY|MM|DD|hh|mm|ss)", pattern)
    compiled = re.compile("".join(_TOKENS.get(part, re.escape(part)) for part in parts))
    hour, minute, second = (f"{{{name}}}" if name in compiled.groupindex else "00" for name in "hns")
    return partial(_instant, compiled, f"{{y}}-{{m}}-{{d}}T{hour}:{minute}:{second}{offset}".format)


def _instant(pattern: re.Pattern[str], written: Callable[..., str], value: str) -> str:
    found = pattern.fullmatch(value)
    if found is None:
        raise RowRefused(MALFORMED_ROW, "is no time as the template writes it")
    return written(**found.groupdict())


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise TermsRefused(f"a step's text has at most {MAX_TEXT} printable characters")
    return value


def _whole(value: object, least: int, most: int = 10_000) -> int:
    if type(value) is not int or not least <= value <= most:
        raise TermsRefused(f"a step's number is a whole one from {least} to {most}")
    return value


TRANSFORMATIONS: Mapping[str, Transformation] = MappingProxyType({
    "trim": Transformation("without the white space around it", lambda: str.strip),
    "upper": Transformation("in capitals", lambda: str.upper),
    "lower": Transformation("in small letters", lambda: str.lower),
    "prefix": Transformation("prefix TEXT: the text before it, unless it is empty", _prefix),
    "unpad": Transformation("unpad CHARACTER: without those in front of it", _unpad),
    "part": Transformation("part START LENGTH: so many characters from a place on, which is counted from 1", _part),
    "default": Transformation("default TEXT: the text where it is empty", _default),
    "words": Transformation("words {FROM: TO}: the word that the table has for it", _words),
    "minor": Transformation("minor DECIMALS [SIGN [THOUSANDS]]: an amount in minor units", _minor),
    "time": Transformation("time PATTERN [OFFSET]: an instant, from YYYY, MM, DD, hh, mm, ss", _time),
})  # fmt: skip
"""Name -> step. One more is a line here, and nothing else."""
