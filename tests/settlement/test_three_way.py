"""Ledger, report and bank of a cycle side by side, and what keeps them from agreeing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert

from settlement.core.currency import written
from settlement.core.payment_ids import PAY, end_to_end_id
from settlement.core.payment_moves import RELEASED, SENT, Standing
from settlement.core.report_mapping import ReportForm
from settlement.errors import UnknownCycle
from settlement.payments import payments
from settlement.reconciliation import breaks, imports, runs
from settlement.reconciliation.imports import Import
from settlement.reconciliation.runs import Settings
from settlement.reconciliation.three_way import Books, three_way
from settlement.store.dues import load_dues
from settlement.store.payment_tables import payment_move, payment_release, payment_release_item
from settlement.store.reconciliation_sources import Scope
from tests.settlement import sample

AT = datetime(2017, 2, 10, 9, tzinfo=UTC)
RELEASE = "PAY-2017-01-USD"
PARTNERS = ("bank", "fuel", "grocer", "pharmacy")
FORM = ReportForm({name: name for name in ("reference", "line", "day", "minor")}, currency="USD")
STATEMENT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>m</MsgId><CreDtTm>2017-02-09T21:00:00Z</CreDtTm></GrpHdr><Stmt><Id>s-1</Id>
<CreDtTm>2017-02-09T21:00:00Z</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>USD</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2017-02-09</Dt></Dt></Bal>{entries}
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2017-02-09</Dt></Dt></Bal></Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2017-02-09</Dt></BookgDt><BkTxCd/><NtryDtls><TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs>
</TxDtls></NtryDtls></Ntry>"""


@pytest.fixture
def connection(published_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with January published and its payments at the bank; it is rolled back."""
    with published_once.connect() as connection:
        made = payments.from_dues(connection, "2017-01", load_dues(connection, "2017-01"), author="anna", at=AT)
        row = {"release": RELEASE, "currency": "USD", "created_at": AT, "execute_on": AT.date()}
        connection.execute(insert(payment_release), row | {"account": {}, "habits": {}, "file_digest": b""})
        for place, one in enumerate(filter(_goes_out, made), 1):
            send(connection, one, place)
        yield connection


def _goes_out(one: Standing) -> bool:
    return one.payment.direction == PAY


def send(connection: Connection, one: Standing, place: int) -> None:
    name, minor = one.payment.payment, one.payment.amount_minor
    item = {"release": RELEASE, "end_to_end_id": end_to_end_id(name, 1), "payment": name, "attempt": 1, "place": place}
    connection.execute(insert(payment_release_item), item | {"amount_minor": minor, "account": {}, "remittance": ""})
    for seq, state in enumerate((RELEASED, SENT), 2):
        move = {"payment": name, "seq": seq, "attempt": 1, "state": state, "author": "anna", "at": AT}
        connection.execute(insert(payment_move), move | {"source": "", "reason": ""})


def report(connection: Connection, tmp_path: Path, partner: str, wrong_minor: int = 0) -> None:
    """Import a partner's own books of January, the first line wrong by this much, and run."""
    ours = [one for one in sample.JANUARY if one.partner_id == partner]
    rows = [
        {"reference": one.event_id, "line": one.line, "day": str(one.business_date), "minor": one.amount_minor}
        for one in ours
    ]
    rows[0]["minor"] = ours[0].amount_minor + wrong_minor
    path, scope = tmp_path / f"{partner}.json", Scope("partner", partner, "2017-01")
    path.write_text(json.dumps(rows))
    imports.import_report(Import(connection, path, "anna", AT, lambda number: None), scope, FORM)
    run(connection, scope)


def bank(connection: Connection, tmp_path: Path, without: str = "") -> None:
    """Import a statement with every payment, or all but one partner's and whatever balances it, and run."""
    made = payments.listing(connection, cycle="2017-01")
    booked = [(_called(one), (-1 if _goes_out(one) else 1) * one.payment.amount_minor)
              for one in made if one.payment.partner != without]  # fmt: skip
    rest = -sum(minor for _, minor in booked)
    entries = "".join(_entry(name, minor) for name, minor in [*booked, *([("other", rest)] if rest else [])])
    path = tmp_path / "statement.xml"
    path.write_text(STATEMENT.format(entries=entries))
    imports.import_statements(Import(connection, path, "anna", AT, lambda number: None))
    run(connection, Scope("bank"))


def _called(one: Standing) -> str:
    return end_to_end_id(one.payment.payment, 1) if _goes_out(one) else one.payment.payment


def _entry(name: str, minor: int) -> str:
    return ENTRY.format(amount=written(abs(minor), "USD"), sign="CRDT" if minor > 0 else "DBIT", name=name)


def run(connection: Connection, scope: Scope) -> None:
    runs.run(connection, scope, Settings(0, 31), author="anna", at=AT, progress=lambda step: None)


def books(connection: Connection) -> Mapping[str, Books]:
    return {one.partner: one for one in three_way(connection, "2017-01")}


def test_all_three_agree_partner_by_partner(connection: Connection, tmp_path: Path) -> None:
    assert {name: one.agree for name, one in books(connection).items()} == dict.fromkeys(PARTNERS, False)
    for partner in ("fuel", "grocer", "pharmacy"):
        report(connection, tmp_path, partner)
    bank(connection, tmp_path)
    found = books(connection)
    assert {name for name, one in found.items() if one.agree} == {"fuel", "grocer", "pharmacy"}
    assert found["bank"].report_run is None, "which redeems nothing and sent no report"
    for one in found.values():
        reported = sum(line.amount_minor for line in sample.JANUARY if line.partner_id == one.partner)
        assert (one.ledger_minor, one.report_minor) == (reported, reported)
        assert one.due_minor == one.bank_minor != 0
    assert sum(one.due_minor for one in found.values()) == 0


def test_a_report_that_differs_keeps_its_partner_open_until_it_is_explained(
    connection: Connection, tmp_path: Path
) -> None:
    report(connection, tmp_path, "grocer", 3)
    bank(connection, tmp_path)
    one = books(connection)["grocer"]
    assert (one.report_minor - one.ledger_minor, one.open_breaks, one.agree) == (3, 1, False)
    [found] = breaks.aged(connection, Scope("partner", "grocer", "2017-01"), ("open",), AT.date())
    breaks.explain(connection, found.living.name, "they round", author="anna", at=AT)
    assert books(connection)["grocer"].agree


def test_a_payment_that_the_bank_does_not_show_keeps_its_partner_open(connection: Connection, tmp_path: Path) -> None:
    for partner in ("fuel", "grocer"):
        report(connection, tmp_path, partner)
    bank(connection, tmp_path, without="grocer")
    found = books(connection)
    assert (found["grocer"].bank_minor, found["grocer"].open_breaks, found["grocer"].agree) == (0, 1, False)
    assert found["fuel"].agree


def test_a_cycle_that_is_open_has_no_books(connection: Connection) -> None:
    with pytest.raises(UnknownCycle):
        three_way(connection, "2017-03")
