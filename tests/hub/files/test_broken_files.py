"""What a careless or hostile sender may send as a file: refused whole, or answered line by line; never half of it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from hub import file_worker
from hub.core.card_numbers import passes_luhn
from hub.core.errors import Refused
from hub.services.context import Hub
from hub.services.files import decisions, receiving, validating
from tests.support.bulk import NAMES, SALES, add_template, answers, bomb, receive, row, sales, send
from tests.support.network import broken_rows

CARD = next(f"411111111111111{last}" for last in "0123456789" if passes_luhn(f"411111111111111{last}"))
ROWS = [row(f"{{name}}-{number}") for number in range(6)]


class Case(NamedTuple):
    """A file under an id, what becomes of it, and why (a code) or what becomes of its lines."""

    content: Callable[[str], bytes]
    state: str
    code: str = ""
    statuses: str = ""
    more: Mapping[str, Any] = MappingProxyType({})
    rejected: str = ""
    """The code of the rows that are rejected."""


def of(*rows: str, **more: Any) -> Callable[[str], bytes]:
    return lambda name: sales(name, [one.format(name=name) for one in (*ROWS, *rows)], **more)


def cut(content: bytes, size: int) -> bytes:
    return content[:size]


def columns(count: int) -> Callable[[str], bytes]:
    return of(";".join(["{name}-x", *["1"] * (count - 1)]), minor=6_000)


def parquet(**columns_: Any) -> Callable[[str], bytes]:
    def content(name: str) -> bytes:
        sink = io.BytesIO()
        pq.write_table(pa.table(columns_), sink)
        return sink.getvalue()

    return content


GOOD, P, R = "PPPPPP", "posted", "rejected"
CASES: dict[str, Case] = {
    "whole": Case(of(), "posted", statuses=GOOD),
    "CR LF": Case(of(end="\r\n"), "posted", statuses=GOOD),
    "no end of the last line": Case(lambda name: of()(name).rstrip(b"\n"), "posted", statuses=GOOD),
    "truncated in a row": Case(lambda name: cut(of()(name), 150), "refused", "file_truncated"),
    "without its footer": Case(lambda name: of()(name).rsplit(b"T;")[0], "refused", "file_truncated"),
    "without its header": Case(lambda name: of()(name).partition(b"\n")[2], "refused", "file_malformed"),
    "one row is missing": Case(lambda name: of()(name).replace(row(f"{name}-3").encode() + b"\n", b""), "refused",
                               "totals_mismatch"),
    "wrong amount in the footer": Case(of(minor=6_001), "refused", "totals_mismatch"),
    "a footer that is no number": Case(lambda name: of()(name)[:-2] + b"x\n", "refused", "file_malformed"),
    "another file's header": Case(of_header := lambda name: sales("other", [row(f"{name}-1")]), "refused",
                                  "file_malformed"),
    "an amount that cannot be read": Case(of(row("{name}-x", amount="1O,00"), minor=6_000), "posted",
                                          statuses=GOOD + "R", rejected="row_malformed"),
    "such an amount, and a total with it": Case(of(row("{name}-x", amount="1.0"), minor=7_000), "refused",
                                                "totals_mismatch"),
    "a row twice": Case(of(row("{name}-1")), "posted", statuses=GOOD + "D"),
    "an id twice with other content": Case(of(row("{name}-1", amount="20,00")), "posted", statuses=GOOD + "R",
                                           rejected="event_conflict"),
    "most rows repeated": Case(of(*ROWS), "waiting", "too_many_bad"),
    "another currency": Case(of(row("{name}-x", cur="EUR")), "posted", statuses=GOOD + "R",
                             rejected="currency_mismatch"),
    "no currency": Case(of(row("{name}-x", cur="")), "posted", statuses=GOOD + "R", rejected="invalid_request"),
    "another character set": Case(lambda name: of()(name).replace(b"usd", "ü".encode("iso-8859-1"), 1), "refused",
                                  "file_malformed"),
    "UTF-16": Case(lambda name: of()(name).decode().encode("utf-16"), "refused", "file_malformed"),
    "a byte order mark": Case(lambda name: b"\xef\xbb\xbf" + of()(name), "posted", statuses=GOOD),
    "an open quote": Case(of('"{name}-x;1;20170109;120000;10,00;usd;7', minor=6_000), "posted", statuses=GOOD + "R",
                          rejected="row_malformed"),
    "a line break in quotes": Case(of('{name}-x;1;20170109;120000;10,00;usd;"7', '8"', minor=7_000), "refused",
                                   "totals_mismatch"),
    "a carriage return in a row": Case(of("{name}-x;1;20170109;120000;10,00;us\rd;7", minor=6_000), "posted",
                                       statuses=GOOD + "R", rejected="row_malformed"),
    "quotes about everything": Case(of('"{name}-x";"1";"20170109";"120000";"10,00";"usd";"a ""7"""', minor=7_000),
                                    "posted", statuses=GOOD + "P"),
    "NUL": Case(of(row("{name}-x", shop="\x00")), "posted", statuses=GOOD + "R", rejected="invalid_request"),
    "a formula for an id": Case(of(row("=1+{name}")), "posted", statuses=GOOD + "R", rejected="invalid_request"),
    "an id that begins as a formula": Case(of(row("-{name}")), "posted", statuses=GOOD + "P"),
    "a time that is none": Case(of(row("{name}-x", day="20170230")), "posted", statuses=GOOD + "R",
                                rejected="invalid_request"),
    "the future": Case(of(row("{name}-x", day="20170301")), "posted", statuses=GOOD + "R",
                       rejected="occurred_in_future"),
    "10,000 columns in a row": Case(columns(10_000), "posted", statuses=GOOD + "R", rejected="row_malformed"),
    "10,000 names": Case(lambda name: of()(name).replace(NAMES.encode(), b";".join([b"a"] * 10_000)), "refused",
                         "file_malformed"),
    "a name twice": Case(lambda name: of()(name).replace(b"shop", b"id", 1), "refused", "file_malformed"),
    "a column is missing": Case(lambda name: of()(name).replace(b"shop", b"more", 1), "refused", "file_malformed"),
    "a line without end": Case(lambda name: of()(name) + b"x" * 100_000, "refused", "file_malformed"),
    "nothing but white space": Case(lambda name: b"\n \n", "refused", "file_malformed"),
    "no records, and a footer that says so": Case(lambda name: sales(name, []), "posted"),
    "gzip": Case(lambda name: gzip.compress(of()(name)), "posted", statuses=GOOD, more={"compression": "gzip"}),
    "a gzip bomb": Case(lambda name: bomb(name, 1_000_000), "refused", "gzip_ratio", more={"compression": "gzip"}),
    "gzip cut short": Case(lambda name: gzip.compress(of()(name))[:-9], "refused", "file_truncated",
                           more={"compression": "gzip"}),
    "no gzip": Case(of(), "refused", "file_malformed", more={"compression": "gzip"}),
    "two gzip files": Case(lambda name: gzip.compress(of()(name)) * 2, "refused", "file_malformed",
                           more={"compression": "gzip"}),
    "a card number in a column": Case(of(row("{name}-x", shop=CARD)), "refused", "card_number"),
    "a card number in groups": Case(of(row("{name}-x", member=f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}")),
                                    "refused", "card_number"),
    "a card number in a row that is none": Case(of(f"x;{CARD}", minor=6_000), "refused", "card_number"),
    "a card number in the header": Case(lambda name: of()(name).replace(b"H;", f"H;{CARD};".encode(), 1), "refused",
                                        "card_number"),
    "a card number among the names": Case(lambda name: of()(name).replace(b"shop", CARD.encode(), 1), "refused",
                                          "card_number"),
    "no Parquet": Case(of(), "refused", "file_malformed", more={"template": "columnar"}),
    "Parquet with a column of fractions": Case(
        parquet(id=["{name}-1"], card=["1"], at=["2017-01-09T12:00:00Z"], minor=[1.5]), "waiting", "too_many_bad",
        more={"template": "columnar"}),
    "Parquet with a card number": Case(
        parquet(id=["a"], card=["1"], at=["2017-01-09T12:00:00Z"], minor=[100], note=[int(CARD)]), "refused",
        "card_number", more={"template": "columnar"}),
    "Parquet with 10,000 columns": Case(parquet(**{f"c{number}": [1] for number in range(10_000)}), "refused",
                                        "file_malformed", more={"template": "columnar"}),
    "Parquet that unfolds": Case(parquet(id=["a" * 1_000_000] * 50), "refused", "file_malformed",
                                 more={"template": "columnar"}),
}  # fmt: skip
COLUMNAR = {
    "record": "earning",
    "format": "parquet",
    "columns": {
        "event_id": {"from": "id"},
        "member": {"from": "card", "as": [["prefix", "card:"]]},
        "occurred_at": {"from": "at"},
        "minor": {"from": "minor"},
        "currency": {"value": "USD"},
    },
}
LETTERS = {"posted": "P", "rejected": "R", "duplicate": "D"}


