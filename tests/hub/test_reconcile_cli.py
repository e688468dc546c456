"""Reconciliation through the command ``hansa reconcile``: import, run, breaks, owner, explanation, write-off."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from settlement import cycles
from tests.support.coalition import NOON, Coalition
from tests.support.services import earn, redeem

Run = Callable[..., Result]
SCOPE = ("--partner", "fuel", "--cycle", "2017-01")
COLUMNS = ("reference=Beleg", "day=Datum", "amount=Betrag", "points=Punkte")
FORM = ("--currency", "USD", "--delimiter", ";", "--decimal", ",", "--dates", "DD.MM.YYYY")
MAPPING = tuple(word for column in COLUMNS for word in ("--column", column)) + FORM
REPORT = "Beleg;Datum;Betrag;Punkte\nR 1;10.01.2017;0,20;20\n=r2;10.01.2017;1,30;130\nr3;10.01.2017;0,07;7\n"
"""What the station's books have: one that agrees, one that we do not have, one with another amount."""
BANKS = Path(__file__).parents[1] / "settlement" / "formats" / "banks"


@pytest.fixture
def hansa(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on a coalition with three redemptions in a cycle that is cut off."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: built.hub)
    earn(built.hub, "grocer", "e1", "card:1", 50_000)
    for name, points in (("r1", 20), ("r3", 5), ("r4", 9)):
        redeem(built.hub, "fuel", name, "card:1", points)
    built.hub.database.transact(lambda connection: cycles.cut_off(connection, "2017-01", author="ada", at=NOON))
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "fuel.csv"
    path.write_text(REPORT)
    return str(path)


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert result.exit_code in (1, 2), result.output
    return result.stderr


def imported(hansa: Run, path: str) -> Any:
    return found(hansa("reconcile", "import", path, *SCOPE, *MAPPING, "--author", "ada", "--json"))


def test_from_a_file_to_a_journal(hansa: Run, report: str, tmp_path: Path) -> None:
    first = imported(hansa, report)
    assert (first["lines"], first["file"]) == (3, "fuel.csv")
    assert imported(hansa, report) == first | {"duplicate": True}
    made = found(hansa("reconcile", "run", *SCOPE, "--material", "2", "--author", "ada", "--json"))
    assert made["matched_by"] == {"exact": 1}
    assert made["broken_by"] == {"amount": 1, "missing_in_partner": 1, "missing_in_hub": 1}
    assert (made["ours"], made["theirs"], made["complete"]) == ({"USD": 34}, {"USD": 157}, True)
    again = found(hansa("reconcile", "run", *SCOPE, "--material", "2", "--json"))
    assert again == made | {"unchanged": True}
    assert found(hansa("reconcile", "show", "1", "--json")) == made
    breaks = {one["category"]: one for one in found(hansa("reconcile", "breaks", "--json"))}
    assert [(one["difference_minor"], one["material"]) for _, one in sorted(breaks.items())] == [
        (2, False), (130, True), (-9, True),
    ]  # fmt: skip
    name = breaks["missing_in_partner"]["break"]
    assert found(hansa("reconcile", "assign", name, "olga", "--author", "ada", "--json"))["owner"] == "olga"
    proposed = found(hansa("reconcile", "write-off", name, "--reason", "Till was broken", "--author", "ada", "--json"))
    assert proposed["entries"] == [
        {"currency": "USD", "debit_account": "write_off", "credit_account": "clearing", "amount_minor": 9}
    ]
    approval = ("reconcile", "write-off", name, "--approve", proposed["digest"])
    assert "same_person" in refusal(hansa(*approval, "--author", "Ada"))
    assert found(hansa(*approval, "--author", "bob", "--json"))["approver"] == "bob"
    assert "is written_off by bob" in refusal(hansa(*approval, "--author", "bob"))
    [entry] = found(hansa("reconcile", "journal", "--json"))
    assert (entry["name"], entry["maker"], entry["approver"]) == (name, "ada", "bob")
    shown = found(hansa("reconcile", "break", name, "--json"))
    assert [step["state"] for step in shown["steps"]] == ["open", "open", "open", "written_off"]
    explained = breaks["amount"]["break"]
    found(hansa("reconcile", "explain", explained, "--reason", "They round", "--author", "ada", "--json"))
    states = {one["category"]: one["state"] for one in found(hansa("reconcile", "breaks", *SCOPE, "--all", "--json"))}
    assert states == {"amount": "explained", "missing_in_hub": "open", "missing_in_partner": "written_off"}


def test_the_three_books_of_a_cycle(hansa: Run, report: str) -> None:
    imported(hansa, report)
    found(hansa("reconcile", "run", *SCOPE, "--json"))
    shown = hansa("reconcile", "overview", "2017-01", "--json")
    assert shown.exit_code == 1, "they do not agree"
    [one] = json.loads(shown.stdout)
    assert (one["partner"], one["report_run"], one["ledger_minor"], one["report_minor"]) == ("fuel", 1, 34, 157)
    assert (one["open_breaks"], one["agree"]) == (3, False)
    assert "has not been cut off" in refusal(hansa("reconcile", "overview", "2017-03"))


def test_breaks_as_a_table_of_harmless_cells(hansa: Run, report: str, tmp_path: Path) -> None:
    imported(hansa, report)
    hansa("reconcile", "run", *SCOPE)
    assert hansa("reconcile", "breaks", "--out", str(tmp_path / "breaks.csv")).exit_code == 0
    with (tmp_path / "breaks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["reference"] for row in rows} == {"'=r2", "r3", "r4"}
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row.values())


def test_tables_for_people(hansa: Run, report: str) -> None:
    assert "Breaks: none" in hansa("reconcile", "breaks").output
    assert hansa("reconcile", "import", report, *SCOPE, *MAPPING).exit_code == 0
    for command, word in (
        (("run", *SCOPE), "matched by"),
        (("show", "1"), "broken by"),
        (("list",), "Runs"),
        (("breaks",), "amount"),
    ):
        result = hansa("reconcile", *command)
        assert result.exit_code == 0, result.output
        assert word in result.output or word.replace(" ", "_") in result.output


def test_a_mapping_from_a_file_and_the_bank(hansa: Run, report: str, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    columns = dict(column.split("=") for column in COLUMNS)
    mapping.write_text(json.dumps({"columns": columns, "currency": "USD", "delimiter": ";", "decimal": ","}))
    asked = ("reconcile", "import", report, *SCOPE, "--mapping", str(mapping))
    assert "no date written YYYY-MM-DD" in refusal(hansa(*asked))
    assert found(hansa(*asked, "--dates", "DD.MM.YYYY", "--json"))["lines"] == 3
    statement = str(BANKS / "swiss.camt053.08.xml")
    assert found(hansa("reconcile", "import", statement, "--bank", "--json"))["lines"] == 3
    made = found(hansa("reconcile", "run", "--bank", "--json"))
    assert (made["left_lines"], made["right_lines"], made["complete"]) == (0, 3, True)


REFUSALS: list[tuple[tuple[str, ...], str]] = [
    (("import", "FILE"), "say --partner and --cycle, or --bank"),
    (("import", "FILE", *SCOPE, "--bank"), "say --partner and --cycle, or --bank"),
    (("import", "FILE", "--partner", "fuel"), "say --partner and --cycle, or --bank"),
    (("import", "FILE", "--partner", "nobody", "--cycle", "2017-01"), "There is no partner 'nobody'"),
    (("import", "FILE", *SCOPE), "--column reference=NAME"),
    (("import", "FILE", *SCOPE, "--column", "reference"), "--column is like reference=Beleg"),
    (("import", "FILE", *SCOPE, *MAPPING, "--delimiter", ","), "say --delimiter ';'"),
    (("import", "FILE", *SCOPE, *MAPPING, "--decimal", "."), "fuel.csv: the file row 1: column 'Betrag'"),
    (("import", "FILE", *SCOPE, *MAPPING, "--column", "issuer=Wer"), "there is no column 'Wer' for issuer"),
    (("import", "FILE", "--bank"), "is no well-formed XML"),
    (("import", "FILE", "--bank", "--currency", "EUR"), "says itself what is what"),
    (("run", *SCOPE), "nothing was imported for partner fuel 2017-01"),
    (("run", "--bank"), "nothing was imported for bank"),
    (("run", *SCOPE, "--tolerance", "-1"), "Invalid value for '--tolerance'"),
    (("show", "7"), "there is no run 7"),
    (("break", "x"), "there is no break 'x'"),
    (("write-off", "x"), "say --reason to propose it, or --approve"),
]


def test_what_is_refused_says_what_to_do(hansa: Run, report: str) -> None:
    for arguments, reason in REFUSALS:
        asked = [report if one == "FILE" else one for one in arguments]
        assert reason in refusal(hansa("reconcile", *asked)), arguments
