"""The command hansa-partner file: send a bulk file, see how far it is, fetch what became of its lines."""

import argparse
import csv
import time
from collections import Counter
from pathlib import Path

from partner_sdk.client import Client
from partner_sdk.command_line import DONE, REFUSED, Refusal, open_client, show, wrong_usage
from partner_sdk.model import BulkFile

WHAT = ("send", "status", "results")
COLUMNS = ("line", "record", "status", "points", "code", "detail", "event_id")
_UNDER_WAY = ("receiving", "received", "posting", "reversing")
_LOOK_S = 1.0
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def file(options: argparse.Namespace) -> int:
    """Send a file of records, see how far one is, or fetch what became of each of its lines.

    file send ID PATH --template T; file status ID; file results ID PATH. With --wait a file that is under way is waited
    for. Sending a file again sends what has not come yet. Exit code 1 for a file that waits, or is refused.
    """
    what, path = options.what, options.path
    if (what == "status") != (path is None) or (what == "send") != bool(options.template):
        wrong_usage(options, "send takes ID, PATH and --template; results takes ID and PATH; status takes ID")
    with open_client(options) as client:
        if what == "send":
            _send(options, client)
        state = client.file_state(options.file_id)
        while options.wait and state.state in _UNDER_WAY:
            time.sleep(_LOOK_S)
            state = client.file_state(options.file_id)
        if what == "results":
            return show(options, _write(client, options.file_id, Path(path)))
        return show(options, state) or _code(state)


def _send(options: argparse.Namespace, client: Client) -> None:
    compression = "gzip" if options.gzip else "none"
    try:
        client.send_file(
            options.file_id, options.template, Path(options.path), compression=compression,
            sequence=options.sequence, corrects=options.corrects,
        )  # fmt: skip
    except OSError as error:
        raise Refusal(f"{options.path}: {error.strerror}") from None


def _code(state: BulkFile) -> int:
    return REFUSED if state.state in ("waiting", "refused") else DONE


def _write(client: Client, file_id: str, path: Path) -> dict[str, int]:
    """Write a line for each line of the file, and one of totals, with nothing that a spreadsheet would calculate."""
    counts: Counter[str] = Counter()
    points = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        for page in client.file_results(file_id):
            for one in page.items:
                code, detail = (one.error.code, one.error.detail) if one.error else ("", "")
                texts = map(_harmless, (one.record, one.status, code, detail, one.event_id or ""))
                record, status, *rest = texts
                table.writerow([one.line, record, status, one.points, *rest])
                counts[one.status] += 1
                points += one.points if one.status in ("posted", "pending") else 0
        said = " ".join(f"{status}={count}" for status, count in sorted(counts.items()))
        table.writerow(["total", counts.total(), said, points, "", "", ""])
    return {**counts, "points": points}


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