@pytest.fixture(scope="module", autouse=True)
def unnumbered(hub: Hub) -> None:
    """Templates without a sequence, so that the cases do not depend on one another."""
    header = {name: field for name, field in SALES["header"].items() if name != "sequence"}
    add_template(hub, "fuel", SALES | {"header": header}, "plain")
    add_template(hub, "fuel", COLUMNAR, "columnar")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_file_is_refused_whole_or_answered_line_by_line(hub: Hub, case: Case, request: pytest.FixtureRequest) -> None:
    name = f"f{list(CASES).index(request.node.callspec.id)}"
    before = events(hub)
    state = send(hub, "fuel", name, case.content(name), **{"template": "plain", **case.more})
    assert (state["state"], [one["code"] for one in state["reasons"]]) == (case.state, [case.code] if case.code else [])
    if case.state != "posted":
        assert events(hub) == before
        assert CARD not in str(state)
        assert (parts(hub, name) == 0) == (case.state == "refused")
        return
    found = answers(hub, "fuel", name)
    assert "".join(LETTERS[one["status"]] for one in found) == case.statuses
    assert {one["error"]["code"] for one in found if "error" in one} == ({case.rejected} if case.rejected else set())
    assert events(hub) - before == case.statuses.count("P")
    lines = [one["line"] for one in found]
    assert lines == sorted(set(lines))


