"""What `hansa-partner outbox` does: deliver in a process of its own, or look into an outbox."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from partner_sdk.command_line import DONE, REFUSED, Refusal, open_client, show, show_all, wrong_usage
from partner_sdk.outbox.errors import OutboxError
from partner_sdk.outbox.outbox import Outbox
from partner_sdk.outbox.settling import SetAside

IDLE_S = 1.0
"""How often to look whether something was recorded."""
WHAT = ("run", "stats", "list", "retry")


def outbox(options: argparse.Namespace) -> int:
    """Deliver what an outbox holds, or look into it.

    outbox run: deliver until SIGTERM or SIGINT, with --drain until nothing waits; several may run on one file;
    outbox stats: how many events wait, were delivered, or are set aside, and why the last attempt failed;
    outbox list: the events that the hub rejected or quarantined, with their reasons;
    outbox retry [EVENT...]: deliver rejected events again, all or these.
    """
    if not options.outbox:
        wrong_usage(options, "--outbox is missing (or set HANSA_OUTBOX)")
    if options.events and options.what != "retry":
        wrong_usage(options, "only retry takes events")
    if options.what != "run" and not Path(options.outbox).exists():
        raise Refusal(f"{options.outbox}: there is no such outbox")
    return _ACTIONS[options.what](options)


def _stats(options: argparse.Namespace) -> int:
    with Outbox(options.outbox) as opened:
        return show(options, opened.stats())


def _list(options: argparse.Namespace) -> int:
    with Outbox(options.outbox) as opened:
        return show_all(options, opened.set_aside())


def _retry(options: argparse.Namespace) -> int:
    with Outbox(options.outbox) as opened:
        return show(options, {"waiting_again": opened.retry(options.events or None)})


def _run(options: argparse.Namespace) -> int:
    def tell(entry: SetAside) -> None:
        show(options, entry, line=True)
        sys.stdout.flush()

    with open_client(options) as client, Outbox(options.outbox, client, deliver=False, on_rejected=tell) as opened:
        with _until_told_to_stop() as stopped:
            _deliver(options, opened, stopped)
        stats = opened.stats()
        show(options, stats)
    return REFUSED if stats.rejected or stats.quarantined else DONE


def _deliver(options: argparse.Namespace, opened: Outbox, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            pause_s = opened.step()
        except OutboxError as trouble:
            print(f"hansa-partner: {trouble}", file=sys.stderr)
            pause_s = IDLE_S
        if pause_s is None and options.drain:
            return
        stopped.wait(IDLE_S if pause_s is None else pause_s)


@contextmanager
def _until_told_to_stop() -> Iterator[threading.Event]:
    """Yield what is set when this process is asked to end; the step under way is finished first."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "stats": _stats,
    "list": _list,
    "retry": _retry,
}
