"""The schemas of the log: its checkpoint, and the proofs that an event is in it and that it was never rewritten."""

from partner_sdk.wire import values
from partner_sdk.wire.fields import Part, Series, Text, WholeText, WireSchema
from partner_sdk.wire.merkle import MAX_SIZE

MAX_PATH = 128
_POSTED_AT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"


class CheckpointAnswer(WireSchema):
    """GET /v1/log/checkpoint: a signed note (C2SP tlog-checkpoint), and the name of the hub's key that signed it."""

    checkpoint = Text(r"[^\x00]{1,2000}", "a signed note is expected", required=True)
    keyid = Text(r"hub\.[A-Za-z0-9_-]{16}", "the name of one of the hub's keys is expected", required=True)


class LeafSchema(WireSchema):
    """What the log says of an event."""

    partner = values.partner(required=True)
    event_id = values.recorded_event(required=True)
    kind = values.label(required=True)
    status = values.label(required=True)
    points = values.total(required=True)
    posted_at = Text(_POSTED_AT, "an instant with six digits of a fraction is expected", required=True)
    content = values.digest(required=True)
    record = values.digest(required=True)


class ProofQuery(WireSchema):
    """The query of GET /v1/log/proof: an event, its reporter if not the partner, and a size of the log if not now's."""

    event_id = values.recorded_event(required=True)
    partner = values.partner()
    size = WholeText(1, MAX_SIZE)


class ProofAnswer(WireSchema):
    """The proof that the entry at `position` is in the log of `size` entries; who reported the event gets the salt."""

    leaf = Part(LeafSchema, required=True)
    content_salt = values.base64url(22, 22)
    position = values.total(required=True)
    size = values.total(required=True)
    path = Series(values.digest(), 0, MAX_PATH, required=True)


ConsistencyQuery = WireSchema.from_dict(
    {"from": WholeText(0, MAX_SIZE, required=True), "to": WholeText(0, MAX_SIZE, required=True)},
    name="ConsistencyQuery",
)
"""The query of GET /v1/log/consistency: two sizes that the log had."""


class ConsistencyAnswer(WireSchema):
    """The proof that the log of `from` entries is the beginning of the one of `to`."""

    path = Series(values.digest(), 0, MAX_PATH, required=True)
