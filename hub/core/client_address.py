"""Whose address a request comes from: the peer's, or what a proxy of the operator's says of it.

Anybody can send ``X-Forwarded-For``. It is believed only as far as the operator's own proxies wrote it: from its
end backwards, while the address before is a trusted proxy's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from hub.core.webhook_targets import Address, Network

SITE_BITS = 64
"""Of an IPv6 address: whoever has one usually has all that begin with the same bits."""


def of(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the client's address, an IPv6 one as its network.

    ``forwarded`` is the value of ``X-Forwarded-For``, several lines of it joined with commas, or empty.
    """
    if not trusted or not forwarded:
        return _site(peer)
    client = _read(peer)
    for text in reversed(forwarded.split(",")):
        before = _read(text.strip())
        if client is None or before is None or not any(client in network for network in trusted):
            break
        client = before
    return peer if client is None else _site(str(client))


def _read(text: str) -> Address | None:
    """The address of a text, also with a port (``192.0.2.1:80``, ``[2001:db8::1]:80``), or None."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


@lru_cache(10_000)
def _site(text: str) -> str:
    address = _read(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), SITE_BITS), strict=False))
    return text if address is None else str(address)
