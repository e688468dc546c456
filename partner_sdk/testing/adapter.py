"""The seam: what looks like a network to `requests`, and leads into a hub in this very process."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from partner_sdk.testing.faults import Reply
from partner_sdk.testing.gate import Received
from partner_sdk.wire.signatures import RequestTarget

Answer = Callable[[Received], Reply]


class LocalAdapter(BaseAdapter):
    """Gives every request of a session to a function, and takes its reply as the answer from the network."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer to a request; raises what requests would when the network fails."""
        headers = request.headers
        target = RequestTarget.from_url(
            str(request.method), str(request.url), headers.get("Content-Type"), headers.get("Content-Digest")
        )
        body = request.body or b""
        reply = self._answer(Received(target, headers, body.encode() if isinstance(body, str) else body))
        return _response(request, reply)

    def close(self) -> None:
        """Nothing is open."""


def _response(request: PreparedRequest, reply: Reply) -> Response:
    response = Response()
    response.status_code = reply.status
    response.headers = CaseInsensitiveDict(reply.headers)
    response.raw = io.BytesIO(reply.body)
    response.request, response.url = request, str(request.url)
    return response


def open_session(answer: Answer) -> Session:
    """A session that reaches a function and nothing else: no address leads to a network."""
    session = Session()
    session.trust_env = False
    session.mount("http://", LocalAdapter(answer))
    session.mount("https://", LocalAdapter(answer))
    return session
