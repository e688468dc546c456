"""Many threads that do to a hub whatever its services offer, at random, each with dice of its own."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from random import Random
from threading import Lock
from typing import Any

from hub.core.errors import Refused
from hub.services import business_clock, end_of_day, extensions, gifts, household_pools, merges, reporting
from hub.services.context import Hub
from hub.services.extensions import Group
from hub.services.reporting import Reporter
from tests.support import services
from tests.support.coalition import NOON

CONTRACTS: dict[str, dict[str, Any]] = {
    "bakery": {"refunds": "debt", "breakage": "coalition", "expiry": {"rule": "days", "days": 2}},
    "cinema": {"refunds": "within_balance", "expiry": {"rule": "days", "days": 4}},
    "florist": {"refunds": "issuer_bears", "maturity": {"confirmed": True}},
    "garage": {"refunds": "debt", "expiry": {"rule": "inactivity", "days": 3, "counts": "any"}},
}
"""Partners of the crowd, with what their contracts say."""
RECENT = 60
"""How many of the last things of a sort are chosen from, so that many threads mean the same ones."""
A_STEP = timedelta(hours=1)
PATIENCE = 60.0
"""Seconds more for a slow machine to come to what is done seldom."""
OPERATOR = reporting.by_operator("ada", "so it is written")


class Crowd:
    """Threads, what they have made so far, and what came of what they did."""

    def __init__(self, hub: Hub, members: int, seed: int) -> None:
        self.hub, self.seed = hub, seed
        self.members = [f"card:{number}" for number in range(members)]
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How often each command was done, or refused with which code."""
        self._done: set[str] = set()
        self._numbers, self._clock, self._now = itertools.count(1), Lock(), NOON
        self._made: dict[str, list[tuple[str, str]]] = {"sale": [], "hold": [], "redemption": [], "merge": []}
        for partner in CONTRACTS:
            for member in self.members:
                self._sell(partner, member, 9_000)

    def run(self, threads: int, seconds: float) -> None:
        """Let so many threads do as they like for a while, and on until each thing was done once, within `PATIENCE`.

        Whatever is no refusal is raised here.
        """
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(threads) as pool:
            for counted in list(pool.map(lambda number: self._one(number, until), range(threads))):
                self.outcomes += counted

    def _is_over(self, until: float) -> bool:
        now = time.monotonic()
        return now > until and (len(self._done) == len(COMMANDS) or now > until + PATIENCE)

    def _one(self, number: int, until: float) -> Counter[tuple[str, str]]:
        dice, counted = Random(f"{self.seed}/{number}"), Counter[tuple[str, str]]()
        while not self._is_over(until):
            [command] = dice.choices(list(COMMANDS), list(COMMANDS.values()))
            outcome = self._outcome(command, dice)
            counted[command.__name__, outcome] += 1
            if outcome == "done":
                self._done.add(command.__name__)
        return counted

    def _outcome(self, command: Callable[[Crowd, Random], Any], dice: Random) -> str:
        try:
            result = command(self, dice)
        except Refused as refusal:
            return refusal.code
        return str(result["error"]["code"]) if "error" in (result or {}) else "done"

    # what they choose from

    def _id(self) -> str:
        return f"x{next(self._numbers)}"

    def _one_of(self, sort: str, dice: Random) -> tuple[str, str]:
        """One of the last things of a sort, with its partner; what nobody has made yet is known to nobody."""
        made = self._made[sort][-RECENT:]
        return dice.choice(made) if made else (dice.choice(list(CONTRACTS)), "nothing")

    def _reporter(self, partner: str) -> Reporter:
        return reporting.by_partner(services.partner(self.hub, partner), services.evidence())

    def _sell(self, partner: str, member: str, minor: int) -> dict[str, Any]:
        event_id, at = self._id(), self._now.isoformat()
        [result] = services.post(
            self.hub, partner,
            {"event_id": event_id, "member": member, "occurred_at": at, "amount": {"minor": minor, "currency": "USD"}},
        )  # fmt: skip
        self._made["sale"].append((partner, event_id))
        return result

    # what they do

    def sell(self, dice: Random) -> dict[str, Any]:
        return self._sell(dice.choice(list(CONTRACTS)), dice.choice(self.members), dice.randint(0, 5_000))

    def confirm(self, dice: Random) -> dict[str, Any]:
        return services.confirm(self.hub, *self._one_of("sale", dice))

    def refund(self, dice: Random) -> dict[str, Any]:
        """A part of a sale, or all that is left of it."""
        partner, sale = self._one_of("sale", dice)
        return services.refund(self.hub, partner, self._id(), sale, dice.choice([None, 700, 100]))

    def redeem(self, dice: Random) -> dict[str, Any]:
        """From a member's own points or, now and then, from its pool."""
        return self._redeem("redemption", dice, {"pool": True} if dice.random() < 0.3 else {})

    def hold(self, dice: Random) -> dict[str, Any]:
        return self._redeem("hold", dice, {"hold": dice.choice([1_800, 86_400])} | dice.choice([{}, {"pool": True}]))

    def _redeem(self, sort: str, dice: Random, more: dict[str, Any]) -> dict[str, Any]:
        partner, event_id, member = dice.choice(list(CONTRACTS)), self._id(), dice.choice(self.members)
        answer = services.redeem(self.hub, partner, event_id, member, dice.randint(1, 60), **more)
        self._made[sort].append((partner, event_id))
        return answer

    def capture(self, dice: Random) -> dict[str, Any]:
        asked: dict[str, Any] = dice.choice([{}, {"points": 5}])
        partner, hold = self._one_of("hold", dice)
        answer = services.capture(self.hub, partner, hold, **asked)
        self._made["redemption"].append((partner, hold))
        return answer

    def void(self, dice: Random) -> dict[str, Any]:
        return services.void(self.hub, *self._one_of("hold", dice))

    def reverse(self, dice: Random) -> dict[str, Any]:
        asked: dict[str, Any] = dice.choice([{}, {"points": 3, "reversal_id": self._id()}])
        partner, redemption = self._one_of("redemption", dice)
        return services.reverse(self.hub, partner, redemption, **asked)

    def transfer(self, dice: Random) -> dict[str, Any]:
        giver, taker = dice.sample(self.members, 2)
        asked = {"transfer_id": self._id(), "member": giver, "to": taker, "points": dice.randint(1, 40)}
        return gifts.give(self.hub, self._reporter(dice.choice(list(CONTRACTS))), asked)

    def pool(self, dice: Random) -> dict[str, Any]:
        named = dice.sample(self.members, dice.randint(0, 4))
        entries = [{"member": name, "share": dice.randint(1, 3), "may_spend": True} for name in named]
        asked = {"event_id": self._id(), "pool_id": dice.choice(["home", "club"]), "members": entries}
        return household_pools.set_members(self.hub, self._reporter("garage"), asked)

    def merge(self, dice: Random) -> dict[str, Any]:
        member, into = dice.sample(self.members, 2)
        asked = {"event_id": self._id(), "member": member, "into": into, "reason": "one person"}
        answer = merges.merge(self.hub, self._reporter("garage"), asked)
        self._made["merge"].append(("garage", asked["event_id"]))
        return answer

    def part(self, dice: Random) -> dict[str, Any]:
        partner, merge = self._one_of("merge", dice)
        return merges.undo(self.hub, self._reporter(partner), merge)

    def go_on(self, dice: Random) -> None:
        """Let time pass."""
        with self._clock:
            later = self._now + A_STEP
            business_clock.move(self.hub, later)
            self._now = later

    def end_day(self, dice: Random) -> None:
        end_of_day.run(self.hub, self._now.date() - timedelta(days=1))

    def extend(self, dice: Random) -> None:
        first, until = self._now.date(), self._now.date() + timedelta(days=dice.randint(2, 9))
        group = Group(dice.choice(["bakery", "cinema"]), date.min, first + timedelta(days=1))
        extensions.extend(self.hub, OPERATOR, self._id(), group, until)


COMMANDS: dict[Callable[[Crowd, Random], Any], float] = {
    Crowd.sell: 8, Crowd.confirm: 3, Crowd.refund: 10, Crowd.redeem: 8, Crowd.hold: 16, Crowd.capture: 10,
    Crowd.void: 5, Crowd.reverse: 6, Crowd.transfer: 14, Crowd.pool: 2, Crowd.merge: 3, Crowd.part: 5, Crowd.go_on: 1.5,
    Crowd.end_day: 0.5, Crowd.extend: 0.3,
}  # fmt: skip
"""What they do, and how often."""
