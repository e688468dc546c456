"""Tables of sales as tills and spreadsheets write them, and reports of them that can be broken off anywhere."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from partner_sdk import NoAnswer
from partner_sdk.sales_file import Layout, Line, SalesFile, TableRefused
from partner_sdk.sales_report import Progress, report
from partner_sdk.testing import Fault, LocalHub

USUAL = "event_id,member,occurred_at,amount,currency\n"
GERMAN = Layout(
    {"event_id": "Bon", "member": "Karte", "occurred_at": "Zeit", "amount": "Betrag"},
    currency="EUR",
    utc_offset=timedelta(hours=2),
    time_format="%d.%m.%Y %H:%M",
    comma=True,
)
GERMAN_TABLE = "Bon;Karte;Filiale;Zeit;Betrag\r\nB-1;1234;Köln;05.07.2026 13:45;19,99\r\n"


AS_NAMED = Layout()


def read(tmp_path: Path, content: str | bytes, layout: Layout = AS_NAMED) -> list[Line]:
    path = tmp_path / "sales.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(SalesFile(path, layout).lines())


def row(event_id: str, amount: str = "19.99", member: str = "card:1") -> str:
    return f"{event_id},{member},2026-07-05T13:45:00Z,{amount},USD\n"


def test_columns_may_have_the_names_of_the_wire(tmp_path: Path) -> None:
    [line] = read(
        tmp_path,
        "Event_ID,member,occurred_at,minor,currency,store,points\ne1,token:x,2026-07-05T13:45+02:00,7,USD,,3\n",
    )
    assert line.earning is not None
    assert line.earning.to_wire() == {
        "event_id": "e1", "member": "token:x", "occurred_at": "2026-07-05T11:45:00+00:00",
        "amount": {"minor": 7, "currency": "USD"}, "points": 3,
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_columns_of_its_own_whatever_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    quoted = GERMAN_TABLE.replace("19,99", '"19,99"').replace(";", delimiter)
    layout = Layout(**{name: getattr(GERMAN, name) for name in GERMAN.__slots__} | {
        "columns": {**GERMAN.columns, "store": "Filiale"}, "encoding": "cp1252" if encoding == "cp1252" else "",
    })  # fmt: skip
    [line] = read(tmp_path, quoted.encode(encoding), layout)
    assert line.earning is not None
    assert (line.number, line.earning.member, line.earning.store) == (2, "card:1234", "Köln")
    assert line.earning.occurred_at == datetime(2026, 7, 5, 11, 45, tzinfo=UTC)
    assert (line.earning.amount.minor, line.earning.amount.currency) == (1_999, "EUR")


FAULTY = [
    row("e1", "19.999"), row("e 2"), "e3,card:1\n", "e4,card:1,yesterday,1,USD\n", "e5,card:1,2026-07-05T13:45,1,USD\n",
    row("e6", member="no member"), row("e7", "1", "card:\x00"), row('"e8'), row('e9"'), row("e10", '1"9"'),
]  # fmt: skip


@pytest.mark.parametrize("bad", FAULTY)
def test_a_bad_line_is_named_and_stops_no_other(tmp_path: Path, bad: str) -> None:
    first, second, third = read(tmp_path, USUAL + row("good1") + bad + row("good2"))
    assert (first.number, second.number, third.number) == (2, 3, 4)
    assert (second.earning, second.fault != "") == (None, True)
    assert first.earning is not None
    assert third.earning is not None


def test_text_of_another_encoding_is_a_fault_of_its_line_alone(tmp_path: Path) -> None:
    bad = "e2,card:Köln,2026-07-05T13:45:00Z,1,USD\n".encode("cp1252")
    first, second, third = read(tmp_path, (USUAL + row("e1")).encode() + bad + row("e3").encode())
    assert "encoding" in second.fault
    assert first.earning
    assert third.earning


def test_numbers_are_of_lines_in_the_file(tmp_path: Path) -> None:
    table = "event_id,member,occurred_at,amount,currency,note\n" + row("e1").strip() + ',"two\nlines"\n\n' + row("e2")
    assert [line.number for line in read(tmp_path, table)] == [2, 5]


@pytest.mark.parametrize(
    ("table", "layout", "complaint"),
    [
        ("a,b\n", Layout(), "no column 'event_id' for event_id; there are: a, b"),
        ("", Layout(), "no column"),
        (USUAL, Layout({"store": "Filiale"}), "no column 'Filiale' for store"),
        ("event_id,member,occurred_at,currency\n", Layout(), "amount or minor"),
        ("event_id,member,occurred_at,amount,minor,currency\n", Layout(), "amount or minor"),
        ("event_id,member,occurred_at,amount\n", Layout(), "--currency"),
        (USUAL, Layout(encoding="klingon"), "no encoding"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_whole(
    tmp_path: Path, table: str, layout: Layout, complaint: str
) -> None:
    with pytest.raises(TableRefused, match=complaint):
        read(tmp_path, table, layout)


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    good = [row(f"e{number}") for number in range(30)]
    lines = read(tmp_path, USUAL + row('"bad') + "".join(good) + row('"worse').strip())
    assert [line.event_id for line in lines if line.earning] == [f"e{number}" for number in range(30)]
    assert [line.number for line in lines if not line.earning] == [2, 33]


# --- reporting ---


def table_of(tmp_path: Path, count: int) -> Path:
    path = tmp_path / "sales.csv"
    bad = {3: "e3,card:1,2026-07-05T13:45:00Z,much,USD\n"}
    path.write_text(USUAL + "".join(bad.get(number, row(f"e{number}")) for number in range(count)))
    return path


def results_of(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_line_has_a_line_in_the_result_file(tmp_path: Path) -> None:
    hub, table, results = LocalHub(), table_of(tmp_path, 5), tmp_path / "results.csv"
    with table.open("a") as file:
        file.write(row("e1", "5.00"))
    with hub.client("shop") as client:
        counts = report(client, SalesFile(table, Layout()), results, Progress())
    assert counts == {"posted": 4, "unreadable": 1, "rejected": 1, "duplicates": 0}
    found = results_of(results)
    assert [(one["line"], one["status"], one["points"]) for one in found] == [
        ("2", "posted", "19"), ("3", "posted", "19"), ("4", "posted", "19"), ("5", "unreadable", "0"),
        ("6", "posted", "19"), ("7", "rejected", "0"),
    ]  # fmt: skip
    assert "'much' is no amount" in found[3]["detail"]
    assert found[5]["code"] == "event_conflict"


def test_what_was_broken_off_is_done_again_and_counts_once(tmp_path: Path) -> None:
    hub, table, results = LocalHub(), table_of(tmp_path, 2_500), tmp_path / "results.csv"
    with hub.client("shop", attempts=1) as client:
        hub.fail_next(None, Fault.ANSWER_LOST)
        with pytest.raises(NoAnswer):
            report(client, SalesFile(table, Layout()), results, Progress())
        assert len(results_of(results)) == 1_000
        counts = report(client, SalesFile(table, Layout()), results, Progress())
        assert counts == {"posted": 2_499, "unreadable": 1, "duplicates": 1_999}
        assert client.member("card:1").available == 19 * 2_499
        assert report(client, SalesFile(table, Layout()), results, Progress())["duplicates"] == 2_499


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_and_wiped_and_nowhere_else(tmp_path: Path) -> None:
    hub, table = LocalHub(), table_of(tmp_path, 10)
    for screen in (Terminal(), io.StringIO()):
        with hub.client("shop") as client:
            report(client, SalesFile(table, Layout()), tmp_path / "results.csv", Progress(screen))
        drawn = screen.getvalue()
        assert ("100%  10 lines" in drawn) is screen.isatty()
        assert not drawn.rpartition("\r")[2].strip()
