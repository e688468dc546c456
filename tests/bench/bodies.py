"""What the measured requests say: members and amounts are drawn from the plan's seed.

The sales are drawn before the clock runs; while it runs only the ids are new, so making load costs the hub's
machine as little as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle, islice
from random import Random
from typing import NamedTuple

from tests.bench.plan import NOON, Plan

DRAWN = 50_000
"""Sales that are drawn beforehand; they are reported again and again, each time under a new id."""
DAYS_BACK = 40
"""Sales of the last so many days are reported, so they fall into two months and expire on two days."""
LOT_POINTS = 100
"""Points in each lot of a member that redeems."""
FAITHFUL = "card:faithful"
"""The member who has earned for years."""
REDEEMED_POINTS = (50, 250)
"""A redemption takes from one lot to four."""


class Kind(NamedTuple):
    """One kind of request: where it goes, how many events it carries, and its bodies, one after another."""

    path: str
    events: int
    bodies: Callable[[Plan], Iterator[bytes]]


def saver(number: int) -> str:
    """Return a member that earns."""
    return f"card:saver-{number}"


def spender(number: int) -> str:
    """Return a member that redeems."""
    return f"card:spender-{number}"


def batches(plan: Plan) -> Iterator[bytes]:
    """Bodies of 1,000 earnings each."""
    earnings = _earnings(plan)
    while True:
        yield b'{"earnings":[' + ",".join(islice(earnings, BATCH)).encode() + b"]}"


def singles(plan: Plan) -> Iterator[bytes]:
    """Bodies of one earning each."""
    return (f'{{"earnings":[{one}]}}'.encode() for one in _earnings(plan))


def redemptions(plan: Plan) -> Iterator[bytes]:
    """Bodies of redemptions; each member has the next turn when all others had theirs."""
    draw = Random(plan.seed)
    turns = draw.sample(range(plan.members), plan.members)
    for number, member in enumerate(cycle(turns)):
        points = draw.randint(*REDEEMED_POINTS)
        yield (f'{{"redemption_id":"{plan.run}-{number}","member":"{spender(member)}","points":{points}}}').encode()


def faithful(plan: Plan) -> Iterator[bytes]:
    """Bodies of redemptions of the one member who has earned for years."""
    draw = Random(plan.seed)
    for number in count():
        points = draw.randint(*REDEEMED_POINTS)
        yield f'{{"redemption_id":"{plan.run}-{number}","member":"{FAITHFUL}","points":{points}}}'.encode()


def _earnings(plan: Plan) -> Iterator[str]:
    draw = Random(plan.seed)
    sales = [_sale(draw, plan.members) for _ in range(DRAWN)]
    return (f'{{"event_id":"{plan.run}-{number}",{sale}}}' for number, sale in zip(count(), cycle(sales), strict=False))


def _sale(draw: Random, members: int) -> str:
    at = NOON - timedelta(seconds=draw.randrange(DAYS_BACK * 86_400))
    return (
        f'"member":"{saver(draw.randrange(members))}","occurred_at":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"amount":{{"minor":{draw.randint(100, 20_000)},"currency":"USD"}},"store":"{draw.randint(1, 457)}"'
    )


BATCH = 1000
KINDS = {
    "batches": Kind("/v1/earnings", BATCH, batches),
    "singles": Kind("/v1/earnings", 1, singles),
    "redemptions": Kind("/v1/redemptions", 1, redemptions),
    "faithful": Kind("/v1/redemptions", 1, faithful),
}
