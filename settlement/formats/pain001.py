"""pain.001, CustomerCreditTransferInitiation: an order as the file that the operator's bank takes.

Version 09 is what the European schemes and CBPR+ use, 03 what some banks still want; they differ here in two places.
A file is one group with one payment information block, since an order has one debit account and one day. It is written
from the order alone, checked against the official schema, and the same order gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from settlement.core.bank_accounts import Address, BankAccount
from settlement.core.bank_text import latin
from settlement.core.currency import written
from settlement.core.payment_orders import SEPA, CreditTransfer, PaymentOrder
from settlement.errors import InvalidAccount, InvalidPayment
from settlement.formats.schemas import NAMESPACE, refuse_unless_valid
from settlement.formats.xml_tree import Element, built, serialised
from settlement.payments.bank_accounts import checked

_Spelling = Callable[[str], str]
_LONGEST_REMITTANCE = 140


class Version(NamedTuple):
    """What a version of the message has its own way: the tag of a BIC, and whether a day is in an element `Dt`."""

    bic_tag: str
    day_within_choice: bool


VERSIONS: Mapping[str, Version] = {
    "pain.001.001.09": Version("BICFI", True),
    "pain.001.001.03": Version("BIC", False),
}


def write(order: PaymentOrder) -> bytes:
    """The file of an order.

    Raises `InvalidPayment` when the order is empty, an amount is not above zero, a name cannot be spelled as the bank
    wants it, or the schema refuses the file; `InvalidAccount` when an account does not hold.
    """
    _refuse_impossible(order)
    document = built(_document(order), NAMESPACE + order.habits.message)
    refuse_unless_valid(document, order.habits.message)
    return serialised(document)


def _refuse_impossible(order: PaymentOrder) -> None:
    if order.habits.message not in VERSIONS:
        raise InvalidPayment(f"{order.habits.message} is not written here; there are {', '.join(VERSIONS)}")
    if not order.transfers:
        raise InvalidPayment("an order without payments is none")
    if len({payment.end_to_end_id for payment in order.transfers}) < len(order.transfers):
        raise InvalidPayment("a payment is in the order twice")
    checked(order.debtor)
    if order.habits.service_level == SEPA and order.currency != "EUR":
        raise InvalidPayment(f"{SEPA} pays in EUR, not in {order.currency}; the operator's habits say how else")
    for payment in order.transfers:
        _refuse_impossible_payment(payment, order.habits.service_level == SEPA)


def _refuse_impossible_payment(payment: CreditTransfer, to_iban: bool) -> None:
    if payment.amount_minor <= 0:
        raise InvalidPayment(f"{payment.end_to_end_id}: {payment.amount_minor} minor units cannot be paid")
    try:
        checked(payment.to)
    except InvalidAccount as error:
        raise InvalidAccount(f"{payment.end_to_end_id}: {error}") from error
    if to_iban and not payment.to.iban:
        raise InvalidAccount(f"{payment.end_to_end_id}: {SEPA} pays to IBANs, and {payment.to.written} is none")


def _document(order: PaymentOrder) -> Element:
    spell = latin if order.habits.latin else str
    name = order.message_id
    return Element("Document", [Element("CstmrCdtTrfInitn", [_header(order, name, spell), _block(order, name, spell)])])


def _header(order: PaymentOrder, name: str, spell: _Spelling) -> Element:
    return Element(
        "GrpHdr",
        [
            Element("MsgId", name),
            Element("CreDtTm", order.created),
            *_sums(order),
            Element("InitgPty", [Element("Nm", _spelled(order.debtor.holder, spell, "the debtor"))]),
        ],
    )


def _block(order: PaymentOrder, name: str, spell: _Spelling) -> Element:
    version, day = VERSIONS[order.habits.message], order.execute_on.isoformat()
    return Element(
        "PmtInf",
        [
            Element("PmtInfId", name),
            Element("PmtMtd", "TRF"),
            Element("BtchBookg", "true" if order.habits.batch else "false"),
            *_sums(order),
            Element("PmtTpInf", [Element("SvcLvl", [Element("Cd", order.habits.service_level)])])
            if order.habits.service_level
            else None,
            Element("ReqdExctnDt", [Element("Dt", day)] if version.day_within_choice else day),
            _party("Dbtr", order.debtor, spell, "the debtor"),
            _account("DbtrAcct", order.debtor, order.currency),
            _agent("DbtrAgt", order.debtor, version) or _unnamed_agent("DbtrAgt"),
            Element("ChrgBr", order.habits.charge_bearer),
            *(_transfer(payment, order, version, spell) for payment in order.transfers),
        ],
    )


def _sums(order: PaymentOrder) -> Iterator[Element]:
    yield Element("NbOfTxs", str(len(order.transfers)))
    yield Element("CtrlSum", written(order.total_minor, order.currency))


def _transfer(payment: CreditTransfer, order: PaymentOrder, version: Version, spell: _Spelling) -> Element:
    name, amount = payment.end_to_end_id, written(payment.amount_minor, order.currency)
    remittance = _spelled(payment.remittance, spell, name)[:_LONGEST_REMITTANCE]
    return Element(
        "CdtTrfTxInf",
        [
            Element("PmtId", [Element("InstrId", name), Element("EndToEndId", name)]),
            Element("Amt", [Element("InstdAmt", amount, order.currency)]),
            _agent("CdtrAgt", payment.to, version),
            _party("Cdtr", payment.to, spell, name),
            _account("CdtrAcct", payment.to),
            Element("RmtInf", [Element("Ustrd", remittance)]),
        ],
    )


def _party(tag: str, account: BankAccount, spell: _Spelling, name: str) -> Element:
    address = Address._make(_spelled(part, spell, name) for part in account.address)
    parts = [
        Element("StrtNm", address.street),
        Element("BldgNb", address.building),
        Element("PstCd", address.post_code),
        Element("TwnNm", address.town),
        Element("Ctry", address.country),
    ]
    return Element(tag, [Element("Nm", _spelled(account.holder, spell, name)), Element("PstlAdr", parts)])


def _account(tag: str, account: BankAccount, currency: str = "") -> Element:
    number = Element("IBAN", account.iban) if account.iban else Element("Othr", [Element("Id", account.number)])
    return Element(tag, [Element("Id", [number]), Element("Ccy", currency)])


def _agent(tag: str, account: BankAccount, version: Version) -> Element | None:
    """The account's bank, if it is named; behind an IBAN it need not be."""
    if not (account.bic or account.clearing):
        return None
    system = Element("ClrSysId", [Element("Cd", account.clearing)])
    member = Element("ClrSysMmbId", [system, Element("MmbId", account.member)]) if account.clearing else None
    return Element(tag, [Element("FinInstnId", [Element(version.bic_tag, account.bic), member])])


def _unnamed_agent(tag: str) -> Element:
    """A bank that its IBAN names: `NOTPROVIDED`, as the European schemes ask (EPC132-08)."""
    return Element(tag, [Element("FinInstnId", [Element("Othr", [Element("Id", "NOTPROVIDED")])])])


def _spelled(text: str, spell: _Spelling, name: str) -> str:
    try:
        return spell(text)
    except ValueError as error:
        raise InvalidPayment(f"{name}: {error}") from error
