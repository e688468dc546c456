"""The process that delivers an outbox: ``python -m tests.bench.deliver``, by a plan on standard input.

It records for a single partner with fifty terminals beforehand, and then does nothing but deliver, as one process of a
merchant would. The line ``begin`` is printed when the clock starts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from partner_sdk import Client, Money
from partner_sdk.outbox import Outbox
from partner_sdk.wire.keys import PrivateKey
from tests.bench.bodies import saver
from tests.bench.plan import NOON, Plan

TERMINALS = 50
MOST_A_SECOND = 20_000
"""So many events a second are recorded beforehand, that they do not run out."""


def fill(outbox: Outbox, plan: Plan) -> None:
    """Record more than can be delivered in the time."""
    draw = Random(plan.seed)
    for number in range(int((plan.warm_up_s + plan.seconds) * MOST_A_SECOND)):
        member, price = saver(draw.randrange(plan.members)), Money(draw.randint(100, 20_000), "USD")
        outbox.record_earning(member, price, occurred_at=NOON, store="330", terminal=f"till-{number % TERMINALS}")


def figures(outbox: Outbox, plan: Plan) -> dict[str, Any]:
    """Count what the hub takes in the time."""
    before, began, cpu_began_s = outbox.stats().delivered, time.perf_counter(), time.process_time()
    time.sleep(plan.seconds)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began_s
    stats = outbox.stats()
    errors = {"rejected": stats.rejected} if stats.rejected else {}
    events = stats.delivered - before
    return {"events": events, "seconds": seconds, "cpu_s": cpu_s, "took_s": [], "errors": errors}


def main() -> None:
    """Do what the plan says."""
    plan = Plan.from_json(sys.stdin.readline())
    partner, pem = next(iter(plan.partners.items()))
    key = PrivateKey.from_pem(pem.encode())
    client = Client(f"http://{plan.authority}", partner, key, root_key=plan.root)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outbox.db"
        with Outbox(path, sync=False) as filling:
            fill(filling, plan)
        with client, Outbox(path, client) as outbox:
            time.sleep(plan.warm_up_s)
            print("begin", flush=True)
            print(json.dumps(figures(outbox, plan)), flush=True)


if __name__ == "__main__":
    main()
