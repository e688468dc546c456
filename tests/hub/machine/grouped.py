"""The machine where tills ask at the same moment, so that groups answer them: as one after another in some order.

That order is: what a group answers, in the order of the group, reports partner by partner; then each that it left to be
done alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub.core.errors import Refused
from hub.services import group_commit, members
from hub.services.authentication import Caller
from hub.services.group_commit import Answer, Post, Waiting
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.hub.machine import drawing
from tests.hub.machine.base import outcome, stated
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, REUSED, TENTHS
from tests.hub.machine.funded import Funded
from tests.hub.machine.redemptions import POOL, SECONDS, Wish, captured, part_of, redeemed
from tests.hub.machine.sales import Drawn, pick
from tests.hub.machine.whole import Machine
from tests.hub.model import selling, spending
from tests.hub.model.books import Outcome
from tests.hub.model.selling import Sale
from tests.support import services

Asked = tuple[str, Mapping[str, Any]]
"""A partner, and what it asks."""
Capture = tuple[str, str, int | None]
"""Partner, id and points of a hold."""


class Grouped(Machine):
    """The machine with groups."""

    @rule(
        drawn=st.lists(st.tuples(A_PARTNER, drawing.SALES, REUSED), min_size=2, max_size=6),
        again=st.lists(A_PLACE, max_size=2),
    )
    def report_at_once(self, drawn: list[tuple[str, Drawn, int | None]], again: list[int]) -> None:
        """A sale each, some of them wrong, and perhaps some that came before."""
        told = [(key[0], one.content) for key, one in self.books.told.items() if one.kind == "earning"]
        reports = [(partner, self.a_sale(partner, sale, reused)) for partner, sale, reused in drawn]
        reports += [pick(told + reports, -1 - place) for place in again]
        self.do(lambda: self._report_group(reports))

    @rule(
        drawn=st.lists(
            st.tuples(A_PARTNER, A_MEMBER, TENTHS, st.none() | SECONDS, POOL, REUSED), min_size=2, max_size=6
        ),
        twice=st.none() | A_PLACE,
    )
    def redeem_at_once(self, drawn: list[tuple[str, str, int, int | None, str, int | None]], twice: int | None) -> None:
        """For parts of what there was before; perhaps one of them twice."""
        wishes = [
            self.a_wish(partner, self.an_id(partner, "g", reused), member, tenths, seconds, pool)
            for partner, member, tenths, seconds, pool, reused in drawn
        ]
        self.do(lambda: self._redeem_group(wishes if twice is None else [*wishes, pick(wishes, twice)]))

    @precondition(lambda self: any(told.kind == "redemption" for told in self.books.told.values()))
    @rule(drawn=st.lists(st.tuples(A_PLACE, st.just("all") | st.integers(0, 12)), min_size=2, max_size=5))
    def capture_at_once(self, drawn: list[tuple[int, str | int]]) -> None:
        """Holds that are open, rather."""
        others = [key for key, told in self.books.told.items() if told.kind == "redemption"]
        holds = [(pick(self.open_holds() + others[::-1], place), how) for place, how in drawn]
        self.do(lambda: self._capture_group([(*key, part_of(self.books.holds.get(key), how)) for key, how in holds]))

    @rule(asked=st.lists(st.tuples(A_MEMBER, A_PARTNER), min_size=1, max_size=6))
    def look_at_once(self, asked: list[tuple[str, str]]) -> None:
        """At balances; those that a group cannot tell are of merged members."""
        answers = self._together(group_commit.look, [(partner, {"member": member}) for member, partner in asked])
        for (member, partner), answer in zip(asked, answers, strict=True):
            if answer is None:
                assert self.books.survivor(member) != member
            else:
                assert _said(answer, dict) == outcome(partial(members.view, self.hub, member, partner), dict)

    def _together(self, post: Post, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        with self.hub.database.connect() as connection:
            moment = self.hub.moment(connection)
            group = [
                Waiting(
                    Caller(moment.configuration.partner(partner), cast("Any", None), services.evidence(), "", moment),
                    wanted,
                    None,
                )
                for partner, wanted in asked
            ]
            return post(self.hub, connection, moment, group)

    def _report_group(self, reports: list[tuple[str, Sale]]) -> None:
        """Rates that count are posted first, partner by partner; the others at once."""
        before = set(self.books.told)
        loaded = [(partner, validate(EarningsRequest, {"earnings": [sale]})) for partner, sale in reports]
        answers = self._together(group_commit.report, loaded)
        partners = sorted({partner for partner, _ in reports})
        counting = [one for one in partners if services.partner(self.hub, one).counts]
        plain = [one for one in partners if one not in counting]
        sales = {one: [sale for partner, sale in reports if partner == one] for one in partners}
        expected = {one: selling.report(self.books, one, sales[one]) for one in counting}
        expected |= selling.report_at_once(self.books, {one: sales[one] for one in plain})
        self.books.numbers = {name: number for number, name in self.names.by_id().items()}
        for one in partners:
            results = [
                cast("Any", answer)["results"][0]
                for (partner, _), answer in zip(reports, answers, strict=True)
                if partner == one
            ]
            self.compare_results(one, sales[one], results, expected[one], before)

    def _redeem_group(self, wishes: list[Wish]) -> None:
        asked = [
            (partner, {"redemption_id": redemption_id, "member": member, "points": points, **more})
            for (partner, redemption_id, member, points), more in wishes
        ]
        answers = self._together(group_commit.redeem, asked)
        for (wished, more), answer in zip(wishes, answers, strict=True):
            if answer is not None:
                assert _said(answer, redeemed) == spending.redeem(self.books, *wished, **more)
        for wish, answer in zip(wishes, answers, strict=True):
            if answer is None:
                self.redeem_alone(wish)

    def _capture_group(self, captures: list[Capture]) -> None:
        asked = [
            (partner, {"redemption_id": redemption_id} | stated(points=points))
            for partner, redemption_id, points in captures
        ]
        answers = self._together(group_commit.capture, asked)
        for one, answer in zip(captures, answers, strict=True):
            if answer is not None:
                assert _said(answer, captured) == spending.capture(self.books, *one)
        for one, answer in zip(captures, answers, strict=True):
            if answer is None:
                self.capture_alone(*one)


class GroupedFunded(Grouped, Funded):
    """The same where partners pay for points at issue, and who does is posted with the others."""


def _said(answer: Answer, said: Callable[[dict[str, Any]], Outcome]) -> Outcome:
    """What a group answers, in the model's words."""

    def given() -> dict[str, Any]:
        if isinstance(answer, Refused):
            raise answer
        return answer

    return outcome(given, said)
