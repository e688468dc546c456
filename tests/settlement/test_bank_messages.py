"""Account reports move what they name as ours, and nothing else; what contradicts is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from settlement.core.payment_ids import end_to_end_id
from settlement.core.payment_moves import (
    APPLIED,
    CONTRADICTS,
    LATE,
    PAYABLE,
    REPEATED,
    SENT,
    SETTLED,
    UNKNOWN,
    WRONG_AMOUNT,
)
from settlement.errors import FileRefused
from settlement.payments import bank_messages, payments
from settlement.payments.bank_messages import Heard
from tests.settlement.formats.test_pain002 import batch, document
from tests.settlement.paying import AT, BAKERY_PAID, FUEL_PAYS, GROCER_PAID, sent, states

BAKERY_NAME, GROCER_NAME = end_to_end_id(BAKERY_PAID, 1), end_to_end_id(GROCER_PAID, 1)
SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"


@pytest.fixture
def connection(posted_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database that all share; what is done is rolled back."""
    with posted_once.connect() as connection:
        yield connection


@pytest.fixture
def release(connection: Connection) -> str:
    """Return the name of a release whose two payments are on their way."""
    return sent(connection)[0].release


class Inbox:
    """Takes in one message after the other; each is a file of its own."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.connection, self.folder, self.number = connection, folder, 0

    def take(self, text: str) -> list[tuple[str, str]]:
        return [(one.payment, one.outcome) for one in self.heard(text)]

    def heard(self, text: str) -> Sequence[Heard]:
        self.number += 1
        path = self.folder / f"{self.number}.xml"
        path.write_text(text, encoding="utf-8")
        return bank_messages.take(self.connection, path, author="Ada", at=AT).heard


@pytest.fixture
def inbox(connection: Connection, release: str, tmp_path: Path) -> Inbox:
    """Return where the bank's messages come in."""
    return Inbox(connection, tmp_path)


def notification(*entries: str, number: int = 1) -> str:
    account = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
    body = f"<Ntfctn><Id>N-{number}</Id><CreDtTm>2017-02-06T18:00:00Z</CreDtTm>{account}{''.join(entries)}</Ntfctn>"
    head = "<GrpHdr><MsgId>B-1</MsgId><CreDtTm>2017-02-06T18:00:00Z</CreDtTm></GrpHdr>"
    return f'<Document xmlns="{SPACE}"><BkToCstmrDbtCdtNtfctn>{head}{body}</BkToCstmrDbtCdtNtfctn></Document>'


def entry(
    amount: str,
    side: str,
    *names: str,
    code: str = "ESCT",
    status: str = "BOOK",
    more: str = "",
    reason: str = "",
    batch: str = "",
) -> str:
    """An entry; each name is that of a transaction with the entry's whole amount."""
    returned = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    details = "".join(
        f'<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd>{returned}</TxDtls>"
        for name in names
    )
    whole = f"<Btch><PmtInfId>{batch}</PmtInfId></Btch>" if batch else ""
    family = "ICDT" if side == "DBIT" or code == "RRTN" else "RCDT"
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><Dt>2017-02-06</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls>{whole}{details}</NtryDtls></Ntry>"
    )


BACK = entry("50.12", "CRDT", BAKERY_NAME, code="RRTN", reason="AC04")
PAID = entry("50.12", "DBIT", BAKERY_NAME)


def test_a_debit_settles_and_a_return_brings_back(inbox: Inbox) -> None:
    assert inbox.take(notification(PAID)) == [(BAKERY_PAID, APPLIED)]
    assert states(inbox.connection)[BAKERY_PAID] == SETTLED
    assert inbox.take(notification(BACK, number=2)) == [(BAKERY_PAID, APPLIED)]
    assert states(inbox.connection)[BAKERY_PAID] == PAYABLE
    assert payments.show(inbox.connection, BAKERY_PAID).moves[-2].reason == "AC04"


