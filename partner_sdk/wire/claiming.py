"""The schemas of retro claims: a purchase that brought no points, who is asked about it, and what became of it."""

from typing import Any

from marshmallow import ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.cards import token
from partner_sdk.wire.fields import Choice, Day, Flag, Moment, Part, Series, Text, WireSchema
from partner_sdk.wire.schemas import MAX_PAGE, MoneySchema

REASONS = ("no_points", "not_identified", "till_failed", "other")
STATES = ("open", "needs_more", "granted", "declined", "withdrawn")
MOVES = ("more", "withdraw", "ask", "grant", "decline")


def claim(**kwargs: Any) -> Text:
    """An id that a client chose for a claim."""
    return Text(r"[A-Za-z0-9._~:-]{1,60}", "1 to 60 characters of A-Z a-z 0-9 . _ ~ : - are expected", **kwargs)


class ClaimEvidenceSchema(WireSchema):
    """What shows it: words, the SHA-256 of a document that the claimant keeps."""

    text = values.sentence()
    sha256 = values.digest()


class ClaimRequest(WireSchema):
    """POST /v1/claims: a purchase of the member, or of who held the caller's card then; `at` where, if elsewhere.

    `reference` is the event that it should be, if that is known. For the caller's own card `category` is the
    merchant's code (ISO 18245), by which a clearing earns.
    """

    claim_id = claim(required=True)
    member = values.member()
    card = token()
    category = Text(r"[0-9]{4}", "a merchant category code of four digits is expected")
    occurred_at = Moment(required=True)
    amount = Part(MoneySchema, required=True)
    at = values.partner()
    reference = values.identifier()
    reason = Choice(*REASONS, required=True)
    evidence = Part(ClaimEvidenceSchema)

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a claim of nobody, of two, of nothing, and one whose category nothing uses."""
        if ("member" in loaded) == ("card" in loaded):
            raise ValidationError({"member": ["either a member or a card is expected"]})
        if not loaded["amount"]["minor"]:
            raise ValidationError({"amount": ["a purchase of more than nothing is expected"]})
        if "category" in loaded and ("card" not in loaded or "at" in loaded):
            raise ValidationError({"category": ["this is of purchases with the caller's own card, without at"]})


class ClaimMoveRequest(ClaimEvidenceSchema):
    """POST /v1/claims/{claim_id}/moves; `partner` is who made the claim, if not the caller."""

    move = Choice(*MOVES, required=True)
    partner = values.partner()

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse an answer without a word."""
        if loaded["move"] in ("ask", "decline", "more") and not (loaded.get("text") or loaded.get("sha256")):
            raise ValidationError({"text": ["this member is required: the other side reads it"]})


class ClaimMoveSchema(ClaimEvidenceSchema):
    """A move into a state: by whom, a partner, an operator or @deadline, and what was said."""

    state = Choice(*STATES, required=True)
    by = values.label(required=True)
    at = Moment(required=True)


class FoundSchema(WireSchema):
    """What was reported that may be the claimed purchase, and why it gave what it gave."""

    event_id = values.recorded_event(required=True)
    status = values.label(required=True)
    points = values.points(required=True)
    occurred_at = Moment(required=True)
    why = Series(values.sentence(), 0, 1000, required=True)


class ClaimAnswer(WireSchema):
    """A claim of `partner` about a purchase `at` another or itself; `outcome` is what silence up to `due_on` means."""

    partner = values.partner(required=True)
    claim_id = claim(required=True)
    at = values.partner(required=True)
    occurred_at = Moment(required=True)
    amount = Part(MoneySchema, required=True)
    reference = values.identifier()
    reason = Choice(*REASONS, required=True)
    state = Choice(*STATES, required=True)
    due_on = Day()
    outcome = Choice("granted", "declined")
    event_id = values.identifier()
    points = values.points()
    moves = Series(Part(ClaimMoveSchema), 1, 100_000, required=True)
    found = Series(Part(FoundSchema), 0, 10)


class ClaimsAnswer(WireSchema):
    """GET /v1/claims: one page, by claimant and id."""

    claims = Series(Part(ClaimAnswer), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


class ClaimQuery(WireSchema):
    """The query of GET /v1/claims/{claim_id}: who made it, if not the caller."""

    partner = values.partner()
