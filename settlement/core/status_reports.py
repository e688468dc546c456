"""What a status report says of each payment in the file that it is about.

A bank may answer for the whole file, for a batch, or payment by payment, and mixes these. What it says of a payment
itself counts; else what it says of the batch; else of the group. `PART` says nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from settlement.core.bank_codes import PARTLY, STATUSES
from settlement.core.payment_moves import Word


class TransactionStatus(NamedTuple):
    """`TxInfAndSts`; a text is "" where the bank does not say it. `amount_minor` is that of the original payment."""

    end_to_end_id: str
    status: str
    reason: str
    amount_minor: int | None = None
    currency: str = ""


class StatusReport(NamedTuple):
    """pain.002: about which file, what of all of it, and what of each payment that it names.

    `status` and `reason` are those of its one batch, or the group's where nothing is said of the batch.
    `original_count` is how many payments the bank says the file had, None where it does not say.
    """

    message: str
    message_id: str
    original_message_id: str
    original_count: int | None
    status: str
    reason: str
    transactions: Sequence[TransactionStatus]


def words(report: StatusReport, sent: Sequence[str]) -> Iterator[Word]:
    """What the report says, payment by payment; `sent` are the names of all payments in the original file.

    A status whose code is not known becomes a word that says nothing (`says` is empty).
    """
    named = {one.end_to_end_id for one in report.transactions}
    for one in report.transactions:
        code = one.status or report.status
        yield Word(one.end_to_end_id, _says(code), code, one.reason or report.reason, one.amount_minor, one.currency)
    if report.status and report.status != PARTLY:
        for name in sent:
            if name not in named:
                yield Word(name, _says(report.status), report.status, report.reason)


def _says(code: str) -> str:
    return STATUSES.get(code, "")
