"""Strict JSON: one text has one meaning, whoever reads it.

Two readers that disagree about a document disagree about money. So everything on which parsers are known to
differ is refused: byte order marks, duplicate keys, NaN and Infinity, fractions and exponents (nothing on the
wire is a float), integers beyond 64 bits, NUL and lone surrogates, and nesting deeper than any real message.
The rules follow I-JSON (RFC 7493) and go a little further.
"""

import json
from typing import Any, NoReturn

MAX_DEPTH = 16
MAX_INTEGER_DIGITS = 19

_BOM = b"\xef\xbb\xbf"


class MalformedJson(ValueError):
    """The bytes are not strict JSON; `detail` is a sentence for whoever sent them."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def loads(body: bytes) -> Any:
    """Read one JSON value from UTF-8 bytes; raises only MalformedJson, whatever arrives."""
    if body.startswith(_BOM):
        raise MalformedJson("a byte order mark is not allowed")
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except MalformedJson:
        raise
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg}: line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise MalformedJson(_TOO_DEEP) from None
    _check_depth(value)
    if b"\\u" in body:
        _check_text(value)
    return value


def dumps(value: object) -> bytes:
    """Write a JSON value compactly as UTF-8; raises ValueError for NaN, Infinity and lone surrogates."""
    return _ENCODER.encode(value).encode("utf-8")


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("an object has the same key twice")
    return members


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER_DIGITS and len(literal.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise MalformedJson(f"an integer has more than {MAX_INTEGER_DIGITS} digits")
    return int(literal)


def _fraction(literal: str) -> NoReturn:
    raise MalformedJson("fractions and exponents are not allowed: every number is a whole number")


def _constant(literal: str) -> NoReturn:
    raise MalformedJson(f"{literal} is not JSON")


def _check_depth(value: Any) -> None:
    """Walk the containers level by level, which needs no recursion of our own."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _CONTAINERS
        ]
    if level:
        raise MalformedJson(_TOO_DEEP)


def _check_text(value: Any) -> None:
    """Refuse NUL and lone surrogates, which only an escape can bring in, in keys and strings alike."""
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) is str:
            _check_string(item)
        elif type(item) is dict:
            pending.extend(item)
            pending.extend(item.values())
        elif type(item) is list:
            pending.extend(item)


def _check_string(text: str) -> None:
    if "\0" in text:
        raise MalformedJson("NUL is not allowed in a string")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedJson("a string has a lone surrogate") from None


_CONTAINERS = frozenset((dict, list))
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
