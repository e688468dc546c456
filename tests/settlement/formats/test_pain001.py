"""pain.001: valid by the official schema, right in its sums, and the same bytes whenever it is written."""

from __future__ import annotations

import hashlib
from datetime import timedelta, timezone
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from mockbank import messages, validate

from settlement.core.bank_accounts import BankAccount
from settlement.core.payment_orders import BankHabits, PaymentOrder, usual_habits
from settlement.errors import InvalidAccount, InvalidPayment
from settlement.formats import pain001
from settlement.formats.schemas import NAMESPACE, schema
from tests.settlement.payments import BAKERY, CREATED_AT, DINER, GROCER, TWO, order

GOLDEN = Path(__file__).parent.parent / "golden"
VERSIONS = sorted(pain001.VERSIONS)
PLAIN = usual_habits("USD")
OFFICIAL = {
    "pain.001.001.03": "ae2bbba02a6be0119a26f4afcb65ced067453cb1b81d38b26bcc569f19eca93e",
    "pain.001.001.09": "05440a7e84f695e7dbc6677082f43623cd7393881b76a5e8d648ae21d7d728e3",
}
"""SHA-256 of the registration authority's schemas, without the comment that names where this copy is from."""


def texts(file: bytes, path: str) -> list[str]:
    """The texts of all elements at a path such as `GrpHdr/MsgId` within the initiation."""
    root = etree.fromstring(file)
    space = root.nsmap[None]
    steps = "/".join(f"{{{space}}}{step}" for step in path.split("/"))
    return [str(node.text) for node in root[0].findall(steps)]


@pytest.mark.parametrize("message", VERSIONS)
def test_the_schemas_are_the_official_ones(message: str) -> None:
    file = resources.files("sepaxml").joinpath("schemas", f"{message}.xsd").read_bytes()
    lines = file.replace(b"\r\n", b"\n").splitlines(keepends=True)
    official = b"".join(line for line in lines if b"<!-- Source:" not in line)
    assert hashlib.sha256(official).hexdigest() == OFFICIAL[message]
    assert f'targetNamespace="{NAMESPACE}{message}"'.encode() in official


@pytest.mark.parametrize("message", VERSIONS)
@pytest.mark.parametrize("payees", [TWO[:1], TWO], ids=["one", "two"])
def test_golden_files(message: str, payees: Any) -> None:
    golden = GOLDEN / f"{message}-{len(payees)}.xml"
    assert pain001.write(order(*payees, habits=BankHabits(message))) == golden.read_bytes()


@pytest.mark.parametrize(
    ("message", "number"),
    [(VERSIONS[0], 1), (VERSIONS[0], 2), (VERSIONS[1], 1), (VERSIONS[1], 2), (VERSIONS[1], 10_000)],
)
def test_valid_with_any_number_of_payments(message: str, number: int) -> None:
    payees = [(f"partner-{place}", 5012 if place == 0 else 1, BAKERY) for place in range(number)]
    file = pain001.write(order(*payees, habits=BankHabits(message)))
    schema(message).assertValid(etree.fromstring(file))
    sums = {1: "50.12", 2: "50.13", 10_000: "150.11"}
    for header in ("GrpHdr", "PmtInf"):
        assert texts(file, f"{header}/NbOfTxs") == [str(number)]
        assert texts(file, f"{header}/CtrlSum") == [sums[number]]
    names = texts(file, "PmtInf/CdtTrfTxInf/PmtId/EndToEndId")
    assert len(set(names)) == len(names) == number


def test_regenerated_file_is_identical() -> None:
    first = pain001.write(order(*TWO))
    moved = CREATED_AT.astimezone(timezone(timedelta(hours=8))).replace(microsecond=0)
    assert pain001.write(order(*TWO)._replace(created_at=moved)) == first


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "CHF"},
        {"execute_on": CREATED_AT.date()},
        {"created_at": CREATED_AT + timedelta(seconds=1)},
        {"debtor": BAKERY},
        {"habits": BankHabits(batch=True)},
        {"transfers": order(*TWO[:1]).transfers},
        {"transfers": order(TWO[1], TWO[0]).transfers},
    ],
)
def test_another_order_has_another_name(changed: dict[str, Any]) -> None:
    assert order(*TWO)._replace(**changed).message_id != order(*TWO).message_id


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [("JPY", 5013, "5013"), ("KWD", 5013, "5.013"), ("USD", 10**15, "10000000000000.00"), ("EUR", 1, "0.01")],
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, minor: int, amount: str) -> None:
    file = pain001.write(order(("p", minor, DINER), currency=currency, habits=PLAIN))
    assert texts(file, "GrpHdr/CtrlSum") == texts(file, "PmtInf/CdtTrfTxInf/Amt/InstdAmt") == [amount]


