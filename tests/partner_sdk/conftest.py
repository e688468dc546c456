"""Keys made for tests only, and a peer that answers a client over a real socket, well or badly.

The peer is no hub: it knows no rules. It reads requests with the wire's own functions, answers what a test told
it to, and lets a test spoil an answer after it was signed, which a real hub never does.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from partner_sdk import Client
from partner_sdk.wire import strict_json
from partner_sdk.wire.codes import problem
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import (
    RequestSignature,
    RequestTarget,
    SignatureRefused,
    check_components,
    check_digest,
    check_times,
    parse_request_signature,
    sign_response,
    verify_request,
)

NOW = 1_750_000_000.0
PARTNER = "grocer"


def _test_key(name: str) -> PrivateKey:
    return PrivateKey.from_seed(hashlib.sha256(f"hansa test key: {name}".encode()).digest())


@pytest.fixture(scope="session")
def partner_key() -> PrivateKey:
    return _test_key("partner")


@pytest.fixture(scope="session")
def hub_key() -> PrivateKey:
    return _test_key("hub")


@pytest.fixture(scope="session")
def root_key() -> PrivateKey:
    return _test_key("root")


@pytest.fixture(scope="session")
def stranger_key() -> PrivateKey:
    return _test_key("stranger")


@dataclass(frozen=True)
class Reply:
    """An answer before it goes out; `close` hangs up instead."""

    status: int
    body: bytes
    headers: dict[str, str]
    close: bool = False


@dataclass(frozen=True)
class Seen:
    """A request that came in, its signature verified."""

    target: RequestTarget
    signature: RequestSignature
    body: bytes

    def json(self) -> Any:
        return strict_json.loads(self.body)


Handler = Callable[[Seen], tuple[int, Any]]
Spoil = Callable[[Reply], Reply]


@dataclass
class Peer:
    """Answers by `handle`, signs with `key`, then lets the next function of `spoils`, if any, have its way."""

    partner_key: PrivateKey
    key: PrivateKey
    root: PrivateKey
    handle: Handler = lambda seen: (200, {})
    spoils: list[Spoil | None] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    now: float = NOW
    key_list: HubKeyList | None = None
    key_list_fetches: int = 0
    extra_headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self.key_list = self.list_of(self.key, version=1)

    def list_of(self, *keys: PrivateKey, version: int) -> HubKeyList:
        listed = tuple(HubKey(key_id("hub", key.public), key.public, int(NOW) - 1000) for key in keys)
        return HubKeyList(version, "sandbox", listed, int(NOW) - 1000)

    def hub_keys(self) -> Reply:
        self.key_list_fetches += 1
        assert self.key_list is not None
        body = strict_json.dumps(sign_key_list(self.key_list, self.root))
        return Reply(200, body, {"Content-Type": "application/json"})

    def answer(self, method: str, url: str, headers: Any, body: bytes) -> Reply:
        target = RequestTarget.from_url(method, url, headers["Content-Type"], headers["Content-Digest"])
        signature = parse_request_signature(headers["Signature-Input"], headers["Signature"])
        check_components(signature, method == "POST")
        if target.content_digest is not None:
            check_digest(target.content_digest, body)
        verify_request(target, signature, self.partner_key.public)
        self.seen.append(Seen(target, signature, body))
        reply = self.signed(*self._reply(self.seen[-1]), target, signature.nonce)
        spoil = self.spoils.pop(0) if self.spoils else None
        return spoil(reply) if spoil else reply

    def _reply(self, seen: Seen) -> tuple[int, Any]:
        try:
            check_times(seen.signature, self.now)
        except SignatureRefused:
            return 401, problem("clock_skew", "the clocks differ", server_time=_rfc3339(self.now))
        return self.handle(seen)

    def signed(self, status: int, value: Any, target: RequestTarget, nonce: str | None) -> Reply:
        body = strict_json.dumps(value)
        content_type = "application/json" if status == 200 else "application/problem+json"
        fields = sign_response(
            status=status,
            content_type=content_type,
            body=body,
            target=target,
            nonce=nonce,
            key=self.key,
            keyid=key_id("hub", self.key.public),
            created=int(self.now),
        )
        return Reply(status, body, {"Content-Type": content_type, **fields, **self.extra_headers})

    def resign(self, reply: Reply, **changes: Any) -> Reply:
        """The reply signed again by this peer's key, with parts of what is signed exchanged."""
        last = self.seen[-1]
        target = changes.pop("target", last.target)
        nonce = changes.pop("nonce", last.signature.nonce)
        reply = replace(reply, **changes)
        return self.signed(reply.status, strict_json.loads(reply.body), target, nonce)


def _rfc3339(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()


def _handler_of(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class PeerHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers["Content-Length"])))

        def _serve(self, body: bytes) -> None:
            if self.path == "/v1/hub-keys":
                self._send(peer.hub_keys())
            else:
                url = f"http://{self.headers['Host']}{self.path}"
                self._send(peer.answer(self.command, url, self.headers, body))

        def _send(self, reply: Reply) -> None:
            if reply.close:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return PeerHandler


@pytest.fixture
def peer(partner_key: PrivateKey, hub_key: PrivateKey, root_key: PrivateKey) -> Iterator[Peer]:
    peer = Peer(partner_key, hub_key, root_key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(peer))
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield peer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses() -> list[float]:
    """What the client slept, in seconds, without sleeping."""
    return []


@pytest.fixture
def client(peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, pauses: list[float]) -> Iterator[Client]:
    with Client(
        peer.url,
        PARTNER,
        partner_key,
        root_key=root_key.public,
        timeout=(2.0, 5.0),
        clock=lambda: NOW,
        sleep=pauses.append,
    ) as client:
        yield client
