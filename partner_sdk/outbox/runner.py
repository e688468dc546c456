"""The thread that delivers: started when there is something to do, gone when there is nothing."""

import logging
import threading
import time

from partner_sdk.outbox.backoff import Backoff
from partner_sdk.outbox.delivery import Deliverer
from partner_sdk.outbox.errors import OutboxError
from partner_sdk.transport import full_jitter

IDLE_S = 2.0
"""How long the thread stays when nothing waits."""
_log = logging.getLogger("partner_sdk.outbox")


class Runner:
    """Calls a deliverer's steps, in one thread at most; when there is much to do, a `helper` does the same."""

    def __init__(self, deliverer: Deliverer, helper: "Runner | None" = None) -> None:
        self._deliverer, self._helper = deliverer, helper
        self._troubles = Backoff(full_jitter)
        self.renew()

    def renew(self) -> None:
        """Be without a thread, as after a fork."""
        if self._helper:
            self._helper.renew()
        self._lock = threading.Lock()
        self._news, self._alarm = threading.Event(), threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._steps = threading.Condition()

    def wake(self) -> None:
        """Say that there is something to deliver."""
        if self._news.is_set() and self._thread is not None:
            return
        with self._lock:
            self._news.set()
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._run, name="hansa-outbox", daemon=True)
                self._thread.start()

    def hurry(self) -> None:
        """Try now, also in the midst of a pause that the hub did not ask for."""
        self._alarm.set()
        self.wake()

    def wait_for_step(self, seconds: float) -> None:
        """Wait until a step was made, or so long."""
        with self._steps:
            self._steps.wait(seconds)

    def stop(self, seconds: float) -> None:
        """Make no further step, and wait so long for those that are under way."""
        ends = time.monotonic() + seconds
        threads = self._stopped()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(ends - time.monotonic(), 0))

    def _stopped(self) -> list[threading.Thread]:
        """Ask for the end, and return whose it is."""
        with self._lock:
            self._stopping = True
            own = [self._thread] if self._thread else []
        self._news.set()
        self._alarm.set()
        return own + (self._helper._stopped() if self._helper else [])

    def _run(self) -> None:
        while True:
            self._news.clear()
            if self._stopping:  # looked at after the news is cleared: being asked to stop is news
                return
            pause_s = self._step()
            with self._steps:
                self._steps.notify_all()
            if pause_s is None:
                if not self._news.wait(IDLE_S) and self._is_over():
                    return
            elif pause_s and self._alarm.wait(pause_s):
                self._alarm.clear()

    def _is_over(self) -> bool:
        """End, unless there is news in this very moment."""
        with self._lock:
            if self._news.is_set():
                return False
            self._thread = None
            return True

    def _step(self) -> float | None:
        """One step; whatever goes wrong with it is told to the log, and the events still wait."""
        try:
            pause_s = self._deliverer.step()
        except OutboxError as trouble:
            _log.warning("%s", trouble)
        except Exception:
            _log.exception("a step of delivery failed")
        else:
            self._troubles.reset()
            if self._helper and self._deliverer.is_busy and pause_s == 0:
                self._helper.wake()
            return pause_s
        return self._troubles.next_s()
