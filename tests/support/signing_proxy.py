"""A proxy that signs whatever passes through it as one partner, so that tools which know nothing of signatures can
speak to a hub. It verifies the answers as well: one that the hub did not sign becomes a 502.
"""

from __future__ import annotations

import http.client
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from partner_sdk.wire import signatures
from partner_sdk.wire.signatures import RequestTarget
from tests.support.raw import TIMEOUT_S, RawClient

HOP = frozenset({"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"})
UNSIGNED = frozenset({"/metrics"})
"""What is no JSON has no signature."""


@contextmanager
def running(client: RawClient) -> Iterator[str]:
    """Yield the URL of a proxy that signs for a client's partner."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(client))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(client: RawClient) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            """Take any method, not only those that have a function of their own."""
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, answer = _forwarded(client, self.command, self.path, dict(self.headers.items()), body)
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

    return Handler


def _forwarded(
    client: RawClient, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    kept = {name: value for name, value in headers.items() if name.lower() not in HOP}
    content_type = next((value for name, value in kept.items() if name.lower() == "content-type"), None)
    digest = signatures.content_digest(body) if body else None
    bare, _, query = path.partition("?")
    target = RequestTarget(method, client.authority, bare, f"?{query}", content_type, digest)
    nonce = None
    if not body or content_type is not None:
        nonce, now = secrets.token_urlsafe(16), int(time.time())
        kept |= signatures.sign_request(target, client.key, client.keyid, created=now, expires=now + 60, nonce=nonce)
    if digest is not None:
        kept["Content-Digest"] = digest
    answer, content = _sent(client.authority, method, path, kept, body)
    if method != "HEAD" and bare not in UNSIGNED:
        signatures.verify_response(
            status=answer.status, headers=answer.headers, body=content, target=target, nonce=nonce,
            public_of=client.hub_keys.get,
        )  # fmt: skip
    return answer.status, [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP], content


def _sent(
    authority: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(authority, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()
