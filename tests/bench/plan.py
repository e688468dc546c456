"""The plan of one measurement: all that the process that makes the load is told, as JSON on its standard input."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

NOON = datetime(2017, 6, 15, 12, tzinfo=UTC)
"""Business time of the benchmark's hub: half a year after its partners joined."""


@dataclass(frozen=True)
class Plan:
    """Which requests to send to which hub, how long, and as whom."""

    kind: str
    """A line of `tests.bench.bodies.KINDS`."""
    connections: int
    warm_up_s: float
    seconds: float
    seed: int
    run: str
    """Stands in each event's id, so that no two measurements share one."""
    members: int
    authority: str
    root: str
    """The hub's root key, base64url."""
    partners: dict[str, str]
    """Partner id -> its private key (PEM). Connections take turns among them."""

    def to_json(self) -> str:
        """Write the plan on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))
