"""Reconciliation with the bank: what partners pay in, what is paid out, and what the statement says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, text

from settlement.core.payment_ids import PAY, RECEIVE, end_to_end_id, payment_id
from settlement.core.payment_moves import PAYABLE, RELEASED, RETURNED, SENT, SETTLED
from settlement.core.reconciliation import Match
from settlement.errors import FileRefused, SettlementRefused
from settlement.payments import bank_messages, payments
from settlement.reconciliation import imports, paid_in, runs
from settlement.reconciliation.imports import Import
from settlement.reconciliation.runs import Settings
from settlement.store.payment_tables import payment, payment_move, payment_release, payment_release_item
from settlement.store.reconciliation_sources import Scope, Source

AT = datetime(2017, 2, 7, 9, tzinfo=UTC)
BANK = Scope("bank")
BANKS = Path(__file__).parent / "formats" / "banks"
GERMAN = BANKS / "german.camt053.02.xml"
IN = payment_id("2017-01", "grocer", "EUR", RECEIVE)
OUT = payment_id("2017-01", "fuel", "EUR", PAY)


@pytest.fixture
def connection(published_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with a payment each way; what it does is rolled back."""
    with published_once.connect() as connection:
        expect(connection, IN, RECEIVE, 1500000)
        yield connection


def expect(connection: Connection, name: str, direction: str, minor: int, *states: str) -> None:
    """Add a payment; one that is paid out went to the bank in a file of its own."""
    partner = name[-16:].lower()
    row = {"payment": name, "cycle": "2017-01", "partner": partner, "currency": "EUR"}
    connection.execute(insert(payment), row | {"direction": direction, "amount_minor": minor})
    for seq, state in enumerate((PAYABLE, *states), 1):
        move = {"payment": name, "seq": seq, "attempt": 1, "state": state, "author": "anna", "at": AT}
        connection.execute(insert(payment_move), move | {"source": "", "reason": ""})
    if states:
        item = {"release": "PAY-2017-01-EUR", "end_to_end_id": end_to_end_id(name, 1), "payment": name, "attempt": 1}
        more = {"place": 1, "amount_minor": minor, "account": {}, "remittance": ""}
        connection.execute(insert(payment_release_item), item | more)


def release(connection: Connection) -> None:
    row = {"release": "PAY-2017-01-EUR", "currency": "EUR", "created_at": AT, "execute_on": AT.date()}
    connection.execute(insert(payment_release), row | {"account": {}, "habits": {}, "file_digest": b""})


def brought(connection: Connection, path: Path = GERMAN) -> tuple[Source, bool]:
    return imports.import_statements(Import(connection, path, "anna", AT, lambda number: None))


def reconciled(connection: Connection) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The matches by pass and the breaks by category, each by the references of our lines or of the bank's."""
    made, _ = runs.run(connection, BANK, Settings(0, 3), author="anna", at=AT, progress=lambda step: None)
    view = runs.show(connection, made.run)
    assert view.findings == []
    names = {line.key: line.reference for line in (*view.sides.lefts, *view.sides.rights)}
    matches = {" ".join(names[key] for key in one.left): one.by for one in view.outcome.matches}
    breaks = [(" ".join(names[key] for key in (one.left or one.right)), one.category) for one in view.outcome.breaks]
    return matches, sorted(breaks)


