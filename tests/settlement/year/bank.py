"""The operator's bank: reads the file that it is sent and answers in pain.002 and camt.054, in words of its own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from lxml import etree

_SPACE = "urn:iso:std:iso:20022:tech:xsd:"


class Ordered(NamedTuple):
    """A payment that a file orders."""

    name: str
    amount: str
    currency: str


class Bank:
    """Answers files; its messages have names of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)
        folder.mkdir(exist_ok=True)

    def read(self, path: Path) -> tuple[str, list[Ordered]]:
        """The name of a pain.001 and what it orders."""
        root = etree.parse(path).getroot()
        orders = [
            Ordered(_text(one, "EndToEndId"), _text(one, "InstdAmt"), str(_find(one, "InstdAmt").get("Ccy")))
            for one in root.iter("{*}CdtTrfTxInf")
        ]
        assert len(orders) == int(_text(root, "NbOfTxs"))
        return _text(root, "MsgId"), orders

    def accepted(self, name: str) -> Path:
        """A report that a file is accepted."""
        head = "<GrpHdr><MsgId>{}</MsgId><CreDtTm>2018-01-01T08:00:00Z</CreDtTm></GrpHdr>"
        group = f"<OrgnlGrpInfAndSts><OrgnlMsgId>{name}</OrgnlMsgId><GrpSts>ACCP</GrpSts></OrgnlGrpInfAndSts>"
        return self._written("pain.002.001.10", f"<CstmrPmtStsRpt>{head}{group}</CstmrPmtStsRpt>")

    def booked(self, orders: Iterable[Ordered]) -> Path:
        """A notification that payments were executed."""
        return self._notified([_entry(one, "DBIT", "ESCT", "") for one in orders])

    def returned(self, one: Ordered) -> Path:
        """A notification that a payment came back since the account is closed."""
        return self._notified([_entry(one, "CRDT", "RRTN", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")])

    def _notified(self, entries: list[str]) -> Path:
        head = "<GrpHdr><MsgId>{}</MsgId><CreDtTm>2018-01-01T08:00:00Z</CreDtTm></GrpHdr>"
        account = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
        notice = f"<Ntfctn><Id>{{}}</Id><CreDtTm>2018-01-01T08:00:00Z</CreDtTm>{account}{''.join(entries)}</Ntfctn>"
        return self._written("camt.054.001.08", f"<BkToCstmrDbtCdtNtfctn>{head}{notice}</BkToCstmrDbtCdtNtfctn>")

    def _written(self, message: str, inner: str) -> Path:
        number = next(self._numbers)
        path = self._folder / f"{message}-{number}.xml"
        path.write_text(f'<Document xmlns="{_SPACE}{message}">{inner.replace("{}", f"BANK-{number}")}</Document>')
        return path


def _entry(one: Ordered, way: str, family: str, more: str) -> str:
    amount = f'<Amt Ccy="{one.currency}">{one.amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>'
    code = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{family}</SubFmlyCd></Fmly></Domn>"
    return (
        f"<Ntry>{amount}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2018-01-01</Dt></BookgDt>"
        f"<ValDt><Dt>2018-01-01</Dt></ValDt><BkTxCd>{code}</BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{one.name}</EndToEndId></Refs>{amount}{more}</TxDtls></NtryDtls></Ntry>"
    )


def _find(above: etree._Element, name: str) -> etree._Element:
    return next(above.iter(f"{{*}}{name}"))


def _text(above: etree._Element, name: str) -> str:
    return str(_find(above, name).text)