def test_a_row_across_files_is_a_duplicate_and_too_many_make_the_file_wait(hub: Hub) -> None:
    rows = [row(f"across-{number}") for number in range(10)]
    assert send(hub, "fuel", "across-1", sales("across-1", rows), "plain")["state"] == "posted"
    again = [rows[0], *(row(f"across-{number}") for number in range(10, 19))]
    assert send(hub, "fuel", "across-2", sales("across-2", again), "plain")["counts"]["duplicate"] == 1
    third = send(hub, "fuel", "across-3", sales("across-3", [*rows[:5], *(row(f"new-{n}") for n in range(5))]), "plain")
    assert (third["state"], third["reasons"][0]["code"]) == ("waiting", "too_many_bad")


def test_the_same_bytes_under_another_id_are_refused(hub: Hub) -> None:
    header = {name: field for name, field in SALES["header"].items() if name == "starts"}
    add_template(hub, "fuel", SALES | {"header": header}, "nameless")
    content = sales("x", [row("bytes-1")])
    assert send(hub, "fuel", "bytes-1", content, "nameless")["state"] == "posted"
    again = send(hub, "fuel", "bytes-2", content, "nameless")
    assert (again["state"], again["reasons"][0]["code"]) == ("refused", "file_repeated")


def test_a_sequence_is_used_once_and_a_gap_makes_a_file_wait(hub: Hub) -> None:
    def numbered(sequence: int) -> tuple[str, list[str]]:
        name = f"s{sequence}-{events(hub)}"
        state = send(hub, "fuel", name, sales(name, [row(f"{name}-1")], sequence))
        return state["state"], [one["code"] for one in state["reasons"]]

    assert numbered(5) == ("posted", [])
    assert numbered(6) == ("posted", [])
    assert numbered(6) == ("refused", ["sequence_repeated"])
    assert numbered(9) == ("waiting", ["sequence_gap"])
    assert numbered(10) == ("posted", [])


