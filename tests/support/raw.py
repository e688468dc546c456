"""A client that says exactly what a test tells it to, right or wrong, and verifies what comes back."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from partner_sdk.wire import signatures
from partner_sdk.wire.hub_keys import read_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id
from partner_sdk.wire.signatures import RequestTarget

JSON_TYPE = "application/json"


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
        url = f"http://{self.authority}{path}"
        if not body:
            return RequestTarget.from_url(method, url)
        return RequestTarget.from_url(method, url, JSON_TYPE, signatures.content_digest(body))

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
        connection = http.client.HTTPConnection(self.authority, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        signed = self._is_signed(method, path, headers, answer.status, answer.headers, content)
        return Answer(answer.status, answer.headers, content, signed)

    def _is_signed(
        self,
        method: str,
        path: str,
        sent: dict[str, str],
        status: int,
        headers: http.client.HTTPMessage,
        body: bytes,
    ) -> bool:
        url = f"http://{sent.get('Host', self.authority)}{path}"
        target = RequestTarget.from_url(method, url, sent.get("Content-Type"), sent.get("Content-Digest"))
        nonces = [part[7:-1] for part in sent.get("Signature-Input", "").split(";") if part.startswith("nonce=")]
        nonce = nonces[0] if len(nonces) == 1 and len(nonces[0]) == 22 else None
        try:
            signatures.verify_response(
                status=status,
                headers=headers,
                body=body,
                target=target,
                nonce=nonce,
                public_of=getattr(self, "hub_keys", {}).get,
            )
        except signatures.SignatureRefused:
            return False
        return True
