"""The two hubs behind one face: a scenario asks, and cannot tell which of them answers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from hub.services import business_clock, exchange_rates, partners, reviews, sealing, webhooks
from hub.services.webhook_delivery import Attempt, Outcome, deliver_next
from partner_sdk import Client
from partner_sdk.errors import Refused
from partner_sdk.testing import LocalHub, Terms
from partner_sdk.transport import Patience, Transport, open_session
from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id, registration
from tests.support import coalition
from tests.support.network import Network

PATIENCE = 3_000
"""How often to look whether a transaction has ended, a hundredth of a second apart."""
_LAST = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
_HAS_ENDED = text("SELECT cast(:last AS xid8) <= pg_snapshot_xmin(pg_current_snapshot())")
Sent = tuple[str, str, dict[str, str], bytes]
"""A webhook's request: method, URL, header fields and body."""
WORDS = {"detail", "title", "type"}
RANDOM = {"quote_id", "next_cursor", "id", "content", "content_salt", "record", "checkpoint", "public_key", "proof"}
REAL_TIMES = {"next_attempt_at", "attempted_at", "former_retires_at", "retires_at", "server_time"}
PLACES = {"position", "size", "path"}
"""In the log, which the real hub has one of for all scenarios."""
KEYS = {"keyid", "former", "thumbprint"}
VARYING = frozenset(WORDS | RANDOM | REAL_TIMES | PLACES | KEYS)
"""What may differ: the words for people, and what is random, of real time, or this hub's alone."""


@dataclass
class World(ABC):
    """A hub with partners; every answer is kept, to be compared."""

    now: datetime
    prefix: str
    outcomes: list[Any] = field(default_factory=list)
    lines: dict[str, Transport] = field(default_factory=dict)
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    """The partners' keys, by the short names of these."""

    def name(self, text: str) -> str:
        """A name that this scenario has alone."""
        return f"{text}{self.prefix}"

    def card(self, text: str) -> str:
        """A member that this scenario has alone."""
        return f"card:{self.name(text)}"

    @abstractmethod
    def join(self, shop: str, terms: Terms | None = None) -> None:
        """Let a partner join; scenarios call it by its short name."""

    @abstractmethod
    def advance(self, by: timedelta) -> None:
        """Move business time."""

    @abstractmethod
    def line(self, shop: str, key: PrivateKey) -> Transport:
        """A line to the hub for a key of a partner."""

    def take_key(self, shop: str, key: PrivateKey) -> None:
        """Let a partner speak by another key from now on."""
        self.lines[shop].close()
        self.keys[shop], self.lines[shop] = key, self.line(shop, key)

    def register(self, shop: str, key: PrivateKey) -> None:
        """Register a key, which signs for itself."""
        usual, self.lines[shop] = self.lines[shop], self.line(shop, key)
        self.post(shop, "/v1/keys", **registration(self.name(shop), key))
        self.lines[shop].close()
        self.lines[shop] = usual

    @abstractmethod
    def client(self, shop: str, **options: Any) -> Client:
        """The client of a partner; the caller closes it."""

    @abstractmethod
    def decide(self, shop: str, event_id: str, reason: str = "") -> None:
        """Release a late event, or reject it for a reason."""

    @abstractmethod
    def seal(self) -> None:
        """Let everything get its place in the log."""

    @abstractmethod
    def approve(self, shop: str, key: PrivateKey) -> None:
        """Approve a key that was registered."""

    @abstractmethod
    def deliver(self, send: Callable[[Sent], int]) -> None:
        """Let webhooks be tried once each: what waits, until something fails."""

    def told(self, shop: str, status: int = 200) -> None:
        """Take what webhooks tell a partner, verify it, note it, and answer with a status."""
        with self.client(shop) as client:
            receiver, told = client.webhook_receiver(), []

            def take(sent: Sent) -> int:
                message = receiver.verify(*sent)
                told.append((sent[1], message.topic, message.occurred_at, masked(dict(message.data))))
                return status

            self.deliver(take)
        self.outcomes += sorted(told, key=lambda one: one[0])

    def ask(self, shop: str, method: str, path: str, content: Any = None) -> dict[str, Any]:
        """Ask and note the outcome, which is returned too."""
        line = self.lines[shop]
        try:
            answer = line.get(path) if method == "GET" else line.post(path, strict_json.dumps(content))
            outcome = {"http": 200, **answer}
        except Refused as refusal:
            outcome = {"http": refusal.status, **refusal.problem}
        self.outcomes.append((method, path.partition("cursor=")[0], masked(outcome)))
        return outcome

    def post(self, shop: str, path: str, **content: Any) -> dict[str, Any]:
        """Ask by POST."""
        return self.ask(shop, "POST", path, content)

    def get(self, shop: str, path: str) -> dict[str, Any]:
        """Ask by GET."""
        return self.ask(shop, "GET", path)

    def close(self) -> None:
        """Hang up."""
        for line in self.lines.values():
            line.close()