def test_parts_that_are_not_the_announced_file_are_refused(hub: Hub) -> None:
    content = sales("other", [row("other-1")])
    state = send(hub, "fuel", "digest", content, "plain", sha256="0" * 64)
    assert (state["state"], state["reasons"][0]["code"]) == ("refused", "digest_mismatch")


def test_a_file_that_is_exchanged_before_it_is_looked_through_is_refused(hub: Hub) -> None:
    for name in ("part-1", "part-2"):
        receive(hub, "fuel", name, sales(name, [row(f"{name}-a")]), "plain")
    exchange(hub, "file_part", "part-1", "part-2")
    file_worker.work_off(hub)
    assert decisions.show(hub, "fuel/part-1")["reasons"][0]["code"] == "file_changed"
    assert events(hub, "part-1-a") == 0


def test_a_file_that_is_exchanged_between_validation_and_release_is_not_released(hub: Hub) -> None:
    for name in ("chunk-1", "chunk-2"):
        assert send(hub, "fuel", name, sales(name, [row(f"{name}-a")] * 9), "plain")["state"] == "waiting"
    digest = decisions.propose(hub, "fuel/chunk-1", decisions.RELEASE, "ada")["digest"]
    exchange(hub, "file_chunk", "chunk-1", "chunk-2")
    with pytest.raises(Refused, match="not what was read"):
        decisions.approve(hub, "fuel/chunk-1", digest, "ben")
    assert events(hub, "chunk-1-a") == 0


def test_a_file_that_is_exchanged_while_it_is_posted_stops(hub: Hub) -> None:
    for name in ("late-1", "late-2"):
        receive(hub, "fuel", name, sales(name, [row(f"{name}-a")]), "plain")
        with hub.database.connect() as connection:
            validating.look_through(hub, receiving.find(connection, "fuel", name))
    exchange(hub, "file_chunk", "late-1", "late-2")
    file_worker.work_off(hub)
    shown = decisions.show(hub, "fuel/late-1")
    assert (shown["state"], shown["reasons"][0]["code"]) == ("waiting", "file_changed")
    assert events(hub, "late-1-a") == 0


def test_the_books_are_whole_after_all_of_it(hub: Hub) -> None:
    assert broken_rows(hub) == []


def exchange(hub: Hub, table: str, one: str, other: str) -> None:
    """Put what is stored of one file into another's place, as somebody with the database could."""
    swap = text(
        f"UPDATE hub.{table} AS a SET sealed = b.sealed FROM hub.{table} AS b"
        " WHERE a.number = b.number AND a.file_id = :one AND b.file_id = :other"
    )
    with hub.database.connect() as connection:
        connection.execute(swap, {"one": one, "other": other})


def events(hub: Hub, event_id: str = "%") -> int:
    with hub.database.connect() as connection:
        count = text("SELECT count(*) FROM hub.event WHERE event_id LIKE :event_id")
        return int(connection.execute(count, {"event_id": event_id}).scalar_one())


def parts(hub: Hub, name: str) -> int:
    with hub.database.connect() as connection:
        count = text("SELECT count(*) FROM hub.file_part WHERE file_id = :name")
        return int(connection.execute(count, {"name": name}).scalar_one())
