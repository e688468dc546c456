"""Requests that a gate must refuse, made for whichever hub is asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import RequestTarget, content_digest, sign_request

BODY = b'{"members":[{"member":"card:gate"}]}'


@dataclass(frozen=True)
class Letter:
    """A request before it is signed, and what is to be spoilt before or after that."""

    authority: str
    partner: str
    key: PrivateKey
    method: str = "POST"
    path: str = "/v1/members"
    body: bytes = BODY
    content_type: str = "application/json"
    keyid: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    signed_authority: str = ""
    after: Callable[[dict[str, str]], None] = lambda headers: None

    @property
    def target(self) -> RequestTarget:
        """What the signature is over."""
        about = (self.content_type, content_digest(self.body)) if self.body else (None, None)
        path, _, query = self.path.partition("?")
        return RequestTarget(self.method, self.signed_authority or self.authority, path, "?" + query, *about)

    def headers(self) -> dict[str, str]:
        """The header fields as they are sent."""
        keyid = self.keyid or key_id(self.partner, self.key.public)
        nonce, target = secrets.token_urlsafe(16), self.target
        fields = sign_request(target, self.key, keyid, created=self.created, expires=self.created + 200, nonce=nonce)
        if target.content_digest and target.content_type:
            fields |= {"Content-Type": target.content_type, "Content-Digest": target.content_digest}
        self.after(fields)
        return fields


def _without(name: str) -> Callable[[dict[str, str]], None]:
    return lambda headers: headers.__delitem__(name)


def _with(name: str, value: str) -> Callable[[dict[str, str]], None]:
    return lambda headers: headers.__setitem__(name, value)


def _damaged(headers: dict[str, str]) -> None:
    headers["Signature-Input"] = headers["Signature-Input"].replace(";tag", ";colour=1;tag")


SPOILT: dict[str, Callable[[Letter], Letter]] = {
    "sound": lambda letter: letter,
    "unsigned": lambda letter: replace(letter, after=_without("Signature")),
    "garbled": lambda letter: replace(letter, after=_with("Signature-Input", "sig=(")),
    "strange parameter": lambda letter: replace(letter, after=_damaged),
    "old": lambda letter: replace(letter, created=letter.created - 301),
    "ahead": lambda letter: replace(letter, created=letter.created + 60),
    "unknown key": lambda letter: replace(letter, key=PrivateKey.generate()),
    "another's signature": lambda letter: replace(
        letter, keyid=key_id(letter.partner, letter.key.public), key=PrivateKey.generate()
    ),
    "digest of other bytes": lambda letter: replace(letter, after=_with("Content-Digest", content_digest(b"{}"))),
    "digest that is none": lambda letter: replace(letter, after=_with("Content-Digest", "sha-256=:x:")),
    "another path": lambda letter: replace(letter, after=_with("Signature", "sig=:" + "A" * 86 + "==:")),
    "no JSON type": lambda letter: replace(letter, content_type="text/plain"),
    "no JSON": lambda letter: replace(letter, body=b'{"members":'),
    "byte order mark": lambda letter: replace(letter, body=b"\xef\xbb\xbf" + BODY),
    "twice the same member": lambda letter: replace(letter, body=b'{"members":[],"members":[]}'),
    "a float": lambda letter: replace(letter, body=b'{"members":1.5}'),
    "unknown member": lambda letter: replace(letter, body=BODY[:-1] + b',"more":1}'),
    "no body": lambda letter: replace(letter, body=b""),
    "a body where none belongs": lambda letter: replace(letter, method="GET", path="/v1/rates"),
    "nothing there": lambda letter: replace(letter, path="/v1/nothing"),
    "another method": lambda letter: replace(letter, path="/v1/ping"),
}
