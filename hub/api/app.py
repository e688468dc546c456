"""The Flask application: one rule an endpoint, one way through all of them.

Each signed request passes the same steps, cheapest first: limits, signature, rate limit, strict JSON, schema,
then its endpoint. Whatever is raised on the way becomes a signed problem document.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from hub.api import answers, bound_figures, incoming, openapi, public, rate_limit, sandbox
from hub.api.calls import Call, Endpoint
from hub.api.express import Express
from hub.api.metrics import Metrics
from hub.api.routes import SIGNED
from hub.core.errors import DatabaseUnavailable, Refused
from hub.services import card_guard
from hub.services.authentication import authenticate, claimed_key
from hub.services.context import Hub
from hub.services.rate_limits import RateLimits

LOG = logging.getLogger("hansa.api")
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def create_app(
    hub: Hub, authorities: frozenset[str], rate_limits: RateLimits, bounds: Mapping[str, float]
) -> tuple[Flask, Express]:
    """Build the application and its express lane.

    ``authorities`` are the values of ``@authority`` that they answer for; ``bounds`` are shown with the figures.
    """
    app = Flask("hansa", static_folder=None)
    # A path counts as it was signed: no redirect to a tidier one, and no method that the index does not name.
    app.url_map.merge_slashes = False
    metrics = Metrics()
    for endpoint in SIGNED:
        view = _signed_view(hub, endpoint, authorities, rate_limits)
        name = f"{endpoint.method} {endpoint.path}"
        rule = app.url_rule_class(_rule(endpoint.path), endpoint=name, methods=[endpoint.method])
        # werkzeug lets HEAD in with GET; but an answer without its body cannot be verified.
        rule.methods = {endpoint.method}
        app.url_map.add(rule)
        app.view_functions[name] = view
    document = cache(lambda: openapi.document(SIGNED))
    public.add_rules(app, hub, authorities, lambda: metrics.exposition() + bound_figures.exposition(bounds), document)
    app.register_error_handler(Exception, _answer_error)
    app.before_request(metrics.started)
    app.before_request(lambda: request.environ[incoming.ENTRY].of_endpoint(request.endpoint))
    app.before_request(lambda: incoming.check_let_in(request))
    app.before_request(_check_spelling)
    app.after_request(lambda answer: answers.sign(hub, metrics.finished(answer)))
    return app, Express(hub, authorities, rate_limits, metrics)


def _rule(path: str) -> str:
    """Return the path of an endpoint as a rule.

    Only a member's identifier may have slashes in it, and the name that the hub gave an event, as in `r-1/capture`.
    """
    rule = re.sub(r"\{(\w+)\}", r"<\1>", path)
    return re.sub(r"<(member|event)>", r"<path:\1>", rule)


def _check_spelling() -> None:
    """Refuse a path whose fixed words are written in escapes: what a proxy allows or forbids would not match it."""
    if request.url_rule is None:
        return
    words, given = request.url_rule.rule.split("/"), request.environ[incoming.RAW_PATH].split("/")
    same = all(word == own for word, own in zip(words, given, strict=False) if not word.startswith("<"))
    if not same or len(given) < len(words):
        raise NotFound


def _signed_view(
    hub: Hub, endpoint: Endpoint, authorities: frozenset[str], rate_limits: RateLimits
) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        received, entry = incoming.received(request), request.environ[incoming.ENTRY]
        try:
            caller = authenticate(hub, received, authorities)
        except Refused:
            entry.of_key(claimed_key(hub, received))
            raise
        entry.of_key(caller.key)
        standing = request.environ.get(incoming.COUNTED)
        if standing is None:
            standing = rate_limits.take(rate_limits.limits.of_partner(caller.partner), caller.partner.partner_id)
        card_guard.refuse_in("path", path.values())
        body = incoming.json_body(received, endpoint.request, optional=endpoint.body_optional)
        query = incoming.query(request, endpoint.query)
        call = Call(hub, caller, body, incoming.path_ids(path), query)
        if endpoint.member is not None and incoming.MEMBER_COUNTED not in request.environ:
            rate_limits.take(rate_limits.limits.member, endpoint.member(call))
        answer = answers.document(sandbox.handle(endpoint, call))
        answer.headers.extend(rate_limit.fields(standing))
        return answer

    return view


def _answer_error(error: Exception) -> Response:
    if isinstance(error, Refused):
        return answers.refusal(error)
    if isinstance(error, HTTPException):
        return _answer_http(error)
    if isinstance(error, DatabaseUnavailable):
        LOG.warning("database unavailable: %s", error)
        return answers.refusal(Refused("unavailable", "The hub's database does not answer; try again later."))
    entry: incoming.Entry = request.environ[incoming.ENTRY]
    LOG.error("unexpected failure in request %s of %s", entry.request_id, entry.route, exc_info=error)
    return answers.refusal(Refused("internal_error", "The hub failed; it has been logged."))


def _answer_http(error: HTTPException) -> Response:
    code = _HTTP_CODES.get(error.code or 0, "malformed_request")
    answer = answers.refusal(Refused(code, _http_detail(code)))
    allowed: Any = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _http_detail(code: str) -> str:
    if code == "not_found":
        return "There is nothing at this path; /openapi.json lists what there is."
    if code == "method_not_allowed":
        return "This path does not take this method; see the Allow field."
    return "The request cannot be read."