@dataclass
class RealWorld(World):
    """The running hub."""

    net: Network = field(kw_only=True)

    def join(self, shop: str, terms: Terms | None = None) -> None:
        own = terms or Terms()
        partner, hub = self.name(shop), self.net.hub
        maturity = {"confirmed": True} if own.confirmed else {"days": own.pending_days}
        agreed = {"maturity": maturity, "refunds": own.refunds, "late_days": own.late_days}
        key = coalition.join(
            hub, partner, points=own.points, per_minor=own.per_minor, price=own.price, life_months=own.life_months,
            enrols_unknown=own.enrols_unknown, terms=agreed,
        )  # fmt: skip
        self.keys[shop] = key
        for exchange in own.exchanges:
            exchange_rates.publish(hub, partner, own.valid_from, exchange)
        self.lines[shop] = self.line(shop, key)

    def advance(self, by: timedelta) -> None:
        self.now += by
        business_clock.move(self.net.hub, self.now)

    def ask(self, shop: str, method: str, path: str, content: Any = None) -> dict[str, Any]:
        if method == "GET":
            self._let_writers_end()
        return super().ask(shop, method, path, content)

    def _let_writers_end(self) -> None:
        """Wait till no writer is open, of any database of this server: lists of events and webhooks wait for them."""
        with self.net.hub.database.connect() as connection:
            last = connection.execute(_LAST).scalar_one()
        for _ in range(PATIENCE):
            with self.net.hub.database.connect() as connection:
                if connection.execute(_HAS_ENDED, {"last": last}).scalar_one():
                    return
            time.sleep(0.01)
        raise TimeoutError("a transaction stays open")

    def line(self, shop: str, key: PrivateKey) -> Transport:
        root = self.net.hub.keyring.root.public
        return _line(self.net.server.url, self.name(shop), key, root, open_session())

    def client(self, shop: str, **options: Any) -> Client:
        root = self.net.hub.keyring.root.public
        return Client(self.net.server.url, self.name(shop), self.keys[shop], root_key=root, attempts=1, **options)

    def decide(self, shop: str, event_id: str, reason: str = "") -> None:
        named = self.net.hub, f"{self.name(shop)}/{self.name(event_id)}", "operator"
        if reason:
            reviews.reject(*named, reason)
        else:
            self.outcomes.append(masked(reviews.release(*named, "a season at sea")["result"]))

    def seal(self) -> None:
        sealing.seal(self.net.hub)

    def approve(self, shop: str, key: PrivateKey) -> None:
        partners.approve_key(self.net.hub, self.name(shop), key_id(self.name(shop), key.public))

    def deliver(self, send: Callable[[Sent], int]) -> None:
        hub = self.net.hub
        webhooks.announce_retiring_keys(hub)
        self._let_writers_end()
        with hub.database.connect() as connection:
            connection.execute(text("UPDATE hub.webhook SET next_attempt_at = created_at"))

        def carry(attempt: Attempt) -> Outcome:
            return Outcome(send(("POST", attempt.url, attempt.headers, attempt.body)))

        while deliver_next(hub, carry) is not None:
            pass


@dataclass
class LocalWorld(World):
    """The hub in this process."""

    hub: LocalHub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = LocalHub(self.now)

    def join(self, shop: str, terms: Terms | None = None) -> None:
        partner = self.name(shop)
        self.keys[shop] = key = self.hub.join(partner, terms)
        self.lines[shop] = self.line(shop, key)

    def advance(self, by: timedelta) -> None:
        self.now += by
        self.hub.move_to(self.now)

    def line(self, shop: str, key: PrivateKey) -> Transport:
        root = PublicKey.from_text(self.hub.root_key)
        return _line(self.hub.url, self.name(shop), key, root, self.hub.session())

    def client(self, shop: str, **options: Any) -> Client:
        return self.hub.client(self.name(shop), self.keys[shop], attempts=1, **options)

    def decide(self, shop: str, event_id: str, reason: str = "") -> None:
        named = self.name(shop), self.name(event_id)
        if reason:
            self.hub.reject(*named, reason)
        else:
            self.outcomes.append(masked(self.hub.release(*named)))

    def seal(self) -> None:
        pass

    def approve(self, shop: str, key: PrivateKey) -> None:
        self.hub.approve(key_id(self.name(shop), key.public))

    def deliver(self, send: Callable[[Sent], int]) -> None:
        self.hub.deliver(send)


def _line(url: str, partner: str, key: PrivateKey, root: Any, session: Any) -> Transport:
    patience = Patience(3.0, 30.0, 1)
    return Transport(url, partner, key, root, clock=time.time, patience=patience, session=session)


def masked(value: Any) -> Any:
    """A value without what may vary."""
    if isinstance(value, dict):
        return {name: masked(part) for name, part in value.items() if name not in VARYING}
    return [masked(part) for part in value] if isinstance(value, list) else value


Scenario = Callable[[World], None]
