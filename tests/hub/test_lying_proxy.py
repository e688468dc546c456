"""Between the SDK and a real hub sits a proxy that lies: no lie takes an event out of an outbox, none is taken for an
answer, and when the lies end each event is posted once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from partner_sdk import Client, Earning, Money, TransportError
from partner_sdk.outbox import Outbox
from partner_sdk.wire import strict_json
from partner_sdk.wire.codes import problem
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import content_digest
from tests.support.liar import Answer, Forward, Lie, LyingProxy, lying
from tests.support.network import Network
from tests.support.sdk import business_time

PRICE = Money(1250, "USD")
SIGNATURE = (b"signature", b"signature-input", b"content-digest")
PAGE = Answer(b"200 OK", [(b"content-type", b"text/html")], b"").with_body(b"<html>Please log in to the Wi-Fi</html>")


def unsigned(proxy: LyingProxy, forward: Forward) -> bytes:
    return Answer.read(forward()).without(*SIGNATURE).written()


def unsigned_and_never_asked(proxy: LyingProxy, forward: Forward) -> bytes:
    made_up = Answer(b"200 OK", [(b"content-type", b"application/json")], b"")
    return made_up.with_body(Answer.read(proxy.answers[0]).body).written()


def signed_for_another_request(proxy: LyingProxy, forward: Forward) -> bytes:
    forward()
    return Answer.read(proxy.answers[0]).written()


def signed_for_the_attempt_before(proxy: LyingProxy, forward: Forward) -> bytes:
    """The same request was asked before, its answer lost; now it is asked again and gets the older answer."""
    forward()
    return Answer.read(proxy.answers[-2]).written() if len(proxy.answers) > 2 else b""


def another_status(proxy: LyingProxy, forward: Forward) -> bytes:
    return Answer.read(forward())._replace(status=b"202 Accepted").written()


def a_refusal_made_a_success(proxy: LyingProxy, forward: Forward) -> bytes:
    refusal = Answer.read(forward())
    return refusal._replace(status=b"200 OK").with_body(Answer.read(proxy.answers[0]).body).written()


def another_body(proxy: LyingProxy, forward: Forward) -> bytes:
    answer = Answer.read(forward())
    return answer.with_body(answer.body.replace(b'"posted"', b'"rejected"')).written()


def another_body_of_the_same_length(proxy: LyingProxy, forward: Forward) -> bytes:
    answer = Answer.read(forward())
    return answer.with_body(answer.body.replace(b'"points":12', b'"points":99')).written()


def another_body_with_its_digest(proxy: LyingProxy, forward: Forward) -> bytes:
    answer = Answer.read(forward())
    body = answer.body.replace(b"12", b"99")
    return answer.with_body(body).with_field(b"content-digest", content_digest(body).encode()).written()


def redirect_to_the_hub(proxy: LyingProxy, forward: Forward) -> bytes:
    there = f"http://{proxy.authority}/v1/earnings".encode()
    return Answer(b"307 Temporary Redirect", [(b"location", there)], b"").with_body(b"").written()


def redirect_after_it_was_done(proxy: LyingProxy, forward: Forward) -> bytes:
    return Answer.read(forward())._replace(status=b"303 See Other").with_field(b"location", b"/v1/ping").written()


def cut_short(proxy: LyingProxy, forward: Forward) -> bytes:
    answer = forward()
    return (
        Answer.read(answer)._replace(body=Answer.read(answer).body[:-20]).with_field(b"connection", b"close").written()
    )


def cut_short_with_a_fitting_length(proxy: LyingProxy, forward: Forward) -> bytes:
    answer = Answer.read(forward())
    return answer.with_body(answer.body[:-20]).written()


def a_page(proxy: LyingProxy, forward: Forward) -> bytes:
    return PAGE.written()


def a_page_after_it_was_done(proxy: LyingProxy, forward: Forward) -> bytes:
    forward()
    return PAGE.written()


def a_refusal_of_its_own(proxy: LyingProxy, forward: Forward) -> bytes:
    content = strict_json.dumps(problem("invalid_request", "says the proxy"))
    made_up = Answer(b"422 Unprocessable Content", [(b"content-type", b"application/problem+json")], b"")
    return made_up.with_body(content).written()


def nothing_at_all(proxy: LyingProxy, forward: Forward) -> bytes:
    forward()
    return b""


LIES: list[Lie] = [
    unsigned, unsigned_and_never_asked, signed_for_another_request, signed_for_the_attempt_before, another_status,
    a_refusal_made_a_success, another_body, another_body_of_the_same_length, another_body_with_its_digest,
    redirect_to_the_hub, redirect_after_it_was_done, cut_short, cut_short_with_a_fitting_length, a_page,
    a_page_after_it_was_done, a_refusal_of_its_own, nothing_at_all,
]  # fmt: skip


@pytest.fixture
def proxy(net: Network) -> Iterator[LyingProxy]:
    with LyingProxy(net.server.authority) as proxy:
        yield proxy


@pytest.fixture
def client(net: Network, proxy: LyingProxy) -> Iterator[Client]:
    """A client whose every request goes through the proxy; the first answer, of another request, is kept there."""
    partner = net.join().partner
    root = net.hub.keyring.root.public
    key = net.coalition.keys[partner]
    with Client(net.server.url, partner, key, root_key=root, attempts=1, session=proxy.session()) as client:
        client.earn([Earning(net.fresh("first"), net.member(), business_time(net), PRICE)])
        yield client


def posted(client: Client, event_id: str) -> int:
    """How often an event is on record."""
    return sum(event.event_id == event_id for page in client.events() for event in page.items)


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_takes_an_event_out_of_an_outbox(
    net: Network, proxy: LyingProxy, client: Client, tmp_path: Path, lie: Lie
) -> None:
    with Outbox(tmp_path / "outbox.db", client, deliver=False) as outbox:
        event_id = outbox.record_earning(net.member(), PRICE, occurred_at=business_time(net), terminal="till")
        with lying(proxy, lie):
            for _ in range(3):
                assert outbox.step() != 0.0
                stats = outbox.stats()
                assert (stats.waiting, stats.delivered, stats.rejected, stats.quarantined) == (1, 0, 0, 0)
        assert proxy.told == 3
        while outbox.step() is not None:
            pass
        assert (outbox.stats().delivered, outbox.set_aside()) == (1, [])
    assert posted(client, event_id) == 1


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_reaches_the_caller_as_an_answer(net: Network, proxy: LyingProxy, client: Client, lie: Lie) -> None:
    sale = Earning(net.fresh("lie"), net.member(), business_time(net), PRICE)
    with lying(proxy, lie), pytest.raises(TransportError):
        client.earn([sale])
    [result] = client.earn([sale])
    assert result.status == "posted"
    assert posted(client, sale.event_id) == 1
    with lying(proxy, lie), pytest.raises(TransportError):
        client.redeem(net.fresh("r"), sale.member, result.points)


def test_an_answer_smuggled_in_behind_another_is_no_answer_to_the_next_request(
    net: Network, proxy: LyingProxy, client: Client
) -> None:
    """Two answers go out for one request, so the second lies ready on the connection before the next is asked."""

    def two_for_one(proxy: LyingProxy, forward: Forward) -> bytes:
        return forward() + Answer.read(proxy.answers[0]).written()

    sales = [Earning(net.fresh("two"), net.member(), business_time(net), PRICE) for _ in range(2)]
    with lying(proxy, two_for_one):
        client.earn(sales[:1])
    try:
        [result] = client.earn(sales[1:])
    except TransportError:
        [result] = client.earn(sales[1:])
    assert result.event_id == sales[1].event_id
    assert posted(client, sales[1].event_id) == 1


def test_a_hub_that_vouches_for_itself_is_not_believed(net: Network, tmp_path: Path) -> None:
    """The proxy has a key list of its own, signed by a root of its own: nothing hangs on it."""
    root, signing = PrivateKey.generate(), PrivateKey.generate()

    def own_keys(proxy: LyingProxy, forward: Forward) -> bytes:
        now = int(time.time())
        listed = (HubKey(key_id("hub", signing.public), signing.public, now),)
        body = strict_json.dumps(sign_key_list(HubKeyList(9, "sandbox", listed, now), root))
        return Answer.read(forward()).with_body(body).written()

    partner = net.join().partner
    with LyingProxy(net.server.authority, lie_about_keys=own_keys) as proxy:
        client = Client(
            net.server.url, partner, net.coalition.keys[partner],
            root_key=net.hub.keyring.root.public, attempts=1, session=proxy.session(),
        )  # fmt: skip
        with client, Outbox(tmp_path / "outbox.db", client, deliver=False) as outbox:
            outbox.record_earning(net.member(), PRICE, occurred_at=business_time(net))
            assert outbox.step() != 0.0
            assert outbox.stats().waiting == 1
            proxy.lie_about_keys = lambda proxy, forward: forward()
            while outbox.step() is not None:
                pass
            assert outbox.stats().delivered == 1
