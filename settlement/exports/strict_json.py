"""JSON from a stranger: without doubled names, without fractions, and never deeper than the reader bears."""

from __future__ import annotations

import json
from typing import Any

from settlement.errors import FileRefused


def parse(text: bytes | str) -> Any:
    """The value of a text; raises `FileRefused`."""
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_float=_refuse_number, parse_constant=_refuse_number)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"has JSON that is not well-formed: {error!s:.100}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a name occurs twice")
    return record


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text:.20} is not a whole number")
