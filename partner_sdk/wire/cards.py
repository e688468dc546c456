"""The schemas of linked cards: an issuer's tokens, and whose they are."""

from typing import Any

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Flag, Moment, Part, Series, Text, WireSchema

UNLINKED = ("member", "closed", "lost", "fraud")
REPLACED = ("lost", "renewed", "upgraded")


def token(**kwargs: Any) -> Text:
    """A card by its issuer's token or PAR; never its number."""
    return Text(r"[A-Za-z0-9._~=-]{4,64}", "a card's token or PAR is expected, 4 to 64 characters", **kwargs)


class CardLinkRequest(WireSchema):
    """POST /v1/cards: the card is the member's, from now or from `linked_at` on; `consent` names the agreement."""

    event_id = values.identifier(required=True)
    card = token(required=True)
    member = values.member(required=True)
    consent = values.label(required=True)
    product = values.label()
    linked_at = Moment()


class CardUnlinkRequest(WireSchema):
    """POST /v1/cards/{event_id}/unlink."""

    reason = Choice(*UNLINKED, required=True)
    unlinked_at = Moment()


class CardReplaceRequest(WireSchema):
    """POST /v1/cards/{event_id}/replace: another card, and product where one is named, for the same member."""

    event_id = values.identifier(required=True)
    card = token(required=True)
    reason = Choice(*REPLACED, required=True)
    product = values.label()
    replaced_at = Moment()


class CardLinkAnswer(WireSchema):
    """A card that was linked."""

    event_id = values.identifier(required=True)
    status = Choice("linked", required=True)
    linked_at = Moment(required=True)
    replaces = values.identifier()
    duplicate = Flag()


class CardUnlinkAnswer(WireSchema):
    """A card that is nobody's any more."""

    event_id = values.identifier(required=True)
    status = Choice("unlinked", required=True)
    unlinked_at = Moment(required=True)
    undone = Series(values.label(), 1, 10)
    duplicate = Flag()


class CardsQuery(WireSchema):
    """Whose cards."""

    member = values.member(required=True)


class CardSchema(WireSchema):
    """A card by the event that linked it, and what ended it."""

    event_id = values.identifier(required=True)
    linked_at = Moment(required=True)
    product = values.label()
    unlinked_at = Moment()
    replaced_by = values.identifier()


class CardsAnswer(WireSchema):
    """GET /v1/cards: those that the member holds or held, oldest first."""

    cards = Series(Part(CardSchema), 0, 1_000, required=True)
