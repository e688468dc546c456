"""The messenger: carries webhooks to partners' servers, and goes nowhere that `hub.core.webhook_targets` forbids.

A name is resolved for each connection and the connection made to an address that was checked, so that a name which
means something else a moment later does not help (DNS rebinding). TLS is verified for the name. Redirects are not
followed, an answer's body is not read, no proxy is used, and an exchange has a deadline as a whole.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Thread, Timer

from hub.core.errors import DatabaseUnavailable, Refused
from hub.core.webhook_targets import Network, Target, check_addresses, parse
from hub.services import webhook_delivery, webhooks
from hub.services.context import Hub
from hub.services.webhook_delivery import Attempt, Outcome

LOG = logging.getLogger("hansa.webhooks")
CONNECT_S = 5.0
DEADLINE_S = 20.0
IDLE_S = 0.5
CARRIERS = 8

Resolve = Callable[[str, int], Iterable[str]]


class Messenger:
    """Sends requests, one connection each; thread-safe."""

    def __init__(
        self,
        networks: Sequence[Network] = (),
        resolve: Resolve = webhooks.addresses,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._networks, self._resolve, self._deadline_s = tuple(networks), resolve, deadline_s
        self._tls = tls or ssl.create_default_context()

    def send(self, attempt: Attempt) -> Outcome:
        """Make an attempt and return what came of it; nothing that the other side does is an error."""
        try:
            target = parse(attempt.url, self._networks)
            addresses = check_addresses(target.host, self._resolve(target.host, target.port), self._networks)
        except Refused as refusal:
            return Outcome(None, refusal.detail)
        try:
            return self._exchange(target, addresses, attempt)
        except (OSError, HTTPException, ValueError) as error:
            return Outcome(None, f"{type(error).__name__}: {error}")

    def _exchange(self, target: Target, addresses: Sequence[str], attempt: Attempt) -> Outcome:
        connection = self._connection(target, _connect(addresses, target.port))
        deadline = Timer(self._deadline_s, _shut, [connection])
        deadline.daemon = True
        deadline.start()
        try:
            connection.connect()
            connection.request("POST", target.request_target, attempt.body, attempt.headers)
            return Outcome(connection.getresponse().status)
        finally:
            deadline.cancel()
            connection.close()

    def _connection(self, target: Target, connected: socket.socket) -> HTTPConnection:
        if target.scheme == "http":
            return _Plain(target.host, target.port, connected)
        return _Secure(target.host, target.port, connected, self._tls)


class _Plain(HTTPConnection):
    """Plain HTTP over a socket that is connected already."""

    def __init__(self, host: str, port: int, connected: socket.socket) -> None:
        super().__init__(host, port, timeout=DEADLINE_S)
        self.sock = connected

    def connect(self) -> None:
        """Nothing is left to do."""


class _Secure(HTTPSConnection):
    """HTTPS over a socket that is connected already; the certificate must be of the name, not of the address."""

    def __init__(self, host: str, port: int, connected: socket.socket, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=DEADLINE_S, context=tls)
        self._tls, self.sock = tls, connected

    def connect(self) -> None:
        """Shake hands."""
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


def _connect(addresses: Sequence[str], port: int) -> socket.socket:
    """Connect to the first of the addresses that answers."""
    for address in addresses[:-1]:
        try:
            return _connected(address, port)
        except OSError:
            continue
    return _connected(addresses[-1], port)


def _connected(address: str, port: int) -> socket.socket:
    connected = socket.create_connection((address, port), CONNECT_S)
    connected.settimeout(DEADLINE_S)
    return connected


def _shut(connection: HTTPConnection) -> None:
    """Break a connection off while another thread waits for it."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


class Carriers:
    """Threads that deliver until they are stopped; webhooks are shared among them, and among other workers'."""

    def __init__(self, hub: Hub, say: Callable[[str], None], count: int = CARRIERS) -> None:
        self._hub, self._say = hub, say
        self._messenger = Messenger(hub.webhook_networks)
        self._stopped = Event()
        self._threads = [Thread(target=self._carry, name=f"webhooks-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish the attempt that it makes, then end."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _carry(self) -> None:
        while not self._stopped.is_set():
            try:
                delivered = webhook_delivery.deliver_next(self._hub, self._messenger.send)
            except DatabaseUnavailable as error:
                self._say(f"webhooks wait: {error}")
                delivered = None
            except Exception:
                LOG.exception("a webhook was not delivered; it is tried again")
                delivered = None
            if not delivered:
                self._stopped.wait(IDLE_S)


def deliver_all(hub: Hub) -> int:
    """Deliver what is due and stop, for a worker that runs once; return how many messages were delivered."""
    messenger, total = Messenger(hub.webhook_networks), 0
    while (delivered := webhook_delivery.deliver_next(hub, messenger.send)) is not None:
        total += delivered
    return total
