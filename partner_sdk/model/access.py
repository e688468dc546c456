"""Keys, and who the hub takes a partner for."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Wire


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as the hub recorded it; `thumbprint` is what the operator compares with you out of band."""

    partner: str
    keyid: str
    state: str
    thumbprint: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "KeyRecord":
        """Read the answer to POST /v1/keys."""
        return cls(wire["partner"], wire["keyid"], wire["state"], wire["thumbprint"])


@dataclass(frozen=True, slots=True)
class Ping:
    """Who the hub takes you for. `environment` is live or sandbox; only a sandbox moves its business time."""

    partner: str
    keyid: str
    key_state: str
    server_time: datetime
    business_time: datetime
    environment: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Ping":
        """Read the answer to GET /v1/ping."""
        return cls(
            partner=wire["partner"],
            keyid=wire["keyid"],
            key_state=wire["key_state"],
            server_time=datetime.fromisoformat(wire["server_time"]),
            business_time=datetime.fromisoformat(wire["business_time"]),
            environment=wire["environment"],
        )
