"""What a hub refuses to start with: secrets of another environment, or another environment than is meant."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from hub import serve, setup, start
from hub.core.errors import ConfigurationError
from hub.settings import Settings
from tests.bench.usage import children
from tests.support import coalition, server
from tests.support.coalition import Coalition
from tests.support.server import running


@pytest.fixture
def live(postgres_url: str, tmp_path: Path) -> Iterator[Coalition]:
    """A live coalition."""
    made = coalition.build(postgres_url, tmp_path, "live")
    yield made
    made.hub.database.dispose()


def _note(settings: Settings, environment: str) -> None:
    """Say that the secrets are of another environment."""
    (settings.data / start.SECRETS / "environment").write_text(environment)


def _refusal(settings: Settings, *command: str) -> str:
    environment = os.environ | settings.to_environment()
    done = subprocess.run(
        [sys.executable, "-m", "hub", *command], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [("serve",), ("worker", "--once")], ids=lambda command: command[0])
def test_neither_server_nor_worker_runs_a_live_hub_with_the_secrets_of_a_sandbox(
    live: Coalition, command: tuple[str, ...]
) -> None:
    _note(live.settings, "sandbox")
    assert "a sandbox hub's, and the database is live" in _refusal(live.settings, *command)


def test_a_sandbox_takes_no_live_secrets(built: Coalition) -> None:
    _note(built.settings, "live")
    with pytest.raises(ConfigurationError, match="a live hub's, and the database is sandbox"):
        start.check_environment(built.hub, built.settings)
    with pytest.raises(ConfigurationError, match="a live hub's, and the database is sandbox"):
        setup.initialise(built.settings, "Again")


def test_what_is_meant_to_run_must_be_what_is_there(built: Coalition) -> None:
    start.check_environment(built.hub, replace(built.settings, environment="sandbox"))
    with pytest.raises(ConfigurationError, match="asks for live, but the database is sandbox"):
        start.check_environment(built.hub, replace(built.settings, environment="live"))


def test_weak_secrets_stop_it(built: Coalition) -> None:
    (built.settings.data / start.SECRETS / "body.key").write_bytes(bytes(32))
    with pytest.raises(ConfigurationError, match=r"body\.key is weak"):
        start.open_hub(built.settings)


def test_a_hub_opens_as_many_connections_as_the_system_lets_it(built: Coalition) -> None:
    """Also where a process may have few files open until it asks for more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, most), most))
    try:
        with running(built.settings) as served:
            limits = [Path(f"/proc/{pid}/limits").read_text() for pid in children(served.process.pid)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    allowed = [next(line.split()[3] for line in text.splitlines() if "open files" in line) for text in limits]
    assert allowed
    assert set(allowed) == {str(most)}


def test_an_address_that_is_taken_or_not_of_this_machine_is_refused_in_one_line(built: Coalition) -> None:
    """Workers of two hubs could listen on one port, and partners would be answered by either."""
    with running(built.settings) as served:
        refused = _refusal(built.settings, "serve", "--port", str(served.settings.port))
        assert f"cannot listen on 127.0.0.1:{served.settings.port}: Address already in use; choose" in refused
        assert "Serving" not in refused
        assert len(refused.splitlines()) == 1
    assert "cannot listen on 192.0.2.1:80" in _refusal(built.settings, "serve", "--host", "192.0.2.1")


def test_a_hub_listens_at_a_name_too(built: Coalition) -> None:
    with running(replace(built.settings, host="localhost")) as served:
        told = served.log.read_text()
    assert f"Serving on http://localhost:{served.settings.port} with" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("numbers", "found"), [(["192.0.2.1", "127.0.0.2"], "127.0.0.2"), (["127.0.0.1", "127.0.0.2"], None)]
)
def test_a_number_that_this_machine_has_not_is_passed_over_and_one_that_is_taken_is_not(
    monkeypatch: pytest.MonkeyPatch, numbers: list[str], found: str | None
) -> None:
    """As for `localhost`, which has a number of IPv6 also where this machine has none."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
        if found:
            assert serve.free_address("points.example", port) == found
        else:
            with pytest.raises(ConfigurationError, match=f"points.example:{port}: Address already in use"):
                serve.free_address("points.example", port)


def test_an_address_that_is_about_to_be_free_is_waited_for() -> None:
    """So a hub starts at once after one that was killed, whose workers end when they look for it next."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        Timer(0.5, taken.close).start()
        assert serve.free_address("127.0.0.1", port) == "127.0.0.1"


def test_a_hub_clears_up_after_one_that_was_killed_and_leaves_alone_one_that_serves(
    built: Coalition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    killed = server.start(built.settings)
    [left] = tmp_path.glob("hansa-metrics-*")
    workers = children(killed.process.pid)
    killed.kill()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.01)
    assert left.exists()
    with running(built.settings):
        [own] = tmp_path.glob("hansa-metrics-*")
        assert own != left
        with running(built.settings):
            assert len([*tmp_path.glob("hansa-metrics-*")]) == 2
    assert [*tmp_path.glob("hansa-metrics-*")] == []
