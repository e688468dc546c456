"""The real SDK for a partner of a running network."""

from __future__ import annotations

from partner_sdk import Client
from partner_sdk.wire.keys import PrivateKey
from tests.support.network import Network


def client_of(net: Network, partner: str, key: PrivateKey | None = None) -> Client:
    """A client that trusts the network's root key; close it after use."""
    return Client(
        net.server.url, partner, key or net.coalition.keys[partner], root_key=net.coalition.hub.keyring.root.public
    )
