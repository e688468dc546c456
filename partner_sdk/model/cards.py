"""Cards of an issuer's that are linked to members."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Readable


@dataclass(frozen=True, slots=True)
class Card(Readable):
    """A card by the event that linked it; with `unlinked_at` it is the member's no more."""

    event_id: str
    linked_at: datetime | None = None
    unlinked_at: datetime | None = None
    product: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    duplicate: bool = False
