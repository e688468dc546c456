"""Requests that two readers could understand in two ways, byte for byte against the real server.

Each is followed on its connection by an honest one. Whatever happens, the odd one is refused or its connection
ends; what it carries in its body never becomes a request of its own, and no answer is a 5xx.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.support import network
from tests.support.network import Network, sale
from tests.support.raw import TIMEOUT_S
from tests.support.spelled import sign, unsigned

GET, POST = "GET /livez", "POST /v1/earnings"
HIDDEN = "GET /v1/hub-keys HTTP/1.1\r\nHost: hub.example\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
NO_CHUNKS = "0\r\n\r\n"


def _request(line: str, *fields: str, body: str = "", host: str = "Host: {host}") -> str:
    return "\r\n".join([f"{line} HTTP/1.1", *([host] if host else []), *fields, "", body])


REFUSED = {
    "a length and chunks": _request(POST, "Content-Length: 5", CHUNKED, body=NO_CHUNKS + HIDDEN),
    "chunks and a length": _request(POST, CHUNKED, f"Content-Length: {len(NO_CHUNKS)}", body=NO_CHUNKS + HIDDEN),
    "chunks and a length of nothing": _request(POST, CHUNKED, "Content-Length: 0", body=NO_CHUNKS + HIDDEN),
    "two lengths": _request(POST, "Content-Length: 0", "Content-Length: 60", body=HIDDEN),
    "two lengths in a list": _request(POST, "Content-Length: 0, 60", body=HIDDEN),
    "a length with a sign": _request(POST, "Content-Length: +60", body=HIDDEN),
    "a length below nothing": _request(POST, "Content-Length: -1", body=HIDDEN),
    "a length in hexadecimal": _request(POST, "Content-Length: 0x3c", body=HIDDEN),
    "a length with a blank": _request(POST, "Content-Length: 6 0", body=HIDDEN),
    "a length that is none": _request(POST, "Content-Length:", body=HIDDEN),
    "a length beyond counting": _request(POST, f"Content-Length: {2**64}", body=HIDDEN),
    "an unknown coding": _request(POST, "Transfer-Encoding: xchunked", body=NO_CHUNKS + HIDDEN),
    "a coding that is none": _request(POST, "Transfer-Encoding: identity", body=HIDDEN),
    "a coding before chunked": _request(POST, "Transfer-Encoding: gzip, chunked", body=NO_CHUNKS),
    "a coding after chunked": _request(POST, "Transfer-Encoding: chunked, identity", body=NO_CHUNKS + HIDDEN),
    "chunked twice": _request(POST, CHUNKED, CHUNKED, body=NO_CHUNKS),
    "chunked after a vertical tab": _request(POST, "Transfer-Encoding: \x0bchunked", body=NO_CHUNKS + HIDDEN),
    "chunked with a blank before its colon": _request(POST, "Transfer-Encoding : chunked", body=NO_CHUNKS + HIDDEN),
    "a chunk of no number": _request(POST, CHUNKED, body="zz\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a chunk below nothing": _request(POST, CHUNKED, body="-1\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a chunk with a prefix": _request(POST, CHUNKED, body="0x5\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a chunk beyond counting": _request(POST, CHUNKED, body="fffffffffffffffff1\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a chunk longer than it says": _request(POST, CHUNKED, body="3\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a chunk after a bare line feed": _request(POST, CHUNKED, body="5\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a line feed in a chunk's extension": _request(POST, CHUNKED, body="5;a\nb\r\nhello\r\n" + NO_CHUNKS + HIDDEN),
    "a folded field": _request(GET, "X-Note: a", " Content-Length: 60", body=HIDDEN),
    "a field folded by a tab": _request(GET, "X-Note: a", "\tb"),
    "a folded first field": _request(GET, host=" Host: {host}"),
    "a blank before a colon": _request(GET, "X-Note : a"),
    "a field without a name": _request(GET, ": a"),
    "a field without a colon": _request(GET, "X-Note"),
    "a name that is no token": _request(GET, "X-N\xe9te: a"),
    "a null in a value": _request(GET, "X-Note: a\x00b"),
    "a null in a name": _request(GET, "X\x00Note: a"),
    "a carriage return in a value": _request(GET, "X-Note: a\rContent-Length: 60", body=HIDDEN),
    "a delete in a value": _request(GET, "X-Note: a\x7f"),
    "two hosts": _request(GET, "Host: {host}"),
    "two hosts that differ": _request(GET, "Host: evil.example"),
    "two hosts in one": _request(GET, host="Host: {host}, evil.example"),
    "no host": _request(GET, host=""),
    "an empty host": _request(GET, host="Host:"),
    "a host with a user": _request(GET, host="Host: a@{host}"),
    "a host with a path": _request(GET, host="Host: {host}/a"),
    "two content types": _request(POST, "Content-Type: a/b", "Content-Type: application/json", "Content-Length: 0"),
    "another version": "GET /livez HTTP/1.0\r\nHost: {host}\r\n\r\n",
    "a version before there were any": "GET /livez\r\n\r\n",
    "a version to come": "GET /livez HTTP/1.2\r\nHost: {host}\r\n\r\n",
    "the beginning of another protocol": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": _request("CONNECT {host}"),
    "no path": _request("OPTIONS *"),
    "a path without its slash": _request("GET livez"),
    "a path with two": _request("GET //livez"),
    "a path with a null": _request("GET /livez%00"),
    "a path upwards": _request("GET /v1/../livez"),
    "a path upwards, in escapes": _request("GET /v1/%2e%2e/livez"),
    "a slash in escapes": _request("GET /v1%2fhub-keys"),
    "a letter in escapes": _request("GET /%6Civez"),
    "a backslash": _request("GET \\livez"),
    "a semicolon": _request("GET /livez;a=b"),
    "a method in small letters": _request("get /livez"),
    "a trace": _request("TRACE /livez"),
    "options": _request("OPTIONS /v1/earnings"),
    "an unknown method": _request("PURGE /livez"),
    "a method with a blank": _request("GE T /livez"),
    "an expectation of another kind": _request(POST, "Expect: magic", "Content-Length: 0"),
    "a target of 9,000 bytes": _request("GET /" + "a" * 9_000),
    "a field of 20,000 bytes": _request(GET, "X-Note: " + "a" * 20_000),
    "a field of 200,000 bytes": _request(GET, "X-Note: " + "a" * 200_000),
    "a thousand fields": _request(GET, *["X-Note: a"] * 1_000),
    "a greeting of TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
TAKEN = {
    "as it should be": (_request(GET), 1),
    "three at once": (_request(GET) * 3, 3),
    "line ends before it": ("\r\n\r\n" + _request(GET), 1),
    "another method asked for in a field": (_request(GET, "X-HTTP-Method-Override: DELETE", "X-Method: PUT"), 1),
    "another host in a field": (_request(GET, "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"), 1),
    "a length spelled with an underscore": (_request(GET, "Content_Length: 60"), 1),
    "line feeds alone (RFC 9112 section 2.2)": ("GET /livez HTTP/1.1\nHost: {host}\n\n", 1),
    "an absolute target": (_request("GET http://evil.example/livez"), 1),
    "an upgrade": (_request(GET, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), 1),
    "a body where none belongs": (_request(GET, f"Content-Length: {len(HIDDEN)}", body=HIDDEN), 1),
    "chunks where none belong": (_request(GET, CHUNKED, body=f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n{NO_CHUNKS}"), 1),
}
"""What has one meaning after all, and the number of its answers."""


def _conversation(net: Network, text: str) -> tuple[list[int], bytes]:
    """Send a request and an honest one after it; return the status of each answer, and all that came back."""
    honest = _request("GET /readyz", "Connection: close")
    raw = (text + honest).replace("{host}", net.server.authority).encode("latin-1")
    host, port = net.server.authority.split(":")
    got = b""
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        try:
            connection.sendall(raw)
            while part := connection.recv(65_536):
                got += part
        except ConnectionError:
            # It was refused before it was read to its end.
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", got)], got


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_ambiguous_is_refused_or_ends_the_connection(net: Network, name: str) -> None:
    statuses, got = _conversation(net, REFUSED[name])
    assert all(400 <= status < 500 for status in statuses[:1]), statuses
    assert statuses[1:] in ([], [200])
    assert b'"keys"' not in got


@pytest.mark.parametrize("name", TAKEN)
def test_what_has_one_meaning_is_answered(net: Network, name: str) -> None:
    text, answers = TAKEN[name]
    statuses, got = _conversation(net, text)
    assert statuses == [200] * (answers + 1)
    assert b'"keys"' not in got


def test_a_signed_report_carries_nothing_in(net: Network) -> None:
    """A signed request whose body is another signed request: it is refused as what it is, no JSON."""
    client = net.join()
    inner = sign(client, unsigned(client, "POST", "/v1/earnings", _report(net)))
    lines = [f"{inner.method} {inner.target} HTTP/1.1", *(f"{name}: {value}" for name, value in inner.fields), "", ""]
    outer = sign(client, unsigned(client, "POST", "/v1/earnings", "\r\n".join(lines).encode() + inner.body))
    before = net.rows()
    answer = client.transmit(*outer)
    assert (answer.status, answer.code) == (400, "malformed_json")
    assert net.rows() == before


def _report(net: Network) -> bytes:
    return json.dumps({"earnings": [sale(net.fresh("e"), net.member())]}).encode()


# --- slow ---


@pytest.fixture(scope="module")
def hasty(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A hub that waits a second for a header, and a second for a body."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub"), workers=1, read_timeout_s=1) as running:
        yield running


def _dripped(net: Network, text: str) -> bytes:
    """Send the beginning of a request, and return what comes until the hub ends the connection."""
    host, port = net.server.authority.split(":")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        connection.sendall(text.replace("{host}", net.server.authority).encode())
        got = b""
        while part := connection.recv(65_536):
            got += part
    return got


@pytest.mark.parametrize("text", ["", "GET", "GET /livez HTTP/1.1\r\nHost: {host}\r\nX-Note: a"])
def test_a_header_that_does_not_come_ends_the_connection(hasty: Network, text: str) -> None:
    assert _dripped(hasty, text) in (b"", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n")


@pytest.mark.parametrize(
    "framing", ["Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello"]
)
def test_a_body_that_does_not_come_is_refused(hasty: Network, framing: str) -> None:
    got = _dripped(hasty, f"POST /v1/earnings HTTP/1.1\r\nHost: {{host}}\r\n{framing}")
    assert got.startswith(b"HTTP/1.1 408")
    assert b'"body_too_slow"' in got
    assert b"signature-input" in got
