"""The gate before the express lane: bounds each partner, keeps nobody out for another's sake, and loses no place."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from hub.services.gate import Gate

MOST = 2
STEPS = st.lists(st.tuples(st.sampled_from(["come", "go", "give up"]), st.sampled_from("ab")), max_size=40)


class Visitors:
    """Who came, in order; who is in; and who has given up waiting."""

    def __init__(self) -> None:
        self.gate = Gate(MOST)
        self.tasks: dict[str, list[asyncio.Task[None]]] = {"a": [], "b": []}
        self.inside: dict[str, list[int]] = {"a": [], "b": []}

    async def come(self, whose: str) -> None:
        number = len(self.tasks[whose])
        self.tasks[whose].append(asyncio.create_task(self._enter(whose, number)))

    async def _enter(self, whose: str, number: int) -> None:
        await self.gate.enter(whose)
        self.inside[whose].append(number)

    def go(self, whose: str) -> None:
        if self.inside[whose]:
            self.inside[whose].pop(0)
            self.gate.leave(whose)

    def give_up(self, whose: str, place: int) -> None:
        waiting = [task for task in self.tasks[whose] if not task.done()]
        if waiting:
            waiting[place].cancel()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def _visited(steps: list[tuple[str, str]], *, at_once: bool) -> None:
    """Do the steps beside a plain model: each partner's places, and a queue of its own."""
    visitors = Visitors()
    came, inside = Counter[str](), {"a": list[int](), "b": list[int]()}
    queue: dict[str, list[int]] = {"a": [], "b": []}
    for step, whose in steps:
        if step == "come":
            await visitors.come(whose)
            await _settle()
            queue[whose].append(came[whose])
            came[whose] += 1
        elif step == "go":
            visitors.go(whose)
            inside[whose] = inside[whose][1:]
        elif at_once:
            visitors.give_up(whose, 0)
        elif queue[whose]:
            visitors.give_up(whose, -1)
            queue[whose].pop()
        while queue[whose] and len(inside[whose]) < MOST:
            inside[whose].append(queue[whose].pop(0))
        if not at_once:
            await _settle()
            assert visitors.inside == inside
    await _settle()
    for whose in "ab":
        while any(not task.done() for task in visitors.tasks[whose]):
            assert visitors.inside[whose], "somebody waits though nobody is in"
            visitors.go(whose)
            await _settle()
        while visitors.inside[whose]:
            visitors.go(whose)
    assert not visitors.gate._inside
    assert not visitors.gate._waiting


@given(STEPS)
def test_each_partner_has_its_places_and_its_own_queue(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_visited(steps, at_once=False))


@given(STEPS)
@example([("come", "a")] * (MOST + 1) + [("go", "a"), ("give up", "a")])
def test_no_place_is_lost_when_many_come_go_and_give_up_at_once(steps: list[tuple[str, str]]) -> None:
    """Also of whoever gives up after it was let in and before it noticed."""
    asyncio.run(_visited(steps, at_once=True))
