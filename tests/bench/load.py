"""The process that makes the load: ``python -m tests.bench.load``, plan on standard input, figures on standard output.

It is a process of its own because a client that shared the hub's interpreter would slow the hub down, and be
slowed down by it. Each connection sends its next request when its answer is there and verified. The line
``begin`` is printed when warming up ends and the clock starts, the figures when the time is over.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from selectors import EVENT_READ, DefaultSelector

from partner_sdk.wire.hub_keys import HubKeyList, read_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey
from tests.bench.bodies import KINDS
from tests.bench.connection import Answer, Connection
from tests.bench.plan import Plan

POLL_S = 0.1


@dataclass
class Figures:
    """What was counted while the clock ran."""

    events: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor time that making the load took."""
    took_s: list[float] = field(default_factory=list)
    """How long each request took that counts, from before signing until its answer was there."""
    errors: Counter[str] = field(default_factory=Counter)
    """Why others do not count."""


class Load:
    """The connections of one plan and what they send."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._kind = plan, KINDS[plan.kind]
        self._bodies: Iterator[bytes] = self._kind.bodies(plan)
        self._selector = DefaultSelector()
        hub_keys = _hub_keys(plan)
        partners = cycle((partner, PrivateKey.from_pem(pem.encode())) for partner, pem in plan.partners.items())
        for (partner, key), _ in zip(partners, range(plan.connections), strict=False):
            self._selector.register(Connection(plan.authority, partner, key, hub_keys), EVENT_READ)

    def start(self) -> None:
        """Send the first request of each connection."""
        for key in list(self._selector.get_map().values()):
            self._post(key.fileobj)

    def run(self, seconds: float) -> Figures:
        """Go on for so long and return what was counted."""
        figures = Figures()
        began, cpu_began_s = time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) < began + seconds:
            for key, _ in self._selector.select(POLL_S):
                self._take(key.fileobj, figures)
        figures.seconds, figures.cpu_s = now - began, time.process_time() - cpu_began_s
        return figures

    def _take(self, connection: object, figures: Figures) -> None:
        assert isinstance(connection, Connection)
        try:
            answer = connection.receive()
        except ConnectionError:
            figures.errors["connection closed"] += 1
            self._selector.unregister(connection)
            return
        if answer is not None:
            self._count(answer, figures)
            self._post(connection)

    def _count(self, answer: Answer, figures: Figures) -> None:
        posted = answer.body.count(b'"status":"posted"')
        if answer.refused:
            figures.errors[f"answer not signed: {answer.refused}"] += 1
        elif answer.status != 200:
            figures.errors[f"status {answer.status}: {json.loads(answer.body).get('code')}"] += 1
        elif posted != self._kind.events or b'"duplicate":true' in answer.body:
            figures.errors["not every event was posted"] += 1
        else:
            figures.events += posted
            figures.took_s.append(answer.took_s)

    def _post(self, connection: object) -> None:
        assert isinstance(connection, Connection)
        connection.post(self._kind.path, next(self._bodies))


def _hub_keys(plan: Plan) -> HubKeyList:
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
    print(json.dumps(asdict(load.run(plan.seconds))), flush=True)


if __name__ == "__main__":
    main()
