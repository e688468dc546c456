"""What can go wrong between a partner and the hub, as one tree.

    HansaError
    ├── TransportError            nobody knows whether it happened: ask again with the same id
    │   ├── NoAnswer              no connection, or none in time
    │   ├── UntrustedAnswer       something answered that cannot prove to be the hub
    │   └── ReceiptNotKept        the hub answered, and the receipt could not be written
    ├── WrongEnvironment          the key is for sandboxes and the hub is live, or the other way round
    └── Refused                   the hub said no, signed
        ├── InvalidRequestError   the request is at fault (400, 413, 415, 421, 422, 431)
        ├── Unauthenticated       the signature, the key or the clock is at fault (401)
        ├── NotAllowed            the partner may not do this (403)
        ├── NotFound              there is no such thing (404, 405)
        ├── Conflict              it does not go together with what is recorded (409)
        │   ├── EventConflict         the id was used before with other content
        │   └── InsufficientPoints    the member has too few points; the refusal is recorded
        ├── RateLimited           too many requests (429)
        └── HubUnavailable        the hub failed or cannot answer now (5xx)

The one distinction that matters to a till: a Refused is an outcome, a TransportError is none.
"""

from typing import Any

from partner_sdk.wire.codes import CODES


class HansaError(Exception):
    """Anything that went wrong; `request_id` names the request in the hub's records, when one was made."""

    def __init__(self, detail: str, request_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.request_id = request_id

    @property
    def retryable(self) -> bool:
        """Whether the same request may pass later."""
        return False


class TransportError(HansaError):
    """No trustworthy answer. The request may have taken effect: send it again under the same id."""

    @property
    def retryable(self) -> bool:
        """Always: nothing is known to have been refused."""
        return True


class NoAnswer(TransportError):
    """The hub could not be reached, or did not answer in time."""


class UntrustedAnswer(TransportError):
    """An answer came that is not signed by the hub for this request, such as a proxy's error page."""


class ReceiptNotKept(TransportError):
    """The hub answered, but its receipt could not be kept: make room, and ask again with the same id to get it."""


class WrongEnvironment(HansaError):
    """The key is for hubs of the other environment; it was not used, and nothing was sent."""


class Refused(HansaError):
    """The hub refused, and signed it.

    `code` is a code of the wire, `status` the HTTP status, `problem` the whole problem document (RFC 9457),
    `retry_after_s` what the hub asked to wait, in seconds.
    """

    def __init__(self, problem: dict[str, Any], status: int, request_id: str, retry_after_s: int | None = None) -> None:
        self.code = str(problem.get("code"))
        self.status = status
        self.problem = problem
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.code}: {problem.get('detail')}", request_id)

    @property
    def retryable(self) -> bool:
        """Whether the code, or for an unknown one the status, says that the request may pass later."""
        known = CODES.get(self.code)
        return known.retryable if known else self.status >= 500


class InvalidRequestError(Refused):
    """The request is at fault; `errors` points at the members of its body (RFC 6901 pointers)."""

    @property
    def errors(self) -> list[dict[str, str]]:
        """[{"pointer", "detail"}], empty when the fault is not in the body."""
        errors: list[dict[str, str]] = self.problem.get("errors", [])
        return errors


class Unauthenticated(Refused):
    """The signature, the key or the clock is at fault."""


class NotAllowed(Refused):
    """The partner may not do this."""


class NotFound(Refused):
    """There is no such thing, or not for this partner."""


class Conflict(Refused):
    """The request does not go together with what is recorded."""


class EventConflict(Conflict):
    """The event id was used before with other content."""


class InsufficientPoints(Conflict):
    """The member has too few available points. The hub recorded the refusal under the redemption's id."""

    @property
    def duplicate(self) -> bool:
        """Whether this is the first refusal again."""
        return self.problem.get("duplicate") is True


class RateLimited(Refused):
    """Too many requests; `retry_after_s` says how long to wait."""


class HubUnavailable(Refused):
    """The hub failed, or cannot answer now."""


def refused(problem: dict[str, Any], status: int, request_id: str, retry_after_s: int | None) -> Refused:
    """The error of the tree for a problem document."""
    default = HubUnavailable if status >= 500 else InvalidRequestError
    kind = _BY_CODE.get(str(problem.get("code"))) or _BY_STATUS.get(status, default)
    return kind(problem, status, request_id, retry_after_s)


_BY_CODE: dict[str, type[Refused]] = {
    "event_conflict": EventConflict,
    "insufficient_points": InsufficientPoints,
}
_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthenticated,
    403: NotAllowed,
    404: NotFound,
    405: NotFound,
    409: Conflict,
    429: RateLimited,
}
