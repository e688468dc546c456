"""The real SDK for a partner of a running network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from hub.services import business_clock
from partner_sdk import Client, Earning, Item, Money
from partner_sdk.wire.keys import SigningKey
from tests.support.network import Network

Join = Callable[..., Client]


class Sold(NamedTuple):
    """A sale that was reported: its event id, and whose it is."""

    event_id: str
    member: str


def client_of(net: Network, partner: str, key: SigningKey | None = None) -> Client:
    """A client that trusts the network's root key; close it after use."""
    return Client(
        net.server.url, partner, key or net.coalition.keys[partner], root_key=net.coalition.hub.keyring.root.public
    )


@contextmanager
def joining(net: Network) -> Iterator[Join]:
    """What lets a new partner join and gives its client, for the length of a block."""
    with ExitStack() as stack:

        def join(**terms: Any) -> Client:
            return stack.enter_context(client_of(net, net.join(**terms).partner))

        yield join


def business_time(net: Network) -> datetime:
    """The hub's business time."""
    return datetime.fromisoformat(business_clock.show(net.hub)["business_time"])


def sell(
    net: Network, shop: Client, minor: int, member: str | None = None, items: tuple[Item, ...] = (), **more: Any
) -> Sold:
    """Report one sale of now, to a new member unless one is named; it must be taken."""
    sold = Sold(net.fresh("e"), member or net.member())
    at = more.pop("at", None) or business_time(net)
    [result] = shop.earn([Earning(sold.event_id, sold.member, at, Money(minor, "USD"), items=items, **more)])
    assert result.error is None, result
    return sold
