"""The express lane: small reports of sales, answered without Flask and committed together.

It takes the same steps as every signed request, by the same functions, on the event loop; only the posting
happens on another thread. It refuses nothing itself: whatever does not go straight through is answered by the
usual way, which repeats the steps and says why. Only what a busy hub sheds is told so here, since the more of that
there is the less it may cost.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from hub.api import incoming, rate_limit, sandbox
from hub.api.answers import JSON_TYPE, RETRY_AFTER_S
from hub.api.metrics import Metrics
from hub.core.errors import Refused
from hub.services.authentication import Request, authenticate_at
from hub.services.context import Hub, Partner, Signer
from hub.services.group_commit import GroupCommit, Results, Waiting
from hub.services.rate_limits import RateLimited, RateLimits, Standing
from partner_sdk.wire import signatures, strict_json
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE, problem
from partner_sdk.wire.schemas import EarningsRequest
from partner_sdk.wire.signatures import RequestTarget

METHOD, PATH = "POST", "/v1/earnings"
MOST_BYTES = 4_096
"""Larger bodies take longer to check than the event loop should be kept from others."""

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
_KEY_ID = re.compile(r';keyid="([^"\\]+)"')


class _Ticket(NamedTuple):
    """Who waits for the results."""

    future: asyncio.Future[Results | None]


class Express:
    """Answers what may take the lane; for all else `answer` returns None."""

    def __init__(self, hub: Hub, authorities: frozenset[str], rate_limits: RateLimits, metrics: Metrics) -> None:
        self._hub, self._authorities, self._rate_limits, self._metrics = hub, authorities, rate_limits, metrics
        self._group: GroupCommit | None = None

    async def answer(self, environ: Mapping[str, Any], body: bytes) -> Answer | None:
        """Return the signed answer to a small, valid report of sales, or None for the usual way."""
        started = time.perf_counter()
        if environ["REQUEST_METHOD"] != METHOD or environ[incoming.RAW_PATH] != PATH or len(body) > MOST_BYTES:
            return None
        if environ["QUERY_STRING"] or incoming.REFUSED in environ:
            return None
        request = incoming.request_of(environ, body)
        ticket = _Ticket(asyncio.get_running_loop().create_future())
        waiting = self._admit(request, ticket)
        if waiting is None:
            return None
        # Last, so that a request which the usual way takes over is not counted twice.
        standing = await self._count(waiting.caller.partner)
        if standing is None:
            return None
        self._writer().submit(waiting)
        results = await ticket.future
        if results is None:
            return None
        entry: incoming.Entry = environ[incoming.ENTRY]
        entry.route = PATH
        entry.of_key(waiting.caller.key)
        body = strict_json.dumps({"results": results})
        signer = self._hub.find_signer()
        if signer is None:
            return None
        answer = self._signed(signer, request.target, waiting.caller.nonce, body, rate_limit.fields(standing))
        self._metrics.count(f"{METHOD} {PATH}", 200, time.perf_counter() - started)
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
        code, target = CODES[refused.code], incoming.target_of(environ)
        body = strict_json.dumps(problem(refused.code, refused.detail))
        self._metrics.count("shed", code.status, 0.0)
        return self._signed(
            signer, target, nonce, body, {"Retry-After": RETRY_AFTER_S}, status=code.status, content_type=PROBLEM_TYPE
        )

    def _admit(self, request: Request, ticket: _Ticket) -> Waiting | None:
        """Take the steps before posting, at the moment that was read last."""
        moment = self._hub.last_moment
        if moment is None:
            return None
        try:
            caller = authenticate_at(moment, self._hub, request, self._authorities)
            sales = incoming.json_body(request, EarningsRequest)["earnings"]
        except Refused:
            return None
        if sandbox.forces_sales(caller, sales):
            return None
        return Waiting(caller, sales, ticket)

    async def _count(self, partner: Partner) -> Standing | None:
        """Count the request; None if there were too many."""
        try:
            return await self._rate_limits.wait(self._rate_limits.limits.of_partner(partner), partner.partner_id)
        except RateLimited:
            return None

    def _writer(self) -> GroupCommit:
        """Return the group commit of this process, made on first use, when the event loop runs."""
        if self._group is None:
            loop = asyncio.get_running_loop()
            self._group = GroupCommit(self._hub, lambda answers: _hand_over(loop, answers))
        return self._group

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


def _hand_over(loop: asyncio.AbstractEventLoop, answers: list[tuple[Any, Results | None]]) -> None:
    loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[Any, Results | None]]) -> None:
    for ticket, results in answers:
        if not ticket.future.done():
            ticket.future.set_result(results)
