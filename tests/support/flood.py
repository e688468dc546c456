"""More than a hub takes: ``python -m tests.support.flood``, plan on standard input, what came of it on standard output.

Each connection reports some sales at a time and asks again at once, also when it was told to come back later. What
comes back is verified at the end, so that it is the hub that has too much to do, also on a slow machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from selectors import EVENT_READ, DefaultSelector

from partner_sdk.wire.hub_keys import HubKeyList, read_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey
from tests.bench.connection import Answer, Connection
from tests.support.network import sale

POLL_S = 0.1
SALES = 10
"""In each report."""


@dataclass
class Plan:
    """Who asks, on how many connections, and for how long."""

    authority: str
    root: str
    partners: dict[str, str]
    """Partner -> its key as PEM."""
    connections: int
    """Of each partner."""
    seconds: float


@dataclass
class Flood:
    """What came back."""

    acknowledged: list[str]
    """Ids of the events that the hub says are posted."""
    statuses: dict[str, int]
    malformed: list[str]
    """What is wrong with answers: not signed, or a refusal that does not say when to come back."""


def start(plan: Plan) -> subprocess.Popen[str]:
    """Start a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.flood"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    process.stdin.write(json.dumps(asdict(plan)))
    process.stdin.close()
    return process


def outcome(process: subprocess.Popen[str]) -> Flood:
    """Wait for its end and return what came of it."""
    assert process.stdout
    with process.stdout:
        said = process.stdout.read()
    assert process.wait() == 0
    return Flood(**json.loads(said))


def flood(plan: Plan) -> Flood:
    """Ask, and ask again."""
    selector, waiting, made = DefaultSelector(), dict[Connection, list[str]](), 0
    keys = _hub_keys(plan)

    def report(connection: Connection) -> None:
        nonlocal made
        waiting[connection] = [f"flood-{number}" for number in range(made, made + SALES)]
        made += SALES
        sales = [sale(event_id, f"card:{(made + place) % 500}") for place, event_id in enumerate(waiting[connection])]
        body = json.dumps({"earnings": sales})
        connection.send("/v1/earnings", body.encode())

    for partner, pem in plan.partners.items():
        for _ in range(plan.connections):
            connection = Connection(plan.authority, partner, PrivateKey.from_pem(pem.encode()))
            selector.register(connection, EVENT_READ, partner)
            report(connection)
    acknowledged: list[str] = []
    answers: list[Answer] = []
    ends = time.monotonic() + plan.seconds
    while selector.get_map():
        for key, _ in selector.select(POLL_S):
            connection = key.fileobj  # type: ignore[assignment]
            answer = connection.receive()
            if answer is None:
                continue
            answers.append(answer)
            if answer.status == 200:
                acknowledged += [f"{key.data}/{event_id}" for event_id in waiting[connection]]
            if time.monotonic() < ends:
                report(connection)
            else:
                selector.unregister(connection)
    statuses = Counter(str(answer.status) for answer in answers)
    return Flood(acknowledged, dict(statuses), [fault for answer in answers for fault in _faults(answer, keys)])


def _faults(answer: Answer, keys: HubKeyList) -> list[str]:
    why = answer.why_refused(keys)
    faults = [f"{answer.status}: {why}"] if why else []
    if answer.status != 200 and not answer.fields.get("retry-after", "").isdigit():
        faults.append(f"{answer.status} without Retry-After")
    return faults


def _hub_keys(plan: Plan) -> HubKeyList:
    connection = HTTPConnection(plan.authority)
    connection.request("GET", "/v1/hub-keys")
    return read_key_list(json.load(connection.getresponse()), PublicKey.from_text(plan.root))


if __name__ == "__main__":
    print(json.dumps(asdict(flood(Plan(**json.load(sys.stdin))))))
