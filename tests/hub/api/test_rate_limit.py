"""429 on the wire: by address before anybody is believed, by partner and by member after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from hub import start
from hub.core.errors import ConfigurationError
from hub.services import partners
from hub.settings import Settings
from partner_sdk.wire.codes import CODES
from tests.support import coalition, network, server
from tests.support.network import Network, earn, redeem, sale
from tests.support.raw import Answer, RawClient

PLENTY = 1_000_000


@pytest.fixture(scope="module")
def slow(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A hub of one worker that takes a request a second of a partner."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub"), workers=1, rate_limit=1) as running:
        yield running


def _refused(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status != 200]


def _says_why(answer: Answer, limit: str, a_second: int) -> None:
    assert (answer.status, answer.code, answer.signed) == (429, "rate_limited", True)
    assert answer.json["limit"] == limit
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Policy"] == f'"{limit}";q={a_second};w=1'
    assert answer.headers["RateLimit"] == f'"{limit}";r=0;t={answer.headers["Retry-After"]}'


def test_a_partner_over_its_limit_is_told_when_to_come_back(slow: Network) -> None:
    client = slow.join()
    refused = _refused([client.call("GET", "/v1/ping") for _ in range(10)])
    assert refused
    for answer in refused:
        _says_why(answer, "partner", 1)
    assert CODES["rate_limited"].retryable
    assert slow.client("fuel").call("GET", "/v1/ping").status == 200


def test_a_limit_of_its_own_counts_at_once(slow: Network) -> None:
    client = slow.join()
    partners.set_limit(slow.hub, client.partner, PLENTY)
    assert not _refused([client.call("GET", "/v1/ping") for _ in range(10)])
    client = slow.join()
    partners.set_limit(slow.hub, client.partner, 2)
    _says_why(_refused([client.call("GET", "/v1/ping") for _ in range(10)])[0], "partner", 2)
    partners.set_limit(slow.hub, client.partner, None)
    _says_why(_refused([client.call("GET", "/v1/ping") for _ in range(10)])[0], "partner", 1)


def test_a_refused_report_counts_once(slow: Network) -> None:
    """Also one that the express lane has looked at before the usual way refuses it."""
    assert slow.join().call("POST", "/v1/earnings", {"earnings": []}).code == "invalid_request"


def test_the_express_lane_counts_too(slow: Network) -> None:
    client = slow.join()
    refused = _refused([earn(client, sale(f"e{number}", "card:1")) for number in range(10)])
    assert refused
    for answer in refused:
        _says_why(answer, "partner", 1)


def test_an_answer_tells_what_is_left(net: Network) -> None:
    client = net.join()
    for answer in (client.call("GET", "/v1/ping"), earn(client, sale(net.fresh("e"), net.member()))):
        assert answer.headers["RateLimit-Policy"] == '"partner";q=10000;w=1'
        name, left, _ = answer.headers["RateLimit"].split(";")
        assert name == '"partner"'
        assert 0 <= int(left.removeprefix("r=")) < 10_000


@contextmanager
def _twins(url: str, factory: pytest.TempPathFactory, **settings: object) -> Iterator[list[RawClient]]:
    """Two hubs of two workers each on one database; yield a client of each, both of the same partner."""
    built = coalition.build(url, factory.mktemp("hub"))
    with ExitStack() as stack:
        running = [stack.enter_context(server.running(built.settings, **settings)) for _ in range(2)]
        yield [Network(built, one).client("grocer") for one in running]
    built.hub.database.dispose()


def test_hubs_on_one_database_count_together(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Twelve requests to each, of which no more get through than seconds pass, and the one at the beginning."""
    with _twins(postgres_url, tmp_path_factory, rate_limit=1) as (first, second):
        answers = [client.call("GET", "/v1/ping") for _ in range(12) for client in (first, second)]
    times = [int(answer.headers["Date"][-6:-4]) for answer in answers]
    passed = (times[-1] - times[0]) % 60
    admitted = sum(answer.status == 200 for answer in answers)
    assert 1 <= admitted <= passed + 2


def _as(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def test_an_address_is_counted_before_anybody_is_believed(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is asked for, also without a signature; and another address still has its own allowance."""
    with network.running(
        postgres_url, tmp_path_factory.mktemp("hub"), workers=1, address_rate_limit=2, trusted_proxies="127.0.0.1"
    ) as strict:
        asker = strict.client("grocer")
        asker.hub_keys = {keyid: key.public for keyid, key in strict.hub.keyring.signers.items()}
        for path in ("/v1/ping", "/livez", "/nothing", "/v1/hub-keys"):
            answers = [asker.exchange("GET", path, _as("198.51.100.1"), None) for _ in range(8)]
            _says_why(next(answer for answer in answers if answer.status == 429), "address", 2)
        assert asker.exchange("GET", "/livez", _as("198.51.100.2"), None).status == 200
        earlier = _as("198.51.100.3, 198.51.100.1")
        assert 429 in {asker.exchange("GET", "/livez", earlier, None).status for _ in range(8)}


def test_who_is_no_trusted_proxy_cannot_choose_its_address(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, address_rate_limit=2) as strict:
        host = strict.server.authority
        asker = RawClient.__new__(RawClient)
        asker.authority, asker.hub_keys = host, {}
        answers = [asker.exchange("GET", "/livez", _as(f"198.51.100.{number}"), None) for number in range(20)]
        assert 429 in {answer.status for answer in answers}


def test_a_member_is_counted_for_wishes_and_not_for_facts(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with network.running(postgres_url, tmp_path_factory.mktemp("hub"), workers=1, member_rate_limit=2) as strict:
        client = strict.client("grocer")
        facts = [earn(client, sale(f"e{number}", "card:1")) for number in range(10)]
        assert not _refused(facts)
        wishes = [redeem(client, f"r{number}", "card:1", 1) for number in range(10)]
        _says_why(_refused(wishes)[0], "member", 2)
        assert client.call("GET", "/v1/members/card:2").code == "unknown_member"
        again = [strict.client("fuel").call("GET", "/v1/members/card:1") for _ in range(10)]
        _says_why(_refused(again)[0], "member", 2)
        quotes = [
            client.call("POST", "/v1/quotes", {"redemption": {"member": "card:1", "points": 1}}) for _ in range(10)
        ]
        _says_why(_refused(quotes)[0], "member", 2)


def test_a_limit_of_nothing_is_refused_at_the_start() -> None:
    nothing = [Settings(rate_limit=0), Settings(address_rate_limit=0), Settings(member_rate_limit=0)]
    for settings in nothing:
        with pytest.raises(ConfigurationError, match="at least 1"):
            start.limits(settings)
    with pytest.raises(ConfigurationError, match="HANSA_TRUSTED_PROXIES"):
        start.trusted_proxies(Settings(trusted_proxies="10.0.0.1/8"))
