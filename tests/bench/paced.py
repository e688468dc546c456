"""Load at a pace of its own: ``python -m tests.bench.paced``, plan and rate on standard input, figures on its output.

It asks so often whatever comes back, as many tills do that know nothing of each other, on the first connection that is
free; where none is, the request waits for one. All is signed before the clock runs, so that asking for five times what
the hub can do takes as little of the machine as it may, and every answer is verified after it. The line ``ready`` is
printed when all is signed; another line starts the clock.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter, deque
from selectors import EVENT_READ, DefaultSelector
from typing import Any, NamedTuple

from partner_sdk.wire.keys import PrivateKey
from tests.bench.bodies import kind_of
from tests.bench.connection import Answer, Connection, Signed
from tests.bench.load import hub_keys
from tests.bench.plan import Plan

POLL_S = 0.002
LATE_S = 30.0
"""How long answers are waited for when nothing more is sent."""


class Pace(NamedTuple):
    """A plan, and how many requests a second."""

    plan: Plan
    rate: float


class Load:
    """The connections of each partner, and what they are to send."""

    def __init__(self, pace: Pace) -> None:
        plan, kind = pace.plan, kind_of(pace.plan.kind)
        assert kind
        self._pace, self._posted, self._hub_keys = pace, kind.posted, hub_keys(plan)
        self._selector = DefaultSelector()
        self._free: dict[str, deque[Connection]] = {partner: deque() for partner in plan.partners}
        names, keys = list(plan.partners), [PrivateKey.from_pem(pem.encode()) for pem in plan.partners.values()]
        for number in range(plan.connections):
            partner = names[number % len(names)]
            connection = Connection(plan.authority, partner, keys[number % len(names)])
            self._free[partner].append(connection)
            self._selector.register(connection, EVENT_READ, partner)
        requests = kind.requests(plan)
        self._waiting: dict[str, deque[Signed]] = {partner: deque() for partner in names}
        self._signed: list[tuple[str, Signed]] = []
        for number in range(round(pace.rate * plan.seconds)):
            partner = names[number % len(names)]
            self._signed.append((partner, self._free[partner][0].signed(*next(requests))))
        self._answers: list[tuple[float, Answer]] = []
        self._under_way = 0

    def run(self) -> dict[str, Any]:
        """Ask at the pace, wait for the answers that are still to come, and return the figures."""
        began, cpu_s, asked = time.perf_counter(), time.process_time(), 0
        ends = began + self._pace.plan.seconds
        while (now := time.perf_counter()) < ends:
            due = min(len(self._signed), int((now - began) * self._pace.rate))
            for partner, request in self._signed[asked:due]:
                self._waiting[partner].append(request)
            asked = due
            for partner in self._waiting:
                self._send(partner)
            self._receive(began)
        in_time, given_up = len(self._answers), sum(map(len, self._waiting.values()))
        cpu_s = time.process_time() - cpu_s
        while self._under_way and time.perf_counter() < ends + LATE_S:
            self._receive(began)
        return self._figures(in_time) | {"asked": asked, "given_up": given_up, "cpu_s": cpu_s}

    def _send(self, partner: str) -> None:
        waiting, free = self._waiting[partner], self._free[partner]
        while waiting and free:
            free.popleft().send_signed(waiting.popleft())
            self._under_way += 1

    def _receive(self, began: float) -> None:
        for key, _ in self._selector.select(POLL_S):
            connection = key.fileobj
            assert isinstance(connection, Connection)
            answer = connection.receive()
            if answer is not None:
                self._answers.append((time.perf_counter() - began, answer))
                self._free[key.data].append(connection)
                self._under_way -= 1

    def _figures(self, in_time: int) -> dict[str, Any]:
        errors = Counter(filter(None, (self._fault(answer) for _, answer in self._answers)))
        if self._under_way:
            errors["never answered"] = self._under_way
        useful = [answer.took_s for _, answer in self._answers[:in_time] if answer.status == 200]
        shed = [answer.took_s for _, answer in self._answers[:in_time] if answer.status != 200]
        seconds = self._pace.plan.seconds
        return {"events": len(useful), "seconds": seconds, "took_s": useful, "shed": len(shed), "errors": errors}

    def _fault(self, answer: Answer) -> str:
        """Say why an answer is neither of an event that was posted nor one that says when to come back, or nothing."""
        refused = answer.why_refused(self._hub_keys)
        if refused:
            return f"answer not signed: {refused}"
        if answer.status in {429, 503} and answer.fields.get("retry-after", "").isdigit():
            return ""
        if answer.status != 200:
            return f"status {answer.status}: {json.loads(answer.body).get('code')}"
        return "" if self._posted in answer.body else "not every event was posted"


def main() -> None:
    """Do what the plan says."""
    # A connection is an open file; many systems allow a thousand where more are not asked for.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    told = json.loads(sys.stdin.readline())
    load = Load(Pace(Plan(**told["plan"]), told["rate"]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(load.run()), flush=True)


if __name__ == "__main__":
    main()
