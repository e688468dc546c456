"""The real SDK against the real hub, over HTTP: every method, and a statement that its partner checks alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hub.services import cycles, ledger_check, partners
from partner_sdk import (
    Client,
    Earning,
    Enrolment,
    EventConflict,
    InsufficientPoints,
    Money,
    NotFound,
    Unauthenticated,
)
from partner_sdk.model import StatementLine
from partner_sdk.wire.keys import PrivateKey
from tests.support import network
from tests.support.coalition import NOON
from tests.support.network import Network


@pytest.fixture(scope="module")
def own(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network of this file's own, because its tests close a cycle."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def grocer(own: Network) -> Iterator[Client]:
    with client_of(own, "grocer") as client:
        yield client


@pytest.fixture
def fuel(own: Network) -> Iterator[Client]:
    with client_of(own, "fuel") as client:
        yield client


def client_of(own: Network, partner: str, key: PrivateKey | None = None) -> Client:
    root = own.coalition.hub.keyring.root.public
    return Client(own.server.url, partner, key or own.coalition.keys[partner], root_key=root)


def sale(event_id: str, member: str, minor: int) -> Earning:
    return Earning(event_id, member, NOON - timedelta(hours=1), Money(minor, "USD"), store="s1", terminal="t1")


def canonical(line: StatementLine) -> str:
    """Return the text that a line's digest is over (docs/protocol.md section 14)."""
    price = (line.price.version, line.price.numerator, line.price.denominator)
    amounts = (line.points, line.minor, line.currency)
    fields = (line.partner, line.event_id, line.line, line.issuer, line.redeemer, *amounts, *price, line.business_date)
    origin = [line.origin] if line.origin else []
    return "\n".join(map(str, [*fields, *origin]))


def test_a_partner_joins_with_its_own_key(own: Network) -> None:
    """Register, wait for approval, then be known."""
    hub = own.coalition.hub
    key = PrivateKey.generate()
    with client_of(own, "grocer", key) as client:
        registered = client.register_key()
        assert registered.state == "pending"
        assert client.register_key() == registered
        with pytest.raises(Unauthenticated) as refused:
            client.ping()
        assert refused.value.code == "key_pending"
        partners.approve_key(hub, "grocer", registered.keyid)
        assert client.ping().key_state == "active"
    with client_of(own, "grocer") as former:
        assert former.ping().key_state == "retiring"


def test_more_than_one_batch_is_split_and_answered_in_order(grocer: Client) -> None:
    sales = [sale(f"split-{n}", f"card:split{n % 7}", 100 * n) for n in range(2_345)]
    first, again = grocer.earn(sales), grocer.earn(sales)
    assert [(one.event_id, one.points) for one in first] == [(f"split-{n}", n) for n in range(2_345)]
    assert all(one.duplicate for one in again)
    assert [one.points for one in again] == [one.points for one in first]


def test_what_is_quoted_is_what_is_given(grocer: Client, fuel: Client) -> None:
    grocer.enrol([Enrolment("card:quote", ("phone:+4912345", "email:Quote@example.com"))])
    wish = sale("quote-1", "phone:+4912345", 4_200)
    quoted = grocer.quote_earning(wish)
    assert [one.points for one in grocer.earn([wish])] == [quoted.points] == [42]
    expected = fuel.quote_redemption("email:quote@EXAMPLE.com", 40)
    done = fuel.redeem("quote-r", "card:quote", 40)
    assert expected.enough
    assert (done.value, done.lots) == (expected.value, expected.lots)
    assert grocer.member("card:quote").available == 2
    assert not fuel.quote_redemption("card:quote", 3).enough


def test_refusals_have_their_own_exceptions(grocer: Client) -> None:
    grocer.earn([sale("refuse-1", "card:refuse", 1_000)])
    with pytest.raises(InsufficientPoints) as declined:
        grocer.redeem("refuse-r", "card:refuse", 11)
    assert (declined.value.status, declined.value.retryable) == (409, False)
    with pytest.raises(EventConflict):
        grocer.redeem("refuse-1", "card:refuse", 5)
    with pytest.raises(NotFound):
        grocer.member("card:nobody")


def test_a_statement_is_checked_by_its_partner_alone(own: Network, grocer: Client, fuel: Client) -> None:
    """From the statement and its lines, with nothing but SHA-256: lines, positions, net and cycle digest."""
    grocer.earn(sale(f"st-{n}", f"card:st{n}", 10_000) for n in range(5))
    fuel.earn(sale(f"st-{n}", f"card:st{n}", 10_000) for n in range(5))
    receipts = [fuel.redeem(f"st-r{n}", f"card:st{n}", 120 + n) for n in range(5)]
    cycles.close_and_publish(own.coalition.hub, "2017-01", "operator", "second operator")
    [head] = [one for page in fuel.statements() for one in page.items]
    statement = fuel.statement("2017-01")
    lines = [one for page in fuel.statement_lines("2017-01", limit=3) for one in page.items]
    for line in lines:
        assert line.digest == hashlib.sha256(canonical(line).encode()).hexdigest()
    for position in statement.positions:
        below = [one for one in lines if (one.issuer, one.redeemer) == (position.issuer, position.redeemer)]
        digests = b"".join(bytes.fromhex(one.digest) for one in below)
        assert position.digest == hashlib.sha256(digests).hexdigest()
        assert (position.points, position.minor) == (sum(o.points for o in below), sum(o.minor for o in below))
    pairs = "\n\n".join("\n".join((p.issuer, p.redeemer, p.currency, p.digest)) for p in statement.pairs_of_cycle)
    assert hashlib.sha256(pairs.encode()).hexdigest() == statement.digest == head.digest
    for receipt in receipts:
        owed = [one for one in lines if (one.partner, one.event_id) == ("fuel", receipt.redemption_id)]
        assert [(one.issuer, one.points, one.minor) for one in owed] == [
            (lot.issuer, lot.points, lot.minor) for lot in receipt.lots
        ]
    assert [net.net_minor for net in statement.nets] == [head.net_minor]
    assert not [one for one in ledger_check.run(own.coalition.hub) if one["row"]]
