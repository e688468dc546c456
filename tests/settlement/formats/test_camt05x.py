"""camt.053 and camt.054: four banks' dialects add up in integers, and what is hostile or wrong is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from settlement.core.bank_entries import BankEntry, BankStatement
from settlement.errors import FileRefused
from settlement.formats import camt05x, xml_stream

BANKS = Path(__file__).parent / "banks"
GERMAN, SWISS, NORDIC = "german.camt053.02.xml", "swiss.camt053.08.xml", "nordic.camt053.02.xml"
DUTCH = "dutch.camt054.08.xml"


def statements(name: str) -> Iterator[tuple[BankStatement, list[BankEntry]]]:
    entries: list[BankEntry] = []
    for one in camt05x.read(BANKS / name):
        if isinstance(one, BankStatement):
            yield one, entries
            entries = []
        else:
            entries.append(one)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (GERMAN, [(11272, [1500000, -25003, 5000, -2500], 1488769)]),
        (SWISS, [(-10050, [9999990, -1000], 9988940)]),
        (NORDIC, [(500000, [12345], 512345), (512345, [-5], 512340), (0, [], 0)]),
    ],
)
def test_opening_and_movements_are_closing(name: str, figures: list[tuple[int, list[int], int]]) -> None:
    found = [
        (head.opening_minor, [one.amount_minor for one in entries if one.status == "booked"], head.closing_minor)
        for head, entries in statements(name)
    ]
    assert found == figures
    assert all(opening + sum(booked) == closing for opening, booked, closing in figures)


def test_a_german_statement() -> None:
    [(head, entries)] = statements(GERMAN)
    assert head.message == "camt.053.001.02"
    assert (head.statement_id, head.account, head.currency) == (
        "0352C5320170208211209",
        "DE89370400440532013000",
        "EUR",
    )
    assert (head.begins_on, head.ends_on, head.entries) == (date(2017, 2, 7), date(2017, 2, 8), 4)
    receipt, batch, returned, charge = entries
    assert receipt.bank_code == "PMNT/RCDT/ESCT"
    assert receipt.information == "GUTSCHRIFT UEBERWEISUNG"
    [paid] = receipt.transactions
    assert (paid.end_to_end_id, paid.unstructured) == ("b-4001", "Settlement 2017-01 B-4001")
    assert (paid.counterparty, paid.counterparty_account) == ("Freshfield Grocers GmbH", "DE02120300000000202051")
    assert paid.amount_minor == 1500000
    assert batch.batch == "PAY-2017-01-EUR"
    assert [one.amount_minor for one in batch.transactions] == [-20002, -5001]
    assert [one.counterparty for one in batch.transactions] == ["Fuel & Go", "Stadt-Apotheke"]
    assert batch.adds_up
    [back] = returned.transactions
    assert (back.amount_minor, back.charges_minor, back.return_reason) == (5000, 1, "AC04")
    assert back.counterparty == "Stadt-Apotheke"
    assert charge.transactions[0].end_to_end_id == ""


def test_a_swiss_statement() -> None:
    [(head, entries)] = statements(SWISS)
    assert (head.message, head.begins_on) == ("camt.053.001.08", date(2017, 2, 8))
    receipts, reversal, pending = entries
    first, second = receipts.transactions
    assert (first.creditor_reference, first.counterparty) == ("RF18 5390 0754 7034", "Bäckerei Müller")
    assert (second.creditor_reference, second.end_to_end_id) == ("210000000003139471430009017", "X-77")
    assert (second.amount_minor, second.charges_minor) == (99990, 10)
    assert receipts.adds_up
    assert (reversal.is_reversal, reversal.amount_minor, reversal.bank_code) == (True, -1000, "SD1")
    assert not reversal.adds_up
    assert (pending.status, pending.booked_on, pending.value_on) == ("pending", None, date(2017, 2, 10))


def test_a_nordic_file_of_three_statements() -> None:
    first, second, third = statements(NORDIC)
    assert first[0].account == second[0].account == "86011117947"
    assert third[0].account == "NO9386011117947"
    [entry] = first[1]
    assert (entry.booked_on, entry.transactions[0].instruction_id) == (date(2017, 2, 7), "I-9")
    assert entry.transactions[0].unstructured == "faktura 4002"


def test_a_notification_of_returned_payments() -> None:
    [(head, [entry])] = statements(DUTCH)
    assert (head.message, head.opening_minor, head.closing_minor) == ("camt.054.001.08", None, None)
    assert entry.is_reversal
    reasons = [(one.end_to_end_id, one.amount_minor, one.return_reason) for one in entry.transactions]
    assert reasons == [("PAY-2017-01-FUEL", 20002, "AC01"), ("PAY-2017-01-PHARMACY", 5001, "ACCOUNT BLOCKED")]
    assert entry.transactions[0].counterparty == "Fuel en Go"


def altered(tmp_path: Path, *changes: tuple[str, str], name: str = GERMAN) -> Path:
    content = (BANKS / name).read_text()
    for before, after in changes:
        assert before in content
        content = content.replace(before, after, 1)
    path = tmp_path / "altered.xml"
    path.write_text(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FileRefused) as refused:
        list(camt05x.read(path))
    return str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("14887.69", "14887.70", "does not add up: 11272 and 1477497 booked give 1488769, but it ends with 1488770"),
        ("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>", "does not add up"),
        ("<Sts>BOOK</Sts>", "<Sts>MAYBE</Sts>", "entry 1: its status 'MAYBE' is none of BOOK"),
        ("15000.00", "15000.001", "15000.001 is no whole number of minor units of EUR"),
        ("15000.00", "15,000.00", "'15,000.00' is no amount"),
        ("15000.00", "-15000.00", "'-15000.00' is no amount"),
        ("15000.00", "1e4", "'1e4' is no amount"),
        ("15000.00", "999999999999999999", "entry 1: 999999999999999999 EUR is too large"),
        ("15000.00", "٣", "is no amount"),
        ('<Amt Ccy="EUR">15000.00', "<Amt>15000.00", "its currency '' is no ISO 4217 code"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<Sts>", "does not say whether it is a credit or a debit"),
        ("<Dt>2017-02-07</Dt></BookgDt>", "<Dt>07.02.2017</Dt></BookgDt>", "'07.02.2017' is no date"),
        ("<Cd>PRCD</Cd>", "<Cd>XPCD</Cd>", "no booked balance to begin with"),
        ("<IBAN>DE89370400440532013000</IBAN>", "", "no account"),
        ("camt.053.001.02", "camt.053.001.04", "is none of camt.053.001.02"),
        ("camt.053.001.02", "pain.001.001.09", "is none of"),
        ("</Stmt>", "", "is no well-formed XML"),
        ("<BkToCstmrStmt>", "&nbsp;<BkToCstmrStmt>", "is no well-formed XML"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, before: str, after: str, reason: str) -> None:
    assert reason in refusal(altered(tmp_path, (before, after)))


def test_comments_do_not_split_what_they_stand_in(tmp_path: Path) -> None:
    path = altered(tmp_path, ("15000.00", "15<!-- x -->000<?y z?>.00"))
    assert sum(one.amount_minor for one in camt05x.read(path) if isinstance(one, BankEntry)) == 1477497


DOCTYPE = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE Document [{}]>'
LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "declared",
    ["", '<!ENTITY x SYSTEM "file:///etc/passwd">', '<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;', LAUGHS],
)
def test_a_document_type_is_refused_and_nothing_is_fetched(tmp_path: Path, declared: str) -> None:
    prolog = '<?xml version="1.0" encoding="UTF-8"?>'
    path = altered(tmp_path, (prolog, DOCTYPE.format(declared)), ("GUTSCHRIFT", "GUTSCHRIFT"))
    reason = refusal(path)
    assert "document type declaration" in reason or "no well-formed XML" in reason
    assert "root:" not in reason


def test_depth_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "<X>" * 40 + "</X>" * 40
    assert "nested deeper than 32" in refusal(altered(tmp_path, ("<GrpHdr>", deep + "<GrpHdr>")))
    monkeypatch.setattr(xml_stream, "MAX_HELD", 1_000)
    assert "more than 1,000 elements" in refusal(altered(tmp_path, ("<GrpHdr>", "<X/>" * 2_000 + "<GrpHdr>")))
    monkeypatch.setattr(xml_stream, "MAX_BYTES", 100)
    assert "is larger than 100 bytes" in refusal(BANKS / GERMAN)


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"<a/>", b"<Document/>", b"PAR1", "<a>ä</a>".encode("latin-1")])
def test_what_is_no_message_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(content)
    assert refusal(path)
    assert "cannot be read" in refusal(tmp_path / "missing.xml")


def test_what_was_read_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head, rest = (BANKS / DUTCH).read_text().split("<Ntry>", 1)
    entry, tail = rest.rsplit("</Ntry>", 1)
    path = tmp_path / "long.xml"
    path.write_text(head + f"<Ntry>{entry}</Ntry>" * 200 + tail)
    monkeypatch.setattr(xml_stream, "MAX_HELD", 100)
    assert sum(isinstance(one, BankEntry) for one in camt05x.read(path)) == 200
