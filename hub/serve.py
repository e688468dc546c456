"""Serving: granian runs worker processes, each with the application below.

`serve` stays in the foreground until it is told to stop, and meanwhile seals what the workers post (`hub.sealer`) and
posts bulk files (`hub.file_worker`).
With the embedded database it also looks after that: should PostgreSQL die, it is started again and recovers by itself.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from multiprocessing import parent_process
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from hub import file_worker, logs, sealer, watchdog
from hub.core.errors import ConfigurationError, DatabaseUnavailable
from hub.services.context import Hub
from hub.services.rate_limits import RateLimits
from hub.settings import Settings
from hub.start import authorities, check_environment, database_url, limits, open_hub, settle_in, trusted_proxies

if TYPE_CHECKING:
    from hub.asgi import Bridge

LOG = logging.getLogger("hansa.serve")
MAX_BUFFERED_BYTES = 65_536
"""What a connection may hold of a header, or of a body that nobody has read yet."""
MAX_CONNECTIONS = 4_096
"""What a worker keeps open at once. It is more than what it takes on, so that others are told, and health is seen."""
STOP_S = 10
"""How long a worker may take to end what it is at when told to stop; one that was just starting has not heard it."""
METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""The folder in which the workers keep their figures, and note that they are alive."""
FOLDER_PREFIX, IN_USE = "hansa-metrics-", "in-use"
"""That folder's name begins so; in it is a file that a hub and its workers hold a lock on for as long as they live."""
LOOK_S = 1.0
"""Seconds between two looks: at the embedded database, and of a worker at its parent."""
NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
FREE_S = 3.0
"""How long the address may still be taken: by workers whose parent was killed, which end when they look next."""


def application() -> Bridge:
    """Return the ASGI application of one worker process, set up from the environment."""
    # Not before: prometheus_client decides when it is imported whether the workers share their figures.
    from hub import bounds
    from hub.api.app import create_app
    from hub.asgi import Bridge

    note = watchdog.begin(Path(os.environ[METRICS]))
    logs.configure()
    parent = parent_process()
    if parent:
        Thread(target=_end_with, args=(parent.pid,), daemon=True).start()
    settings = Settings.from_environment()
    hub = open_hub(settings)
    Thread(target=_keep_up, args=(hub,), daemon=True).start()
    rate_limits = RateLimits(hub, limits(settings), time.monotonic)
    app, express = create_app(hub, authorities(settings), rate_limits, bounds.of(settings))
    settle_in()
    return Bridge(
        app,
        express,
        rate_limits,
        threads=settings.threads,
        max_body_bytes=settings.max_body_bytes,
        body_timeout_s=settings.read_timeout_s,
        trusted_proxies=trusted_proxies(settings),
        beat=lambda: watchdog.beat(note),
    )


def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, even if that was killed and could not say so."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)


def _keep_up(hub: Hub) -> None:
    """Read the small tables each second, so that a worker nobody asks anything goes by them too when it signs.

    It is also how the worker knows that it is ready.
    """
    while True:
        try:
            with hub.database.connect() as connection:
                hub.moment(connection)
        except DatabaseUnavailable:
            # Whoever asks something meanwhile is told, and it is logged then.
            hub.readiness.lost()
        except Exception:
            LOG.exception("the small tables were not read; it is tried again")
            hub.readiness.lost()
        else:
            hub.readiness.seen()
        time.sleep(LOOK_S)


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve the hub until SIGTERM or SIGINT; each worker is a process of its own. ``say`` tells where.

    Raises:
        ConfigurationError: a setting, the secrets, the database or the address will not do; nothing is served then.
    """
    if settings.hang_timeout_s < watchdog.LEAST_S:
        raise ConfigurationError(f"HANSA_HANG_TIMEOUT_S must be at least {watchdog.LEAST_S} seconds")
    logs.configure()
    hub = open_hub(settings)
    limits(settings), trusted_proxies(settings)
    check_environment(hub, settings)
    address = free_address(settings.host, settings.port)
    _allow_connections()
    stopped = Event()
    if not settings.database_url:
        Thread(target=_keep_database, args=(settings, stopped), daemon=True).start()
    sealer.start(hub, stopped)
    file_worker.start(hub, stopped)
    with _folder_of_figures() as metrics:
        os.environ.update(replace(settings, database_url=hub.database.url).to_environment())
        os.environ[METRICS] = str(metrics)
        # Where workers are forked, they begin with what is loaded here; not before the folder is named, see above.
        import_module("hub.api.app")
        settle_in()
        watchdog.watch(metrics, settings.hang_timeout_s, stopped)
        server = _server(settings, address)
        say(f"Serving on http://{settings.host}:{settings.port} with {settings.workers} workers; stop with Ctrl-C.")
        server.serve()
    stopped.set()


def free_address(host: str, port: int) -> str:
    """Return a host by its number, as the server wants it, when nobody listens there.

    Workers of two hubs could listen on one port, and each would get some of the other's requests.

    Raises:
        ConfigurationError: somebody goes on listening, or nobody can there.
    """
    until = time.monotonic() + FREE_S
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                told = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host and --port"
                raise ConfigurationError(told) from error
        time.sleep(0.1)


def _bound(host: str, port: int) -> str:
    """Return the first of a host's numbers that this machine has, once it was shown to be free."""
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            with socket.socket(family, kind) as asking:
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                asking.bind(address)
        except OSError as error:
            if error.errno not in NOT_HERE:
                raise
            failure = error
        else:
            return str(address[0])
    raise failure


@contextmanager
def _folder_of_figures() -> Iterator[Path]:
    """Yield a new folder; those of hubs that were killed and could not clear up go."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/{IN_USE}"):
        # Whoever has no right to open it cannot have left it.
        with suppress(OSError), left.open("r+b") as note:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent)
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder, (Path(folder) / "new").open("wb") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        # By its name it is found, so it is locked before it has that.
        Path(note.name).rename(Path(folder) / IN_USE)
        yield Path(folder)


def _allow_connections() -> None:
    """Let this process and its workers open as many files as the system lets it; connections are files.

    Many systems allow a thousand where nobody asks for more, which a busy worker needs for its connections alone.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _server(settings: Settings, address: str) -> MPServer:
    return MPServer(
        "hub.serve:application",
        factory=True,
        address=address,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=settings.read_timeout_s * 1_000, max_buffer_size=MAX_BUFFERED_BYTES
        ),
        websockets=False,
        workers=settings.workers,
        backlog=MAX_CONNECTIONS,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_S,
        log_level=LogLevels.warning,
        log_dictconfig=logs.SERVER_CONFIG,
    )


def _keep_database(settings: Settings, stopped: Event) -> None:
    while not stopped.wait(LOOK_S):
        try:
            database_url(settings)
        except ConfigurationError as error:
            LOG.warning("%s", error)
        except Exception:
            LOG.exception("the database was not looked after; it is tried again")
