"""The bank's daily files: a co-branded card issuer reports a day's baskets at once, by a template, as banks do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub import file_worker
from hub.core.errors import LedgerBroken
from hub.demo.purchases import CARD_ISSUER, Earning
from hub.services.context import Hub
from hub.services.files import templates
from partner_sdk import Client

TEMPLATE = "daily"
TERMS: dict[str, Any] = {
    "record": "earning",
    "format": "csv",
    "delimiter": ";",
    "names": True,
    "header": {"starts": "H", "file_id": {"from": 2}, "sequence": {"from": 3}},
    "footer": {"starts": "T", "count": {"from": 2}, "amount": {"from": 3, "as": [["minor", 2]]}},
    "columns": {
        "event_id": {"from": "basket"},
        "member": {"from": "household", "as": [["prefix", "card:"]]},
        "occurred_at": {"from": "at", "as": [["time", "YYYYMMDDhhmmss"]]},
        "minor": {"from": "amount", "as": [["minor", 2]]},
        "currency": {"value": "USD"},
        "store": {"from": "store"},
    },
    "bad_percent": 0,
}
LOOK_S = 0.02
LONGEST_S = 120.0


class CardFiles:
    """The bank, with a number for each file."""

    def __init__(self, hub: Hub, client: Client) -> None:
        self._hub, self._client = hub, client
        self._sent = 0
        templates.add(hub, CARD_ISSUER, TEMPLATE, TERMS, "demo maker")

    def send(self, baskets: Sequence[Earning]) -> None:
        """Send a day's baskets as a file."""
        self._sent += 1
        file_id = _file_id(baskets)
        with tempfile.TemporaryDirectory(prefix="hansa-demo-") as folder:
            path = Path(folder) / file_id
            path.write_text(text_of(file_id, self._sent, baskets), encoding="utf-8")
            self._client.send_file(file_id, TEMPLATE, path)

    def post(self, baskets: Sequence[Earning]) -> int:
        """Wait until the file of a day's baskets is posted, and return the points that it gave.

        Raises:
            LedgerBroken: a basket was not posted as new.
        """
        file_id = _file_id(baskets)
        self._wait(file_id)
        results = [one for page in self._client.file_results(file_id) for one in page.items]
        refused = [one for one in results if one.status != "posted"]
        if refused or len(results) != len(baskets):
            raise LedgerBroken(f"{CARD_ISSUER}: not posted as new: {refused[:1]} of {len(results)}")
        return sum(one.points for one in results)

    def _wait(self, file_id: str) -> None:
        """Do the hub's work here, beside the hub itself, until the file is posted."""
        ends_at = time.monotonic() + LONGEST_S
        while True:
            file_worker.work_off(self._hub)
            found = self._client.file_state(file_id)
            if found.state == "posted":
                return
            if found.state in ("waiting", "refused") or time.monotonic() > ends_at:
                raise LedgerBroken(f"{CARD_ISSUER}: the file {file_id} is {found.state}: {found.reasons}")
            time.sleep(LOOK_S)


def _file_id(baskets: Sequence[Earning]) -> str:
    return f"baskets-{baskets[0].at:%Y-%m-%d}"


def text_of(file_id: str, number: int, baskets: Sequence[Earning]) -> str:
    """Return a day's file, with a header, a line of names and control totals."""
    lines = [f"H;{file_id};{number}", "basket;household;store;at;amount"]
    lines += [
        f"{one.basket_id}-{one.partner};{one.household_id};{one.store_id};{one.at:%Y%m%d%H%M%S};{_decimal(one.amount_minor)}"
        for one in baskets
    ]
    lines.append(f"T;{len(baskets)};{_decimal(sum(one.amount_minor for one in baskets))}")
    return "\n".join(lines) + "\n"


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
