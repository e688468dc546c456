"""The merchant's SDK of Hansa, the open coalition loyalty network.

    from partner_sdk import Client, PrivateKey

    client = Client("https://hub.example", "grocer", PrivateKey.from_pem(pem), root_key="...")
    client.redeem("till-7-000123", "card:1234", 500)

The client, the outbox and all that they answer with are loaded when they are first used, with HTTP library and schemas:
importing the package, as the hub does for the wire contract, stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from partner_sdk.errors import (
    Conflict,
    EventConflict,
    HansaError,
    HubUnavailable,
    InsufficientPoints,
    InvalidRequestError,
    NoAnswer,
    NotAllowed,
    NotFound,
    RateLimited,
    ReceiptNotKept,
    Refused,
    TransportError,
    Unauthenticated,
    UntrustedAnswer,
    WrongEnvironment,
)
from partner_sdk.wire.keys import HardwareKey, PrivateKey, PublicKey

if TYPE_CHECKING:
    from partner_sdk.audit import Audit
    from partner_sdk.client import Client
    from partner_sdk.model import (
        Balance,
        BalanceCharge,
        BulkFile,
        Capture,
        Card,
        CardRecord,
        CardResult,
        Charge,
        Confirmation,
        DeadLetter,
        Dispute,
        DisputedLine,
        DisputeMove,
        Earning,
        EarningQuote,
        EarningResult,
        Ending,
        Enrolment,
        EnrolmentResult,
        Event,
        Exchange,
        ExchangeQuote,
        ExchangeTerms,
        Expiring,
        Failure,
        FileCounts,
        FileResult,
        Gap,
        Inclusion,
        Item,
        KeyRecord,
        Lot,
        MemberView,
        Merge,
        Money,
        MovedLot,
        Movement,
        Net,
        Page,
        Pair,
        Ping,
        Pool,
        PoolMember,
        Position,
        Price,
        Rate,
        Redemption,
        RedemptionQuote,
        Refund,
        RefundResult,
        Reversal,
        Rotation,
        Rule,
        Statement,
        StatementHead,
        StatementLine,
        Transfer,
        Voided,
        Webhook,
        Withheld,
    )
    from partner_sdk.outbox import Outbox
    from partner_sdk.receipts import Receipts

__version__ = "0.1.0"

__all__ = [
    "Transfer",
    "PoolMember",
    "Pool",
    "MovedLot",
    "Merge",
    "Audit",
    "BulkFile",
    "Capture",
    "Card",
    "CardRecord",
    "CardResult",
    "Client",
    "Confirmation",
    "Conflict",
    "DeadLetter",
    "Dispute",
    "DisputeMove",
    "DisputedLine",
    "Earning",
    "EarningQuote",
    "EarningResult",
    "Ending",
    "Enrolment",
    "EnrolmentResult",
    "Event",
    "EventConflict",
    "Exchange",
    "ExchangeQuote",
    "ExchangeTerms",
    "Expiring",
    "Failure",
    "FileCounts",
    "FileResult",
    "Gap",
    "HansaError",
    "HardwareKey",
    "HubUnavailable",
    "InsufficientPoints",
    "Inclusion",
    "InvalidRequestError",
    "Item",
    "KeyRecord",
    "Lot",
    "MemberView",
    "Money",
    "Movement",
    "Net",
    "NoAnswer",
    "Outbox",
    "NotAllowed",
    "NotFound",
    "Page",
    "Balance",
    "BalanceCharge",
    "Charge",
    "Pair",
    "Ping",
    "Position",
    "Price",
    "PrivateKey",
    "PublicKey",
    "Rate",
    "RateLimited",
    "ReceiptNotKept",
    "Receipts",
    "Redemption",
    "Refund",
    "RefundResult",
    "Reversal",
    "RedemptionQuote",
    "Refused",
    "Rotation",
    "Rule",
    "Statement",
    "StatementHead",
    "StatementLine",
    "TransportError",
    "Unauthenticated",
    "UntrustedAnswer",
    "Voided",
    "Webhook",
    "WrongEnvironment",
    "Withheld",
]


def __getattr__(name: str) -> Any:
    """Load a name of `__all__` when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"partner_sdk.{_PLACES.get(name, 'model')}"), name)


_PLACES = {"Audit": "audit", "Client": "client", "Outbox": "outbox", "Receipts": "receipts"}
