"""Orders that the tests of payments share: the operator pays partners of four countries."""

from __future__ import annotations

from datetime import UTC, date, datetime

from settlement.core.bank_accounts import Address, BankAccount
from settlement.core.payment_ids import PAY, end_to_end_id, payment_id
from settlement.core.payment_orders import BankHabits, CreditTransfer, PaymentOrder

OPERATOR = BankAccount(
    "Hansa Clearing GmbH",
    Address("DE", "Lübeck", "23552", "An der Obertrave", "12"),
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
)
BAKERY = BankAccount(
    "Boulangerie Dupré & Fils",
    Address("FR", "Lyon", "69002", "Rue de la République", "7 bis"),
    iban="FR1420041010050500013M02606",
)
GROCER = BankAccount("Øster Købmand ApS", Address("DK", "Aarhus", "8000"), iban="DK5000400440116243", bic="DABADKKK")
DINER = BankAccount(
    "Corner Diner Inc.",
    Address("US", "Cincinnati", "45202", "Vine Street", "600"),
    number="000123456789",
    clearing="USABA",
    member="021000021",
)
TWO = (("bakery", 5012, BAKERY), ("grocer", 1, GROCER))
CREATED_AT = datetime(2017, 2, 3, 9, 30, 15, 999999, tzinfo=UTC)


def order(
    *payees: tuple[str, int, BankAccount], currency: str = "EUR", habits: BankHabits | None = None
) -> PaymentOrder:
    """An order that pays each of (partner, amount in minor units, account) for January 2017."""
    payments = [
        CreditTransfer(end_to_end_id(payment_id("2017-01", partner, currency, PAY), 1), minor, to, f"2017-01 {partner}")
        for partner, minor, to in payees
    ]
    return PaymentOrder(currency, CREATED_AT, date(2017, 2, 6), OPERATOR, habits or BankHabits(), payments)
