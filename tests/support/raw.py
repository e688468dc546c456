"""A client that says exactly what a test tells it to, right or wrong, and verifies what comes back."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from partner_sdk.wire import signatures
from partner_sdk.wire.hub_keys import read_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id
from partner_sdk.wire.signatures import RequestTarget

JSON_TYPE = "application/json"
TIMEOUT_S = 60
Fields = Sequence[tuple[str, str]]


@dataclass
class Answer:
    """What came back; ``signed`` tells whether the hub's signature binds it to the request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    signed: bool

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        return str(self.json["code"])


class RawClient:
    """Signs requests for one partner; every part can be replaced after signing."""

    def __init__(self, authority: str, partner: str, key: PrivateKey, root: PublicKey) -> None:
        self.authority, self.partner, self.key, self.root = authority, partner, key, root
        self.keyid = key_id(partner, key.public)
        self.hub_keys: dict[str, PublicKey] = {}
        listed = self.exchange("GET", "/v1/hub-keys", {}, None)
        self.hub_keys = {one.keyid: one.public for one in read_key_list(listed.json, root).keys}

    def call(self, method: str, path: str, content: Any = None) -> Answer:
        """Send a proper request."""
        body = None if content is None else json.dumps(content).encode()
        return self.send(method, path, body)

    def send(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send any body, properly signed."""
        return self.exchange(method, path, self.signed(method, path, body), body)

    def target(self, method: str, path: str, body: bytes | None) -> RequestTarget:
        """The target of a request, with the fields that go with its body."""
        fields = [("Host", self.authority)]
        if body:
            fields += [("Content-Type", JSON_TYPE), ("Content-Digest", signatures.content_digest(body))]
        return _target(method, path, fields)

    def signed(
        self, method: str, path: str, body: bytes | None, *, created: int | None = None, lifetime: int = 300
    ) -> dict[str, str]:
        """The header fields of a proper request."""
        target = self.target(method, path, body)
        now = int(time.time()) if created is None else created
        fields = signatures.sign_request(
            target,
            self.key,
            self.keyid,
            created=now,
            expires=now + lifetime,
            nonce=secrets.token_urlsafe(16),
        )
        if target.content_digest and target.content_type:
            fields |= {"Content-Type": target.content_type, "Content-Digest": target.content_digest}
        return fields

    def exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send exactly this and read the answer."""
        fields = [("Host", self.authority), *headers.items()]
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        return self.transmit(method, path, fields, body or b"")

    def transmit(self, method: str, target: str, fields: Fields, content: bytes) -> Answer:
        """Write a request byte for byte, its fields in any number and spelling, and read the answer."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        host, port = self.authority.rsplit(":", 1)
        with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
            # A hub that has refused already need not read the rest; its answer is there all the same.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(head + content)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            body = answer.read()
        signed = self._is_signed(_target(method, target, fields), fields, answer, body)
        return Answer(answer.status, answer.headers, body, signed)

    def _is_signed(self, target: RequestTarget, sent: Fields, answer: http.client.HTTPResponse, body: bytes) -> bool:
        """Tell whether the hub's signature binds the answer to the request as it was sent."""
        try:
            signatures.verify_response(
                status=answer.status,
                headers=answer.headers,
                body=body,
                target=target,
                nonce=signatures.echoed_nonce(_field(sent, "signature-input")),
                public_of=self.hub_keys.get,
            )
        except signatures.SignatureRefused:
            return False
        return True


def _target(method: str, target: str, fields: Fields) -> RequestTarget:
    """What a signature covers of a request, from its raw target and its fields."""
    path, _, query = target.partition("?")
    return RequestTarget(
        method,
        (_field(fields, "host") or "").lower(),
        path,
        f"?{query}",
        _field(fields, "content-type"),
        _field(fields, "content-digest"),
    )


def _field(fields: Fields, name: str) -> str | None:
    """A header field's value, several lines of it joined (RFC 9110 section 5.3)."""
    values = [value.strip() for own, value in fields if own.lower() == name]
    return ", ".join(values) if values else None
