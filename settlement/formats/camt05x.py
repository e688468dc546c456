"""camt.053 (statement) and camt.054 (notification) of ISO 20022, versions 001.02 and 001.08, of any bank's dialect.

The two messages share entries and transactions. Versions differ in where a code or a name stands, and banks in what
they leave out, so each value is looked for in every place where one of them puts it. Amounts become whole minor units
by the currency's ISO 4217 exponent or are refused; and a statement whose opening balance and booked entries do not
give its closing balance is refused too, for a part of it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from settlement.core.bank_entries import BOOKED, FUTURE, INFORMATION, PENDING, BankEntry, BankStatement, BankTransaction
from settlement.core.currency import in_minor
from settlement.core.references import given
from settlement.errors import FileRefused
from settlement.formats.xml_stream import Element, elements, first_text, found_at, local, namespace, text_at

STATEMENT, NOTIFICATION = "camt.053", "camt.054"
VERSIONS = tuple(f"{message}.001.{version}" for message in (STATEMENT, NOTIFICATION) for version in ("02", "08"))
MAX_TRANSACTIONS = 200_000
"""Payments behind one entry; more are in a second file."""
MOST_MINOR = 10**17
"""Minor units of one amount: more than there is of any currency, and several together still are of 64 bits."""
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_HEADS = {STATEMENT: "Stmt", NOTIFICATION: "Ntfctn"}
_NAMES = frozenset({"TxDtls", "Ntry", *_HEADS.values()})
_STATUS = {"BOOK": BOOKED, "PDNG": PENDING, "INFO": INFORMATION, "FUTR": FUTURE}
_OPENING, _CLOSING, _BETWEEN = ("OPBD", "PRCD"), ("CLBD",), "ITBD"
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def read(path: Path) -> Iterator[BankEntry | BankStatement]:
    """The entries of each statement in the order of the file, and after them the statement that they are of.

    Memory does not grow with the number of entries. Raises `FileRefused` with what is wrong and where.
    """
    message = ""
    transactions: list[BankTransaction] = []
    entries, booked_minor = 0, 0
    for event, element in elements(path, _NAMES):
        name = local(element)
        if event == "root":
            message = _message(element)
        elif name == "TxDtls":
            transactions.append(_transaction(element))
            if len(transactions) > MAX_TRANSACTIONS:
                raise FileRefused(f"has more than {MAX_TRANSACTIONS:,} payments in one entry")
        elif name == "Ntry":
            entries += 1
            entry = _entry(element, entries, transactions)
            booked_minor += entry.amount_minor if entry.status == BOOKED else 0
            transactions = []
            yield entry
        elif name == _HEADS[message[:8]]:
            yield _statement(element, message, entries, booked_minor)
            entries, booked_minor = 0, 0


def _message(root: Element) -> str:
    message = namespace(root).removeprefix(_NAMESPACE)
    if local(root) != "Document" or message not in VERSIONS:
        raise FileRefused(f"is none of {', '.join(VERSIONS)}: it begins with {local(root)[:40]!r} of {message[:60]!r}")
    return message


def _statement(element: Element, message: str, entries: int, booked_minor: int) -> BankStatement:
    opening, closing = _balances(element)
    currency = opening[1] if opening else text_at(element, "Acct/Ccy")
    statement = BankStatement(
        message,
        given(text_at(element, "Id")),
        first_text(element, "Acct/Id/IBAN", "Acct/Id/Othr/Id").replace(" ", ""),
        currency,
        _day(text_at(element, "FrToDt/FrDtTm")),
        _day(text_at(element, "FrToDt/ToDtTm")),
        opening[0] if opening else None,
        closing[0] if closing else None,
        entries,
        booked_minor,
    )
    _expect_whole(statement)
    return statement


def _expect_whole(statement: BankStatement) -> None:
    where = f"statement {statement.statement_id!r}"
    if not (statement.statement_id and statement.account):
        raise FileRefused(f"{where}: has no Id, or no account")
    opening, closing = statement.opening_minor, statement.closing_minor
    if statement.message.startswith(NOTIFICATION) and opening is None:
        return
    if opening is None or closing is None:
        raise FileRefused(f"{where}: has no booked balance to begin with, or none to end with")
    if opening + statement.booked_minor != closing:
        reached = opening + statement.booked_minor
        detail = f"{opening} and {statement.booked_minor} booked give {reached}, but it ends with {closing}"
        raise FileRefused(f"{where}: does not add up: {detail} (minor units of {statement.currency})")


Balance = tuple[int, str]
"""Minor units, and their currency."""


def _balances(element: Element) -> tuple[Balance | None, Balance | None]:
    """The booked balances a statement begins and ends with; the pages of one that goes on give interim ones."""
    found: dict[str, Balance] = {}
    between: list[Balance] = []
    for balance in found_at(element, "Bal"):
        code = first_text(balance, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry")
        if code in (*_OPENING, *_CLOSING):
            found.setdefault(code, _signed(balance, f"balance {code}"))
        elif code == _BETWEEN:
            between.append(_signed(balance, f"balance {code}"))
    opening = next((found[code] for code in _OPENING if code in found), None)
    closing = found.get(*_CLOSING)
    if opening is None and between:
        opening = between.pop(0)
    if closing is None and between:
        closing = between.pop()
    return opening, closing


def _entry(element: Element, number: int, transactions: list[BankTransaction]) -> BankEntry:
    where = f"entry {number}"
    amount_minor, currency = _signed(element, where)
    status = first_text(element, "Sts/Cd", "Sts/Prtry", "Sts")
    if status not in _STATUS:
        raise FileRefused(f"{where}: its status {status[:20]!r} is none of {', '.join(_STATUS)}")
    return BankEntry(
        number,
        amount_minor,
        currency,
        _STATUS[status],
        _is_true(text_at(element, "RvslInd")),
        _day(first_text(element, "BookgDt/Dt", "BookgDt/DtTm")),
        _day(first_text(element, "ValDt/Dt", "ValDt/DtTm")),
        given(text_at(element, "NtryRef")),
        given(text_at(element, "AcctSvcrRef")),
        _bank_code(element),
        given(first_text(element, "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId")),
        text_at(element, "AddtlNtryInf"),
        _with_amounts(transactions, amount_minor, currency),
    )


def _with_amounts(transactions: list[BankTransaction], amount_minor: int, currency: str) -> tuple[BankTransaction, ...]:
    """The transactions with the entry's sign; one alone that has no amount of its own has the entry's."""
    if len(transactions) == 1 and transactions[0].amount_minor is None:
        return (transactions[0]._replace(amount_minor=amount_minor, currency=currency),)
    return tuple(transactions)


def _transaction(element: Element) -> BankTransaction:
    entry = element.getparent().getparent()
    credit = first_text(element, "CdtDbtInd") or text_at(entry, "CdtDbtInd")
    amount_minor, currency = _amount_of_transaction(element, credit == "CRDT")
    reason = first_text(element, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")
    goes_back = bool(reason) or _is_true(text_at(entry, "RvslInd"))
    other = "Dbtr" if (credit == "CRDT") != goes_back else "Cdtr"
    return BankTransaction(
        amount_minor,
        currency,
        given(text_at(element, "Refs/EndToEndId")),
        given(text_at(element, "Refs/InstrId")),
        given(text_at(element, "Refs/PmtInfId")),
        given(text_at(element, "Refs/MsgId")),
        given(text_at(element, "Refs/AcctSvcrRef")),
        given(text_at(element, "RmtInf/Strd/CdtrRefInf/Ref")),
        " ".join(" ".join((part.text or "").split()) for part in found_at(element, "RmtInf/Ustrd")),
        first_text(element, f"RltdPties/{other}/Pty/Nm", f"RltdPties/{other}/Nm"),
        first_text(element, f"RltdPties/{other}Acct/Id/IBAN", f"RltdPties/{other}Acct/Id/Othr/Id").replace(" ", ""),
        _charges(element, currency),
        reason,
    )


def _amount_of_transaction(element: Element, is_credit: bool) -> tuple[int | None, str]:
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"):
        for amount in found_at(element, path):
            minor, currency = _amount(amount, "a payment")
            return (minor if is_credit else -minor), currency
    return None, ""


def _charges(element: Element, currency: str) -> int:
    """What the bank took from this payment, in the payment's currency; version 02 has no record around each."""
    total = 0
    for charge in (*found_at(element, "Chrgs"), *found_at(element, "Chrgs/Rcrd")):
        for amount in found_at(charge, "Amt"):
            minor, of = _amount(amount, "a charge")
            sign = -1 if text_at(charge, "CdtDbtInd") == "CRDT" else 1
            total += sign * minor if of == currency else 0
    return total


