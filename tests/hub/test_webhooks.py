"""Webhooks from the real worker's parts to a real server, which believes what the real SDK verifies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text

from hub import messenger, worker
from hub.core.webhook_targets import networks
from hub.messenger import Messenger
from hub.services import business_clock, cycles, webhook_delivery, webhooks
from hub.services.context import Hub
from hub.services.webhook_delivery import SCHEDULE, Attempt
from partner_sdk import Client, Conflict, InvalidRequestError, NotFound, PrivateKey
from partner_sdk.webhooks import Message, Receiver, WebhookRefused
from partner_sdk.wire.webhooks import MAX_WEBHOOKS, TOPICS
from tests.support import coalition, network
from tests.support.network import Network
from tests.support.sdk import Join, client_of, joining, sell
from tests.support.threads import at_once

LOOPBACK = "127.0.0.0/8"


@dataclass
class Shop:
    """A partner's own server. It verifies what comes, and answers what `answers` say, then 204."""

    receiver: Receiver
    answers: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """What was answered with 2xx."""
    seen: list[str] = field(default_factory=list)
    """The id of each message that came, also of those that were refused."""
    location: str = ""
    url: str = ""

    def take(self, method: str, path: str, headers: Any, body: bytes) -> int:
        message = self.receiver.verify(method, self.url.removesuffix("/hansa") + path, headers, body)
        self.seen.append(message.id)
        status = self.answers.pop(0) if self.answers else 204
        if status in range(200, 300):
            self.messages.append(message)
        return status

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Topic and event of each message but the first."""
        return [(one.topic, one.data.get("event_id")) for one in self.messages[1:]]


@contextmanager
def serving(shop: Shop) -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status = shop.take("POST", self.path, list(self.headers.items()), body)
            except WebhookRefused:
                status = 400
            self.send_response(status)
            if shop.location:
                self.send_header("Location", shop.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}/hansa"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network whose operator allows webhooks to this machine."""
    built = coalition.build(module_postgres_url, tmp_path_factory.mktemp("hub"))
    with network.running_of(built, webhook_networks=LOOPBACK) as running:
        running.hub.webhook_networks = networks(LOOPBACK)
        yield running


@pytest.fixture
def join(net: Network) -> Iterator[Join]:
    with joining(net) as joined:
        yield joined


@pytest.fixture
def till(join: Join) -> Client:
    return join()


@pytest.fixture
def shop(till: Client) -> Iterator[Shop]:
    with serving(Shop(till.webhook_receiver())) as served:
        yield served


