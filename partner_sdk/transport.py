"""Signed requests out, verified answers in, and again when that can help.

Every attempt is signed afresh (new nonce, new `created`) over the same body bytes, so that a repetition is the
same request to the hub's idempotency and a new one to its freshness check. An answer counts only when the hub
signed it for this very attempt; anything else, be it a proxy's error page or a redirect, is a failed transport.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from partner_sdk.claims import is_proof
from partner_sdk.errors import HansaError, NoAnswer, ReceiptNotKept, Refused, UntrustedAnswer, WrongEnvironment, refused
from partner_sdk.hub_clock import HubClock
from partner_sdk.hub_keyring import HubKeyring
from partner_sdk.key_list_memory import KeyListMemory
from partner_sdk.receipts import SIGNED_FIELDS, Receipt, Receipts
from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.keys import PublicKey, SigningKey, key_id
from partner_sdk.wire.signatures import (
    MAX_AGE_S,
    MAX_AHEAD_S,
    MAX_LIFETIME_S,
    RequestTarget,
    ResponseSignature,
    SignatureRefused,
    content_digest,
    parse_request_signature,
    sign_request,
    signature_base,
    verify_response,
)

CONTENT_TYPE = "application/json"
MAX_ANSWER_BYTES = 64 * 2**20
MAX_WAIT_S = 60

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_CONNECTIONS = 64


def full_jitter(longest_s: float) -> float:
    """A random pause up to the longest one, so that many tills do not come back all at once."""
    return secrets.SystemRandom().uniform(0, longest_s)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to try in all; times in seconds."""

    connect_timeout_s: float
    read_timeout_s: float
    attempts: int
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = full_jitter


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as it came, read to its end; `request_id` is its request's nonce."""

    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    body: bytes
    request_id: str | None


def open_session() -> requests.Session:
    """A session that takes nothing from the environment (no proxies, no .netrc) and keeps no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class Transport:
    """One partner's line to one hub; thread-safe."""

    def __init__(
        self,
        hub: str,
        partner_id: str,
        key: SigningKey,
        root_key: PublicKey,
        *,
        clock: Callable[[], float],
        patience: Patience,
        session: requests.Session,
        trace: Callable[[bytes], None] | None = None,
        receipts: Receipts | None = None,
        memory: KeyListMemory | None = None,
    ) -> None:
        self.environment = key.environment
        self._hub = _checked_url(hub)
        self._key = key
        self._keyid = key_id(partner_id, key.public)
        self._patience = patience
        self._session = session
        self._trace = trace
        self._receipts = receipts
        self._clock = HubClock(clock)
        self._keyring = HubKeyring(root_key, self._fetch_hub_keys, self._clock.now, memory)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The verified answer to a GET; raises HansaError. `path` is escaped already, `query` is not."""
        return self._call(self._prepare("GET", f"{path}?{urlencode(query)}" if query else path))

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """The verified answer to a POST of JSON; raises HansaError."""
        return self._call(self._prepare("POST", path, body))

    def post_once(self, path: str, body: bytes) -> dict[str, Any]:
        """The verified answer to one attempt at a POST; raises HansaError."""
        return self._attempt(self._prepare("POST", path, body))

    def hub_key(self, keyid: str) -> PublicKey | None:
        """The hub's key of that name, or None; raises TransportError if the hub has to be asked and cannot be."""
        return self._keyring.public_of(keyid)

    def hub_key_at(self, keyid: str, at: float) -> PublicKey | None:
        """The hub's key of that name if it was good at that time, in epoch seconds; raises TransportError."""
        return self._keyring.public_of_then(keyid, at)

    def bind(self) -> str:
        """Use the key for hubs of its environment only, or if it names none, of this hub's; raises TransportError."""
        self.environment = self.environment or self._keyring.environment()
        return self.environment

    def hub_time(self) -> float:
        """The hub's clock in epoch seconds, as far as it is known."""
        return self._clock.now()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def after_fork_in_child(self) -> None:
        """Leave the connections of the process that this one was forked from to it, and the locks of its threads."""
        self._keyring.after_fork_in_child()
        self._session.cookies = copy(self._session.cookies)
        for adapter in self._session.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                adapter.proxy_manager = {}
                adapter.init_poolmanager(_CONNECTIONS, _CONNECTIONS)

    def _prepare(self, method: str, path: str, body: bytes | None = None) -> requests.PreparedRequest:
        headers = {"Accept": CONTENT_TYPE, "Accept-Encoding": "identity", "User-Agent": "hansa-partner-sdk"}
        if body is not None:
            headers |= {"Content-Type": CONTENT_TYPE, "Content-Digest": content_digest(body)}
        return requests.Request(method, self._hub + path, headers, data=body).prepare()

    def _call(self, request: requests.PreparedRequest) -> dict[str, Any]:
        for longest_pause_s in self._pauses():
            try:
                return self._attempt(request)
            except HansaError as failure:
                if not _may_pass_later(failure):
                    raise
                self._patience.sleep(self._patience.jitter(longest_pause_s) + _asked_pause_s(failure))
        return self._attempt(request)

    def _pauses(self) -> Iterator[float]:
        """The longest pause after each attempt but the last."""
        for made in range(self._patience.attempts - 1):
            yield min(_FIRST_PAUSE_S * 2**made, _LONGEST_PAUSE_S)

    def _attempt(self, request: requests.PreparedRequest) -> dict[str, Any]:
        """One exchange, or two when the first one taught us the hub's time."""
        try:
            return self._exchange(request)
        except Refused as refusal:
            if refusal.code != "clock_skew" or not self._clock.correct(refusal.problem.get("server_time")):
                raise
        return self._exchange(request)

    def _check_environment(self) -> None:
        """Refuse to sign with a key that is for other hubs."""
        wanted = self.environment
        if wanted is not None and (found := self._keyring.environment()) != wanted:
            raise WrongEnvironment(f"the key {self._keyid} is for {wanted} hubs, and {self._hub} is {found}")

    def _exchange(self, request: requests.PreparedRequest) -> dict[str, Any]:
        self._check_environment()
        nonce = base64url.encode(secrets.token_bytes(16))
        created = int(self._clock.now())
        target = _target(request)
        fields = sign_request(
            target, self._key, self._keyid, created=created, expires=created + MAX_LIFETIME_S, nonce=nonce
        )
        request.headers.update(fields)
        if self._trace:
            signed = parse_request_signature(fields["Signature-Input"], fields["Signature"])
            self._trace(signature_base(target, signed))
        answer = self._send(request, nonce)
        signature = self._verify(answer, target)
        value = _json_object(answer)
        if answer.status != 200:
            refusal = _refusal(answer, value)
            if refusal.code == "clock_skew":
                raise refusal
            self._check_fresh(signature, answer)
            self._keep(request, answer)
            raise refusal
        self._check_fresh(signature, answer)
        self._keep(request, answer)
        return value

    def _keep(self, request: requests.PreparedRequest, answer: _Answer) -> None:
        """Keep the receipt of what may have been recorded, before anybody acts on it."""
        if self._receipts is None or not (isinstance(request.body, bytes) and answer.status in (200, 409)):
            return
        target = _target(request)
        receipt = Receipt(
            target.method, str(request.url), target.content_type, target.content_digest, str(answer.request_id),
            request.body.decode(), answer.status, {name: answer.headers[name] for name in SIGNED_FIELDS},
            answer.body.decode(),
        )  # fmt: skip
        try:
            if is_proof(receipt):
                self._receipts.keep(receipt)
        except OSError as error:
            raise ReceiptNotKept(f"the receipt cannot be kept: {error}", answer.request_id) from error

    def _send(self, request: requests.PreparedRequest, request_id: str | None) -> _Answer:
        timeout = (self._patience.connect_timeout_s, self._patience.read_timeout_s)
        try:
            with self._session.send(request, timeout=timeout, allow_redirects=False, stream=True) as response:
                body = _read(response, request_id)
                return _Answer(response.status_code, response.headers, body, request_id)
        except requests.RequestException as error:
            raise NoAnswer(f"no answer from the hub: {error}", request_id) from error

    def _verify(self, answer: _Answer, target: RequestTarget) -> ResponseSignature:
        try:
            return verify_response(
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                target=target,
                nonce=answer.request_id,
                public_of=self._keyring.public_of,
            )
        except SignatureRefused as refusal:
            raise _untrusted(answer, refusal.detail) from None

    def _check_fresh(self, signature: ResponseSignature, answer: _Answer) -> None:
        if abs(signature.created - self._clock.now()) > MAX_AGE_S + MAX_AHEAD_S:
            raise _untrusted(answer, "it was signed at another time")

    def _fetch_hub_keys(self) -> dict[str, Any]:
        answer = self._send(self._prepare("GET", "/v1/hub-keys"), None)
        if answer.status != 200:
            raise _untrusted(answer, "the hub's key list was expected")
        return _json_object(answer)