def statement(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    content = GERMAN.read_text()
    for before, after in changes:
        assert before in content
        content = content.replace(before, after)
    path = tmp_path / "statement.xml"
    path.write_text(content)
    return path


def test_everything_that_the_bank_says_is_somewhere(connection: Connection) -> None:
    source, new = brought(connection)
    assert (source.lines, new) == (5, True)
    assert reconciled(connection) == (
        {},
        [
            ("", "fee"),
            (IN, "missing_in_bank"),
            ("PAY-2017-01-FUEL", "missing_in_hub"),
            ("PAY-2017-01-PHARMACY", "missing_in_hub"),
            ("PAY-2017-01-PHARMACY", "reversed"),
            ("b-4001", "missing_in_hub"),
        ],
    )


def test_a_partner_quotes_the_payment_s_name_wherever_it_likes(connection: Connection, tmp_path: Path) -> None:
    brought(
        connection, statement(tmp_path, ("<Ustrd>B-4001</Ustrd>", f"<Ustrd>ref {IN.lower().replace('-', '/')}</Ustrd>"))
    )
    matches, breaks = reconciled(connection)
    assert matches == {IN: "exact"}
    assert "b-4001" not in dict(breaks)


def test_what_came_in_by_reference_and_amount_is_received_once(connection: Connection, tmp_path: Path) -> None:
    quoted = statement(tmp_path, ("<Ustrd>B-4001</Ustrd>", f"<Ustrd>{IN}</Ustrd>"))
    brought(connection, quoted)

    def settled() -> list[tuple[str, str]]:
        made, _ = runs.run(connection, BANK, Settings(0, 3), author="anna", at=AT, progress=lambda step: None)
        matches = runs.show(connection, made.run).outcome.matches
        found = paid_in.settle(connection, matches, author="anna", at=AT)
        return [(one.payment.payment, one.state) for one in found]

    assert settled() == [(IN, SETTLED)]
    assert "/DE89370400440532013000/" in payments.show(connection, IN).last.source
    assert settled() == []
    assert bank_messages.take(connection, quoted, author="anna", at=AT).heard[0].outcome == "repeated"


@pytest.mark.parametrize(
    "match",
    [
        Match("amount_and_date", (IN,), ("k",), "EUR", 1500000, 1500000),
        Match("tolerance", (IN,), ("k",), "EUR", 1500000, 1499999),
        Match("batch", (IN, OUT), ("k",), "EUR", 1500000, 1500000),
        Match("exact", (f"{OUT}-1",), ("k",), "EUR", -20002, -20002),
    ],
)
def test_what_is_less_than_certain_is_for_a_person_to_say(connection: Connection, match: Match) -> None:
    assert paid_in.settle(connection, [match], author="anna", at=AT) == []


def test_payments_by_their_attempts_and_the_one_that_came_back(connection: Connection, tmp_path: Path) -> None:
    other = payment_id("2017-01", "pharmacy", "EUR", PAY)
    expect(connection, OUT, PAY, 20002, RELEASED, SENT)
    expect(connection, other, PAY, 5001, RELEASED, SENT, SETTLED, RETURNED)
    release(connection)
    names = (("PAY-2017-01-FUEL", f"{OUT}-1"), ("PAY-2017-01-PHARMACY", f"{other}-1"))
    whole = (('<Amt Ccy="EUR">50.00<', '<Amt Ccy="EUR">50.01<'), ("14887.69", "14887.70"))
    brought(connection, statement(tmp_path, *names, *whole))
    matches, breaks = reconciled(connection)
    assert matches == {f"{OUT}-1": "exact", f"{other}-1": "exact"}
    assert breaks == [("", "fee"), (IN, "missing_in_bank"), ("b-4001", "missing_in_hub")]


def test_a_batch_that_the_bank_books_as_one(connection: Connection, tmp_path: Path) -> None:
    other = payment_id("2017-01", "pharmacy", "EUR", PAY)
    expect(connection, OUT, PAY, 20002, RELEASED, SENT)
    expect(connection, other, PAY, 5001, RELEASED, SENT)
    release(connection)
    content = GERMAN.read_text()
    start, end = (
        content.index("<TxDtls>", content.index("NbOfTxs")),
        content.index("</NtryDtls>", content.index("NbOfTxs")),
    )
    path = tmp_path / "batch.xml"
    path.write_text(content[:start] + content[end:])
    brought(connection, path)
    matches, _ = reconciled(connection)
    assert matches == {" ".join(sorted([f"{OUT}-1", f"{other}-1"])): "batch"}


def test_a_statement_is_imported_once_whatever_file_it_is_in(connection: Connection, tmp_path: Path) -> None:
    source, _ = brought(connection)
    assert brought(connection) == (source, False)
    before = connection.execute(text("SELECT count(*) FROM settlement.reconciliation_line")).scalar()
    with pytest.raises(SettlementRefused, match="was imported before, by " + source.source), connection.begin_nested():
        brought(connection, statement(tmp_path, ("GUTSCHRIFT", "Gutschrift")))
    assert connection.execute(text("SELECT count(*) FROM settlement.reconciliation_line")).scalar() == before


def test_what_is_no_statement_is_not_imported(connection: Connection, tmp_path: Path) -> None:
    for name, reason in (
        ("dutch.camt054.08.xml", "is camt.054.001.08; the bank is reconciled by its statements"),
        ("missing.xml", "cannot be read"),
    ):
        with pytest.raises(FileRefused, match=reason), connection.begin_nested():
            brought(connection, BANKS / name)
    with pytest.raises(FileRefused, match="does not add up"), connection.begin_nested():
        brought(connection, statement(tmp_path, ("14887.69", "1.00")))
    with pytest.raises(SettlementRefused, match="nothing was imported for bank"):
        reconciled(connection)


def test_every_dialect_is_reconciled_whole(connection: Connection) -> None:
    for path in sorted(BANKS.glob("*.camt053.*")):
        brought(connection, path)
    _, breaks = reconciled(connection)
    assert (IN, "missing_in_bank") in breaks
    assert ("RF18 5390 0754 7034", "missing_in_hub") in breaks


def test_a_run_stays_whole_when_payments_go_on(connection: Connection) -> None:
    brought(connection)
    before = reconciled(connection)
    expect(connection, payment_id("2017-02", "grocer", "EUR", RECEIVE), RECEIVE, 7)
    assert runs.show(connection, 1).findings == []
    matches, breaks = reconciled(connection)
    assert (matches, len(breaks)) == (before[0], len(before[1]) + 1)


def test_a_reference_that_is_no_reference_is_refused(connection: Connection, tmp_path: Path) -> None:
    long = statement(tmp_path, ("<EndToEndId>b-4001<", f"<EndToEndId>{'b' * 141}<"))
    with pytest.raises(FileRefused, match=r"entry 1 of statement .* has a reference of 141 characters"):
        brought(connection, long)
