"""Books of a real database: cycles, payments, security and write-offs, and what happens to a row that is touched."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from settlement.books import books
from settlement.formats.books_beancount import write_beancount
from settlement.formats.books_csv import JOURNAL, TRIAL_BALANCE, write_journal, write_trial_balance
from settlement.store.dues import load_dues
from tests.settlement.booked import move_money


@pytest.fixture
def connection(corrected_once: Engine) -> Iterator[Connection]:
    """Yield a connection to two published cycles, January paid, once with a return, and more; it is rolled back."""
    with corrected_once.connect() as connection:
        move_money(connection)
        yield connection


def balances(connection: Connection) -> dict[str, int]:
    return {one.account: one.balance_minor for one in books(connection).totals}


def test_the_books_hold_and_say_what_is_owed(connection: Connection) -> None:
    found = books(connection)
    assert found.findings == []
    assert sum(one.balance_minor for one in found.totals) == 0
    stand, open_ones = balances(connection), {due.party: due for due in load_dues(connection, "2017-02")}
    for partner, due in open_ones.items():
        total = due.due_minor + due.carried_minor
        assert stand.get(f"receivable:{partner}", 0) == max(-total, 0), "January is paid"
        assert stand.get(f"payable:{partner}", 0) == -max(total, 0)
    assert (stand["collateral:fuel"], stand["default_fund:grocer"], stand["capital"]) == (-500, -70, -900)
    assert stand["bank"] == 500 + 70 + 900, "what came in for January went out again"
    assert (stand["payments_under_way"], stand["write_off"], stand["clearing"]) == (0, 3, -3)


def test_the_books_of_a_day_are_those_of_the_days_up_to_it(connection: Connection) -> None:
    everything = books(connection).entries
    day = everything[len(everything) // 2].day
    assert books(connection, day).entries == [entry for entry in everything if entry.day <= day] != everything
    assert books(connection, everything[0].day - timedelta(days=1)).entries == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "UPDATE settlement.obligation SET amount_minor = amount_minor + 1 WHERE event_id = 'b4-fuel-r'",
            "2017-01 bank",
        ),
        ("UPDATE settlement.obligation SET redeemer = 'grocer' WHERE event_id = 'b4-fuel-r'", "2017-01 grocer"),
        ("DELETE FROM settlement.obligation WHERE event_id = 'b6-grocer-r' AND line = 1", "2017-02 grocer"),
        (
            "UPDATE settlement.due SET net_minor = net_minor + 1 WHERE party = 'fuel' AND cycle = '2017-01'",
            "2017-01 fuel",
        ),
        ("UPDATE settlement.due SET brought_minor = 5 WHERE party = 'fuel' AND cycle = '2017-02'", "2017-02 fuel"),
        ("UPDATE settlement.due SET carried_minor = 5 WHERE party = 'fuel' AND cycle = '2017-01'", "2017-02 fuel"),
        ("DELETE FROM settlement.due WHERE party = 'fuel' AND cycle = '2017-02'", "2017-02 fuel"),
        (
            "INSERT INTO settlement.charge VALUES ('2017-01', 'fuel', 'fee', 'USD', 1, 0, 0, 0, 7)",
            "2017-01 fuel",
        ),
    ],
)
def test_a_row_that_is_touched_is_named(connection: Connection, change: str, named: str) -> None:
    assert connection.execute(text(change)).rowcount == 1
    assert named in [finding.row for finding in books(connection).findings]


def test_bean_check_accepts_the_books_and_refuses_them_cut_short(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    write_beancount(path, books(connection).entries)
    assert bean_check(path) == ""
    whole = path.read_text()
    cut = whole.index("payment/")
    start, end = whole.rindex("\n\n", 0, cut), whole.index("\n\n", cut)
    path.write_text(whole[:start] + whole[end:])
    assert "Balance failed" in bean_check(path)


def test_bean_check_refuses_books_that_are_off_by_one_cent(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    write_beancount(path, books(connection).entries)
    text_ = path.read_text()
    assert text_.count("  0.03 USD") == text_.count("  -0.03 USD") == 1
    path.write_text(text_.replace("  0.03 USD", "  0.02 USD").replace("  -0.03 USD", "  -0.02 USD"))
    assert "Balance failed" in bean_check(path)


def bean_check(path: Path) -> str:
    """What beancount finds wrong with a file."""
    command = [str(Path(sys.executable).parent / "bean-check"), str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) == (ran.stderr + ran.stdout == "")
    return ran.stderr + ran.stdout


def test_books_of_nothing_are_empty_and_accepted(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        found = books(connection)
    assert (found.entries, found.findings, found.totals) == ([], [], [])
    write_beancount(tmp_path / "empty.beancount", found.entries)
    assert bean_check(tmp_path / "empty.beancount") == ""


def test_tables_have_every_posting_and_account(connection: Connection, tmp_path: Path) -> None:
    found = books(connection)
    write_journal(tmp_path / "journal.csv", found.entries)
    write_trial_balance(tmp_path / "balance.csv", found.totals)
    with (tmp_path / "journal.csv").open(newline="") as file:
        journal = list(csv.reader(file))
    with (tmp_path / "balance.csv").open(newline="") as file:
        accounts = list(csv.reader(file))
    assert (journal[0], accounts[0]) == ([*JOURNAL], [*TRIAL_BALANCE])
    assert len(journal) - 1 == sum(len(entry.postings) for entry in found.entries)
    assert len(accounts) - 1 == len(found.totals)
    assert ["USD", "Liabilities", "collateral:fuel", "a partner's own collateral", "0.00", "5.00", "-5.00"] in accounts
