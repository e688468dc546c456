"""The schemas of bulk files: opening one, its parts, its state, and what became of its records."""

from typing import Any

from marshmallow import ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Flag, Moment, Part, Series, Text, Whole, WireSchema
from partner_sdk.wire.schemas import EventErrorSchema

PART_BYTES = 524_288
"""Bytes of each part but the last."""
MAX_PARTS, MAX_SEQUENCE = 100_000, 10**15
STATES = ("receiving", "received", "waiting", "posting", "posted", "refused", "reversing", "reversed")
OUTCOMES = ("posted", "pending", "duplicate", "rejected", "quarantined", "reversed")
_PART_CHARS = -(-PART_BYTES // 3) * 4


def named_file(**kwargs: Any) -> Text:
    """An id that a client chose for a file."""
    return Text(r"[A-Za-z0-9._~-]{1,64}", "1 to 64 characters of A-Z a-z 0-9 . _ ~ - are expected", **kwargs)


class FileRequest(WireSchema):
    """POST /v1/files: what is going to come, under an id that the client chooses; `sha256` is over all its bytes."""

    file_id = named_file(required=True)
    template = Text(r"[a-z][a-z0-9_-]{0,31}", "the name of a template is expected", required=True)
    bytes = Whole(1, PART_BYTES * MAX_PARTS, required=True)
    sha256 = Text(r"[0-9a-f]{64}", "64 hexadecimal digits are expected", required=True)
    compression = Choice("none", "gzip", load_default="none")
    sequence = Whole(1, MAX_SEQUENCE)
    corrects = named_file()


class FilePartRequest(WireSchema):
    """POST /v1/files/{file_id}/parts/{number}: the bytes of one part in base64 (RFC 4648 section 4)."""

    content = Text(
        rf"(?:[A-Za-z0-9+/]{{4}}){{0,{_PART_CHARS // 4}}}(?:[A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?",
        f"base64 of at most {PART_BYTES} bytes is expected",
        required=True,
    )

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse a part with nothing in it."""
        if not loaded["content"]:
            raise ValidationError({"content": ["a part is not empty"]})


class FileCountsSchema(WireSchema):
    """How many records became what so far."""

    posted = values.total(required=True)
    pending = values.total(required=True)
    duplicate = values.total(required=True)
    rejected = values.total(required=True)
    quarantined = values.total(required=True)
    points = values.total(required=True)


class FileAnswer(WireSchema):
    """A file as it stands; `reasons` say why it waits or was refused, `missing` the first parts that have not come."""

    file_id = named_file(required=True)
    template = values.label(required=True)
    template_version = Whole(1, 2**31 - 1, required=True)
    record = values.label(required=True)
    state = Choice(*STATES, required=True)
    bytes = values.total(required=True)
    sha256 = values.label(required=True)
    parts = Whole(1, MAX_PARTS, required=True)
    missing = Series(Whole(1, MAX_PARTS), 0, 100, required=True)
    sequence = values.total()
    corrects = named_file()
    records = values.total(required=True)
    unreadable = values.total(required=True)
    counts = Part(FileCountsSchema, required=True)
    reasons = Series(Part(EventErrorSchema), 0, 10, required=True)
    opened_at = Moment(required=True)
    changed_at = Moment(required=True)


class FilePartAnswer(WireSchema):
    """A part that is kept."""

    file_id = named_file(required=True)
    number = Whole(1, MAX_PARTS, required=True)
    duplicate = Flag()


class FileResultSchema(WireSchema):
    """What became of one line; `event_id` is there where the record is in the ledger under another id than its own."""

    line = values.total(required=True)
    record = Text(r"[A-Za-z0-9._~:-]{0,100}", "an id is expected", required=True)
    status = Choice(*OUTCOMES, required=True)
    points = values.points(required=True)
    event_id = values.recorded_event()
    error = Part(EventErrorSchema)


class FileResultsAnswer(WireSchema):
    """A page of GET /v1/files/{file_id}/results, line by line."""

    results = Series(Part(FileResultSchema), 0, 1000, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)
