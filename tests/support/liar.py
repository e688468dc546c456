"""A proxy between the SDK and a real hub that lies as it is told to: raw sockets, its bytes as they are."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

import requests

KEY_LIST = b"/v1/hub-keys"
TIMEOUT_S = 30
READ_BYTES = 65_536


class Answer(NamedTuple):
    """An HTTP answer in its parts, as bytes."""

    status: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def read(cls, raw: bytes) -> Answer:
        """Take an answer apart."""
        head, body = raw.split(b"\r\n\r\n", 1)
        first, *lines = head.split(b"\r\n")
        fields = [(name, value) for name, value in (line.split(b": ", 1) for line in lines)]
        return cls(first.split(b" ", 1)[1], [one for one in fields if one[0].lower() != b"connection"], body)

    def without(self, *names: bytes) -> Answer:
        """The same without some fields."""
        return self._replace(fields=[one for one in self.fields if one[0].lower() not in names])

    def with_field(self, name: bytes, value: bytes) -> Answer:
        """The same with one field exchanged."""
        rest = self.without(name)
        return rest._replace(fields=[*rest.fields, (name, value)])

    def with_body(self, body: bytes) -> Answer:
        """The same with another body and its right length."""
        return self._replace(body=body).with_field(b"content-length", b"%d" % len(body))

    def written(self) -> bytes:
        """The answer as it goes over the wire."""
        lines = [b"HTTP/1.1 " + self.status, *(name + b": " + value for name, value in self.fields)]
        return b"\r\n".join([*lines, b"", b""]) + self.body


Forward = Callable[[], bytes]
Lie = Callable[["LyingProxy", Forward], bytes]
"""What a proxy answers instead; calling its argument asks the hub in earnest. Nothing means to hang up."""


def honest(proxy: LyingProxy, forward: Forward) -> bytes:
    """Be no liar."""
    return forward()


@dataclass
class LyingProxy:
    """A proxy to one hub. `answers` are those that the hub really gave, in order."""

    authority: str
    lie: Lie = honest
    lie_about_keys: Lie = honest
    answers: list[bytes] = field(default_factory=list)
    told: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def session(self) -> requests.Session:
        """A session that goes through this proxy."""
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"http": self.url}
        return session

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(TIMEOUT_S)
            while request := _read_request(connection):
                is_of_keys = KEY_LIST in request.split(b"\r\n", 1)[0]
                lie = self.lie_about_keys if is_of_keys else self.lie
                answer = lie(self, partial(self._forward, request, not is_of_keys))
                self.told += lie is not honest
                if not answer:
                    return
                connection.sendall(answer)
                if b"\r\nconnection: close" in answer:
                    return

    def _forward(self, request: bytes, kept: bool) -> bytes:
        """Ask the hub what was asked here, and return its answer."""
        host, port = self.authority.rsplit(":", 1)
        direct = request.replace(b"http://" + self.authority.encode(), b"", 1)
        with socket.create_connection((host, int(port)), TIMEOUT_S) as hub:
            hub.sendall(direct.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            answer = b"".join(iter(lambda: hub.recv(READ_BYTES), b""))
        if b"\r\n\r\n" not in answer:
            raise ConnectionAbortedError("the hub went away in the midst of its answer")
        if kept:
            self.answers.append(answer)
        return Answer.read(answer).written()


def _read_request(connection: socket.socket) -> bytes:
    """One request as it was sent; nothing when the other side is done."""
    read = b""
    while b"\r\n\r\n" not in read:
        arrived = connection.recv(READ_BYTES)
        if not arrived:
            return b""
        read += arrived
    head, body = read.split(b"\r\n\r\n", 1)
    fields = (line.split(b":", 1) for line in head.split(b"\r\n")[1:])
    own = (b"connection", b"proxy-connection")
    kept = [line for line in head.split(b"\r\n") if line.split(b":", 1)[0].lower() not in own]
    length = next((int(value) for name, value in fields if name.lower() == b"content-length"), 0)
    while len(body) < length:
        body += connection.recv(READ_BYTES)
    return b"\r\n".join([*kept, b"", b""]) + body


@contextmanager
def lying(proxy: LyingProxy, lie: Lie) -> Iterator[None]:
    """Let a proxy lie for the length of a block."""
    proxy.lie = lie
    try:
        yield
    finally:
        proxy.lie = honest
