"""pain.002 is read as banks write it, and refused as strangers might."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.core.status_reports import StatusReport, TransactionStatus
from settlement.errors import FileRefused
from settlement.formats import pain002

SPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."
GROUP = (
    "<OrgnlGrpInfAndSts><OrgnlMsgId>HANSA-1</OrgnlMsgId>"
    "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{}</OrgnlGrpInfAndSts>"
)
REJECTED = (
    "<TxInfAndSts><OrgnlInstrId>P-1</OrgnlInstrId><OrgnlEndToEndId>P-1</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
    "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed in 2016</AddtlInf></StsRsnInf>"
    '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">50.12</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>'
)


def document(inner: str, version: str = "10", before: str = "") -> str:
    head = "<GrpHdr><MsgId>BANK-7</MsgId><CreDtTm>2017-02-06T08:00:00Z</CreDtTm></GrpHdr>"
    return f'{before}<Document xmlns="{SPACE}{version}"><CstmrPmtStsRpt>{head}{inner}</CstmrPmtStsRpt></Document>'


def batch(*parts: str, name: str = "HANSA-1") -> str:
    inner = "".join(parts)
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{inner}</OrgnlPmtInfAndSts>"


def read(folder: Path, text: str) -> StatusReport:
    path = folder / "report.xml"
    path.write_text(text, encoding="utf-8")
    return pain002.read(path)


@pytest.mark.parametrize("version", ["03", "10", "14"])
def test_a_rejected_payment(tmp_path: Path, version: str) -> None:
    text = document(GROUP.format("<OrgnlNbOfTxs>2</OrgnlNbOfTxs><GrpSts>PART</GrpSts>") + batch(REJECTED), version)
    assert read(tmp_path, text) == StatusReport(
        f"pain.002.001.{version}",
        "BANK-7",
        "HANSA-1",
        2,
        "PART",
        "",
        (TransactionStatus("P-1", "RJCT", "AC04", 5012, "EUR"),),
    )


def test_a_whole_file_rejected_with_reasons_of_the_list_and_of_the_bank(tmp_path: Path) -> None:
    reasons = "<StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf><StsRsnInf><Rsn><Prtry>B-77</Prtry></Rsn></StsRsnInf>"
    report = read(tmp_path, document(GROUP.format(f"<GrpSts>RJCT</GrpSts>{reasons}")))
    assert (report.status, report.reason, report.original_count, report.transactions) == ("RJCT", "FF01 B-77", None, ())


def test_what_is_said_of_the_batch_counts_more_than_the_group(tmp_path: Path) -> None:
    inner = batch("<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>")
    report = read(tmp_path, document(GROUP.format("<GrpSts>ACTC</GrpSts>") + inner))
    assert (report.status, report.reason) == ("RJCT", "AM04")


def test_a_bank_that_names_the_instruction_only(tmp_path: Path) -> None:
    inner = batch("<TxInfAndSts><OrgnlInstrId>P-1</OrgnlInstrId><TxSts>ACSC</TxSts></TxInfAndSts>")
    assert read(tmp_path, document(GROUP.format("") + inner)).transactions == (TransactionStatus("P-1", "ACSC", ""),)


DEEP = "<a>" * 100 + "</a>" * 100
BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
WHOLE = GROUP.format("<GrpSts>ACCP</GrpSts>")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "XML"),
        ("not xml", "XML"),
        ("\x00", "XML"),
        (document(WHOLE)[:-20], "XML"),
        (document(WHOLE, before=BOMB), "DTD"),
        (document(WHOLE.replace("HANSA-1", "&x;"), before=OUTSIDE), "DTD"),
        (document(WHOLE + DEEP), "deeper"),
        (document(WHOLE, version="1"), "no pain.002"),
        (document(WHOLE).replace("pain.002", "pain.001"), "no pain.002"),
        ("<Document><CstmrPmtStsRpt/></Document>", "no pain.002"),
        (document(""), "0 OrgnlGrpInfAndSts"),
        (document(WHOLE * 2), "2 OrgnlGrpInfAndSts"),
        (document(WHOLE + batch() * 2), "2 OrgnlPmtInfAndSts"),
        (document(WHOLE.replace("HANSA-1", "x" * 36)), "no name"),
        (document(WHOLE.replace("HANSA-1", "上海")), "no name"),
        (document(GROUP.format("<OrgnlNbOfTxs>-2</OrgnlNbOfTxs>")), "no number"),
        (document(WHOLE + batch("<TxInfAndSts><TxSts>ACCP</TxSts></TxInfAndSts>")), "payment 1 has neither"),
        (document(WHOLE + batch(REJECTED.replace("50.12", "50.123"))), "payment P-1: 50.123 is no whole"),
        (document(WHOLE + batch(REJECTED.replace("50.12", "-1"))), "is no amount"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        pain002.read(tmp_path / "none.xml")
