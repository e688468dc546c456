"""The process that makes the load: ``python -m tests.bench.load``, plan on standard input, figures on standard output.

It is a process of its own because a client that shared the hub's interpreter would slow the hub down, and be
slowed down by it. Each connection signs and sends its next request when its answer is there. Every answer is
verified, but only when the clock has stopped: partners verify on processors of their own, not on the hub's.
The line ``begin`` is printed when warming up ends and the clock starts, the figures when all is counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from hub.curve import QuickPrivateKey
from partner_sdk.wire.hub_keys import HubKeyList, read_key_list
from partner_sdk.wire.keys import PublicKey
from tests.bench.bodies import Request, kind_of
from tests.bench.connection import Answer, Connection
from tests.bench.plan import Plan

POLL_S = 0.1
FIRST_ANSWER_S = 30.0
"""How long an answer is waited for where none came in the time that is measured."""


@dataclass
class Run:
    """What came back while the clock ran."""

    seconds: float
    cpu_s: float
    """Processor time that making the load took."""
    answers: list[Answer]
    closed: int
    """Connections that the hub closed."""


class Load:
    """The connections of one plan and what they send."""

    def __init__(self, plan: Plan) -> None:
        kind = kind_of(plan.kind)
        assert kind
        self._kind = kind
        self._requests: Iterator[Request] = self._kind.requests(plan)
        self._next: dict[object, list[Request]] = {}
        """What connections still have to send of what they began."""
        self._hub_keys = hub_keys(plan)
        self._selector = DefaultSelector()
        partners = cycle((partner, QuickPrivateKey.from_pem(pem.encode())) for partner, pem in plan.partners.items())
        for (partner, key), _ in zip(partners, range(plan.connections), strict=False):
            self._selector.register(Connection(plan.authority, partner, key), EVENT_READ)

    def start(self) -> None:
        """Send the first request of each connection."""
        for key in list(self._selector.get_map().values()):
            self._post(key.fileobj)

    def run(self, seconds: float) -> Run:
        """Go on for so long, and on a slow machine until one answer is there."""
        answers: list[Answer] = []
        open_before = len(self._selector.get_map())
        began, cpu_began_s = time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) < began + (seconds if answers else max(seconds, FIRST_ANSWER_S)):
            for key, _ in self._selector.select(POLL_S):
                self._take(key.fileobj, answers)
        cpu_s = time.process_time() - cpu_began_s
        return Run(now - began, cpu_s, answers, open_before - len(self._selector.get_map()))

    def figures(self, run: Run) -> dict[str, Any]:
        """Verify every answer of a run and return the figures."""
        faults = [self._fault(answer) for answer in run.answers]
        errors = Counter(filter(None, faults)) + Counter({"connection closed": run.closed})
        took_s = [answer.took_s for answer, fault in zip(run.answers, faults, strict=True) if not fault]
        events = len(took_s) * self._kind.events // self._kind.steps
        return {"events": events, "seconds": run.seconds, "cpu_s": run.cpu_s, "took_s": took_s, "errors": errors}

    def _take(self, connection: object, answers: list[Answer]) -> None:
        assert isinstance(connection, Connection)
        try:
            answer = connection.receive()
        except ConnectionError:
            self._selector.unregister(connection)
            return
        if answer is not None:
            answers.append(answer)
            self._post(connection)

    def _post(self, connection: object) -> None:
        assert isinstance(connection, Connection)
        begun = self._next.get(connection) or list(islice(self._requests, self._kind.steps))
        connection.send(*begun[0])
        self._next[connection] = begun[1:]

    def _fault(self, answer: Answer) -> str:
        """Say why an answer does not count, or nothing if it does."""
        refused = answer.why_refused(self._hub_keys)
        if refused:
            return f"answer not signed: {refused}"
        if answer.status != self._kind.status:
            return f"status {answer.status}: {json.loads(answer.body).get('code')}"
        posted = answer.body.count(self._kind.posted)
        if posted != self._kind.events or b'"duplicate":true' in answer.body:
            return "not every event was posted"
        return ""


def hub_keys(plan: Plan) -> HubKeyList:
    """Return the keys of the hub, as partners get them."""
    connection = HTTPConnection(plan.authority)
    connection.request("GET", "/v1/hub-keys")
    return read_key_list(json.load(connection.getresponse()), PublicKey.from_text(plan.root))


def main() -> None:
    """Do what the plan says."""
    plan = Plan.from_json(sys.stdin.readline())
    load = Load(plan)
    load.start()
    load.run(plan.warm_up_s)
    print("begin", flush=True)
    print(json.dumps(load.figures(load.run(plan.seconds))), flush=True)


if __name__ == "__main__":
    main()