def test_a_return_that_is_told_before_the_debit(inbox: Inbox) -> None:
    assert inbox.take(notification(BACK)) == [(BAKERY_PAID, APPLIED)]
    assert inbox.take(notification(PAID, number=2)) == [(BAKERY_PAID, LATE)]
    assert states(inbox.connection)[BAKERY_PAID] == PAYABLE


def test_a_return_that_is_told_twice_comes_back_once(inbox: Inbox) -> None:
    assert inbox.take(notification(BACK, BACK)) == [(BAKERY_PAID, APPLIED), (BAKERY_PAID, REPEATED)]
    assert inbox.take(notification(BACK, number=2)) == [(BAKERY_PAID, REPEATED)]
    assert payments.show(inbox.connection, BAKERY_PAID).last.attempt == 2


@pytest.mark.parametrize(
    "harmless",
    [
        entry("50.12", "DBIT", BAKERY_NAME, status="PDNG"),
        entry("50.12", "CRDT", BAKERY_NAME),
        entry("50.12", "DBIT", BAKERY_NAME, more="<RvslInd>true</RvslInd>"),
        entry("50.12", "DBIT", "NOTPROVIDED"),
        entry("50.13", "DBIT", FUEL_PAYS, more="<RvslInd>true</RvslInd>"),
        entry("50.12", "DBIT"),
    ],
    ids=["pending", "a credit with our name that is no return", "reversed debit", "no name", "reversed", "bare"],
)
def test_what_says_nothing_of_a_payment(inbox: Inbox, harmless: str) -> None:
    assert inbox.take(notification(harmless)) == []
    assert states(inbox.connection)[BAKERY_PAID] == SENT


def quoted(text: str, place: str = "RmtInf/Ustrd", amount: str = "50.13") -> str:
    """A credit whose sender quotes a text."""
    first, last = place.split("/")
    details = f"<TxDtls><{first}><{last}>{text}</{last}></{first}></TxDtls>"
    return entry(amount, "CRDT").replace("<NtryDtls>", f"<NtryDtls>{details}")


@pytest.mark.parametrize(
    "credit",
    [
        entry("50.13", "CRDT", FUEL_PAYS),
        quoted(FUEL_PAYS),
        quoted(f"settlement, our ref. 17: {FUEL_PAYS.lower()[:20]} {FUEL_PAYS.lower()[20:]} thank you"),
    ],
    ids=["end to end", "remittance", "broken and in small letters"],
)
def test_what_a_partner_paid_in_is_known_by_the_name_that_it_quotes(inbox: Inbox, credit: str) -> None:
    assert inbox.take(notification(credit)) == [(FUEL_PAYS, APPLIED)]
    assert states(inbox.connection)[FUEL_PAYS] == SETTLED
    assert inbox.take(notification(credit, number=2)) == [(FUEL_PAYS, REPEATED)]


def test_what_a_partner_paid_in_is_another_amount(inbox: Inbox) -> None:
    (said,) = inbox.heard(notification(quoted(FUEL_PAYS, amount="50.12")))
    assert (said.outcome, said.detail) == (WRONG_AMOUNT, "50.12 EUR instead of 50.13 EUR")
    assert states(inbox.connection)[FUEL_PAYS] == PAYABLE


def test_a_credit_that_quotes_what_was_paid_out_or_nothing(inbox: Inbox) -> None:
    assert inbox.take(notification(quoted(BAKERY_PAID, amount="50.12"), quoted("thank you"))) == []


def test_a_status_report_says_nothing_of_what_is_paid_in(inbox: Inbox, release: str) -> None:
    assert inbox.take(rejected(release, FUEL_PAYS, "ACSC")) == [("", UNKNOWN)]
    assert states(inbox.connection)[FUEL_PAYS] == PAYABLE


