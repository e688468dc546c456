"""The outbox: what a till records is safe at once, and at the hub as soon as there is a network.

    with Outbox("outbox.db", client) as outbox:
        outbox.record_earning("card:1234", Money(1250, "USD"), terminal="till-7")

`record_...` returns when the event is on the disk. A thread delivers in batches, in each terminal's order, until the
hub has said, signed, what became of each event. Several programs may use one file at once.
"""

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from partner_sdk.client import Client
from partner_sdk.model import Item, Money, Refund
from partner_sdk.model.sales import earning_to_wire
from partner_sdk.outbox import processes, settling, statistics
from partner_sdk.outbox.delivery import Deliverer, RejectedHook
from partner_sdk.outbox.errors import OutboxError, OutboxOfAnother
from partner_sdk.outbox.file import OutboxFile
from partner_sdk.outbox.leasing import LEASE_S, is_empty
from partner_sdk.outbox.recording import Recorded, new_event_id, record, record_named, waits, written
from partner_sdk.outbox.runner import Runner
from partner_sdk.outbox.settling import SetAside
from partner_sdk.outbox.statistics import Stats

CLOSING_S, EXITING_S = 10.0, 1.0
"""How long `close` and the end of the process wait for a request that is under way."""
_LOOK_S = 0.25


class Outbox:
    """A durable queue of events in a file at `path`; thread-safe, and safe to use after a fork.

    `client` delivers; without one, or with `deliver=False`, events are only recorded, and another process delivers
    (`hansa-partner outbox run`). `sync=False` makes recording ten times faster, but a power cut may take the last
    events; the end of a process never does. `connections` is
    how many batches may be under way at once. `lease_s` is for how long other processes leave a terminal alone whose
    deliverer was killed. `on_rejected` is called, in the delivering thread, with each event that the hub rejected,
    after it was put on the list; the list is what counts.

    Raises OutboxError, here and from every method, when the file cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        client: Client | None = None,
        *,
        sync: bool = True,
        deliver: bool = True,
        connections: int = 3,
        lease_s: float = LEASE_S,
        on_rejected: RejectedHook | None = None,
    ) -> None:
        self._file = OutboxFile(path, sync=sync)
        self._client = client
        self._deliverer: Deliverer | None = None
        self._runner: Runner | None = None
        if client:
            try:
                self._belong_to(client.partner_id)
            except OutboxError:
                self._file.close()
                raise
            self._deliverer = Deliverer(self._file, client, on_rejected, lease_s=lease_s)
            for _ in range(connections if deliver else 0):
                own = Deliverer(self._file, client, on_rejected, lease_s=lease_s)
                self._runner = Runner(own, self._runner)
        processes.watch(self)
        self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- recording ---

    def record_earning(
        self,
        member: str,
        amount: Money,
        *,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
        store: str | None = None,
        terminal: str | None = None,
        channel: str | None = None,
        items: Iterable[Item] = (),
        points: int | None = None,
    ) -> str:
        """Record a sale and return its event id; it occurred now unless `occurred_at` says otherwise.

        With an `event_id` of your own, recording it again after an error, or after the program was killed, does no
        harm. Raises Unrecordable, RecordedOtherwise, OutboxFull and the other OutboxErrors; nothing is recorded then.
        """
        now_s = self._now_s()
        own_id = new_event_id(now_s) if event_id is None else event_id
        at = occurred_at or datetime.fromtimestamp(now_s, UTC)
        sale = earning_to_wire(own_id, member, at, amount, store, terminal, channel, tuple(items), points)
        element = written("earning", sale)
        return self._record(Recorded(own_id, "earning", terminal or "", element, now_s, named=event_id is not None))

    def record_refund(
        self,
        refunds: str,
        *,
        event_id: str | None = None,
        occurred_at: datetime | None = None,
        amount: Money | None = None,
        items: Iterable[Item] = (),
        terminal: str | None = None,
    ) -> str:
        """Record that a sale, or part of it, was returned, and return the refund's event id.

        It is delivered after the sale `refunds` where that still waits, whatever its terminal. Raises as
        `record_earning`.
        """
        now_s = self._now_s()
        own_id = new_event_id(now_s) if event_id is None else event_id
        at = occurred_at or datetime.fromtimestamp(now_s, UTC)
        element = written("refund", Refund(own_id, refunds, at, amount, tuple(items), terminal).to_wire())
        event = Recorded(own_id, "refund", terminal or "", element, now_s, refunds, event_id is not None)
        return self._record(event)

    def _record(self, event: Recorded) -> str:
        if event.named or event.follows is not None:
            with self._file as connection:
                if event.follows is not None and not waits(connection, event.follows):
                    event = event._replace(follows=None)
                record_named(connection, event)
        else:
            self._file.alone(record, event)
        self._wake()
        return event.event_id

    # --- what became of it ---

    def stats(self) -> Stats:
        """How many events wait, were delivered, or are on the list."""
        with self._file as connection:
            return statistics.count(connection)

    def set_aside(self) -> list[SetAside]:
        """The events that the hub rejected or quarantined, with their reasons, in the order of recording."""
        with self._file as connection:
            return settling.listed(connection)

    def retry(self, event_ids: Iterable[str] | None = None) -> int:
        """Deliver rejected events again as they are, all or these; returns how many. What is wrong with an event by
        itself is mended by recording it again under its id.
        """
        with self._file as connection:
            again = settling.retry(connection, None if event_ids is None else list(event_ids))
        self._wake()
        return again

    def flush(self, timeout: float) -> bool:
        """Try to deliver now, and wait up to so many seconds; returns whether nothing waits any more.

        A pause that the hub asked for is kept.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._file as connection:
                if is_empty(connection):
                    return True
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._hurry(min(left_s, _LOOK_S))

    def step(self) -> float | None:
        """Deliver one batch in the caller's own thread, for programs that have a loop of their own.

        Returns how many seconds to wait before the next step, None when nothing waits.
        """
        if self._deliverer is None:
            raise OutboxError("this outbox was opened without a client: it only records")
        return self._deliverer.step()

    def close(self) -> None:
        """Stop delivering and let go of the file; what waits is delivered when it is opened again."""
        if self._runner:
            self._runner.stop(CLOSING_S)
        self._file.close()
        processes.forget(self)

    # --- the process ---

    def before_fork(self) -> None:
        """Called before this process forks."""
        self._file.before_fork()

    def after_fork_in_parent(self) -> None:
        """Called in the parent after a fork."""
        self._file.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Called in the child after a fork: it has its own connections, and its own thread when it needs one."""
        self._file.after_fork_in_child()
        if self._client:
            self._client.after_fork_in_child()
        if self._runner:
            self._runner.renew()

    def at_exit(self) -> None:
        """Called when the process ends: nothing is lost, and nobody waits for a hub that does not answer."""
        if self._runner:
            self._runner.stop(EXITING_S)

    def _belong_to(self, partner_id: str) -> None:
        with self._file as connection:
            owner = connection.execute("SELECT partner FROM owner").fetchone()
            if owner is None:
                connection.execute("INSERT INTO owner VALUES (?)", (partner_id,))
            elif owner[0] != partner_id:
                raise OutboxOfAnother(f"outbox {self._file.path}: it is {owner[0]}'s, not {partner_id}'s")

    def _wake(self) -> None:
        if self._runner:
            self._runner.wake()

    def _hurry(self, seconds: float) -> None:
        if self._runner:
            self._runner.hurry()
            self._runner.wait_for_step(seconds)
        else:
            time.sleep(seconds)

    def _now_s(self) -> float:
        """The hub's time, as far as it is known: a till whose clock is wrong learns it with its first answer."""
        return self._client.hub_time() if self._client else time.time()
