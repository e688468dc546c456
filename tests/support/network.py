"""A coalition whose hub really runs: partners that join it, clients that speak for them, rows that are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hub.services import ledger_check
from hub.services.context import Hub
from partner_sdk.wire.keys import PrivateKey
from tests.support import coalition, server
from tests.support.coalition import Coalition
from tests.support.raw import Answer, RawClient
from tests.support.server import Server

TABLES = (
    "hub.event", "hub.transfer", "hub.evidence", "hub.lot", "hub.hold", "hub.exchange", "hub.debt", "hub.member",
    "hub.member_identifier", "hub.merged", "hub.pool", "hub.pool_member", "hub.partner_key", "hub.card_change",
    "hub.card_purchase", "hub.card_bonus", "hub.claim", "hub.claim_move",
    "settlement.obligation",
)  # fmt: skip
_COUNT = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)


@dataclass
class Network:
    """A running hub and its coalition; names from `fresh` never repeat, so tests can share one."""

    coalition: Coalition
    server: Server
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def hub(self) -> Hub:
        """The hub's services on the same database, for an operator's hand."""
        return self.coalition.hub

    def client(self, partner: str, key: PrivateKey | None = None) -> RawClient:
        """A client that signs for a partner."""
        own = key or self.coalition.keys[partner]
        return RawClient(self.server.authority, partner, own, self.hub.keyring.root.public)

    def fresh(self, prefix: str) -> str:
        """A name that nobody has used."""
        return f"{prefix}{next(self._numbers)}"

    def join(self, **terms: Any) -> RawClient:
        """Let a new partner join and return its client."""
        partner = self.fresh("shop")
        self.coalition.keys[partner] = coalition.join(self.hub, partner, **terms)
        return self.client(partner)

    def member(self) -> str:
        """A member whom nobody has named."""
        return self.fresh("card:")

    def rows(self) -> dict[str, int]:
        """How many rows each table has that a request may write."""
        with self.hub.database.connect() as connection:
            return dict(zip(TABLES, connection.execute(text(_COUNT)).one(), strict=True))


@contextmanager
def running(database_url: str, data: Path, **settings: Any) -> Iterator[Network]:
    """A network for the length of a block, in an empty database."""
    with running_of(coalition.build(database_url, data), **settings) as network:
        yield network


@contextmanager
def running_of(built: Coalition, **settings: Any) -> Iterator[Network]:
    """A network of a coalition that is built, for the length of a block."""
    try:
        with server.running(built.settings, **settings) as served:
            yield Network(built, served)
    finally:
        built.hub.database.dispose()


def sale(event_id: str, member: str, minor: int = 1_000, **more: Any) -> dict[str, Any]:
    """One earning as a partner reports it."""
    return {
        "event_id": event_id,
        "member": member,
        "occurred_at": "2017-01-10T09:00:00Z",
        "amount": {"minor": minor, "currency": "USD"},
        **more,
    }


def earn(client: RawClient, *sales: dict[str, Any]) -> Answer:
    """Report sales."""
    return client.call("POST", "/v1/earnings", {"earnings": list(sales)})


def redeem(client: RawClient, redemption_id: str, member: str, points: int) -> Answer:
    """Redeem points."""
    asked = {"redemption_id": redemption_id, "member": member, "points": points}
    return client.call("POST", "/v1/redemptions", asked)


def broken_rows(hub: Hub) -> list[str]:
    """What `ledger check` finds wrong; empty when all is well."""
    return [f"{one['check']}: {one['row']}" for one in ledger_check.run(hub) if one["row"] is not None]
