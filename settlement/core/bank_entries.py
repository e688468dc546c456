"""What a bank says of an account: statements, their entries, and the transactions behind an entry.

Amounts are minor units of their currency, positive when the account has more afterwards (a credit), negative when it
has less (a debit). The names are those of ISO 20022 in plain words; the element is named beside each.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

BOOKED, PENDING, INFORMATION, FUTURE = "booked", "pending", "information", "future"


class BankTransaction(NamedTuple):
    """One payment behind an entry (`TxDtls`); a text is "" where the bank does not say it.

    amount_minor, currency
        None and "" where the bank gives no amount of this payment alone.
    end_to_end_id, instruction_id, payment_information_id, message_id
        `Refs`: as the payer numbered the payment, its instruction, its batch and its message.
    servicer_reference
        `Refs/AcctSvcrRef`, the bank's own.
    creditor_reference
        `RmtInf/Strd/CdtrRefInf/Ref`, as the payee numbered it; `is_creditor_reference` says whether it is an RF one.
    unstructured
        `RmtInf/Ustrd`, all of them with a blank between.
    counterparty, counterparty_account
        Name and IBAN (or other number) of the other side: the debtor of a credit, the creditor of a debit.
    charges_minor
        `Chrgs`, what the bank took from this payment, zero or above.
    return_reason
        `RtrInf/Rsn`, a code of ISO 20022's external list, or the bank's own.
    """

    amount_minor: int | None
    currency: str
    end_to_end_id: str = ""
    instruction_id: str = ""
    payment_information_id: str = ""
    message_id: str = ""
    servicer_reference: str = ""
    creditor_reference: str = ""
    unstructured: str = ""
    counterparty: str = ""
    counterparty_account: str = ""
    charges_minor: int = 0
    return_reason: str = ""


class BankEntry(NamedTuple):
    """One entry of an account (`Ntry`), with the transactions behind it.

    number
        Its place in the statement, from 1.
    status
        `booked`, `pending`, `information` or `future`; only what is booked counts in a balance.
    is_reversal
        `RvslInd`: it takes back an earlier entry. Its amount has the sign of what it does to the account.
    bank_code
        `BkTxCd`: domain, family and sub-family as `PMNT/RCDT/ESCT`, or the bank's own code.
    batch
        `NtryDtls/Btch/PmtInfId`, the payer's number of a batch that was booked as one entry.
    """

    number: int
    amount_minor: int
    currency: str
    status: str
    is_reversal: bool
    booked_on: date | None
    value_on: date | None
    reference: str
    servicer_reference: str
    bank_code: str
    batch: str
    information: str
    transactions: tuple[BankTransaction, ...]

    @property
    def adds_up(self) -> bool:
        """Whether the transactions give the entry's amount, so that they can stand in its place."""
        amounts = [one.amount_minor for one in self.transactions if one.currency == self.currency]
        known = [minor for minor in amounts if minor is not None]
        return len(known) == len(self.transactions) > 0 and sum(known) == self.amount_minor


class BankStatement(NamedTuple):
    """One statement or notification of an account (`Stmt`, `Ntfctn`).

    opening_minor, closing_minor
        The booked balances it begins and ends with; None in a notification, which has none.
    """

    message: str
    statement_id: str
    account: str
    currency: str
    begins_on: date | None
    ends_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    entries: int
    booked_minor: int