def _checked_url(hub: str) -> str:
    parts = urlsplit(hub)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the hub is an http or https URL such as https://hub.example")
    return hub.rstrip("/")


def _target(request: requests.PreparedRequest) -> RequestTarget:
    return RequestTarget.from_url(
        str(request.method),
        str(request.url),
        request.headers.get("Content-Type"),
        request.headers.get("Content-Digest"),
    )


def _read(response: requests.Response, request_id: str | None) -> bytes:
    """Read an answer to its end, but not for ever."""
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise UntrustedAnswer(f"the answer has more than {MAX_ANSWER_BYTES} bytes", request_id)
    return bytes(body)


def _json_object(answer: _Answer) -> dict[str, Any]:
    try:
        value = strict_json.loads(answer.body)
    except strict_json.MalformedJson as fault:
        raise _untrusted(answer, fault.detail) from None
    if not isinstance(value, dict):
        raise _untrusted(answer, "a JSON object was expected")
    return value


def _refusal(answer: _Answer, problem: dict[str, Any]) -> Refused:
    if answer.status < 400 or not isinstance(problem.get("code"), str):
        raise _untrusted(answer, "neither an answer nor a refusal")
    return refused(problem, answer.status, str(answer.request_id), _retry_after_s(answer))


def _retry_after_s(answer: _Answer) -> int | None:
    """Retry-After in seconds (RFC 9110 section 10.2.3); it is not signed, so no more than a hint."""
    value = answer.headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _may_pass_later(failure: HansaError) -> bool:
    """A clock that a correction did not help will not help itself; a long wait is for the caller to decide."""
    if isinstance(failure, Refused) and failure.code == "clock_skew":
        return False
    return failure.retryable and _asked_pause_s(failure) <= MAX_WAIT_S


def _asked_pause_s(failure: HansaError) -> int:
    return failure.retry_after_s or 0 if isinstance(failure, Refused) else 0


def _untrusted(answer: _Answer, detail: str) -> UntrustedAnswer:
    return UntrustedAnswer(f"HTTP {answer.status} that is not the hub's word: {detail}", answer.request_id)
