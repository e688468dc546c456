"""Codes of ISO 20022's external code lists, as far as banks use them about credit transfers.

A status that is not here is told, not guessed; a reason that is not here is kept as its code.
"""

from __future__ import annotations

from collections.abc import Mapping

from settlement.core.payment_moves import ACCEPTED, PENDING, REJECTED, SETTLED

STATUSES: Mapping[str, str] = {
    "RCVD": PENDING,
    "PDNG": PENDING,
    "PATC": PENDING,
    "PRES": PENDING,
    "BLCK": PENDING,
    "ACTC": ACCEPTED,
    "ACCP": ACCEPTED,
    "ACSP": ACCEPTED,
    "ACFC": ACCEPTED,
    "ACWC": ACCEPTED,
    "ACWP": ACCEPTED,
    "ACSC": SETTLED,
    "ACCC": SETTLED,
    "RJCT": REJECTED,
    "CANC": REJECTED,
}
"""ExternalPaymentTransactionStatus1Code, and those of groups and batches that say the same of all in them."""
PARTLY = "PART"
"""A group or batch of which only some were accepted; what it says stands at each payment."""

REASONS: Mapping[str, str] = {
    "AC01": "the account number is wrong",
    "AC02": "the debtor's account number is wrong",
    "AC03": "the creditor's account number is wrong",
    "AC04": "the account is closed",
    "AC06": "the account is blocked",
    "AC07": "the creditor's account is closed",
    "AC13": "the debtor's account is of the wrong kind",
    "AG01": "no credit transfers go to this account",
    "AG02": "the bank does not offer what was asked",
    "AM01": "the amount is zero",
    "AM02": "the amount is more than is allowed",
    "AM03": "the currency is not taken",
    "AM04": "there is not enough money on the account",
    "AM05": "the same payment was there before",
    "AM09": "the amount is not what was agreed",
    "AM10": "the control sum does not hold",
    "BE01": "the name does not go with the account",
    "BE04": "the creditor's address is missing or wrong",
    "BE05": "the party that ordered it is not known",
    "BE06": "the creditor is not known",
    "BE07": "the debtor's address is missing or wrong",
    "CNOR": "the creditor's bank does not take part in this clearing",
    "CURR": "the currency is wrong",
    "CUST": "the debtor asked for it back",
    "DNOR": "the debtor's bank does not take part in this clearing",
    "DT01": "the day is not possible",
    "DT05": "it came after the hour until which orders are taken",
    "DUPL": "the same payment was there before",
    "ED05": "the settlement between the banks failed",
    "FF01": "the file has a wrong form",
    "FOCR": "the creditor's bank returns it on request",
    "FR01": "fraud is suspected",
    "LEGL": "the law asks for it",
    "MD07": "the holder of the account has died",
    "MS02": "the creditor refused it without saying why",
    "MS03": "the bank refused it without saying why",
    "NARR": "the reason stands in the text",
    "NOAS": "the creditor did not answer",
    "RC01": "the BIC is wrong",
    "RC04": "the creditor's bank is not known",
    "RR01": "the law asks for more about the debtor's account",
    "RR02": "the law asks for more about the debtor",
    "RR03": "the law asks for more about the creditor",
    "RR04": "the law asks for something that is missing",
    "TECH": "something technical went wrong",
    "TM01": "it came after the hour until which orders are taken",
    "UPAY": "the payment was not due",
}
"""ExternalStatusReason1Code and ExternalReturnReason1Code, in words."""
ACCOUNT_REASONS = frozenset(
    {"AC01", "AC03", "AC04", "AC06", "AC07", "AG01", "BE01", "BE04", "BE06", "MD07", "RC01", "RC04"}
)
"""Reasons that do not go away by themselves: another attempt needs other bank details."""


def in_words(codes: str) -> str:
    """Codes, with blanks between them, and what each means: `AC04 (the account is closed)`."""
    return ", ".join(f"{code} ({REASONS[code]})" if code in REASONS else code for code in codes.split())
