"""Keys, and who the hub takes a partner for."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Readable


@dataclass(frozen=True, slots=True)
class KeyRecord(Readable):
    """A key as the hub recorded it; `thumbprint` is what the operator compares with you out of band."""

    partner: str
    keyid: str
    state: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Rotation(Readable):
    """A key that took over, and until when the former one still verifies; use the new one from now on."""

    partner: str
    keyid: str
    state: str
    thumbprint: str
    former: str
    former_retires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ping(Readable):
    """Who the hub takes you for. `environment` is live or sandbox; only a sandbox moves its business time."""

    partner: str
    keyid: str
    key_state: str
    server_time: datetime
    business_time: datetime
    environment: str
