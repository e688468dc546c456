"""Templates: how one issuer writes one kind of file, as data that is checked when it is put on record.

    record     what a row is, of `hub.core.files.records`
    format     csv, fixed, jsonl or parquet
    encoding   of text formats; one of `ENCODINGS`
    delimiter, quote, names, cells   of csv: signs, whether a line names the columns, how many cells a row has
    header, footer    the first and the last line: what they begin with (`starts`), and the fields that they have
    columns    value -> where it is and what is done to it

Where a value is depends on the format: the name of a column or member, the number of a cell from 1 in a CSV without
names, [start, length] in a line of fixed width. In Parquet, header and footer are the file's own key-value metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import TermsRefused
from hub.core.fields import check_fields, whole
from hub.core.files.records import KINDS, MONEY
from hub.core.files.transformations import Step, steps

FORMATS = ("csv", "fixed", "jsonl", "parquet")
ENCODINGS = (
    "ascii", "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1252", "cp037", "cp500",
    "cp1047", "shift_jis", "gb18030", "big5", "euc_kr",
)  # fmt: skip
"""Character sets by Python's names; the three that begin with cp and 0, 5 or 10 are EBCDIC."""
HEADER, FOOTER = ("file_id", "sequence"), ("count", "amount", "points")
MAX_CELLS, MAX_WIDTH, MAX_NAME = 1_000, 65_536, 200
USUAL_BAD_PERCENT = 5

Place = str | int | tuple[int, int]


class Field(NamedTuple):
    """Where a value is, and what is done to it; without a place it is always ``constant``."""

    places: tuple[Place, ...]
    steps: tuple[Step, ...]
    constant: str = ""


class EndLine(NamedTuple):
    """A header or a footer."""

    starts: str
    fields: Mapping[str, Field]


class Template(NamedTuple):
    """How a file is written."""

    record: str
    format: str
    columns: Mapping[str, Field]
    header: EndLine | None
    footer: EndLine | None
    encoding: str
    delimiter: str
    quote: str
    names: bool
    cells: int
    bad_percent: int
    """Above this share of bad rows the whole file waits for a person."""

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Template:
        """Read a template.

        Raises:
            TermsRefused: it makes no sense; the message says what to change.
        """
        check_fields(terms, "a template", ("record", "format", "columns"), _OPTIONAL)
        record, form = _choice(terms, "record", tuple(KINDS)), _choice(terms, "format", FORMATS)
        delimiter, quote = terms.get("delimiter", ","), terms.get("quote", '"')
        if not (_is_sign(delimiter) and _is_sign(quote) and delimiter != quote):
            raise TermsRefused("delimiter and quote are one character each, and not the same")
        names = terms.get("names", form in ("jsonl", "parquet"))
        if not isinstance(names, bool) or (form == "fixed" and names) or (form in ("jsonl", "parquet") and not names):
            raise TermsRefused("names is true or false; lines of fixed width have none, JSON lines and Parquet do")
        read = _Reading(form, named=names)
        return cls(
            record, form, read.columns(record, terms["columns"]), read.end("header", terms.get("header"), HEADER),
            read.end("footer", terms.get("footer"), FOOTER), _choice(terms, "encoding", ENCODINGS, "utf-8"),
            delimiter, quote, names, whole(terms.get("cells", 0), "cells", 0, MAX_CELLS),
            whole(terms.get("bad_percent", USUAL_BAD_PERCENT), "bad_percent", 0, 100),
        )  # fmt: skip


_OPTIONAL = ("header", "footer", "encoding", "delimiter", "quote", "names", "cells", "bad_percent")


class _Reading(NamedTuple):
    form: str
    named: bool

    def columns(self, record: str, written: object) -> Mapping[str, Field]:
        kind = KINDS[record]
        check_fields(written, f"columns of {record} records", kind.needed, kind.optional)
        assert isinstance(written, Mapping)
        if len(set(MONEY) & set(written)) == 1:
            raise TermsRefused("an amount has both minor and currency")
        return MappingProxyType({name: self.field(name, one, by_name=self.named) for name, one in written.items()})

    def end(self, what: str, written: object, known: tuple[str, ...]) -> EndLine | None:
        if written is None:
            return None
        check_fields(written, f"the {what}", (), ("starts", *known))
        assert isinstance(written, Mapping)
        starts = written.get("starts", "")
        if not isinstance(starts, str) or len(starts) > MAX_NAME or (starts and self.form in ("jsonl", "parquet")):
            raise TermsRefused(f"the {what} of a csv or fixed file may say with which text its line 'starts'")
        by_name = self.form in ("jsonl", "parquet")
        fields = {name: self.field(name, written[name], by_name=by_name) for name in known if name in written}
        return EndLine(starts, MappingProxyType(fields))

    def field(self, name: str, written: object, *, by_name: bool) -> Field:
        check_fields(written, f"the field {name}", (), ("from", "join", "as", "value"))
        assert isinstance(written, Mapping)
        if len({"from", "join", "value"} & set(written)) != 1:
            raise TermsRefused(f"{name} says either 'from' where it comes, or what to 'join', or its 'value'")
        done = tuple(steps(written.get("as", [])))
        if "value" in written:
            if not isinstance(written["value"], str):
                raise TermsRefused(f"the value of {name} is a text")
            return Field((), done, written["value"])
        places = written["join"] if "join" in written else [written["from"]]
        if not isinstance(places, list) or not 1 <= len(places) <= MAX_CELLS:
            raise TermsRefused(f"'join' of {name} is a list of places")
        return Field(tuple(self.place(name, one, by_name=by_name) for one in places), done)

    def place(self, name: str, written: object, *, by_name: bool) -> Place:
        if by_name:
            if isinstance(written, str) and 0 < len(written) <= MAX_NAME and written.isprintable():
                return written
            raise TermsRefused(f"{name} comes from a column by its name")
        if self.form == "fixed":
            if not isinstance(written, list) or len(written) != 2:
                raise TermsRefused(f"{name} comes from [start, length], the start counted from 1")
            return whole(written[0], "start", 1, MAX_WIDTH), whole(written[1], "length", 1, MAX_WIDTH)
        return whole(written, f"the cell of {name}, counted from 1,", 1, MAX_CELLS)


def _choice(terms: Mapping[str, Any], name: str, known: tuple[str, ...], usual: str = "") -> str:
    found = terms.get(name, usual)
    if found not in known:
        raise TermsRefused(f"{name} is one of {', '.join(known)}")
    return str(found)


def _is_sign(text: object) -> bool:
    return isinstance(text, str) and len(text) == 1 and (text == "\t" or text.isprintable()) and text not in "\r\n"