def test_a_reversal_brings_back(inbox: Inbox) -> None:
    reversal = entry("50.12", "CRDT", BAKERY_NAME, more="<RvslInd>true</RvslInd>")
    assert inbox.take(notification(reversal)) == [(BAKERY_PAID, APPLIED)]
    assert states(inbox.connection)[BAKERY_PAID] == PAYABLE


def test_less_than_was_paid_came_back(inbox: Inbox) -> None:
    (said,) = inbox.heard(notification(entry("45.12", "CRDT", BAKERY_NAME, code="RRTN", reason="AC04")))
    assert (said.outcome, said.detail) == (WRONG_AMOUNT, "45.12 EUR instead of 50.12 EUR")
    assert states(inbox.connection)[BAKERY_PAID] == SENT


def test_a_file_that_was_booked_as_one_entry(inbox: Inbox, release: str) -> None:
    assert inbox.take(notification(entry("50.13", "DBIT", batch=release))) == [
        (name, APPLIED) for name in sorted([BAKERY_PAID, GROCER_PAID])
    ]


def test_a_file_of_which_one_payment_was_rejected_before(inbox: Inbox, release: str) -> None:
    assert inbox.take(rejected(release, BAKERY_NAME)) == [(BAKERY_PAID, APPLIED)]
    assert inbox.take(notification(entry("0.01", "DBIT", batch=release))) == [(GROCER_PAID, APPLIED)]


def test_an_entry_for_a_file_that_is_not_its_sum(inbox: Inbox, release: str) -> None:
    """50.12 could be the bakery's alone; nobody knows, so nothing moves."""
    (said,) = inbox.heard(notification(entry("50.12", "DBIT", batch=release)))
    assert (said.payment, said.outcome) == (GROCER_PAID, WRONG_AMOUNT)
    assert {*states(inbox.connection).values()} == {SENT, PAYABLE}


def report(release: str, *parts: str, head: str = "") -> str:
    return document(f"<OrgnlGrpInfAndSts><OrgnlMsgId>{release}</OrgnlMsgId>{head}</OrgnlGrpInfAndSts>" + batch(*parts))


def rejected(release: str, name: str, status: str = "RJCT") -> str:
    tx = f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts>"
    return report(release, tx)


def test_rejected_after_it_settled(inbox: Inbox, release: str) -> None:
    inbox.take(notification(PAID))
    (said,) = inbox.heard(rejected(release, BAKERY_NAME))
    assert (said.outcome, said.detail) == (CONTRADICTS, "attempt 1 was settled before")
    assert states(inbox.connection)[BAKERY_PAID] == SETTLED


def test_a_name_or_a_status_that_is_not_known(inbox: Inbox, release: str) -> None:
    assert inbox.take(rejected(release, "NOT-OURS")) == [("", UNKNOWN)]
    assert inbox.take(rejected(release, BAKERY_NAME, "ABCD")) == [(BAKERY_PAID, UNKNOWN)]
    assert states(inbox.connection)[BAKERY_PAID] == SENT


def test_a_group_status_is_for_all(inbox: Inbox, release: str) -> None:
    assert len(inbox.take(report(release, head="<OrgnlNbOfTxs>2</OrgnlNbOfTxs><GrpSts>ACSC</GrpSts>"))) == 2
    assert states(inbox.connection)[GROCER_PAID] == SETTLED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (report("HANSA-AAAAAAAAAAAAAAAA"), "no file from here has that name"),
        (notification().replace("camt.054", "camt.055"), "is neither"),
        ("<Document/>", "is neither"),
        ("", "XML"),
    ],
)
def test_files_that_are_not_for_us(inbox: Inbox, text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        inbox.take(text)


def test_a_report_that_counts_otherwise(inbox: Inbox, release: str) -> None:
    with pytest.raises(FileRefused, match="with 3 payments, and that file had 2"):
        inbox.take(report(release, head="<OrgnlNbOfTxs>3</OrgnlNbOfTxs><GrpSts>ACSC</GrpSts>"))
