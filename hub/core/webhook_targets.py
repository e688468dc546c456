"""Where webhooks may go: https URLs whose host is, or resolves to, public addresses alone.

Partners choose the URL and the hub's machine makes the request, so without this a partner could reach what only the
hub can reach: its own loopback, its neighbours, a cloud's metadata service. Names are resolved, and the addresses
checked, when a URL is registered and again for each connection, which then goes to the address that was checked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from hub.core.errors import Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 500
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_IETF = ipaddress.ip_network("192.0.0.0/24")


class Target(NamedTuple):
    """A URL taken apart."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without its brackets."""
    port: int
    request_target: str
    """Path and query, as sent."""


def parse(url: str, extra: Iterable[Network] = ()) -> Target:
    """Return the target of a URL. Plain http is only for networks that the operator allows besides the Internet.

    Raises:
        Refused: ``webhook_target``.
    """
    if len(url) > MAX_URL or not _CHARACTERS.fullmatch(url):
        raise _refused(f"a URL of at most {MAX_URL} plain characters is expected")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused("this is no URL") from None
    if parts.scheme not in ({"https", "http"} if tuple(extra) else {"https"}):
        raise _refused("an https URL is expected")
    if "@" in parts.netloc:
        raise _refused("a URL with a user name is not taken")
    if port == 0 or parts.netloc.endswith(":"):
        raise _refused("the port is none")
    _check_host(host, bracketed="[" in parts.netloc)
    request_target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme], request_target)


def _check_host(host: str, *, bracketed: bool) -> None:
    """Refuse what is neither a name nor an address as everybody writes it: no decimal, octal or hexadecimal forms."""
    if "%" in host:
        raise _refused("the host is no name")
    if bracketed or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            (ipaddress.IPv6Address if bracketed else ipaddress.IPv4Address)(host)
        except ValueError:
            raise _refused("the host is an address in a form that is not taken") from None
        return
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
        raise _refused("the host is no name")


def check_addresses(host: str, addresses: Iterable[str], extra: Iterable[Network] = ()) -> list[str]:
    """Return the addresses of a host, all of which must be public or in a network that the operator allows.

    Raises:
        Refused: ``webhook_target`` if one is not, or there is none.
    """
    found = list(dict.fromkeys(addresses))
    if not found:
        raise _refused(f"{host} has no address")
    allowed = tuple(extra)
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_public(address) and not any(address in network for network in allowed):
            raise _refused(f"{host} is at {text}, which is no public address")
    return found


def is_public(address: Address) -> bool:
    """Tell whether an address is of the public Internet, also the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and address not in _IETF
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and address not in _SITE_LOCAL


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is reached by way of an IPv6 one: mapped, compatible, 6to4, Teredo's client, NAT64."""
    if any(address in network for network in _NAT64) or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def networks(text: str) -> tuple[Network, ...]:
    """Read networks, separated by commas.

    Raises:
        ValueError: one cannot be read.
    """
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())


def _refused(detail: str) -> Refused:
    return Refused("webhook_target", f"Webhooks cannot go there: {detail}.")
