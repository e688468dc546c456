"""An outbox among threads, across forks, and at the end of its process: nothing is lost, nothing hangs."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest

from partner_sdk import Money
from partner_sdk.outbox import Outbox
from partner_sdk.testing import LocalHub
from tests.support.threads import at_once

PRICE = Money(1250, "USD")
NOWHERE = """
    import os, sys, threading
    from partner_sdk import Client, Money, Outbox, PrivateKey

    key = PrivateKey.generate()
    client = Client("http://127.0.0.1:9", "grocer", key, root_key=key.public)
    outbox = Outbox(sys.argv[1], client)
    record = lambda: outbox.record_earning("card:1", Money(1, "USD"), terminal="till")
"""


def run(script: str, path: Path) -> str:
    """Run a program with an outbox whose hub cannot be reached."""
    program = textwrap.dedent(NOWHERE) + textwrap.dedent(script)
    done = subprocess.run(
        (sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, path),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def waiting(path: Path) -> int:
    with Outbox(path) as outbox:
        return outbox.stats().waiting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_a_program_that_ends_leaves_what_waits_in_the_file(path: Path) -> None:
    run("for _ in range(20): record()", path)
    assert waiting(path) == 20


def test_parent_and_child_of_a_fork_both_go_on(path: Path) -> None:
    script = """
        record()
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                record()
        other = threading.Thread(target=busy)
        other.start()
        children = []
        for _ in range(8):
            child = os.fork()
            if not child:
                for _ in range(5):
                    record()
                outbox.flush(0.05)
                outbox.close()
                os._exit(0)
            children.append(child)
            record()
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
        stop.set()
        other.join()
        print(outbox.stats().waiting)
        outbox.close()
    """
    printed = int(run(script, path))
    assert printed == waiting(path)
    assert printed >= 1 + 8 * 5 + 8


def test_a_child_that_ends_in_the_usual_way_does_the_parent_no_harm(path: Path) -> None:
    script = """
        record()
        if os.fork() == 0:
            record()
            sys.exit(0)
        assert os.wait()[1] == 0
        record()
    """
    run(script, path)
    assert waiting(path) == 3


def test_threads_share_an_outbox(path: Path) -> None:
    hub = LocalHub()
    with hub.client("grocer") as client, Outbox(path, client) as outbox:

        def sell(terminal: str) -> list[str]:
            return [outbox.record_earning("card:1", PRICE, terminal=terminal) for _ in range(25)]

        recorded = at_once([partial(sell, f"t{number}") for number in range(8)])
        assert outbox.flush(60)
        events = [event.event_id for page in client.events() for event in page.items]
    assert sorted(events) == sorted(one for ids in recorded for one in ids)


def test_several_batches_under_way_keep_each_terminal_s_order(path: Path) -> None:
    hub = LocalHub()
    terminals = [f"t{number}" for number in range(4)]
    with Outbox(path, sync=False) as outbox:
        recorded = {
            one: [outbox.record_earning("card:1", PRICE, terminal=one) for _ in range(1100)] for one in terminals
        }
    with hub.client("grocer") as client, Outbox(path, client, connections=4) as outbox:
        assert outbox.flush(60)
        assert outbox.stats().delivered == 4400
    arrived = [one for seen in hub.seen for one in json.loads(seen.body)["earnings"]]
    assert len(arrived) == 4400
    for terminal, ids in recorded.items():
        assert [one["event_id"] for one in arrived if one["terminal"] == terminal] == ids


def test_what_waits_is_delivered_when_the_outbox_is_opened_again(path: Path) -> None:
    hub = LocalHub()
    with Outbox(path) as outbox:
        event_id = outbox.record_earning("card:1", PRICE)
        assert not outbox.flush(0.01)
    with hub.client("grocer") as client, Outbox(path, client) as outbox:
        assert outbox.flush(60)
        assert [event.event_id for page in client.events() for event in page.items] == [event_id]


def test_importing_the_package_loads_neither_the_outbox_nor_its_database() -> None:
    script = "import sys, partner_sdk; print(*sorted({'sqlite3', 'requests', 'partner_sdk.outbox'} & set(sys.modules)))"
    loaded = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