@dataclass
class Clock:
    """Real time as the deliverer and the receiver take it; moved by hand."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def deliver(net: Network, clock: Clock | None = None) -> int:
    """Deliver whatever is due."""
    hub = replace(net.hub, real_time=clock.now) if clock else net.hub
    return messenger.deliver_all(hub)


def listen(till: Client, shop: Shop, *topics: str) -> None:
    assert till.set_webhook("w", shop.url, topics or TOPICS).state == "active"


def test_a_partner_is_told_of_what_is_posted_in_order(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    sold = [sell(net, till, 1_000) for _ in range(5)]
    till.hold("h" + sold[0].event_id, sold[0].member, 10, 60)
    till.capture("h" + sold[0].event_id, 7)
    till.redeem("r" + sold[1].event_id, sold[1].member, 3)
    deliver(net)
    assert shop.messages[0].topic == "webhook.registered"
    assert shop.told == [
        *(("points.posted", one.event_id) for one in sold),
        ("redemption.captured", f"h{sold[0].event_id}/capture"),
        ("redemption.captured", f"r{sold[1].event_id}"),
    ]
    posted = shop.messages[1].data
    assert (posted["kind"], posted["status"], posted["points"]) == ("earning", "posted", 10)
    assert shop.messages[6].data["amount"] == {"minor": 7, "currency": "USD"}
    assert (till.webhooks()[0].waiting, till.webhooks()[0].last_outcome) == (0, "HTTP 204")


def test_only_what_was_asked_for_is_told_and_only_to_its_partner(
    net: Network, join: Join, till: Client, shop: Shop
) -> None:
    listen(till, shop, "redemption.captured")
    sold = sell(net, till, 1_000)
    other = join()
    other.redeem(net.fresh("r"), sold.member, 3)
    till.redeem("r" + sold.event_id, sold.member, 3)
    deliver(net)
    assert shop.told == [("redemption.captured", "r" + sold.event_id)]


def test_what_is_refused_or_repeated_is_not_told(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    sold = sell(net, till, 1_000)
    with pytest.raises(Conflict):
        till.redeem("r" + sold.event_id, sold.member, 11)
    till.redeem("q" + sold.event_id, sold.member, 10)
    till.redeem("q" + sold.event_id, sold.member, 10)
    deliver(net)
    assert shop.told == [("points.posted", sold.event_id), ("redemption.captured", "q" + sold.event_id)]


def test_a_failed_attempt_is_made_again_by_the_schedule_and_what_is_behind_waits(
    net: Network, till: Client, shop: Shop
) -> None:
    listen(till, shop)
    first, second = sell(net, till, 1_000), sell(net, till, 1_000)
    shop.answers, clock = [204, 500, 503, 302, 204], Clock()
    deliver(net, clock)
    for pause in SCHEDULE[:3]:
        clock.ahead += pause - timedelta(seconds=2)
        shop.receiver = replace(shop.receiver, clock=lambda: clock.now().timestamp())
        tried = len(shop.seen)
        deliver(net, clock)
        assert len(shop.seen) == tried
        clock.ahead += timedelta(seconds=3)
        deliver(net, clock)
    assert shop.told == [("points.posted", first.event_id), ("points.posted", second.event_id)]
    assert shop.seen[1:] == [shop.messages[1].id] * 4 + [shop.messages[2].id]
    assert till.webhooks()[0].failures == 0


def dying(net: Network, till: Client, shop: Shop) -> Clock:
    """Let a webhook's next message be tried until it is given up."""
    clock = Clock()
    shop.receiver = replace(shop.receiver, clock=lambda: clock.now().timestamp())
    deliver(net, clock)
    shop.answers = [500] * 10
    sell(net, till, 1_000)
    for pause in (timedelta(0), *SCHEDULE):
        clock.ahead += max(pause, timedelta(minutes=30)) + timedelta(seconds=1)
        deliver(net, clock)
    return clock


def test_after_ten_attempts_a_message_is_a_dead_letter_and_the_next_has_its_turn(
    net: Network, till: Client, shop: Shop
) -> None:
    listen(till, shop)
    clock = dying(net, till, shop)
    later = sell(net, till, 1_000)
    deliver(net, clock)
    assert shop.told == [("points.posted", later.event_id)]
    [letter] = till.dead_letters("w")
    assert (letter.topic, letter.attempts, letter.outcome) == ("points.posted", 10, "HTTP 500")
    assert till.replay_webhook("w") == 1
    deliver(net, clock)
    assert [event for _, event in shop.told] == [later.event_id, letter.subject]
    assert till.dead_letters("w") == []


def test_the_circuit_opens_after_five_failures_and_closes_after_a_success(
    net: Network, till: Client, shop: Shop
) -> None:
    """While it is open nothing is tried more often than each half hour, whichever message has its turn."""
    listen(till, shop)
    clock = dying(net, till, shop)
    assert (till.webhooks()[0].circuit, till.webhooks()[0].failures) == ("open", 10)
    shop.answers = [500, 204]
    later = sell(net, till, 1_000)
    deliver(net, clock)
    tried = len(shop.seen)
    clock.ahead += timedelta(minutes=29)
    deliver(net, clock)
    assert (len(shop.seen), till.webhooks()[0].failures) == (tried, 11)
    clock.ahead += timedelta(minutes=2)
    deliver(net, clock)
    assert shop.told == [("points.posted", later.event_id)]
    assert (till.webhooks()[0].circuit, till.webhooks()[0].failures) == ("closed", 0)


