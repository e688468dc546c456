"""The client's address: the peer's, unless a proxy of the operator's says otherwise."""

from __future__ import annotations

import pytest

from hub.core import client_address
from hub.core.webhook_targets import networks

PROXIES = networks("10.0.0.0/8,2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9,198.51.100.1 , 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9, 10.2.3.4", "10.9.9.9"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:2:3:4:5:6:7]:4711", "2001:db8:2:3::/64"),
        ("2001:db8:1::1", "2001:db8:2:3::9", "2001:db8:2:3::/64"),
        ("2001:db8:9:9::1", "198.51.100.1", "2001:db8:9:9::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
    ],
)
def test_who_is_believed(peer: str, forwarded: str, client: str) -> None:
    assert client_address.of(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize("forwarded", ["unknown", "", ",", "1.2.3", "a" * 9000, "198.51.100.1, nonsense", "\x00", "[z"])
def test_what_is_no_address_counts_as_the_proxy_s(forwarded: str) -> None:
    assert client_address.of("10.0.0.1", forwarded, PROXIES) == "10.0.0.1"


def test_without_proxies_nobody_is_believed() -> None:
    assert client_address.of("10.0.0.1", "198.51.100.1", ()) == "10.0.0.1"
    assert client_address.of("", "", ()) == ""
