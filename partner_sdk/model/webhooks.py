"""Webhooks as the hub keeps them, and the messages that it gave up."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Readable, Wire


@dataclass(frozen=True, slots=True)
class Webhook(Readable):
    """Where a partner wants to be told of what, and how it does.

    `state` is active, paused (by the operator) or gone (your server said 410); `circuit` is open after five failures
    in a row; `waiting` and `dead` count messages; `last_outcome` is such as ``HTTP 204``.
    """

    webhook_id: str
    url: str
    topics: tuple[str, ...]
    state: str
    circuit: str
    waiting: int
    dead: int
    failures: int
    next_attempt_at: datetime
    last_outcome: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was tried ten times and given up; `subject` is the event, cycle or key that it is about."""

    id: str
    topic: str
    subject: str
    attempts: int
    attempted_at: datetime
    outcome: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "DeadLetter":
        """Read an element of GET /v1/webhooks/{webhook_id}/dead."""
        at = datetime.fromisoformat(wire["attempted_at"])
        return cls(wire["id"], wire["topic"], wire["subject"], wire["attempts"], at, wire["outcome"])
