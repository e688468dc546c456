"""Templates: what makes sense of a file, in each format, and what is refused when it is put on record."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import Refused, TermsRefused
from hub.core.files.faults import RowRefused
from hub.core.files.templates import Template
from hub.core.files.transformations import steps
from hub.services.context import Hub
from hub.services.files import templates
from tests.support.bulk import SALES, add_template, answers, sales, send

FIXED: dict[str, Any] = {
    "record": "earning",
    "format": "fixed",
    "encoding": "cp037",
    "header": {"starts": "01", "file_id": {"from": [3, 10]}, "sequence": {"from": [13, 5]}},
    "footer": {"starts": "99", "count": {"from": [3, 6]}, "amount": {"from": [9, 12]}},
    "columns": {
        "event_id": {"from": [3, 8]},
        "member": {"from": [11, 10], "as": [["unpad", "0"], ["prefix", "card:"]]},
        "occurred_at": {"from": [21, 8], "as": [["time", "YYYYMMDD", "+01:00"]]},
        "minor": {"from": [29, 10]},
        "currency": {"from": [39, 3], "as": [["words", {"840": "USD"}]]},
        "store": {"from": [42, 4], "as": ["trim", ["default", "none"]]},
    },
}
LINES: dict[str, Any] = {
    "record": "refund",
    "format": "jsonl",
    "footer": {"count": {"from": "rows"}},
    "columns": {
        "event_id": {"from": "id"},
        "refunds": {"from": "of"},
        "occurred_at": {"from": "at"},
        "minor": {"from": "cents"},
        "currency": {"value": "USD"},
    },
}


def test_lines_of_fixed_width_in_ebcdic(hub: Hub) -> None:
    add_template(hub, "fuel", FIXED, "mainframe")
    rows = [f"02fix{number:05}{number:010}20170109{1_000:010}840    " for number in range(3)]
    lines = [f"01{'fixed':<10}{1:05}", *rows, f"99{3:06}{3_000:012}"]
    state = send(hub, "fuel", "fixed", "\x85".join(lines).encode("cp037"), "mainframe")
    assert (state["state"], state["counts"]["posted"], state["sequence"]) == ("posted", 3, 1)
    assert [one["record"] for one in answers(hub, "fuel", "fixed")] == ["fix00000", "fix00001", "fix00002"]


def test_a_line_that_is_cut_is_no_record_even_if_its_amount_still_is_a_number(hub: Hub) -> None:
    add_template(hub, "fuel", FIXED, "mainframe")
    whole = f"02cut00000{1:010}20170109{1_000:010}840    "
    lines = [f"01{'cut':<10}{2:05}", whole, whole.replace("cut00000", "cut00001")[:36], f"99{2:06}{1_000:012}"]
    state = send(hub, "fuel", "cut", "\n".join(lines).encode("cp037"), "mainframe")
    assert (state["state"], state["unreadable"]) == ("waiting", 1)


def test_json_lines_of_refunds(hub: Hub) -> None:
    add_template(hub, "fuel", LINES, "returns")
    sold = ["sold;1;20170109;120000;10,00;usd;7"]
    assert send(hub, "fuel", "sold", sales("sold", sold, 1))["counts"]["points"] == 5
    rows = [
        {"id": "back-1", "of": "sold", "at": "2017-01-10T10:00:00Z", "cents": 400},
        {"id": "back-2", "of": "nothing", "at": "2017-01-10T10:00:00Z", "cents": "400"},
        {"id": "back-3", "of": "sold", "at": "2017-01-10T10:00:00Z", "cents": 601},
        {"id": "back-1", "of": "sold", "at": "2017-01-10T10:00:00Z", "cents": 400},
        {"rows": 4},
    ]
    text = "\n".join(json.dumps(one) for one in rows).encode()
    add_template(hub, "fuel", LINES | {"bad_percent": 50}, "returns")
    assert send(hub, "fuel", "returns", text, "returns")["state"] == "posted"
    found = [(one["status"], one.get("error", {}).get("code")) for one in answers(hub, "fuel", "returns")]
    assert found == [("posted", None), ("rejected", "unknown_event"), ("rejected", "exceeds_original"),
                     ("duplicate", None)]  # fmt: skip


def changed(**more: Any) -> dict[str, Any]:
    return {**SALES, **more}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({}, "lacks"), (changed(more=1), "has no field"), (changed(record="card"), "record is one of"),
        (changed(format="xml"), "format is one of"), (changed(encoding="rot13"), "encoding is one of"),
        (changed(delimiter=""), "one character"), (changed(delimiter="\n"), "one character"),
        (changed(quote=";"), "not the same"), (changed(names=1), "true or false"),
        (changed(bad_percent=101), "bad_percent"), (changed(columns=[]), "object"),
        (changed(columns={"event_id": {"from": "id"}}), "lacks"),
        (changed(header={"count": {"from": 1}}), "has no field"), (changed(header={"file_id": {}}), "either"),
        (changed(header={"file_id": {"from": "x"}}), "counted from 1"), (changed(footer={"starts": 1}), "starts"),
        (changed(columns={**SALES["columns"], "store": {"from": 3}}), "by its name"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": ["eval"]}}), "those there are"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": [["prefix"]]}}), "other arguments"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": [["minor", 99]]}}), "from 0 to 4"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": [["time", "YYYY"]]}}), "pattern"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": [["words", {}]]}}), "table"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "as": ["trim"] * 11}}), "at most 10"),
        (changed(columns={**SALES["columns"], "store": {"from": "a", "value": "b"}}), "either"),
        ({**FIXED, "names": True}, "fixed width"), ({**LINES, "names": False}, "JSON lines"),
        ({**LINES, "columns": {name: one for name, one in LINES["columns"].items() if name != "minor"}}, "both"),
    ],
)  # fmt: skip
def test_a_template_that_makes_no_sense_is_refused_with_what_to_change(terms: dict[str, Any], words: str) -> None:
    with pytest.raises(TermsRefused, match=words):
        Template.of(terms)


def test_a_template_is_put_on_record_in_versions(hub: Hub) -> None:
    versions = [templates.add(hub, "grocer", "daily", SALES, "ada")["version"] for _ in range(3)]
    assert versions == [1, 2, 3]
    assert [one["version"] for one in templates.listing(hub, "grocer")] == versions
    for name, partner in (("No", "grocer"), ("daily", "nobody")):
        with pytest.raises(Refused):
            templates.add(hub, partner, name, SALES, "ada")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 20_000) | st.text(max_size=5) | st.sampled_from(["trim", "minor"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*sorted(SALES), "cells", "quote", "x"]), json_values), json_values)
def test_whatever_is_written_is_a_template_or_refused(more: dict[str, Any], field: Any) -> None:
    for terms in ({**SALES, **more}, {**SALES, "columns": {**SALES["columns"], "store": field}}):
        with suppress(TermsRefused):
            assert Template.of(terms).columns


@given(st.integers(0, 10**12), st.sampled_from([".", ","]), st.sampled_from(["", "'", " "]))
def test_an_amount_is_read_as_it_is_written(minor: int, point: str, apart: str) -> None:
    [step] = steps([["minor", 2, point, apart]])
    written = f"{minor // 100:,}".replace(",", apart) + f"{point}{minor % 100:02}"
    assert int(step(written)) == minor


@pytest.mark.parametrize("text", ["", "1.2", "1,234", "1,2,3", "--1", "1e3", "\u0661", " 1", "1_0"])
def test_what_is_no_amount_with_a_comma_is_refused(text: str) -> None:
    [step] = steps([["minor", 2, ","]])
    with pytest.raises(RowRefused):
        step(text)
