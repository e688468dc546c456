"""Strict JSON reads one meaning or refuses; nothing that arrives gets any other exception out of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.wire import strict_json
from partner_sdk.wire.strict_json import MAX_DEPTH, MalformedJson

HOSTILE = {
    "empty": b"",
    "only spaces": b"  \n",
    "not json": b"hello",
    "two values": b"{} {}",
    "unfinished": b'{"a":',
    "trailing comma": b'{"a":1,}',
    "comment": b'{"a":1} // x',
    "single quotes": b"{'a':1}",
    "unquoted key": b"{a:1}",
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "utf-16": '{"a":1}'.encode("utf-16"),
    "not utf-8": b'{"a":"\xff"}',
    "overlong": b'{"a":"\xc0\xaf"}',
    "surrogate in utf-8": b'{"a":"\xed\xa0\x80"}',
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key, escaped": b'{"a":1,"\\u0061":1}',
    "duplicate key, deep": b'{"x":[{"a":1,"b":2,"a":3}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "fraction": b'{"a":1.0}',
    "exponent": b'{"a":1e2}',
    "huge exponent": b'{"a":1e400}',
    "plus sign": b"[+1]",
    "leading zero": b"[01]",
    "ten to the 400": b"[1" + b"0" * 400 + b"]",
    "million digits": b"[" + b"9" * 1_000_000 + b"]",
    "20 digits": b"[10000000000000000000]",
    "20 digits below zero": b"[-10000000000000000000]",
    "raw NUL": b'{"a":"\x00"}',
    "raw NUL outside": b'\x00{"a":1}',
    "escaped NUL": b'{"a":"\\u0000"}',
    "escaped NUL in a key": b'{"\\u0000":1}',
    "raw line break in a string": b'{"a":"\n"}',
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'["\\udc00x"]',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "lone surrogate in a deep key": b'[[{"a":{"b\\udfff":[]}}]]',
    "surrogates in the wrong order": b'["\\udc00\\ud800"]',
    "bad escape": b'["\\x41"]',
    "deep arrays": b"[" * 60_000 + b"]" * 60_000,
    "deep arrays, unfinished": b"[" * 60_000,
    "deep objects": b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
    "one level too deep": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "one object too deep": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_are_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(MalformedJson) as refusal:
        strict_json.loads(body)
    assert 0 < len(refusal.value.detail) < 200


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' {"a" : [ 1 , -2 ] }\r\n', {"a": [1, -2]}),
        (b"[9999999999999999999, -9999999999999999999]", [9999999999999999999, -9999999999999999999]),
        (b"-0", 0),
        (b"null", None),
        (b"[true,false]", [True, False]),
        (b'["\\ud83d\\ude00"]', ["\N{GRINNING FACE}"]),
        ('["\N{GRINNING FACE}"]'.encode(), ["\N{GRINNING FACE}"]),
        (b'["\\\\u0000"]', ["\\u0000"]),
        (b'{"a":{"b":1},"b":{"a":1}}', {"a": {"b": 1}, "b": {"a": 1}}),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
    ],
)
def test_strict_bodies_are_read(body: bytes, value: Any) -> None:
    assert strict_json.loads(body) == value


def test_dumps_is_compact_utf8() -> None:
    assert strict_json.dumps({"a": [1, "é"], "b": None}) == b'{"a":[1,"\xc3\xa9"],"b":null}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_dumps_refuses_what_is_no_json(value: object) -> None:
    with pytest.raises(ValueError):
        strict_json.dumps(value)


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_SCALARS = st.none() | st.booleans() | st.integers(-(10**19) + 1, 10**19 - 1) | _TEXT
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_what_was_written_is_read_back(value: Any) -> None:
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(_VALUES)
def test_escapes_mean_the_same_as_plain_text(value: Any) -> None:
    assert strict_json.loads(json.dumps(value, indent=1).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = strict_json.loads(body)
    except MalformedJson:
        return
    assert strict_json.loads(strict_json.dumps(value)) == value
