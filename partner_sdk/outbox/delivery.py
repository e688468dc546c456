"""One step of delivery: lease a batch, send it once, and act on the hub's word for each event.

Only a signed answer about these very events takes them out of the queue. When the hub refuses a batch as a whole
because of its content, the next one is half as large, until the event that is at fault goes alone and is set aside:
a poison event costs some requests, and blocks nobody. One that makes the hub fail is found the same way; it is
undecided, so its terminal waits, and only that.
"""

import logging
import sqlite3
import time
from collections.abc import Callable

from partner_sdk.answers import matched, read
from partner_sdk.client import Client
from partner_sdk.errors import HansaError, HubUnavailable, Refused
from partner_sdk.outbox import leasing, settling
from partner_sdk.outbox.backoff import Backoff, asked_s, longest_pause_s
from partner_sdk.outbox.file import OutboxFile
from partner_sdk.outbox.leasing import Batch
from partner_sdk.outbox.recording import KINDS, Result
from partner_sdk.outbox.settling import Reason, SetAside
from partner_sdk.transport import full_jitter
from partner_sdk.wire.schemas import MAX_BATCH

AT_ONCE = 0.0
LOOK_AGAIN_S = 1.0
"""How often to look whether events that another process leased, or that pause, can be delivered."""

RejectedHook = Callable[[SetAside], None]
_BLAMES_EVENTS = frozenset((400, 409, 413, 422))
_NOT_THE_EVENTS_FAULT = frozenset(("malformed_request", "digest_malformed", "digest_mismatch"))
_log = logging.getLogger("partner_sdk.outbox")


class Deliverer:
    """Delivers what an outbox holds, one batch a step, for one thread."""

    def __init__(
        self,
        file: OutboxFile,
        client: Client,
        on_rejected: RejectedHook | None,
        *,
        lease_s: float = leasing.LEASE_S,
        jitter: Callable[[float], float] = full_jitter,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._client, self._on_rejected = file, client, on_rejected
        self._jitter, self._monotonic = jitter, monotonic
        self._lease_s = min(lease_s, leasing.MAX_LEASE_S)
        self._backoff = Backoff(jitter)
        self._most = MAX_BATCH
        self._asked_until_s = 0.0
        self.is_busy = False
        """Whether the last batch was as large as it may be, so that there is probably more."""

    def step(self) -> float | None:
        """Deliver one batch; returns how many seconds to wait before the next, None when nothing waits.

        Raises OutboxError when the file fails; what was sent is then sent again, which is harmless.
        """
        now_s = self._monotonic()
        if now_s < self._asked_until_s:
            return self._asked_until_s - now_s
        with self._file as connection:
            batch = leasing.claim(connection, now_s, self._most, self._lease_s)
            if batch is None:
                return None if leasing.is_empty(connection) else LOOK_AGAIN_S
        self.is_busy = len(batch.events) == self._most
        try:
            results = self._send(batch)
        except HansaError as failure:
            return self._failed(batch, failure)
        return self._answered(batch, results)

    def _send(self, batch: Batch) -> list[Result]:
        kind = KINDS[batch.kind]
        body = b'{"%s":[%s]}' % (kind.member.encode(), b",".join(event.sent() for event in batch.events))
        answer = self._client.post_once(kind.path, body)
        results = read(lambda given: list(given["results"]), answer)
        return matched(kind.read, results, "event_id", [event.event_id for event in batch.events])

    # --- an answer ---

    def _answered(self, batch: Batch, results: list[Result]) -> float:
        waits = {event.lane for event, result in zip(batch.events, results, strict=True)
                 if settling.may_pass_later(result)}  # fmt: skip
        with self._file as connection:
            rejected = settling.settle(connection, batch, results, self._client.hub_time())
            for lane in waits:
                self._pause(connection, lane)
            leasing.release(connection, batch)
            entries = settling.listed(connection, rejected) if rejected else []
        self._backoff.reset()
        self._most = min(self._most * 2, MAX_BATCH)
        self._tell(entries)
        return AT_ONCE

    def _tell(self, entries: list[SetAside]) -> None:
        if self._on_rejected is None:
            return
        for entry in entries:
            try:
                self._on_rejected(entry)
            except Exception:
                _log.exception("on_rejected failed for %s; the event is on the list", entry.event_id)

    # --- none ---

    def _failed(self, batch: Batch, failure: HansaError) -> float:
        if isinstance(failure, Refused) and _blames_events(failure):
            return self._blamed(batch, failure)
        with self._file as connection:
            leasing.note_failure(connection, batch, str(failure))
            leasing.release(connection, batch)
            if _hub_fails_on_it(failure):
                self._most = max(len(batch.events) // 2, 1)
                if len(batch.events) == 1:
                    self._pause(connection, batch.lanes[0])
        self._asked_until_s = self._monotonic() + asked_s(failure)
        return asked_s(failure) + self._backoff.next_s()

    def _blamed(self, batch: Batch, refusal: Refused) -> float:
        """Halve, or set the one aside that is at fault by itself."""
        entries: list[SetAside] = []
        with self._file as connection:
            if len(batch.events) == 1:
                reasons = [(batch.events[0], Reason("rejected", refusal.code, _why(refusal)))]
                rejected = settling.set_aside(connection, reasons, self._client.hub_time())
                entries = settling.listed(connection, rejected) if rejected else []
            leasing.release(connection, batch)
        self._most = max(len(batch.events) // 2, 1)
        self._tell(entries)
        return AT_ONCE

    def _pause(self, connection: sqlite3.Connection, lane: int) -> None:
        pause_s = self._jitter(longest_pause_s(leasing.failures_of(connection, lane)))
        leasing.pause(connection, lane, self._monotonic() + pause_s)


def _blames_events(refusal: Refused) -> bool:
    """Whether the content is at fault, rather than the key, the way or the hub."""
    at_fault = refusal.status in _BLAMES_EVENTS and refusal.code not in _NOT_THE_EVENTS_FAULT
    return at_fault and not refusal.retryable


def _hub_fails_on_it(failure: HansaError) -> bool:
    return isinstance(failure, HubUnavailable) and failure.code == "internal_error"


def _why(refusal: Refused) -> str:
    errors = refusal.problem.get("errors", [])
    return "; ".join([refusal.detail, *(f"{one['pointer']}: {one['detail']}" for one in errors)])
