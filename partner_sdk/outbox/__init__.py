"""A durable outbox for tills that may be offline: record now, deliver when there is a network."""

from partner_sdk.outbox.errors import (
    OutboxClosed,
    OutboxCorrupt,
    OutboxError,
    OutboxFailed,
    OutboxFull,
    OutboxLocked,
    OutboxOfAnother,
    OutboxReadOnly,
    OutboxTooNew,
    RecordedOtherwise,
    Unrecordable,
)
from partner_sdk.outbox.outbox import Outbox
from partner_sdk.outbox.settling import SetAside
from partner_sdk.outbox.statistics import Stats

__all__ = [
    "Outbox",
    "OutboxClosed",
    "OutboxCorrupt",
    "OutboxError",
    "OutboxFailed",
    "OutboxFull",
    "OutboxLocked",
    "OutboxOfAnother",
    "OutboxReadOnly",
    "OutboxTooNew",
    "RecordedOtherwise",
    "SetAside",
    "Stats",
    "Unrecordable",
]
