"""One connection of a partner to the hub, which signs what it sends; what comes back can be verified.

A plain socket and a reader for just the answers that the hub gives: a general HTTP client would take as much
of the machine as the hub that is to be measured.
"""

from __future__ import annotations

import secrets
import socket
import time
from typing import NamedTuple

from partner_sdk.wire import signatures
from partner_sdk.wire.hub_keys import HubKeyList
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import RequestTarget, SignatureRefused

JSON_TYPE = "application/json"
READ_BYTES = 1 << 20
ANSWER_S = 60


class Answer(NamedTuple):
    """What came back, and all that is needed to verify it."""

    status: int
    fields: dict[str, str]
    body: bytes
    target: RequestTarget
    nonce: str
    took_s: float
    """From before the request was signed until its answer was there."""

    def why_refused(self, hub_keys: HubKeyList) -> str:
        """Return why this is not the hub's signed answer to the request, or nothing if it is."""
        try:
            signatures.verify_response(
                status=self.status,
                headers=self.fields,
                body=self.body,
                target=self.target,
                nonce=self.nonce,
                public_of=lambda keyid: hub_keys.public_of(keyid, time.time()),
            )
        except SignatureRefused as refusal:
            return refusal.code
        return ""


class Signed(NamedTuple):
    """A request that is ready to be sent."""

    sent: bytes
    target: RequestTarget
    nonce: str


class Connection:
    """A keep-alive connection on which one request is under way at a time."""

    def __init__(self, authority: str, partner: str, key: PrivateKey) -> None:
        host, _, port = authority.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._authority, self._key, self._keyid = authority, key, key_id(partner, key.public)
        self._received = bytearray()

    def fileno(self) -> int:
        """The socket's number, for a selector."""
        return self.socket.fileno()

    def send(self, path: str, body: bytes) -> None:
        """Sign and send a request: a POST, or a GET where there is no body."""
        self._sent_at = time.perf_counter()
        self._send(self.signed(path, body))

    def send_signed(self, request: Signed) -> None:
        """Send a request that was signed before."""
        self._sent_at = time.perf_counter()
        self._send(request)

    def signed(self, path: str, body: bytes) -> Signed:
        """Sign a request, which any connection of the partner can send."""
        method, said = ("POST", (JSON_TYPE, signatures.content_digest(body))) if body else ("GET", (None, None))
        target = RequestTarget(method, self._authority, path, "?", *said)
        nonce, now = secrets.token_urlsafe(16), int(time.time())
        fields = signatures.sign_request(target, self._key, self._keyid, created=now, expires=now + 300, nonce=nonce)
        of_body = (
            {"Content-Type": JSON_TYPE, "Content-Length": len(body), "Content-Digest": target.content_digest}
            if body
            else {}
        )
        named = {"Host": self._authority, **of_body, **fields}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return Signed(head.encode() + b"\r\n" + body, target, nonce)

    def _send(self, request: Signed) -> None:
        data, self._target, self._nonce = request
        self.socket.sendall(data)

    def receive(self) -> Answer | None:
        """Read what has arrived; return the answer when it is there whole.

        Raises:
            ConnectionError: the hub has closed the connection.
        """
        arrived = self.socket.recv(READ_BYTES)
        if not arrived:
            raise ConnectionError("the hub closed the connection")
        self._received += arrived
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        status, fields = _head(self._received[:end].decode("latin-1"))
        length = int(fields["content-length"])
        if len(self._received) < end + 4 + length:
            return None
        body = bytes(self._received[end + 4 :])
        self._received.clear()
        took_s = time.perf_counter() - self._sent_at
        return Answer(status, fields, body, self._target, self._nonce, took_s)


def _head(text: str) -> tuple[int, dict[str, str]]:
    """Return the status and the header fields, their names in lower case."""
    first, *lines = text.split("\r\n")
    fields = (line.split(":", 1) for line in lines)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, value in fields}
