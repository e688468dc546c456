"""/v1/cards: an issuer's cards are linked to members, replaced, unlinked."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint, named_member
from hub.services import cards, reporting
from partner_sdk.wire.cards import (
    CardLinkAnswer,
    CardLinkRequest,
    CardReplaceRequest,
    CardsAnswer,
    CardsQuery,
    CardUnlinkAnswer,
    CardUnlinkRequest,
)


def link(call: Call) -> dict[str, Any]:
    """Link a card to a member."""
    return cards.link(call.hub, _reporter(call), call.body)


def unlink(call: Call) -> dict[str, Any]:
    """End what a link began."""
    return cards.unlink(call.hub, _reporter(call), call.path["event_id"], call.body)


def replace(call: Call) -> dict[str, Any]:
    """Put another card in the place of a linked one."""
    return cards.replace(call.hub, _reporter(call), call.path["event_id"], call.body)


def listing(call: Call) -> dict[str, Any]:
    """List the cards of a member."""
    return cards.listing(call.hub, call.caller.partner, call.query["member"])


def _reporter(call: Call) -> reporting.Reporter:
    return reporting.by_partner(call.caller.partner, call.caller.evidence)


_OPEN = ("unknown_event", "card_unlinked", "occurred_in_future", "event_conflict")
ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/cards",
        "Link a card to a member",
        CardLinkAnswer,
        link,
        CardLinkRequest,
        member=named_member,
        refusals=(
            "not_allowed", "unknown_member", "member_blocked", "card_linked", "occurred_in_future", "event_conflict"
        ),
    ),
    Endpoint(
        "POST", "/v1/cards/{event_id}/unlink", "Unlink a card", CardUnlinkAnswer, unlink, CardUnlinkRequest,
        refusals=_OPEN,
    ),
    Endpoint(
        "POST", "/v1/cards/{event_id}/replace", "Replace a card", CardLinkAnswer, replace, CardReplaceRequest,
        refusals=(*_OPEN, "card_linked"),
    ),
    Endpoint(
        "GET", "/v1/cards", "Cards of a member", CardsAnswer, listing, query=CardsQuery, refusals=("unknown_member",)
    ),
)  # fmt: skip
