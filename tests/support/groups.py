"""Requests that wait for a group commit, made without HTTP."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

from hub.services import members
from hub.services.authentication import Caller
from hub.services.context import Hub
from hub.services.group_commit import Answer, GroupCommit, Post, Waiting, report
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.support.services import evidence

Answers = dict[str, Answer | None]


class Group:
    """Hands reports in and collects what is delivered, by ticket."""

    def __init__(self, hub: Hub, post: Post = report) -> None:
        self.hub = hub
        self._delivered: SimpleQueue[list[tuple[Any, Answer | None]]] = SimpleQueue()
        self._group = GroupCommit(hub, post, self._delivered.put)

    def caller(self, partner_id: str) -> Caller:
        with self.hub.database.connect() as connection:
            moment = self.hub.moment(connection)
        key = next(key for key in moment.configuration.keys.values() if key.partner_id == partner_id)
        return Caller(moment.configuration.partner(partner_id), key, evidence(), "A" * 22, moment)

    def waiting(self, ticket: str, partner_id: str, *sales: dict[str, Any]) -> Waiting:
        loaded = validate(EarningsRequest, {"earnings": list(sales)})["earnings"]
        return Waiting(self.caller(partner_id), {"earnings": loaded}, ticket)

    def post(self, *reports: Waiting) -> Answers:
        for one in reports:
            self._group.submit(one)
        answers: Answers = {}
        while len(answers) < len(reports):
            answers.update(self._delivered.get(timeout=60))
        return answers


def document(answer: Answer | None) -> dict[str, Any]:
    """The document of a request that was done."""
    assert isinstance(answer, dict)
    return answer


def wish(group: Group, ticket: str, partner: str, member: str, points: int, **more: Any) -> Waiting:
    asked = {"redemption_id": more.pop("id", ticket), "member": member, "points": points, **more}
    return Waiting(group.caller(partner), asked, ticket)


def available(group: Group, member: str) -> int:
    return int(members.view(group.hub, member)["available"])
