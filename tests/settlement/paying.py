"""What tests of payments do over and over: dues of a cycle, bank details on record, a release that is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from settlement.core.bank_accounts import BankAccount, account_content
from settlement.core.dues import Due
from settlement.core.parties import FUND
from settlement.core.parties import OPERATOR as OPERATOR_PARTY
from settlement.core.payment_ids import PAY, RECEIVE, payment_id
from settlement.payments import bank_details, payment_releases, payments
from settlement.payments.payment_releases import Release
from tests.settlement.payments import BAKERY, GROCER, OPERATOR

AT = datetime(2017, 2, 3, 9, 30, tzinfo=UTC)
EXECUTE_ON = date(2017, 2, 6)
MAKER, APPROVER = "Ada", "Bert"


def due(party: str, currency: str, minor: int) -> Due:
    """What is due to a party; below zero what it has to pay."""
    return Due(party, currency, minor, 0, 0, minor, 0)


DUES = [
    due("bakery", "EUR", 5012),
    due("grocer", "EUR", 1),
    due("fuel", "EUR", -5013),
    due("idle", "EUR", 0),
    due("bakery", "JPY", 700),
    due(FUND, "JPY", -600),
    due(OPERATOR_PARTY, "JPY", -100),
]
BAKERY_PAID = payment_id("2017-01", "bakery", "EUR", PAY)
GROCER_PAID = payment_id("2017-01", "grocer", "EUR", PAY)
FUEL_PAYS = payment_id("2017-01", "fuel", "EUR", RECEIVE)


def record(
    connection: Connection,
    party: str,
    account: BankAccount,
    currency: str = "EUR",
    habits: Mapping[str, Any] | None = None,
) -> None:
    """Put bank details on record, by two people."""
    content = account_content(account)
    made = bank_details.propose(
        connection, party, currency, content, habits or {}, author=MAKER, at=AT, registered=False
    )
    bank_details.approve(connection, party, currency, made.digest, approver=APPROVER, at=AT, registered=False)


def payable(connection: Connection, operator: BankAccount = OPERATOR) -> None:
    """January's payments, and everybody's bank details."""
    payments.from_dues(connection, "2017-01", DUES, author=MAKER, at=AT)
    for party, account in ((OPERATOR_PARTY, operator), ("bakery", BAKERY), ("grocer", GROCER)):
        record(connection, party, account)


def propose(connection: Connection, at: datetime = AT) -> Release:
    """Propose to pay everybody in euros."""
    return payment_releases.propose(connection, "EUR", EXECUTE_ON, author=MAKER, at=at, registered=False)


def approve(connection: Connection, release: Release, **other: Any) -> Release:
    """Approve a release by the digest that was shown."""
    how: dict[str, Any] = {"stated": release.file_digest, "approver": APPROVER, "at": AT, "registered": False} | other
    return payment_releases.approve(connection, release.release, **how)


def fetch(connection: Connection, release: Release) -> bytes:
    """Fetch the file of a release."""
    file = payment_releases.file(connection, release.release, author=APPROVER, at=AT)
    assert hashlib.sha256(file).digest() == release.file_digest
    return file


def sent(connection: Connection) -> tuple[Release, bytes]:
    """January's two payments in euros on their way to the bank: the release and its file."""
    payable(connection)
    release = propose(connection)
    approve(connection, release)
    return release, fetch(connection, release)


def states(connection: Connection) -> dict[str, str]:
    """Where each payment stands."""
    return {one.payment.payment: one.state for one in payments.listing(connection, currency="EUR")}
