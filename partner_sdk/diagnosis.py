"""What is right and what is wrong between a partner and its hub, in words that say what to do about it.

`hansa-partner ping` shows this. A program that wants to know the same calls `diagnose` with its own client.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError
from urllib3.exceptions import NameResolutionError

from partner_sdk.client import Client
from partner_sdk.errors import HansaError, NoAnswer, Refused, UntrustedAnswer, WrongEnvironment
from partner_sdk.model import Ping
from partner_sdk.wire.hub_keys import KeyListRefused
from partner_sdk.wire.signatures import MAX_AHEAD_S

_DAY_S = 86_400


class Diagnosis(NamedTuple):
    """What was found out, as fields to show, and what to do, in sentences; nothing to do when all is well."""

    healthy: bool
    found: dict[str, Any]
    advice: list[str]


def diagnose(client: Client, clock: Callable[[], float] = time.time) -> Diagnosis:
    """Ask the hub who it takes this client for; raises nothing that a hub or a network may cause."""
    asked_at = clock()
    try:
        ping = client.ping()
    except HansaError as error:
        return _ill(client, error)
    # The hub looked at its clock somewhere between the question and its answer.
    offset_s = ping.server_time.timestamp() - (asked_at + clock()) / 2
    found = asdict(ping) | {"clock_offset_s": round(offset_s, 1)}
    return Diagnosis(True, found, [*_of_clocks(ping, offset_s), *_of_state(ping)])


def _of_clocks(ping: Ping, offset_s: float) -> Iterator[str]:
    if abs(offset_s) > MAX_AHEAD_S:
        where = "behind" if offset_s > 0 else "ahead of"
        yield (
            f"Your clock is {abs(offset_s):.0f} s {where} the hub's. Requests are signed by the hub's time all the"
            " same, but the times of your sales come from your clock: set it."
        )
    if abs((ping.business_time - ping.server_time).total_seconds()) > _DAY_S:
        yield f"Business time of this {ping.environment} is {ping.business_time.isoformat()}: report sales of then."


def _of_state(ping: Ping) -> Iterator[str]:
    if ping.key_state == "retiring":
        yield "This key will soon retire: the operator has approved another one. Change over to it."


def _ill(client: Client, error: HansaError) -> Diagnosis:
    finding, advice = _cause(client, error)
    found = {"finding": finding, "hub": client.hub, "keyid": client.keyid, "thumbprint": client.public_key.thumbprint()}
    return Diagnosis(False, found | {"detail": error.detail}, [advice])


def _cause(client: Client, error: HansaError) -> tuple[str, str]:
    if isinstance(error, Refused):
        advice = _REFUSED.get(error.code, "The hub refuses, signed: {detail}.")
        named = {"keyid": client.keyid, "thumbprint": client.public_key.thumbprint(), "hub": client.hub}
        return error.code, advice.format(detail=error.detail, **named)
    if isinstance(error, WrongEnvironment):
        return "wrong_environment", f"{error.detail}. Use the key that you made for it, or make and register one."
    if isinstance(error, UntrustedAnswer):
        return _distrusted(client, error)
    return _unreachable(client, error)


def _distrusted(client: Client, error: UntrustedAnswer) -> tuple[str, str]:
    if isinstance(error.__cause__, KeyListRefused):
        return "wrong_root_key", (
            f"What answers at {client.hub} cannot prove to be the hub: {error.__cause__.detail}. Compare the root key"
            " with the operator over another channel; if it is right, this is not your hub."
        )
    return "not_the_hub", (
        f"Something answers at {client.hub} that is not the hub, such as a proxy, or changes what the hub says:"
        f" {error.detail}."
    )


def _unreachable(client: Client, error: HansaError) -> tuple[str, str]:
    cause = error.__cause__
    if isinstance(cause, SSLError):
        return "no_trust_in_tls", f"The certificate of {client.hub} cannot be trusted: {cause}."
    if isinstance(cause, ConnectTimeout | ReadTimeout):
        return "too_slow", f"{client.hub} does not answer in time. Is a firewall on the way?"
    reason = getattr(cause.args[0], "reason", None) if isinstance(error, NoAnswer) and cause and cause.args else None
    if isinstance(reason, NameResolutionError):
        return "no_such_host", f"Nobody knows the host of {client.hub}. Is it spelled right, and are you online?"
    return "unreachable", f"There is no connection to {client.hub}. Is the address right? No proxy is used by itself."


_REFUSED = {
    "unknown_key": "The hub does not know the key {keyid}. Register it (hansa-partner enrol) and have the operator"
    " approve it. Sandbox and live hub know different keys: is this the right hub for this key?",
    "key_pending": "The key waits for the operator's approval. Tell the operator its thumbprint by telephone or in"
    " person: {thumbprint}",
    "key_retired": "The key has retired: another one has taken its place. Use that one, or make and"
    " register a new one.",
    "key_revoked": "The key is revoked, for good. If you did not ask for that, call the operator; else make and"
    " register a new one.",
    "signature_invalid": "The hub has another key under the id {keyid}, or something on the way changes requests.",
    "wrong_authority": "The hub does not answer for the host of {hub}: use the very address that the operator gave"
    " you.",
    "clock_skew": "Your clock is too far off, and the hub's time did not help. Set your clock.",
    "partner_suspended": "The operator has suspended this partner; call the operator.",
    "rate_limited": "Too many requests come from you; wait, and look for what sends them.",
    "unavailable": "The hub is there, but cannot answer now; try again later.",
}
