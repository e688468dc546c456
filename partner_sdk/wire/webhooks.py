"""Webhooks: the schemas by which a partner says what it wants to be told of, and how a message is signed."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Moment, Part, Series, WireSchema
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import MAX_LIFETIME_S, WEBHOOK_TAG, RequestTarget, content_digest, sign_request

CONTENT_TYPE = "application/json"
TOPICS = (
    "points.posted", "redemption.captured", "statement.published", "key.expiring", "gap.found", "dispute.moved",
    "pack.low", "claim.moved",
)  # fmt: skip
"""What webhooks can be told of."""
MAX_WEBHOOKS = 10
MAX_DEAD = 100


class WebhookRequest(WireSchema):
    """POST /v1/webhooks: tell the server at `url` of these `topics`; the same `webhook_id` again changes it."""

    webhook_id = values.identifier(required=True)
    url = values.url(required=True)
    topics = Series(Choice(*TOPICS), 1, len(TOPICS), required=True)


class WebhookSchema(WireSchema):
    """A webhook and how it does: what waits, what was given up, failures in a row, and the last outcome."""

    webhook_id = values.identifier(required=True)
    url = values.url(required=True)
    topics = Series(Choice(*TOPICS), 1, len(TOPICS), required=True)
    state = Choice("active", "paused", "gone", required=True)
    circuit = Choice("closed", "open", required=True)
    waiting = values.total(required=True)
    dead = values.total(required=True)
    failures = values.total(required=True)
    next_attempt_at = Moment(required=True)
    last_outcome = values.sentence()


class WebhooksAnswer(WireSchema):
    """GET /v1/webhooks: all of the partner's."""

    webhooks = Series(Part(WebhookSchema), 0, MAX_WEBHOOKS, required=True)


class DeadLetterSchema(WireSchema):
    """A message that was tried ten times and given up; `subject` is the event, cycle or key that it is about."""

    id = values.message(required=True)
    topic = values.topic(required=True)
    subject = values.sentence(required=True)
    attempts = values.total(required=True)
    attempted_at = Moment(required=True)
    outcome = values.sentence(required=True)


class DeadLettersAnswer(WireSchema):
    """GET /v1/webhooks/{webhook_id}/dead: oldest first."""

    dead = Series(Part(DeadLetterSchema), 0, MAX_DEAD, required=True)


class ReplayRequest(WireSchema):
    """POST /v1/webhooks/{webhook_id}/replay: dead letters again; with `since` also what was delivered."""

    since = Moment()


class ReplayAnswer(WireSchema):
    """How many messages go out again."""

    webhook_id = values.identifier(required=True)
    replayed = values.total(required=True)


class RemovedAnswer(WireSchema):
    """POST /v1/webhooks/{webhook_id}/remove: nothing is sent there any more."""

    webhook_id = values.identifier(required=True)
    status = Choice("removed", required=True)


def sign_webhook(url: str, body: bytes, key: PrivateKey, created: int, nonce: str) -> dict[str, str]:
    """The header fields of a message that the hub sends to a URL, signed by its key; `created` in epoch seconds."""
    digest = content_digest(body)
    signature = sign_request(
        RequestTarget.from_url("POST", url, CONTENT_TYPE, digest),
        key,
        key_id("hub", key.public),
        created=created,
        expires=created + MAX_LIFETIME_S,
        nonce=nonce,
        tag=WEBHOOK_TAG,
    )
    return {"Content-Type": CONTENT_TYPE, "Content-Digest": digest, **signature}
