"""An order to the operator's bank: one debit account, one currency, one day, and the payments to make.

All that is in the file is in the order, so the same order is the same file to the byte, and the digest of the file
names the order when a second person approves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from settlement.core.bank_accounts import BankAccount
from settlement.core.payment_ids import message_id

SEPA = "SEPA"
"""The service level of the European schemes, which know euros and IBANs only."""


class BankHabits(NamedTuple):
    """How the operator's bank wants its files.

    `message` is the version of pain.001. `latin` writes names in basic Latin characters. `service_level` and
    `charge_bearer` are codes of ISO 20022: `SEPA` with `SLEV`, or none with `SHAR`. `batch` asks for one entry on the
    bank statement for the whole file instead of one a payment.
    """

    message: str = "pain.001.001.09"
    latin: bool = True
    service_level: str = SEPA
    charge_bearer: str = "SLEV"
    batch: bool = False


def usual_habits(currency: str) -> BankHabits:
    """What banks usually want: the European scheme for euros, shared charges for everything else."""
    return BankHabits() if currency == "EUR" else BankHabits(service_level="", charge_bearer="SHAR")


class CreditTransfer(NamedTuple):
    """One credit transfer of an order, in its currency; `remittance` is what the partner reads on its statement."""

    end_to_end_id: str
    amount_minor: int
    to: BankAccount
    remittance: str


class PaymentOrder(NamedTuple):
    """What one file orders; `created_at` has a zone, `execute_on` is a day of the bank's."""

    currency: str
    created_at: datetime
    execute_on: date
    debtor: BankAccount
    habits: BankHabits
    transfers: Sequence[CreditTransfer]

    @property
    def total_minor(self) -> int:
        """The control sum of the order, in minor units of its currency."""
        return sum(payment.amount_minor for payment in self.transfers)

    @property
    def message_id(self) -> str:
        """The name of the file: no two orders have the same, since no two have the same payments in them."""
        return message_id(_content(self))

    @property
    def created(self) -> str:
        """When the order was made, in UTC to the second, as it stands in the file."""
        return self.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(order: PaymentOrder) -> Iterator[str]:
    yield from (order.currency, order.created, order.execute_on.isoformat())
    yield from (*_account(order.debtor), *map(str, order.habits))
    for payment in order.transfers:
        yield from (payment.end_to_end_id, str(payment.amount_minor), *_account(payment.to), payment.remittance)


def _account(account: BankAccount) -> Iterator[str]:
    yield from (*account.address, *(str(part) for part in account if part is not account.address))
