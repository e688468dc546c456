"""What can go wrong between a till and a hub, to be had on purpose: `hub.fail_next(Fault.ANSWER_LOST)`.

Nothing waits: what would be a wait for an answer is at once the error that ends the wait.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, NoReturn

from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ConnectTimeout, ReadTimeout


class Fault(StrEnum):
    """A way to fail."""

    UNREACHABLE = "unreachable"
    """No connection: the hub never sees the request."""
    ANSWER_LOST = "answer_lost"
    """The hub does what was asked and commits it; then the connection breaks."""
    SLOW = "slow"
    """The hub does what was asked, but its answer does not come in time."""
    BAD_SIGNATURE = "bad_signature"
    """The hub does what was asked; the answer is signed by another key."""
    ALTERED = "altered"
    """The hub does what was asked; somebody on the way changes the answer."""
    PROXY_ERROR = "proxy_error"
    """A proxy answers 502 with a page of its own; the hub never sees the request."""
    REDIRECT = "redirect"
    """A proxy answers 302 to somewhere else; the hub never sees the request."""
    SERVER_ERROR = "server_error"
    """The hub fails, signed: 500 internal_error. Nothing was done."""
    UNAVAILABLE = "unavailable"
    """The hub's database does not answer, signed: 503. Nothing was done."""
    RATE_LIMITED = "rate_limited"
    """The hub answers 429 with Retry-After. Nothing was done."""


class Reply(NamedTuple):
    """An answer before it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


REFUSING = {
    Fault.SERVER_ERROR: ("internal_error", "The hub failed; it has been logged."),
    Fault.UNAVAILABLE: ("unavailable", "The hub's database does not answer; try again later."),
    Fault.RATE_LIMITED: ("rate_limited", "Too many requests; try again later."),
}
"""Faults that are the hub's own signed refusals, by code and detail."""


def _unreachable() -> Reply:
    raise ConnectTimeout("the local hub was told to be unreachable")


def _proxy_error() -> Reply:
    return Reply(502, {"Content-Type": "text/html"}, b"<html><body>Bad Gateway</body></html>")


def _redirect() -> Reply:
    return Reply(302, {"Location": "https://elsewhere.example/", "Content-Type": "text/html"}, b"")


BEFORE: dict[Fault, Callable[[], Reply]] = {
    Fault.UNREACHABLE: _unreachable,
    Fault.PROXY_ERROR: _proxy_error,
    Fault.REDIRECT: _redirect,
}
"""What happens instead of the request."""


def _lost(reply: Reply) -> Reply:
    raise Disconnected("the local hub was told to lose its answer")


def late(_: object) -> NoReturn:
    """The end of a wait for an answer."""
    raise ReadTimeout("the local hub was told to be slow")


def _altered(reply: Reply) -> Reply:
    return reply._replace(body=reply.body.replace(b"1", b"9").replace(b"posted", b"voided") + b" ")


AFTER: dict[Fault, Callable[[Reply], Reply]] = {
    Fault.ANSWER_LOST: _lost,
    Fault.SLOW: late,
    Fault.ALTERED: _altered,
}
"""What happens to the answer."""