def test_a_server_that_is_gone_is_left_alone_until_it_is_resumed(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    deliver(net)
    shop.answers = [410]
    sold = sell(net, till, 1_000)
    deliver(net)
    assert till.webhooks()[0].state == "gone"
    assert deliver(net, Clock(timedelta(days=2))) == 0
    webhooks.resume(net.hub, till.partner_id, "w")
    deliver(net)
    assert shop.told == [("points.posted", sold.event_id)]


def test_a_pause_lets_messages_wait(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    webhooks.pause(net.hub, till.partner_id, "w")
    sell(net, till, 1_000)
    assert deliver(net) == 0
    assert (till.webhooks()[0].state, till.webhooks()[0].waiting) == ("paused", 2)
    webhooks.resume(net.hub, till.partner_id, "w")
    assert deliver(net) == 2


def test_what_was_delivered_can_be_sent_again_in_order(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    for _ in range(3):
        sell(net, till, 1_000)
    deliver(net)
    assert till.replay_webhook("w", datetime(2017, 1, 1, tzinfo=UTC)) == 4
    deliver(net)
    assert shop.seen[4:] == shop.seen[:4]
    assert till.replay_webhook("w", datetime(2999, 1, 1, tzinfo=UTC)) == 0


def test_a_redirect_is_a_failure_and_is_not_followed(net: Network, join: Join, till: Client, shop: Shop) -> None:
    with serving(Shop(join().webhook_receiver())) as inward:
        listen(till, shop)
        shop.answers, shop.location = [307], inward.url
        deliver(net)
        assert (inward.seen, till.webhooks()[0].last_outcome) == ([], "HTTP 307")


def test_each_message_is_taken_by_one_of_many_deliverers(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    sold = [sell(net, till, 1_000) for _ in range(10)]
    at_once([lambda: deliver(net)] * 6)
    assert [event for _, event in shop.told] == [one.event_id for one in sold]
    assert len(shop.seen) == len(set(shop.seen)) == 11


def test_what_a_killed_deliverer_had_taken_is_delivered_after_its_lease(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)

    def killed(attempt: Attempt) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        webhook_delivery.deliver_next(net.hub, killed)
    assert deliver(net) == 0
    clock = Clock(webhook_delivery.LEASE)
    shop.receiver = replace(shop.receiver, clock=lambda: clock.now().timestamp())
    assert deliver(net, clock) == 1


def test_a_message_is_not_overtaken_by_one_that_commits_before_it(net: Network, till: Client, shop: Shop) -> None:
    """Numbers are given out before transactions commit; what is older and still runs holds back what is younger."""
    listen(till, shop)
    deliver(net)

    def slow(connection: Any) -> int:
        webhooks.announce_statements(connection, net.hub.moment(connection), "2016-12", [till.partner_id])
        sell(net, till, 1_000)
        return deliver(net)

    assert net.hub.database.transact(slow) == 0
    assert deliver(net) == 2
    assert [topic for topic, _ in shop.told] == ["statement.published", "points.posted"]


def test_nothing_is_told_of_what_was_rolled_back(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    deliver(net)

    def undone(connection: Any) -> None:
        webhooks.announce_statements(connection, net.hub.moment(connection), "2016-12", [till.partner_id])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        net.hub.database.transact(undone)
    assert (deliver(net), shop.told) == (0, [])


def test_a_key_that_will_retire_is_told_once(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop, "key.expiring")
    old = net.coalition.keyid(till.partner_id)
    coalition.add_key(net.hub, till.partner_id, PrivateKey.generate(), timedelta(days=7))
    said: list[str] = []
    for _ in range(2):
        worker.run(net.hub, None, said.append)
    assert [(one.topic, one.data["keyid"]) for one in shop.messages[1:]] == [("key.expiring", old)]


def test_a_removed_webhook_is_told_nothing_more(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    till.remove_webhook("w")
    sell(net, till, 1_000)
    assert (deliver(net), till.webhooks()) == (0, [])
    for call in (
        lambda: till.remove_webhook("w"),
        lambda: till.dead_letters("w"),
        lambda: till.replay_webhook("w"),
    ):
        with pytest.raises(NotFound) as refused:
            call()
        assert refused.value.code == "unknown_webhook"


def test_what_is_another_partners_is_not_found(net: Network, join: Join, till: Client, shop: Shop) -> None:
    listen(till, shop)
    with pytest.raises(NotFound):
        join().remove_webhook("w")
    assert len(till.webhooks()) == 1


def test_a_partner_has_no_more_than_ten_webhooks(till: Client, shop: Shop) -> None:
    for number in range(MAX_WEBHOOKS):
        till.set_webhook(f"w{number}", shop.url, ["points.posted"])
    till.set_webhook("w0", shop.url, ["key.expiring"])
    with pytest.raises(Conflict) as refused:
        till.set_webhook("w", shop.url, ["points.posted"])
    assert refused.value.code == "too_many_webhooks"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::ffff:169.254.169.254]/",
        "https://2852039166/", "https://0xa9fea9fe/", "https://0251.0376.0251.0376/", "https://[fd00:ec2::254]/",
        "https://user@10.0.0.1/", "https://0.0.0.0/", "https://[::1]/", "https://no-such-name.invalid/",
    ],
)  # fmt: skip
def test_a_url_that_leads_inward_is_refused(till: Client, url: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        till.set_webhook("w", url, ["points.posted"])
    assert refused.value.code == "webhook_target"
    assert till.webhooks() == []


# --- what happens at connect ---


def outcome(url: str, resolve: Callable[[str, int], list[str]], allowed: str = "", **more: Any) -> str:
    return str(Messenger(networks(allowed), resolve, **more).send(Attempt(url, {}, b"{}")))


def test_a_name_that_has_come_to_mean_a_private_address_is_not_connected_to(shop: Shop) -> None:
    url = shop.url.replace("http://127.0.0.1", "https://shop.example")
    assert "no public address" in outcome(url, lambda host, port: ["127.0.0.1"])
    assert "no public address" in outcome(url, lambda host, port: ["8.8.8.8", "::ffff:127.0.0.1"])
    assert "has no address" in outcome(url, lambda host, port: [])
    assert shop.seen == []


def test_the_connection_goes_to_the_address_that_was_checked(shop: Shop) -> None:
    """A name that is looked up only once cannot mean something else by the time of the connection."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = shop.url.replace("127.0.0.1", "shop.example")
    assert outcome(url, resolve, LOOPBACK) == "HTTP 400"
    assert asked == ["shop.example"]


def test_tls_is_verified_for_the_name(shop: Shop) -> None:
    """The server speaks no TLS, so the handshake fails; nothing is sent in the clear."""
    url = shop.url.replace("http://127.0.0.1", "https://shop.example")
    assert "SSL" in outcome(url, lambda host, port: ["127.0.0.1"], LOOPBACK)


def test_a_server_that_never_ends_its_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"H")
                        if stopped.wait(0.05):
                            return
                except OSError:
                    return

        stopped = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert not outcome(url, webhooks.addresses, LOOPBACK, deadline_s=0.5).startswith("HTTP 2")
        stopped.set()
        thread.join(10)
        assert not thread.is_alive()


# --- a month's end ---


def test_partners_are_told_of_their_statements(built: coalition.Coalition) -> None:
    with network.running_of(built, webhook_networks=LOOPBACK) as net, client_of(net, "fuel") as till:
        net.hub.webhook_networks = networks(LOOPBACK)
        with serving(Shop(till.webhook_receiver())) as shop, client_of(net, "grocer") as grocer:
            listen(till, shop, "statement.published")
            sold = sell(net, grocer, 1_000)
            till.redeem("r1", sold.member, 5)
            business_clock.move(net.hub, datetime(2017, 2, 1, tzinfo=UTC))
            cycles.close_and_publish(net.hub, "2017-01", "operator", "second operator")
            deliver(net)
            assert [(one.topic, one.data) for one in shop.messages[1:]] == [
                ("statement.published", {"cycle": "2017-01"})
            ]


def test_the_worker_delivers_while_it_runs(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    carriers = messenger.Carriers(net.hub, print, count=2)
    sold = sell(net, till, 1_000)
    done = threading.Event()
    for _ in range(200):
        if shop.told == [("points.posted", sold.event_id)] or done.wait(0.05):
            break
    carriers.stop()
    assert shop.told == [("points.posted", sold.event_id)]


def count(hub: Hub, table: str) -> int:
    with hub.database.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_what_was_delivered_is_forgotten_after_a_month(net: Network, till: Client, shop: Shop) -> None:
    listen(till, shop)
    deliver(net)
    own = f"hub.webhook_message WHERE partner_id = '{till.partner_id}'"
    webhooks.forget_delivered(net.hub)
    assert count(net.hub, own) == 1
    webhooks.forget_delivered(replace(net.hub, real_time=Clock(timedelta(days=31)).now))
    assert count(net.hub, own) == 0
