"""The express lane: the small requests that come most, answered without Flask and done together.

It takes the same steps as every signed request, by the same functions, on the event loop; only the posting
happens on another thread. It refuses hardly anything itself: whatever does not go straight through is answered by the
usual way, which repeats the steps and says why. Told here is only what was decided with the others: redemptions that
are declined, members that are unknown. And what a busy hub sheds, since the more of that there is the less it may cost.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from hub.api import incoming, lanes, rate_limit, sandbox
from hub.api.answers import JSON_TYPE, RETRY_AFTER_S, problem_of
from hub.api.lanes import Found, Lane
from hub.api.metrics import Metrics
from hub.core.errors import Refused
from hub.services import card_guard
from hub.services.authentication import Request, authenticate_at
from hub.services.context import Hub, Signer
from hub.services.gate import Gate
from hub.services.group_commit import Answer as Outcome
from hub.services.group_commit import GroupCommit, Waiting
from hub.services.rate_limits import RateLimited, RateLimits, Standing
from partner_sdk.wire import signatures, strict_json
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE
from partner_sdk.wire.signatures import RequestTarget

MOST_BYTES = 4_096
"""Larger bodies take longer to check than the event loop should be kept from others."""
MOST_OF_ONE = 24
"""Requests of one partner in the lane of a worker; more would be no faster, and keep others waiting for longer."""

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
_KEY_ID = re.compile(r';keyid="([^"\\]+)"')


class _Ticket(NamedTuple):
    """Who waits for the answer."""

    future: asyncio.Future[Outcome | None]


class Express:
    """Answers what may take the lane; for all else `answer` returns None."""

    def __init__(self, hub: Hub, authorities: frozenset[str], rate_limits: RateLimits, metrics: Metrics) -> None:
        self._hub, self._authorities, self._rate_limits, self._metrics = hub, authorities, rate_limits, metrics
        self._writers: dict[Lane, GroupCommit] = {}
        self._gate = Gate(MOST_OF_ONE)

    async def answer(self, environ: MutableMapping[str, Any], body: bytes, whose: str) -> Answer | None:
        """Return the signed answer to a small, valid request of the lane's, or None for the usual way.

        ``whose`` it claims to be decides only whose turn it takes.
        """
        started = time.perf_counter()
        found = lanes.find(environ["REQUEST_METHOD"], environ[incoming.RAW_PATH])
        if found is None or len(body) > MOST_BYTES or environ["QUERY_STRING"] or incoming.REFUSED in environ:
            return None
        await self._gate.enter(whose)
        try:
            return await self._answer(environ, body, found, started)
        finally:
            self._gate.leave(whose)

    async def _answer(
        self, environ: MutableMapping[str, Any], body: bytes, found: Found, started: float
    ) -> Answer | None:
        request = incoming.request_of(environ, body)
        ticket = _Ticket(asyncio.get_running_loop().create_future())
        waiting = self._admit(request, found, ticket)
        standing = await self._count(environ, found.lane, waiting) if waiting else None
        if waiting is None or standing is None:
            return None
        self._writer(found.lane).submit(waiting)
        outcome = await ticket.future
        signer = self._hub.find_signer()
        if outcome is None or signer is None:
            return None
        entry: incoming.Entry = environ[incoming.ENTRY]
        entry.route = found.lane.route
        entry.of_key(waiting.caller.key)
        target, nonce = request.target, waiting.caller.nonce
        if isinstance(outcome, Refused):
            entry.code = outcome.code
            answer = self._refusal(signer, target, nonce, outcome, {})
        else:
            answer = self._signed(signer, target, nonce, strict_json.dumps(outcome), rate_limit.fields(standing))
        self._metrics.count(f"{found.lane.method} {found.lane.route}", answer[0], time.perf_counter() - started)
        return answer

    def claimed_partner(self, environ: Mapping[str, Any]) -> str:
        """Return the partner whose key a request names, before anybody has verified that; empty if it names none."""
        found = _KEY_ID.search(environ.get("HTTP_SIGNATURE_INPUT", ""))
        moment = self._hub.last_moment
        key = moment.configuration.keys.get(found[1]) if found and moment else None
        return key.partner_id if key else ""

    def shed(self, environ: Mapping[str, Any]) -> Answer | None:
        """Return the signed refusal of a request for which there is no room; None for any other refusal."""
        refused: Refused = environ[incoming.REFUSED]
        nonce = signatures.echoed_nonce(environ.get("HTTP_SIGNATURE_INPUT"))
        signer = self._hub.find_signer() if self._hub.last_moment else None
        if refused.code != "unavailable" or nonce is None or signer is None:
            return None
        environ[incoming.ENTRY].code = refused.code
        answer = self._refusal(signer, incoming.target_of(environ), nonce, refused, {"Retry-After": RETRY_AFTER_S})
        self._metrics.count("shed", answer[0], 0.0)
        return answer

    def _admit(self, request: Request, found: Found, ticket: _Ticket) -> Waiting | None:
        """Take the steps before posting, at the moment that was read last."""
        moment, (lane, path) = self._hub.last_moment, found
        if moment is None:
            return None
        try:
            caller = authenticate_at(moment, self._hub, request, self._authorities)
            card_guard.refuse_in("path", path.values())
            body = incoming.json_body(request, lane.schema, optional=lane.body_optional)
            asked = {**body, **incoming.path_ids(path)}
        except Refused:
            return None
        if (path or sandbox.may_force(request.body)) and sandbox.forces(caller, body, path):
            return None
        return Waiting(caller, asked, ticket)

    async def _count(self, environ: MutableMapping[str, Any], lane: Lane, waiting: Waiting) -> Standing | None:
        """Count the request, and note what was counted for the usual way; None if there were too many."""
        partner, limits = waiting.caller.partner, self._rate_limits.limits
        try:
            standing = await self._rate_limits.wait(limits.of_partner(partner), partner.partner_id)
            environ[incoming.COUNTED] = standing
            if lane.of_member:
                await self._rate_limits.wait(limits.member, waiting.asked["member"])
                environ[incoming.MEMBER_COUNTED] = True
        except RateLimited:
            return None
        return standing

    def _writer(self, lane: Lane) -> GroupCommit:
        """Return the group commit of a kind of request, made on first use, when the event loop runs."""
        writer = self._writers.get(lane)
        if writer is None:
            loop = asyncio.get_running_loop()
            writer = GroupCommit(self._hub, lane.post, lambda answers: _hand_over(loop, answers))
            self._writers[lane] = writer
        return writer

    def _refusal(
        self, signer: Signer, target: RequestTarget, nonce: str, refused: Refused, unsigned: Mapping[str, str]
    ) -> Answer:
        body, status = strict_json.dumps(problem_of(refused)), CODES[refused.code].status
        return self._signed(signer, target, nonce, body, unsigned, status=status, content_type=PROBLEM_TYPE)

    def _signed(
        self,
        signer: Signer,
        target: RequestTarget,
        nonce: str,
        body: bytes,
        unsigned: Mapping[str, str],
        *,
        status: int = 200,
        content_type: str = JSON_TYPE,
    ) -> Answer:
        fields = signatures.sign_response(
            status=status,
            content_type=content_type,
            body=body,
            target=target,
            nonce=nonce,
            key=signer.key,
            keyid=signer.keyid,
            created=int(self._hub.real_time().timestamp()),
        )
        headers = {"Content-Type": content_type, "Content-Length": str(len(body)), **unsigned} | fields
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        return status, encoded, body


def _hand_over(loop: asyncio.AbstractEventLoop, answers: list[tuple[Any, Outcome | None]]) -> None:
    loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[Any, Outcome | None]]) -> None:
    for ticket, answer in answers:
        if not ticket.future.done():
            ticket.future.set_result(answer)
