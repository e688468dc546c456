"""Records: everything that a partner sent in a day or a cycle, what became of it, and the files that list it.

The hub's operator and the partner write the same file, byte for byte, so either can hold its own against the other's.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from marshmallow import ValidationError

from partner_sdk.wire import values
from partner_sdk.wire.fields import Choice, Day, Flag, Moment, Part, Series, Whole, WireSchema
from partner_sdk.wire.schemas import MAX_PAGE, EventsQuery, MoneySchema

OUTCOMES = ("posted", "pending", "rejected", "quarantined")
COLUMNS = (
    "event_id", "kind", "outcome", "code", "occurred_at", "posted_at", "minor", "currency", "points", "rate_version",
    "refers_to", "store", "terminal", "owed", "packs",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class SignedMoneySchema(WireSchema):
    """Money that the partner owes for a record, or below zero is owed."""

    minor = values.signed_total(required=True)
    currency = values.currency(required=True)


class DrawnSchema(WireSchema):
    """Points of a record that a pack of the partner's covers, or below zero got back."""

    pack = values.identifier(required=True)
    points = values.signed_total(required=True)


class RecordSchema(WireSchema):
    """A record with its outcome; `rate_version` is of the rate, or of the price, that it was posted with."""

    event_id = values.recorded_event(required=True)
    kind = values.label(required=True)
    outcome = Choice(*OUTCOMES, required=True)
    code = values.label()
    occurred_at = Moment(required=True)
    posted_at = Moment()
    amount = Part(MoneySchema)
    points = values.total(required=True)
    rate_version = Whole(0, 2**31 - 1)
    refers_to = values.recorded_event()
    store = values.label()
    terminal = values.label()
    owed = Series(Part(SignedMoneySchema), 0, 1000)
    packs = Series(Part(DrawnSchema), 0, 1000)


class RecordsAnswer(WireSchema):
    """GET /v1/records: one page, as they were committed; those that wait or were too late come last."""

    records = Series(Part(RecordSchema), 0, MAX_PAGE, required=True)
    next_cursor = values.cursor(required=True)
    more = Flag(required=True)


class RecordsQuery(EventsQuery):
    """Of which business day, or of which cycle's days."""

    day = Day()
    cycle = values.cycle()

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Refuse neither and both."""
        if ("day" in loaded) == ("cycle" in loaded):
            raise ValidationError({"day": ["either a day or a cycle is expected"]})


def write_records(path: Path, records: Iterable[Mapping[str, Any]], *, as_csv: bool) -> dict[str, Any]:
    """Write records one by one, as CSV or as JSON lines; the totals are the last line.

    Returns the totals: `records`, `points` of what was posted, and how many there are of each outcome.
    """
    totals: Counter[str] = Counter()
    with path.open("w", encoding="utf-8", newline="") as stream:
        put = _csv(stream) if as_csv else lambda one: stream.write(_line(one))
        for record in records:
            put(record)
            totals[record["outcome"]] += 1
            totals["points"] += record["points"] if record["outcome"] in OUTCOMES[:2] else 0
        found = {"records": sum(totals[one] for one in OUTCOMES), "points": totals["points"]}
        found |= {one: totals[one] for one in OUTCOMES}
        put({"event_id": "totals", "kind": " ".join(f"{name}={n}" for name, n in found.items()), "totals": found})
    return found


def _line(record: Mapping[str, Any]) -> str:
    shown = {"totals": record["totals"]} if "totals" in record else record
    return json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def _csv(stream: TextIO) -> Any:
    writer = csv.DictWriter(stream, COLUMNS, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()

    def put(record: Mapping[str, Any]) -> None:
        owed = " ".join(f"{one['minor']} {one['currency']}" for one in record.get("owed", ()))
        packs = " ".join(f"{one['pack']}:{one['points']}" for one in record.get("packs", ()))
        row = {**record, **record.get("amount", {}), "owed": owed, "packs": packs}
        # A spreadsheet would calculate what begins like a formula.
        writer.writerow({n: f"'{v}" if str(v).startswith(_FORMULA) else v for n, v in row.items()})

    return put
