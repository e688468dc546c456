"""Bank details on record: where partners are paid, and the operator's own accounts with the habits of his bank.

Whoever changes where money goes could send it to himself, so a second operator approves each version by its digest
before it is used. What is used is the last version that was approved; older ones stay. A partner of which nothing is on
record is paid to the account of its contract, which two people published.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, insert, select

from settlement import approvals
from settlement.core.accounts import read_account
from settlement.core.bank_accounts import Address, BankAccount, account_content
from settlement.core.contracts import Contract
from settlement.core.contracts import in_force as contract_in_force
from settlement.core.parties import FUND, OPERATOR
from settlement.core.payment_orders import BankHabits, usual_habits
from settlement.errors import InvalidAccount
from settlement.formats.pain001 import VERSIONS
from settlement.payments.bank_accounts import from_content
from settlement.store.payment_tables import bank_account
from settlement.store.payments import moved_once
from settlement.store.tables import approval, contract

KIND = "bank_account"
"""Of approvals; their subject is party, currency and version with slashes between."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class BankDetails(NamedTuple):
    """A version of a party's bank details in a currency; `habits` are the bank's, and count for the operator only."""

    party: str
    currency: str
    version: int
    account: BankAccount
    habits: BankHabits
    digest: bytes

    @property
    def subject(self) -> str:
        """The name under which it is approved."""
        return f"{self.party}/{self.currency}/{self.version}"


def propose(
    connection: Connection,
    party: str,
    currency: str,
    account: Mapping[str, Any],
    habits: Mapping[str, Any],
    *,
    author: str,
    at: datetime,
    registered: bool,
) -> BankDetails:
    """Record a further version, for a second operator to approve.

    Raises `InvalidAccount`, and `ApprovalRefused`.
    """
    if not _CURRENCY.fullmatch(currency) or party == FUND:
        raise InvalidAccount(
            f"{party} {currency[:20]!r}: bank details are a partner's or {OPERATOR}'s, in one currency"
        )
    known = select(func.coalesce(func.max(bank_account.c.version), 0))
    mine = known.where(bank_account.c.party == party, bank_account.c.currency == currency)
    version = connection.execute(mine).scalar_one() + 1
    made = _details(party, currency, version, account, habits)
    row = {**made._asdict(), "account": account_content(made.account), "habits": made.habits._asdict()}
    with moved_once():
        connection.execute(insert(bank_account), row)
    approvals.propose(connection, KIND, made.subject, made.digest, maker=author, at=at, registered=registered)
    return made


def approve(
    connection: Connection, party: str, currency: str, stated: bytes, *, approver: str, at: datetime, registered: bool
) -> BankDetails:
    """Approve the last version that was proposed, by its digest; raises `InvalidAccount` and `ApprovalRefused`."""
    found = [one for one in listing(connection) if (one.party, one.currency) == (party, currency)]
    if not found:
        raise InvalidAccount(f"nobody proposed bank details of {party} in {currency}")
    last = found[-1]
    present = _digest(last.party, last.currency, last.version, last.account, last.habits)
    approvals.approve(
        connection, KIND, last.subject, stated=stated, present=present, approver=approver, at=at, registered=registered
    )
    return last


def listing(connection: Connection) -> list[BankDetails]:
    """All versions, by party, currency and version."""
    columns = bank_account.c
    rows = connection.execute(select(bank_account).order_by(columns.party, columns.currency, columns.version))
    return [_stored(row) for row in rows]


def in_force(connection: Connection, currency: str) -> dict[str, BankDetails]:
    """What is used in a currency, by party."""
    columns = bank_account.c
    subject = func.concat_ws("/", columns.party, columns.currency, columns.version)
    approved = and_(approval.c.kind == KIND, approval.c.subject == subject, approval.c.state == approvals.APPROVED)
    query = select(bank_account).join(approval, approved).where(columns.currency == currency)
    return {row.party: _stored(row) for row in connection.execute(query.order_by(columns.version))}


def accounts(connection: Connection, currency: str, day: date) -> dict[str, BankAccount]:
    """Where parties are paid in a currency on a day: as is on record, or else as their contracts in force say."""
    recorded = {party: details.account for party, details in in_force(connection, currency).items()}
    return _agreed(connection, currency, day) | recorded


def _agreed(connection: Connection, currency: str, day: date) -> dict[str, BankAccount]:
    columns = contract.c
    query = select(columns.partner, columns.version, columns.valid_from, columns.terms, columns.account)
    versions: defaultdict[str, list[tuple[Contract, dict[str, Any] | None]]] = defaultdict(list)
    for row in connection.execute(query):
        read = Contract(row.partner, row.version, row.valid_from, row.terms, "", b"")
        versions[row.partner].append((read, row.account))
    found = {}
    for partner, known in versions.items():
        chosen = contract_in_force([read for read, _ in known], day)
        account = next((account for read, account in known if read is chosen), None)
        if chosen and account and chosen.document.get("currency") == currency:
            found[partner] = _of_contract(account)
    return found


def _of_contract(document: Mapping[str, Any]) -> BankAccount:
    """A contract's account, which calls the parts of an address otherwise, as one that can be paid to."""
    agreed = read_account(document)
    part = agreed.address.get
    address = Address(
        part("country", ""), part("town", ""), part("postcode", ""), part("street", ""), part("building", "")
    )
    return BankAccount(agreed.name, address, iban=agreed.iban)


def _stored(row: Any) -> BankDetails:
    account, habits = from_content(row.account), _habits(row.habits, row.currency)
    return BankDetails(row.party, row.currency, row.version, account, habits, bytes(row.digest))


def _details(
    party: str, currency: str, version: int, account: Mapping[str, Any], habits: Mapping[str, Any]
) -> BankDetails:
    read, known = from_content(account), _habits(habits, currency)
    return BankDetails(party, currency, version, read, known, _digest(party, currency, version, read, known))


def _habits(content: Mapping[str, Any], currency: str) -> BankHabits:
    """The habits of a bank from their stored form; what is not said is usual in the currency."""
    usual = usual_habits(currency)._asdict()
    if not isinstance(content, Mapping):
        raise InvalidAccount(f"habits are an object; there are {usual}")
    for name, value in content.items():
        if name not in usual or type(value) is not type(usual[name]):
            raise InvalidAccount(f"habits: {name}={value!r}; there are {usual}")
    habits = BankHabits(**{**usual, **content})
    if habits.message not in VERSIONS:
        raise InvalidAccount(f"habits: message is one of {', '.join(VERSIONS)}")
    return habits


def _digest(party: str, currency: str, version: int, account: BankAccount, habits: BankHabits) -> bytes:
    """SHA-256 over all that a version says."""
    content = [party, currency, version, account_content(account), habits._asdict()]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"hansa-settlement-bank-details-1\n{text}".encode()).digest()
