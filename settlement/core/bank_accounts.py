"""Where money is paid to or from: the holder as the bank knows it, a structured address, and the account.

An account is an IBAN, or a number with the bank that keeps it (by its BIC, or by its number in a clearing system).
Addresses are structured: from November 2026 on, banks refuse payments whose address is free lines. Whether an IBAN or
a BIC holds is not decided here but in `settlement.payments.bank_accounts`.
"""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """A structured postal address: `country` is two letters of ISO 3166-1; town and country are required."""

    country: str
    town: str
    post_code: str = ""
    street: str = ""
    building: str = ""


class BankAccount(NamedTuple):
    """An account; either `iban` or `number` is given, and with a number also `bic`, or `clearing` and `member`.

    `clearing` is a code of the ISO external code list of clearing systems (`USABA`), `member` the bank's number there.
    """

    holder: str
    address: Address
    iban: str = ""
    number: str = ""
    bic: str = ""
    clearing: str = ""
    member: str = ""

    @property
    def written(self) -> str:
        """The account as a person tells it from others."""
        return self.iban or f"{self.number} at {self.bic or f'{self.clearing} {self.member}'}"


def account_content(account: BankAccount) -> dict[str, object]:
    """The account as it is stored and shown: a mapping without what is empty."""
    address = {name: value for name, value in account.address._asdict().items() if value}
    plain = {name: value for name, value in account._asdict().items() if value and name != "address"}
    return plain | {"address": address}
