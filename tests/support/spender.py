"""Members who spend at one partner's counters, in a process that may be killed: ``-m tests.support.spender PLAN``.

Each counter sells for points: it redeems, or holds and then captures or voids, with ids of its own, and asks again
until it is told what came of it. It says on standard output what is certain: ``counter number event_id``, with ``-``
for the event where the hub refused. Started again, it goes on with the one that it is not sure of.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from partner_sdk import Client, HansaError, InsufficientPoints, Refused
from tests.support.till import AGAIN_S, MEMBERS, RECORDED, Plan, client_of, own_id, say

POINTS, HOLD_S = 3, 600
SETTLED = frozenset({"unknown_member", "member_in_debt"})
"""Codes of refusals after which nothing is there; others are of the moment, and pass."""


def spend(client: Client, counter: str, number: int) -> str:
    """Do one thing to its end and return the id of the last event that it came to."""
    event_id, member = own_id(counter, number), f"card:{(number * 31 + len(counter)) % MEMBERS}"
    if number % 3 == 0:
        return client.redeem(event_id, member, POINTS).redemption_id
    client.hold(event_id, member, POINTS, HOLD_S)
    if number % 3 == 1:
        client.capture(event_id)
        return f"{event_id}/capture"
    client.void(event_id)
    return f"{event_id}/void"


def certainly(act: Callable[[], str]) -> str:
    """Do something until the hub has said what came of it."""
    while True:
        try:
            return act()
        except InsufficientPoints:
            return "-"
        except HansaError as error:
            if isinstance(error, Refused) and error.code in SETTLED:
                return "-"
            time.sleep(AGAIN_S)


def main() -> None:
    """Do what the plan says."""
    plan = Plan.from_json(sys.argv[1])
    client, numbers = client_of(plan), dict(plan.first)
    while any(number <= plan.last for number in numbers.values()):
        for counter, number in numbers.items():
            if number <= plan.last:
                done = certainly(partial(spend, client, counter, number))
                say(f"{counter} {number} {done}")
                numbers[counter] += 1
                time.sleep(plan.pause_s)
    say(RECORDED)


if __name__ == "__main__":
    main()
