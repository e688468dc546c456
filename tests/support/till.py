"""Some tills of one shop, in a process that may be killed at any time: ``python -m tests.support.till PLAN``.

Each records sales, and now and then a refund, as fast as it may, and says on standard output what it knows to be
recorded: ``terminal number event_id``, after the call returned. When all is recorded it says so, and then waits
until the outbox is empty. Its clock is as wrong as the file says that the test writes.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from partner_sdk import Client, Money
from partner_sdk.outbox import Outbox, OutboxError
from partner_sdk.wire.keys import PrivateKey

RECORDED = "recorded"
FIRST_SALE_AT = datetime(2017, 1, 5, 12, tzinfo=UTC)
MEMBERS = 500
REJECTED_EACH, REFUND_EACH = 37, 13
AGAIN_S = 0.02


@dataclass(frozen=True)
class Plan:
    """What one process of tills does. `first` is each terminal's first number, `last` that of all."""

    outbox: str
    sync: bool
    lease_s: float
    hub: str
    proxy: str
    partner: str
    key: str
    root: str
    clock: str
    first: dict[str, int]
    last: int
    pause_s: float

    def to_json(self) -> str:
        """Write the plan."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan."""
        return cls(**json.loads(text))


def names_its_events(terminal: str) -> bool:
    """Whether a till chooses its event ids, and records again what it does not know to be recorded."""
    return int(terminal.removeprefix("t")) % 2 == 0


def own_id(terminal: str, number: int) -> str:
    """The id that such a till chooses."""
    return f"{terminal}-{number}"


def is_refund(terminal: str, number: int) -> bool:
    """Whether an event is the refund of the sale before it."""
    return names_its_events(terminal) and number > 1 and number % REFUND_EACH == 0


def record(outbox: Outbox, terminal: str, number: int) -> str:
    """Record one event; the same again has the same content."""
    event_id = own_id(terminal, number) if names_its_events(terminal) else None
    at = FIRST_SALE_AT + timedelta(seconds=number)
    if is_refund(terminal, number):
        return outbox.record_refund(own_id(terminal, number - 1), event_id=event_id, occurred_at=at, terminal=terminal)
    currency = "EUR" if number % REJECTED_EACH == 0 else "USD"
    member = f"card:{(number * 31 + len(terminal)) % MEMBERS}"
    amount = Money(100 + number % 900, currency)
    return outbox.record_earning(member, amount, event_id=event_id, occurred_at=at, terminal=terminal)


class WrongClock:
    """A clock that is wrong by what eight bytes of a file say, in seconds."""

    def __init__(self, path: str) -> None:
        with Path(path).open("rb") as file:
            self._offset = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

    def __call__(self) -> float:
        offset: float = struct.unpack("<d", self._offset[:8])[0]
        return time.time() + offset


def client_of(plan: Plan) -> Client:
    """The real client, through the proxy, with the wrong clock."""
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"http": plan.proxy}
    key = PrivateKey.from_pem(plan.key.encode())
    clock = WrongClock(plan.clock)
    return Client(plan.hub, plan.partner, key, root_key=plan.root, timeout=(2.0, 5.0), clock=clock, session=session)


def persevering(plan: Plan, client: Client) -> Outbox:
    """Open the outbox; a full disk may hold that up."""
    while True:
        try:
            return Outbox(plan.outbox, client, sync=plan.sync, lease_s=plan.lease_s)
        except OutboxError:
            time.sleep(AGAIN_S)


def say(line: str) -> None:
    """Tell the test, at once and whole."""
    os.write(1, f"{line}\n".encode())


def record_all(plan: Plan, outbox: Outbox) -> None:
    """Record each terminal's events, in turn."""
    numbers = dict(plan.first)
    while any(number <= plan.last for number in numbers.values()):
        for terminal, number in numbers.items():
            if number > plan.last:
                continue
            try:
                event_id = record(outbox, terminal, number)
            except OutboxError:
                time.sleep(AGAIN_S)
                continue
            say(f"{terminal} {number} {event_id}")
            numbers[terminal] += 1
            time.sleep(plan.pause_s)


def flush(outbox: Outbox) -> None:
    """Wait until nothing waits."""
    while True:
        try:
            if outbox.flush(5.0):
                return
        except OutboxError:
            time.sleep(AGAIN_S)


def main() -> None:
    """Do what the plan says."""
    plan = Plan.from_json(sys.argv[1])
    outbox = persevering(plan, client_of(plan))
    record_all(plan, outbox)
    say(RECORDED)
    flush(outbox)
    outbox.close()


if __name__ == "__main__":
    main()
