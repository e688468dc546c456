"""Bank details on record: where partners are paid, and the operator's own accounts; each put there by two people."""

from __future__ import annotations

from typing import Any

from hub.core.errors import Refused
from hub.services.context import Hub
from hub.services.payments import digest_of, now_of
from settlement.core.bank_accounts import account_content
from settlement.core.parties import OPERATOR
from settlement.payments import bank_details
from settlement.payments.bank_details import BankDetails


def propose(hub: Hub, party: str, currency: str, document: dict[str, Any], author: str) -> dict[str, Any]:
    """Propose bank details: a document with `account`, and for the operator's own `habits` of its bank.

    Raises:
        Refused: ``unknown_partner``, or ``invalid_request`` for a document with other members.
    """
    if not {"account"} <= document.keys() <= {"account", "habits"}:
        raise Refused("invalid_request", "Bank details are an object with account, and habits for the operator's own.")

    def work(connection: Any) -> BankDetails:
        if party != OPERATOR:
            hub.moment(connection).configuration.partner(party)
        account, habits = document["account"], document.get("habits", {})
        now = now_of(hub, connection)
        return bank_details.propose(connection, party, currency, account, habits, author=author, **now)

    return _details(hub.database.transact(work))


def approve(hub: Hub, party: str, currency: str, digest: str, author: str) -> dict[str, Any]:
    """Approve bank details that somebody else proposed, by their digest in hexadecimal."""
    stated = digest_of(digest)
    decided = hub.database.transact(
        lambda connection: bank_details.approve(
            connection, party, currency, stated, approver=author, **now_of(hub, connection)
        )
    )
    return _details(decided)


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return all bank details on record, with which of them are used."""
    with hub.database.snapshot() as connection:
        found = bank_details.listing(connection)
        used = [
            details
            for currency in sorted({one.currency for one in found})
            for details in bank_details.in_force(connection, currency).values()
        ]
    return [_details(one) | {"used": one in used} for one in found]


def _details(details: BankDetails) -> dict[str, Any]:
    return {
        "party": details.party,
        "currency": details.currency,
        "version": details.version,
        "account": account_content(details.account),
        "habits": details.habits._asdict() if details.party == OPERATOR else {},
        "digest": details.digest.hex(),
    }
