"""Bulk files for tests: a template, rows as a bank writes them, and the way of a file through the hub's services."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from hub import file_worker
from hub.services.context import Hub
from hub.services.files import receiving, results, templates
from partner_sdk.wire import strict_json
from partner_sdk.wire.files import PART_BYTES, FileRequest
from partner_sdk.wire.schemas import validate
from tests.support.services import evidence, partner

SALES: dict[str, Any] = {
    "record": "earning",
    "format": "csv",
    "delimiter": ";",
    "names": True,
    "header": {"starts": "H", "file_id": {"from": 2}, "sequence": {"from": 3}},
    "footer": {"starts": "T", "count": {"from": 2}, "amount": {"from": 3}},
    "columns": {
        "event_id": {"from": "id"},
        "member": {"from": "card", "as": ["trim", ["prefix", "card:"]]},
        "occurred_at": {"join": ["day", "time"], "as": [["time", "YYYYMMDD hhmmss"]]},
        "minor": {"from": "amount", "as": [["minor", 2, ","]]},
        "currency": {"from": "cur", "as": ["trim", "upper"]},
        "store": {"from": "shop"},
    },
    "bad_percent": 20,
}
NAMES = "id;card;day;time;amount;cur;shop"


def row(event_id: str, member: str = "1", amount: str = "10,00", **more: str) -> str:
    """One row of a file of sales."""
    cells = {"id": event_id, "card": member, "day": "20170109", "time": "120000", "amount": amount, "cur": "usd",
             "shop": "7"} | more  # fmt: skip
    return ";".join(cells.values())


def sales(file_id: str, rows: Iterable[str], sequence: int = 1, minor: int | None = None, end: str = "\n") -> bytes:
    """A whole file of sales, its footer as its rows come to, or saying so many ``minor`` units."""
    body = list(rows)
    total = sum(int(one.split(";")[4].replace(",", "")) for one in body) if minor is None else minor
    lines = [f"H;{file_id};{sequence}", NAMES, *body, f"T;{len(body)};{total}"]
    return (end.join(lines) + end).encode()


def add_template(hub: Hub, partner_id: str, terms: Mapping[str, Any] = SALES, name: str = "daily") -> None:
    """Put a template on record."""
    templates.add(hub, partner_id, name, terms, "ada")


def receive(hub: Hub, partner_id: str, file_id: str, content: bytes, template: str = "daily", **more: Any) -> None:
    """Let a file come in whole, as over the API."""
    by = partner(hub, partner_id)
    asked = {"file_id": file_id, "template": template, "bytes": len(content),
             "sha256": hashlib.sha256(content).hexdigest(), **more}  # fmt: skip
    signed = evidence()._replace(sealed_body=hub.keyring.seal(strict_json.dumps(asked)))
    receiving.open_file(hub, by, signed, validate(FileRequest, asked))
    for number, start in enumerate(range(0, len(content), PART_BYTES), 1):
        part = base64.b64encode(content[start : start + PART_BYTES]).decode()
        receiving.add_part(hub, by, file_id, str(number), {"content": part})
    receiving.complete(hub, by, file_id)


def send(
    hub: Hub, partner_id: str, file_id: str, content: bytes, template: str = "daily", **more: Any
) -> dict[str, Any]:
    """Let a file come in, let the hub work until nothing is left to do, and return the file as it stands then."""
    receive(hub, partner_id, file_id, content, template, **more)
    file_worker.work_off(hub)
    return receiving.view(hub, partner_id, file_id)


def answers(hub: Hub, partner_id: str, file_id: str) -> list[dict[str, Any]]:
    """All results of a file."""
    by, cursor, found = partner(hub, partner_id), "", []
    while True:
        page = results.page(hub, by, file_id, cursor, 1000)
        found += page["results"]
        cursor = page["next_cursor"]
        if not page["more"]:
            return found


def bomb(file_id: str, rows: int) -> bytes:
    """A gzip file of so many equal rows, a hundredth of their size or less."""
    return gzip.compress(f"H;{file_id};1\n{NAMES}\n".encode() + f"{row('a')}\n".encode() * rows)
