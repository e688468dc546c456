"""Requests that a test spells out itself: every field in its hand, signed over whatever it says.

The signature base is written here a second time, from RFC 9421 section 2.5 alone, so that a test can sign what
the real client never would.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

from partner_sdk.wire.signatures import content_digest
from tests.support.raw import JSON_TYPE, RawClient

BODY_INNER = '("@method" "@authority" "@path" "@query" "content-type" "content-digest")'
PLAIN_INNER = '("@method" "@authority" "@path" "@query")'


class Sent(NamedTuple):
    """A request as it goes over the wire; `RawClient.transmit` takes its four parts."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes = b""

    def field(self, name: str) -> str:
        """The value of a field that is there."""
        return next(value for own, value in self.fields if own == name)

    def having(self, name: str, *values: str) -> Sent:
        """The same with these lines of a field in place of its own; none to leave it out."""
        kept = [(own, value) for own, value in self.fields if own != name]
        return self._replace(fields=[*kept, *((name, value) for value in values)])

    def changed(self, name: str, pattern: str, replacement: str) -> Sent:
        """The same with a part of a field replaced."""
        value, count = re.subn(pattern, replacement, self.field(name), count=1)
        assert count == 1
        return self.having(name, value)


def unsigned(client: RawClient, method: str, target: str, body: bytes = b"", content_type: str = JSON_TYPE) -> Sent:
    """A request with all its fields but the signature's."""
    fields = [("Host", client.authority)]
    if body:
        fields += [
            ("Content-Type", content_type),
            ("Content-Digest", content_digest(body)),
            ("Content-Length", str(len(body))),
        ]
    return Sent(method, target, fields, body)


def usual(client: RawClient, created: int | None = None, lifetime: int = 200) -> dict[str, str]:
    """The parameters of an honest signature, as they are written."""
    at = int(time.time()) if created is None else created
    return {
        "created": str(at),
        "expires": str(at + lifetime),
        "nonce": f'"{secrets.token_urlsafe(16)}"',
        "keyid": f'"{client.keyid}"',
        "tag": '"hansa-request"',
    }


def written(params: dict[str, str]) -> list[str]:
    """Parameters, each as it stands in the field."""
    return [f"{name}={value}" for name, value in params.items()]


def sign(client: RawClient, sent: Sent, params: Sequence[str] | None = None, inner: str | None = None) -> Sent:
    """Sign exactly these components with exactly these parameters, whatever they say."""
    covered = inner or (BODY_INNER if sent.body else PLAIN_INNER)
    text = ";".join((covered, *(written(usual(client)) if params is None else params)))
    path, _, query = sent.target.partition("?")
    values = {"@method": sent.method, "@authority": client.authority, "@path": path, "@query": f"?{query}"}
    values |= {name.lower(): value for name, value in sent.fields}
    lines = [f'"{name}": {values[name]}' for name in re.findall(r'"([a-z@-]+)"', covered)]
    base = "\n".join([*lines, f'"@signature-params": {text}'])
    signature = base64.b64encode(client.key.sign(base.encode("latin-1"))).decode()
    fields = [*sent.fields, ("Signature-Input", f"sig={text}"), ("Signature", f"sig=:{signature}:")]
    return sent._replace(fields=fields)