def test_an_account_without_an_iban_names_its_bank() -> None:
    file = pain001.write(order(("diner", 100, DINER), currency="USD", habits=PLAIN))
    transfer = "PmtInf/CdtTrfTxInf"
    assert texts(file, f"{transfer}/CdtrAcct/Id/Othr/Id") == ["000123456789"]
    assert texts(file, f"{transfer}/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId") == ["021000021"]
    assert texts(file, "PmtInf/PmtTpInf/SvcLvl/Cd") == []


def test_a_debtor_known_by_its_iban_alone() -> None:
    file = pain001.write(order(*TWO)._replace(debtor=BAKERY))
    assert texts(file, "PmtInf/DbtrAgt/FinInstnId/Othr/Id") == ["NOTPROVIDED"]


def test_a_bank_that_takes_every_script_gets_the_name_as_it_is() -> None:
    chinese = BAKERY._replace(holder="上海面包店 & 儿子")
    file = pain001.write(order(("bakery", 1, chinese), habits=BankHabits(latin=False)))
    assert texts(file, "PmtInf/CdtTrfTxInf/Cdtr/Nm") == ["上海面包店 & 儿子"]
    with pytest.raises(InvalidPayment, match=r"FIOQQPB5HV6WEAK4-1.*上"):
        pain001.write(order(("bakery", 1, chinese)))


@pytest.mark.parametrize(
    ("given_order", "error", "said"),
    [
        (order(), InvalidPayment, "without payments"),
        (order(("p", 0, BAKERY)), InvalidPayment, "cannot be paid"),
        (order(("p", -5, BAKERY)), InvalidPayment, "cannot be paid"),
        (order(("p", 10**18 + 1, BAKERY)), InvalidPayment, "no valid pain.001.001.09\nline"),
        (order(("p", 1, BAKERY), ("p", 1, BAKERY)), InvalidPayment, "twice"),
        (order(("p", 1, BAKERY), habits=BankHabits("pain.008.001.08")), InvalidPayment, "not written here"),
        (order(("p", 1, BAKERY), habits=BankHabits(charge_bearer="ME")), InvalidPayment, "ChrgBr"),
        (order(("p", 1, BAKERY._replace(iban="DE89370400440532013001"))), InvalidAccount, "-1: IBAN 'DE89"),
        (order(("p", 1, BAKERY), currency="USD"), InvalidPayment, "SEPA pays in EUR"),
        (order(("p", 1, DINER)), InvalidAccount, "SEPA pays to IBANs, and 000123456789 at USABA 021000021"),
        (order(*TWO)._replace(debtor=BAKERY._replace(iban="FR00")), InvalidAccount, "IBAN 'FR00'"),
    ],
)
def test_what_is_never_written(given_order: PaymentOrder, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        pain001.write(given_order)


PAYEES = st.tuples(st.integers(1, 10**12), st.sampled_from([BAKERY, GROCER]))


@settings(max_examples=25, deadline=None)
@given(payees=st.lists(PAYEES, min_size=1, max_size=8), message=st.sampled_from(VERSIONS))
def test_another_program_reads_what_was_ordered(payees: list[tuple[int, BankAccount]], message: str) -> None:
    """A bank that somebody else wrote finds nothing to object to, and the same payments in the file."""
    numbers = count()
    ordered = order(*((f"partner-{next(numbers)}", *payee) for payee in payees), habits=BankHabits(message))
    file = pain001.write(ordered)
    assert validate.errors(validate.validate(file, "application/xml", today=ordered.execute_on)) == []
    read = messages.read_pain001(file)
    assert read.msg_id == ordered.message_id
    assert [(one.end_to_end_id, one.amount, one.creditor_account) for one in read.payments] == [
        (one.end_to_end_id, one.amount_minor, one.to.iban) for one in ordered.transfers
    ]
