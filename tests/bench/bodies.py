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
TOO_MANY_POINTS = 10**6
"""More than any member has."""


class Request(NamedTuple):
    """One request: its target and its body, empty for one that only reads."""

    path: str
    body: bytes


class Kind(NamedTuple):
    """One kind of load: how many events each request carries, and the requests of a connection, one after another.

    Connections of one plan share the sequence, but for ``steps``, where each takes so many requests in a row.
    """

    events: int
    requests: Callable[[Plan], Iterator[Request]]
    posted: bytes = b'"status":"posted"'
    """Stands in an answer once for each event."""
    steps: int = 1
    """Requests in a row that are one thing together."""
    status: int = 200
    """Of an answer that counts."""


def saver(number: int) -> str:
    """Return a member that earns."""
    return f"card:saver-{number}"


def spender(number: int) -> str:
    """Return a member that redeems."""
    return f"card:spender-{number}"


def reports(size: int, members: int | None = None) -> Callable[[Plan], Iterator[Request]]:
    """Reports of so many earnings each, of all members or of the first ones."""

    def made(plan: Plan) -> Iterator[Request]:
        earnings = _earnings(plan, members or plan.members)
        while True:
            yield Request("/v1/earnings", b'{"earnings":[' + ",".join(islice(earnings, size)).encode() + b"]}")

    return made


def redemptions(plan: Plan) -> Iterator[Request]:
    """Redemptions; each member has the next turn when all others had theirs."""
    return (Request("/v1/redemptions", f"{{{wish}}}".encode()) for _, wish in _wishes(plan))


def declines(plan: Plan) -> Iterator[Request]:
    """Redemptions of more points than their members have; each is declined, and recorded so."""
    draw = Random(plan.seed)
    for number in count():
        wish = f'"redemption_id":"{plan.run}-{number}","member":"{spender(draw.randrange(plan.members))}"'
        yield Request("/v1/redemptions", f'{{{wish},"points":{TOO_MANY_POINTS}}}'.encode())


def holds(plan: Plan) -> Iterator[Request]:
    """Holds, each with its capture after it."""
    for redemption_id, wish in _wishes(plan):
        yield Request("/v1/redemptions", f'{{{wish},"hold":600}}'.encode())
        yield Request(f"/v1/redemptions/{redemption_id}/capture", b"{}")


def balances(plan: Plan) -> Iterator[Request]:
    """Reads of members' balances."""
    draw = Random(plan.seed)
    while True:
        yield Request(f"/v1/members/{saver(draw.randrange(plan.members))}", b"")


def _wishes(plan: Plan) -> Iterator[tuple[str, str]]:
    """Redemptions by their ids, as the inside of an object."""
    draw = Random(plan.seed)
    turns = draw.sample(range(plan.members), plan.members)
    for number, member in enumerate(cycle(turns)):
        points, redemption_id = draw.randint(*REDEEMED_POINTS), f"{plan.run}-{number}"
        yield redemption_id, f'"redemption_id":"{redemption_id}","member":"{spender(member)}","points":{points}'


def faithful(plan: Plan) -> Iterator[Request]:
    """Redemptions of the one member who has earned for years."""
    draw = Random(plan.seed)
    for number in count():
        points = draw.randint(*REDEEMED_POINTS)
        body = f'{{"redemption_id":"{plan.run}-{number}","member":"{FAITHFUL}","points":{points}}}'
        yield Request("/v1/redemptions", body.encode())


def _earnings(plan: Plan, members: int) -> Iterator[str]:
    draw = Random(plan.seed)
    sales = [_sale(draw, members) for _ in range(DRAWN)]
    return (f'{{"event_id":"{plan.run}-{number}",{sale}}}' for number, sale in zip(count(), cycle(sales), strict=False))


def _sale(draw: Random, members: int) -> str:
    at = NOON - timedelta(seconds=draw.randrange(DAYS_BACK * 86_400))
    return (
        f'"member":"{saver(draw.randrange(members))}","occurred_at":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"amount":{{"minor":{draw.randint(100, 20_000)},"currency":"USD"}},"store":"{draw.randint(1, 457)}"'
    )


BATCH = 1000
KINDS = {
    "batches": Kind(BATCH, reports(BATCH)),
    "batches-100": Kind(100, reports(100)),
    "singles": Kind(1, reports(1)),
    "one-member": Kind(1, reports(1, members=1)),
    "redemptions": Kind(1, redemptions),
    "declines": Kind(1, declines, posted=b'"code":"insufficient_points"', status=409),
    "holds": Kind(1, holds, posted=b'"status":"', steps=2),
    "balances": Kind(1, balances, posted=b'"available":'),
    "faithful": Kind(1, faithful),
}
_OF_SIZE = "batches-"


def kind_of(name: str) -> Kind | None:
    """Return a kind of load by its name; ``batches-N`` are batches of any size. None if there is none of that name."""
    size = name.removeprefix(_OF_SIZE)
    known = KINDS.get(name)
    return Kind(int(size), reports(int(size))) if known is None and size.isdecimal() else known