def _bank_code(element: Element) -> str:
    domain = "BkTxCd/Domn"
    codes = [text_at(element, f"{domain}/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(codes) if all(codes) else text_at(element, "BkTxCd/Prtry/Cd")


def _signed(element: Element, where: str) -> Balance:
    """The amount of an entry or a balance, positive for a credit."""
    amount = next(found_at(element, "Amt"), None)
    indicator = text_at(element, "CdtDbtInd")
    if amount is None or indicator not in ("CRDT", "DBIT"):
        raise FileRefused(f"{where}: has no amount, or does not say whether it is a credit or a debit")
    minor, currency = _amount(amount, where)
    return (minor if indicator == "CRDT" else -minor), currency


def _amount(element: Element, where: str) -> Balance:
    currency = element.get("Ccy", "")
    if not _CURRENCY.fullmatch(currency):
        raise FileRefused(f"{where}: its currency {currency[:20]!r} is no ISO 4217 code")
    try:
        minor = in_minor((element.text or "").strip(), currency)
    except ValueError as error:
        raise FileRefused(f"{where}: {error}") from error
    if minor > MOST_MINOR:
        raise FileRefused(f"{where}: {element.text.strip()} {currency} is too large")
    return minor, currency


def _day(text: str) -> date | None:
    """The day of a date, or of an instant as the bank writes it in its own zone; None where there is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise FileRefused(f"{text[:30]!r} is no date; it is written like 2017-01-31") from error


def _is_true(text: str) -> bool:
    return text in ("true", "1")
