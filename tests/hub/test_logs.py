"""The log: one line of JSON a request whatever it is, and nothing personal or secret in any of them."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from hub.logs import JsonFormatter
from tests.support import network
from tests.support.network import Network, earn, redeem, sale
from tests.support.raw import Answer, RawClient
from tests.support.spelled import sign, unsigned

FIELDS = {"time", "request", "method", "route", "status", "code", "partner", "keyid", "duration_ms"}
MARK = "Zm9yZ2Vk"
"""In all that a stranger chooses here; it must be nowhere in the log."""
FORGED = f'{MARK}\r\n{{"time":"now","status":200}}\x1b[2J\u2028"'


@pytest.fixture(scope="module")
def logged(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running


def _lines(net: Network) -> list[dict[str, Any]]:
    """The lines of requests, from which those for the start of the hub are left out."""
    told = [json.loads(line) for line in net.server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in told if "request" in line and line.get("route") != "/readyz"]


def _line(net: Network, answer: Answer) -> dict[str, Any]:
    [line] = [one for one in _lines(net) if one["request"] == answer.headers["Request-Id"]]
    assert set(line) <= FIELDS
    assert line["status"] == answer.status
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["duration_ms"] > 0
    return line


def test_a_line_says_who_asked_for_what_and_what_came_of_it(logged: Network) -> None:
    client = logged.client("grocer")
    named = {"partner": "grocer", "keyid": client.keyid}
    by_the_lane = _line(logged, earn(client, sale("e1", "card:1")))
    assert by_the_lane.items() >= {"method": "POST", "route": "/v1/earnings", "status": 200, **named}.items()
    assert "code" not in by_the_lane
    usual = _line(logged, client.call("GET", "/v1/members/card:1"))
    assert usual.items() >= {"method": "GET", "route": "/v1/members/{member}", "status": 200, **named}.items()
    refused = _line(logged, redeem(client, "r1", "card:1", 10**9))
    assert refused.items() >= {"route": "/v1/redemptions", "code": "insufficient_points", **named}.items()
    nowhere = _line(logged, client.call("GET", "/v1/nothing"))
    assert nowhere["code"] == "not_found"
    assert "route" not in nowhere


def test_a_refused_signature_is_of_the_key_that_it_claims(logged: Network) -> None:
    client = logged.client("grocer")
    forged = logged.client("grocer", logged.coalition.keys["fuel"])
    sent = sign(client, unsigned(client, "GET", "/v1/ping"))
    answer = client.transmit(*sent._replace(target="/v1/rates"))
    assert _line(logged, answer).items() >= {"code": "signature_invalid", "keyid": client.keyid}.items()
    assert "keyid" not in _line(logged, forged.call("GET", "/v1/ping"))


def _odd(client: RawClient) -> list[Answer]:
    """Requests of all kinds with a mark in everything that can be chosen."""
    ping = sign(client, unsigned(client, "GET", "/v1/ping"))
    quoted = quote(FORGED, safe="")
    targets = [f"/v1/members/card:{quoted}", f"/{quoted}", f"/v1/events?cursor={quoted}", f"/v1/statements/{quoted}"]
    fields = [("User-Agent", f"{MARK}\t{{}}"), ("X-Request-Id", MARK), ("Request-Id", MARK), ("Authorization", MARK)]
    body = json.dumps({"earnings": [sale(f"e-{MARK}", f"card:{MARK}", store=FORGED)]}).encode()
    return [
        *(client.send("GET", target, None) for target in targets),
        *(client.send("POST", target, body) for target in ("/v1/earnings", "/v1/redemptions", "/v1/refunds")),
        client.transmit("GET", "/v1/ping", [*ping.fields, *fields], b""),
        client.transmit("GET", "/v1/ping", [("Host", client.authority), ("Signature-Input", FORGED[:8])], b""),
        client.transmit("GET", "/v1/ping", [("Host", MARK), *fields], b""),
        client.transmit("GET", "/v1/ping", [("Host", client.authority), ("Host", MARK)], b""),
        client.transmit("GET", "/livez", [("Host", client.authority), ("X", MARK * 2_500)], b""),
        client.transmit(MARK.upper(), "/livez", ping.fields, b""),
        client.transmit("PUT", "/v1/ping", ping.fields, b""),
        client.transmit("GET", "/" + MARK * 1_100, ping.fields, b""),
        client.transmit(*ping.changed("Signature-Input", 'keyid="[^"]*"', f'keyid="grocer.{MARK}01234567"')),
        client.transmit(*ping.changed("Signature-Input", 'nonce="', f'nonce="{MARK}')),
        client.send("POST", "/v1/keys", b'{"partner": "' + MARK.encode() + b'"}'),
    ]


def test_each_request_has_one_line_and_nothing_of_what_was_sent_is_in_it(logged: Network) -> None:
    client = logged.client("grocer")
    before = len(_lines(logged))
    answers = _odd(client)
    lines = [_line(logged, answer) for answer in answers]
    assert len(_lines(logged)) == before + len(answers)
    assert {line["status"] for line in lines} >= {200, 400, 401, 404, 405, 422, 431}
    text = logged.server.log.read_text()
    assert MARK not in text
    assert "card:" not in text
    assert "sig=" not in text
    assert all(line.startswith("{") for line in text.splitlines()[1:])


def test_an_unforeseen_exception_is_told_by_its_kind_and_places() -> None:
    try:
        try:
            int(MARK)
        except ValueError as error:
            raise RuntimeError(MARK) from error
    except RuntimeError:
        record = logging.LogRecord("hansa", logging.ERROR, "", 0, "failed\nin %s", ("x",), sys.exc_info())
    line = JsonFormatter().format(record)
    told = json.loads(line)
    assert "\n" not in line
    assert MARK not in line
    assert told["message"] == "failed\nin x"
    assert [one.split(" at ")[0] for one in told["exception"]] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert re.search(r"test_logs:\d+", told["exception"][1])
