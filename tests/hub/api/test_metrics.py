"""The hub's figures: whichever worker is asked, they are those of all."""

from __future__ import annotations

import re
from pathlib import Path

from hub import bounds
from tests.support.network import Network
from tests.support.raw import RawClient


def _counted(client: RawClient, route: str, status: int) -> int:
    figures = client.exchange("GET", "/metrics", {}, None).body.decode()
    line = re.search(rf'^hansa_requests_total{{route="{route}",status="{status}"}} (\d+)', figures, re.MULTILINE)
    return int(line[1]) if line else 0


def test_every_answer_is_counted_once_over_all_workers(net: Network) -> None:
    client = net.join()
    before = _counted(client, "GET /v1/rates", 200)
    for _ in range(20):
        assert client.call("GET", "/v1/rates").status == 200
    assert {_counted(client, "GET /v1/rates", 200) for _ in range(10)} == {before + 20}


def test_refusals_and_unknown_paths_are_counted_without_their_paths(net: Network) -> None:
    client = net.join()
    before = _counted(client, "unknown", 404), _counted(client, "GET /v1/ping", 401)
    client.call("GET", "/v1/there-is-no-such-thing")
    client.exchange("GET", "/v1/ping", {}, None)
    assert (_counted(client, "unknown", 404), _counted(client, "GET /v1/ping", 401)) == (before[0] + 1, before[1] + 1)
    assert "no-such-thing" not in client.exchange("GET", "/metrics", {}, None).body.decode()


def test_figures_can_be_read_by_prometheus(net: Network) -> None:
    answer = net.client("grocer").exchange("GET", "/metrics", {}, None)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b"# TYPE hansa_request_seconds histogram" in answer.body


def test_every_bound_is_shown_and_told_of(net: Network) -> None:
    """By one worker, whichever is asked: a bound is none of those figures that are summed up."""
    figures = net.client("grocer").exchange("GET", "/metrics", {}, None).body.decode()
    shown = dict(re.findall(r'^hansa_bound{bound="(\w+)"} (\S+)$', figures, re.MULTILINE))
    assert {name: float(value) for name, value in shown.items()} == bounds.of(net.server.settings)
    told = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert [name for name in shown if f"`{name}`" not in told] == []
