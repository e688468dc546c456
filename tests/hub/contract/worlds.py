"""The two hubs behind one face: a scenario asks, and cannot tell which of them answers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.services import business_clock, exchange_rates
from partner_sdk.errors import Refused
from partner_sdk.testing import LocalHub, Terms
from partner_sdk.transport import Patience, Transport, open_session
from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import PrivateKey
from tests.support import coalition
from tests.support.network import Network

VARYING = frozenset({"quote_id", "next_cursor", "detail", "title", "type"})
"""What may differ: what is random, and the words for people."""


@dataclass
class World(ABC):
    """A hub with partners; every answer is kept, to be compared."""

    now: datetime
    prefix: str
    outcomes: list[Any] = field(default_factory=list)
    lines: dict[str, Transport] = field(default_factory=dict)

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
        agreed = {"maturity": maturity, "refunds": own.refunds}
        key = coalition.join(
            hub, partner, points=own.points, per_minor=own.per_minor, price=own.price, life_months=own.life_months,
            enrols_unknown=own.enrols_unknown, terms=agreed,
        )  # fmt: skip
        for exchange in own.exchanges:
            exchange_rates.publish(hub, partner, own.valid_from, exchange)
        self.lines[shop] = _line(self.net.server.url, partner, key, self.net.hub.keyring.root.public, open_session())

    def advance(self, by: timedelta) -> None:
        self.now += by
        business_clock.move(self.net.hub, self.now)


@dataclass
class LocalWorld(World):
    """The hub in this process."""

    hub: LocalHub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = LocalHub(self.now)

    def join(self, shop: str, terms: Terms | None = None) -> None:
        partner = self.name(shop)
        key = self.hub.join(partner, terms)
        root = PrivateKey.generate().public.from_text(self.hub.root_key)
        self.lines[shop] = _line(self.hub.url, partner, key, root, self.hub.session())

    def advance(self, by: timedelta) -> None:
        self.now += by
        self.hub.move_to(self.now)


def _line(url: str, partner: str, key: PrivateKey, root: Any, session: Any) -> Transport:
    patience = Patience(3.0, 30.0, 1)
    return Transport(url, partner, key, root, clock=time.time, patience=patience, session=session)


def masked(value: Any) -> Any:
    """A value without what may vary."""
    if isinstance(value, dict):
        return {name: masked(part) for name, part in value.items() if name not in VARYING}
    return [masked(part) for part in value] if isinstance(value, list) else value


Scenario = Callable[[World], None]
