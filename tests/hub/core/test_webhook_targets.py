"""Where webhooks may go: every way to write, or to reach by, an address that is not public is refused."""

from __future__ import annotations

import ipaddress

import pytest

from hub.core.errors import Refused
from hub.core.webhook_targets import Target, check_addresses, is_public, networks, parse

LOOPBACK = networks("127.0.0.0/8")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://shop.example", Target("https", "shop.example", 443, "/")),
        ("https://Shop.Example:8443/hansa?till=1", Target("https", "shop.example", 8443, "/hansa?till=1")),
        ("https://93.184.216.34/x", Target("https", "93.184.216.34", 443, "/x")),
        ("https://[2606:4700::1]/x", Target("https", "2606:4700::1", 443, "/x")),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target) -> None:
    assert parse(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "ftp://shop.example/", "shop.example", "https:///x", "https://", "//shop.example/",
        "https://user@shop.example/", "https://user:word@shop.example/", "https://shop.example@127.0.0.1/",
        "https://@shop.example/", "https://shop.example:0/", "https://shop.example:/", "https://shop.example:99999/",
        "https://shop.example:x/", "https://shop.example/#part", "https://shop.example/a b", "https://shop.example/\n",
        "https://shop..example/", "https://-shop.example/", "https://sh\u00f6p.example/", "https://shop.example\\@10.0.0.1/",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.1/",
        "https://127.0.1/", "https://127.0.0.1./", "https://1.2.3.04/", "https://017700000001/", "https://1.2.3.4.5/",
        "https://shop.0x1/", "https://[::1/", "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/",
        "https://%31%32%37.0.0.1/", "https://" + "a" * 500,
    ],
)  # fmt: skip
def test_a_url_in_a_form_that_could_mislead_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(url)
    assert refused.value.code == "webhook_target"


def test_plain_http_is_only_for_an_operator_that_allows_networks() -> None:
    assert parse("http://127.0.0.1:8000/x", LOOPBACK) == Target("http", "127.0.0.1", 8000, "/x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Refused, match="no public address"):
        check_addresses("shop.example", [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_taken(address: str) -> None:
    assert check_addresses("shop.example", [address, address]) == [address]


def test_one_address_that_is_not_public_spoils_a_name() -> None:
    with pytest.raises(Refused):
        check_addresses("shop.example", ["8.8.8.8", "10.0.0.1"])


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Refused, match="has no address"):
        check_addresses("shop.example", [])


def test_what_the_operator_allows_is_taken_and_nothing_else() -> None:
    assert check_addresses("till", ["127.0.0.1"], LOOPBACK) == ["127.0.0.1"]
    with pytest.raises(Refused):
        check_addresses("till", ["10.0.0.1"], LOOPBACK)
    assert networks("") == ()
    with pytest.raises(ValueError, match="host bits set"):
        networks("10.0.0.1/8")
