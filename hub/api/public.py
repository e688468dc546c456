"""What needs no signature: key registration (signed by the new key itself), the hub's keys, health, metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from hub.api import answers, file_figures, incoming, pack_figures
from hub.services import partners, published_keys
from hub.services.authentication import authenticate_new_key
from hub.services.context import Hub
from partner_sdk.wire.schemas import KeyRegistration


def add_rules(
    app: Flask,
    hub: Hub,
    authorities: frozenset[str],
    own_figures: Callable[[], bytes],
    openapi: Callable[[], dict[str, Any]],
) -> None:
    """Add the rules to the application.

    ``own_figures`` are those that need no database, and ``openapi`` makes the document that tells of all rules.
    """

    def register_key() -> Response:
        received = incoming.received(request)
        found: dict[str, Any] = {}

        def document() -> dict[str, Any]:
            found.update(incoming.json_body(received, KeyRegistration))
            return found

        authenticate_new_key(hub, received, authorities, document)
        return answers.document(partners.register_key(hub, found))

    def ready() -> Response:
        hub.readiness.check()
        return answers.document({"status": "ready"})

    def figures() -> Response:
        shown = own_figures() + file_figures.exposition(hub) + pack_figures.exposition(hub)
        return Response(shown, content_type=CONTENT_TYPE_LATEST)

    rules: dict[tuple[str, str], Callable[[], Response]] = {
        ("POST", "/v1/keys"): register_key,
        ("GET", "/v1/hub-keys"): lambda: answers.document(published_keys.published(hub)),
        ("GET", "/openapi.json"): lambda: answers.document(openapi()),
        ("GET", "/livez"): lambda: answers.document({"status": "alive"}),
        ("GET", "/readyz"): ready,
        ("GET", "/metrics"): figures,
    }
    for (method, path), view in rules.items():
        app.add_url_rule(path, f"{method} {path}", view, methods=[method], provide_automatic_options=False)
