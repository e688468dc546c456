"""/v1/webhooks: where a partner wants to be told of what, and how the telling goes."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import webhooks
from partner_sdk.wire.returns import EmptyRequest
from partner_sdk.wire.webhooks import (
    DeadLettersAnswer,
    RemovedAnswer,
    ReplayAnswer,
    ReplayRequest,
    WebhookRequest,
    WebhooksAnswer,
    WebhookSchema,
)


def post(call: Call) -> dict[str, Any]:
    """Add or change a webhook."""
    body = call.body
    return webhooks.set_webhook(call.hub, _partner(call), body["webhook_id"], body["url"], body["topics"])


def listing(call: Call) -> dict[str, Any]:
    """Return all webhooks."""
    return {"webhooks": webhooks.listing(call.hub, _partner(call))}


def dead(call: Call) -> dict[str, Any]:
    """Return the messages that were given up."""
    return {"dead": webhooks.dead_letters(call.hub, _partner(call), call.path["webhook_id"])}


def replay(call: Call) -> dict[str, Any]:
    """Send messages again."""
    webhook_id = call.path["webhook_id"]
    count = webhooks.replay(call.hub, _partner(call), webhook_id, call.body.get("since"))
    return {"webhook_id": webhook_id, "replayed": count}


def remove(call: Call) -> dict[str, Any]:
    """Forget a webhook."""
    webhooks.remove(call.hub, _partner(call), call.path["webhook_id"])
    return {"webhook_id": call.path["webhook_id"], "status": "removed"}


def _partner(call: Call) -> str:
    return call.caller.partner.partner_id


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/webhooks",
        "Add or change a webhook",
        WebhookSchema,
        post,
        WebhookRequest,
        refusals=("webhook_target", "too_many_webhooks"),
    ),
    Endpoint("GET", "/v1/webhooks", "Own webhooks", WebhooksAnswer, listing),
    Endpoint(
        "GET",
        "/v1/webhooks/{webhook_id}/dead",
        "Messages that were given up",
        DeadLettersAnswer,
        dead,
        refusals=("unknown_webhook",),
    ),
    Endpoint(
        "POST",
        "/v1/webhooks/{webhook_id}/replay",
        "Send messages again",
        ReplayAnswer,
        replay,
        ReplayRequest,
        body_optional=True,
        refusals=("unknown_webhook",),
    ),
    Endpoint(
        "POST",
        "/v1/webhooks/{webhook_id}/remove",
        "Remove a webhook",
        RemovedAnswer,
        remove,
        EmptyRequest,
        body_optional=True,
        refusals=("unknown_webhook",),
    ),
)
