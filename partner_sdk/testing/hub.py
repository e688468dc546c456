"""A hub inside a test's own process: it remembers, it verifies, it signs; no network, no server, no database.

Requests come in through the session of the real client and pass the wire's own verifier, strict JSON and schemas;
answers go out signed by keys that a pinned root key vouches for. So what an integrator tests is the whole SDK,
and what they need not have is a hub.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from threading import RLock
from typing import Any, NamedTuple

from requests import Session

from partner_sdk.client import Client
from partner_sdk.testing import keys, routes, sales, webhooks
from partner_sdk.testing.accounts import Account, LotKey
from partner_sdk.testing.adapter import open_session
from partner_sdk.testing.books import Books, Coalition, spelled
from partner_sdk.testing.faults import AFTER, BEFORE, REFUSING, Fault, Reply, late
from partner_sdk.testing.gate import Delivery, Received, Refusal, RegisteredKey, Send, authenticate
from partner_sdk.testing.keys import SANDBOX
from partner_sdk.testing.log import Log
from partner_sdk.testing.terms import Terms
from partner_sdk.wire import sandbox_members, strict_json
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE, problem
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.schemas import KeyRegistration
from partner_sdk.wire.signatures import echoed_nonce, sign_response

AUTHORITY = "hub.test"
_HUB_KEYS = "/v1/hub-keys"
_PATIENT = {429, 503}


class Seen(NamedTuple):
    """A request that reached the hub."""

    method: str
    path: str
    body: bytes


class LocalHub:
    """The hub of one test. Partners `join` it with their terms; `client(partner)` speaks for one.

    Business time is real time, until `move_to` or `advance` moves it; then it stands until it is moved again.
    `skew_s` puts the hub's real clock ahead of the tills'. `pauses` are what clients would have slept, in seconds.
    """

    url = f"https://{AUTHORITY}"

    def __init__(self, now: datetime | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.skew_s = 0.0
        self.seen: list[Seen] = []
        self.pauses: list[float] = []
        self._root, self._signing, self._stranger = (PrivateKey.generate() for _ in range(3))
        self._clock, self._now = clock, now
        self._coalition = Coalition(Log(self._root.public, self._signing))
        self._books, self.keys = self._coalition.books, self._coalition.keys
        self._private: dict[str, PrivateKey] = {}
        self._faults: deque[Fault | None] = deque()
        self._lock = RLock()

    # --- whom it knows ---

    @property
    def root_key(self) -> str:
        """The root key to pin, as an operator hands it out."""
        return self._root.public.text()

    def join(self, partner: str, terms: Terms | None = None) -> PrivateKey:
        """Let a partner join with its terms and an approved key, which is returned."""
        books = Books(partner, terms or Terms(), self._coalition, self.now)
        self._books[partner] = books
        self._private[partner] = key = PrivateKey.generate()
        keyid = key_id(partner, key.public)
        self.keys[keyid] = RegisteredKey(keyid, partner, key.public)
        return key

    def client(self, partner: str, key: PrivateKey | None = None, **options: Any) -> Client:
        """The real client of a partner, which joins with the usual terms if it has not; `options` are Client's."""
        if partner not in self._books:
            self.join(partner)
        usual: dict[str, Any] = {"root_key": self._root.public, "clock": self._clock, "sleep": self.pauses.append}
        if "session" not in options:
            usual["session"] = self.session()
        return Client(self.url, partner, key or self._private[partner], **(usual | options))

    def session(self) -> Session:
        """A session that leads here, for a Client of your own making."""
        return open_session(self.answer)

    def approve(self, keyid: str) -> None:
        """Make a key that was registered active, as an operator does; what was active retires after seven days."""
        keys.approve(self._coalition, keyid, self._real_time())

    def give(self, partner: str, member: str, points: int, expires_on: date | None = None) -> None:
        """Let a member have points of a partner, out of nothing, as something to start a test from."""
        books = self._books[partner]
        until = expires_on or books.terms.expires_on(self.now.date())
        books.enrol(member).lots[LotKey(until, partner)] += points

    def name_charity(self, member: str) -> None:
        """Let donations go to a member."""
        self._coalition.members.setdefault(spelled(member), Account()).charity = True

    def release(self, partner: str, event_id: str) -> dict[str, Any]:
        """Let a late event that is quarantined count, as an operator may; returns its result."""
        books = self._books[partner]
        books.now, review = self.now, books.reviews[event_id]
        review.state = "released"
        return (sales.earned if review.kind == "earning" else sales.refunded_one)(books, review.reported)

    def reject(self, partner: str, event_id: str, reason: str) -> None:
        """Reject a late event that is quarantined, for a reason that the partner is told when it asks again."""
        review = self._books[partner].reviews[event_id]
        review.state, review.reason = "rejected", reason

    # --- what it tells ---

    def deliver(self, send: Send) -> int:
        """Give the webhooks' requests that wait to a function, in order, until one is not answered by 2xx.

        `send` returns the status of the answer, or None for none. Whatever failed before is tried again, the tenth
        failure is the last. Returns how many were delivered.
        """
        at = datetime.fromtimestamp(self._real_time(), UTC)
        return sum(webhooks.deliver(books, self._signing, at, send) for books in self._books.values())

    def take_webhooks(self) -> list[Delivery]:
        """The webhooks' requests that wait, which are delivered thereby."""
        taken: list[Delivery] = []

        def send(request: Delivery) -> int:
            taken.append(request)
            return 204

        self.deliver(send)
        return taken

    # --- what time it is, and what goes wrong ---

    @property
    def now(self) -> datetime:
        """Business time."""
        return self._now or datetime.fromtimestamp(self._clock(), UTC)

    def move_to(self, at: datetime) -> None:
        """Move business time forward to an instant, where it stands."""
        if at < self.now:
            raise ValueError("business time moves forward only")
        self._now = at

    def advance(self, by: timedelta) -> None:
        """Move business time forward."""
        self.move_to(self.now + by)

    def fail_next(self, *faults: Fault | None) -> None:
        """Let the next requests fail, each in its way; None lets one through."""
        self._faults.extend(faults)

    # --- answering ---

    def answer(self, received: Received) -> Reply:
        """Answer one request as the hub would, or as a fault has it."""
        with self._lock:
            path = received.target.path
            if path == _HUB_KEYS:
                return self._signed(received, 200, sign_key_list(self._key_list(), self._root), self._signing)
            self.seen.append(Seen(received.target.method, path + received.target.query.rstrip("?"), received.body))
            fault = self._faults.popleft() if self._faults else None
            if fault in BEFORE:
                return BEFORE[fault]()
            reply = self._decided(received, fault)
            return AFTER[fault](reply) if fault in AFTER else reply

    def _decided(self, received: Received, fault: Fault | None) -> Reply:
        key = self._stranger if fault is Fault.BAD_SIGNATURE else self._signing
        try:
            if fault in REFUSING:
                raise Refusal(*REFUSING[fault])
            return self._signed(received, 200, self._handled(received), key)
        except Refusal as refusal:
            content = problem(refusal.code, refusal.detail, **refusal.members)
            return self._signed(received, CODES[refusal.code].status, content, key)

    def _handled(self, received: Received) -> dict[str, Any]:
        target = received.target
        if (target.method, target.path) == ("POST", "/v1/keys"):
            return self._register_unknown(received)
        matched = routes.find(target.method, target.path)
        key = authenticate(received, self.keys, AUTHORITY, self._real_time())
        books = self._books[key.partner]
        books.now, books.requests = self.now, books.requests + 1
        books.caller, books.asked_at = key, datetime.fromtimestamp(self._real_time(), UTC)
        asked = matched.asked(received)
        body = asked[0] if target.method == "POST" else {}
        forced = sandbox_members.named(body, matched.path)

        def usual(body: Mapping[str, Any]) -> dict[str, Any]:
            return matched.route.answer(books, *([body, *asked[1:]] if target.method == "POST" else asked))

        return sandbox_members.play(body, forced, usual, Refusal, late)

    def _register_unknown(self, received: Received) -> dict[str, Any]:
        """Take in a key that proves itself; it stays pending until `approve`."""
        document = routes.body_of(KeyRegistration, received)
        partner, public = document["partner"], keys.proven(document)
        new = RegisteredKey(key_id(partner, public), partner, public, "pending")
        authenticate(received, {new.keyid: RegisteredKey(new.keyid, partner, public)}, AUTHORITY, self._real_time())
        return keys.register(self._coalition, new)

    def _signed(self, received: Received, status: int, content: Any, key: PrivateKey) -> Reply:
        body = strict_json.dumps(content)
        content_type = "application/json" if status == 200 else PROBLEM_TYPE
        fields = sign_response(
            status=status,
            content_type=content_type,
            body=body,
            target=received.target,
            nonce=echoed_nonce(received.headers.get("signature-input")),
            key=key,
            keyid=key_id("hub", self._signing.public),
            created=int(self._real_time()),
        )
        patience = {"Retry-After": "1"} if status in _PATIENT else {}
        return Reply(status, {"Content-Type": content_type, **fields, **patience}, body)

    def _key_list(self) -> HubKeyList:
        listed = HubKey(key_id("hub", self._signing.public), self._signing.public, 0)
        return HubKeyList(1, SANDBOX, (listed,), int(self._real_time()))

    def _real_time(self) -> float:
        return self._clock() + self.skew_s
