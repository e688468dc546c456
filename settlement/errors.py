"""Every error this package raises on purpose, in one tree.

SettlementError
|-- InvalidObligation     what was handed to intake cannot be an obligation
|-- ObligationExists      that (partner_id, event_id, line) was recorded before
|-- ContractRefused       terms that make no sense, or a version that must not be added
|-- UnknownCycle          no such cycle, or its name has not the form of one
|-- CalendarRefused       a change of the calendar that would put a day into two cycles or none
|-- ContractRefused       terms that make no sense, or a version that must not be added
|-- NotPublished          the cycle exists, but its statements are not public yet
|-- SettlementRefused     a move that must not happen now; `.findings` tells which rows stand in the way
|   |-- ApprovalRefused   a decision of one or of two people that must not stand; `.code` tells why
|   `-- DisputeRefused    a dispute, or a move of one, that must not be; `.code` tells why
|-- NotBalanced           figures that must add up to zero, or to one another, do not
|-- LimitReached          a partner would owe more than its credit line allows; `.partner`, `.currency`, `.amount_minor`
|-- PackRefused           a pack that cannot be sold, approved, opened or closed so
|-- SecurityRefused       an order about security that cannot be booked
|-- WaterfallRefused      layers of a waterfall that cannot be: no name, twice the same, an amount below zero
|-- MappingRefused        how the columns of a report are to be read was not said, or not clearly
|-- DatabaseRefused       the database cannot carry settlement (restored without its transaction counter)
|-- InvalidAccount        bank details to which no bank could pay
|-- InvalidPayment        an order that no bank would take; the message says why
|-- UnknownPayment        no payment, or no release, of that name
`-- FileRefused           a file that cannot be read as what it should be, or a suffix without a format
"""

from __future__ import annotations

from collections.abc import Sequence

from settlement.core.findings import Finding


class SettlementError(Exception):
    """Root of the tree; `str(error)` is a sentence for an operator."""


class InvalidObligation(SettlementError):
    """An obligation with a field out of range, or with a line break in a text."""


class ObligationExists(SettlementError):
    """One of the obligations is recorded already; nothing of the call was stored."""


class ContractRefused(SettlementError):
    """Terms of a contract that cannot be applied, or a version that must not be added; says what to change."""


class UnknownCycle(SettlementError):
    """No cycle of that name."""


class CalendarRefused(SettlementError):
    """A calendar that there is none of, or a day on which cycles cannot change over to it."""


class NotPublished(SettlementError):
    """The cycle is not published, so there is no statement to show."""


class SettlementRefused(SettlementError):
    """A move of a cycle was refused; `findings` names the rows if a self-check refused it."""

    def __init__(self, reason: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__("\n".join([reason, *(f"  {finding}" for finding in findings)]))
        self.reason = reason
        self.findings = tuple(findings)


class ApprovalRefused(SettlementRefused):
    """What needs two people was refused; `code` is stable, `settlement.approvals` lists them."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


class DisputeRefused(SettlementRefused):
    """A dispute or a move of one was refused; `code` is stable, `settlement.disputes.disputes` lists them."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class NotBalanced(SettlementError):
    """Figures that must add up do not; the message says to what they add up."""


class LimitReached(SettlementError):
    """A hard credit line has too little left for an amount."""

    def __init__(self, partner: str, currency: str, amount_minor: int) -> None:
        super().__init__(f"the credit line of {partner} has less than {amount_minor} minor units of {currency} left")
        self.partner, self.currency, self.amount_minor = partner, currency, amount_minor


class PackRefused(SettlementError):
    """A pack that cannot be sold, approved, opened or closed so; says what to change."""


class SecurityRefused(SettlementError):
    """An order about collateral, fund, capital, a prepaid balance or a default; the message says why not."""


class WaterfallRefused(SettlementError):
    """A waterfall that makes no sense; the message says which layer and why."""


class MappingRefused(SettlementError):
    """The columns of a report were not, or wrongly, announced; the message says how to."""


class DatabaseRefused(SettlementError):
    """The database's transaction counter is behind the stored transaction ids."""


class InvalidAccount(SettlementError):
    """An account whose IBAN, BIC, holder or address does not hold."""


class InvalidPayment(SettlementError):
    """An order that cannot be written as a file, or whose file its schema refuses."""


class UnknownPayment(SettlementError):
    """No payment or release of that name."""


class FileRefused(SettlementError):
    """A file cannot be read as an export, or as a bank's message; the message says where reading stopped."""
