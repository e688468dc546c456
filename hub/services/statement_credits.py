"""Points as a credit on a card's statement: an exchange out into a unit that is money, carried by files.

The hub writes the credits that wait for an issuer, with the card that each is for, by the event that linked it; the
issuer puts them on its customers' statements and hands back a file that says of each whether it was credited. That file
is looked through whole before anything of it is done; then each line takes its step by itself, so a file that was
interrupted, or comes twice, does nothing twice, and a second file answers every line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hub.core.errors import Refused
from hub.services import exchange_steps, exchanges, reporting
from hub.services.context import Hub
from hub.services.reporting import Reporter
from hub.store import accounts, cards
from hub.store import exchanges as stored
from hub.store.database import Connection
from settlement.formats.cells import harmless
from settlement.formats.files import whole_file

COLUMNS = ("exchange_id", "card", "points", "amount", "unit", "opened_at")
RESULTS = ("exchange_id", "outcome", "reason")
ANSWERS = ("exchange_id", "outcome", "answer", "detail")
STEPS = {"credited": "confirm", "rejected": "fail"}
MOST_ROWS = 1_000_000
MOST_CHARACTERS = 500
_MOST_CARDS = 1_000


class Totals(NamedTuple):
    """What a file of credits adds up to."""

    credits: int
    points: int
    amount: int


def write(hub: Hub, partner_id: str, unit: str, path: Path) -> Totals:
    """Write the credits that wait for an issuer as CSV, oldest first, whole or not at all; return their totals.

    Raises:
        Refused: ``unknown_partner``.
    """
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        moment.configuration.partner(partner_id)
        waiting = stored.listing(connection, stored.OPEN, moment.now, partner_id)
        found = [one for one in waiting if (one.direction, one.unit) == ("out", unit)]
        rows = [_row(connection, one) for one in found]
    _write(path, COLUMNS, rows)
    return Totals(len(found), sum(one.source for one in found), sum(one.target for one in found))


def _row(connection: Connection, credit: stored.Exchange) -> tuple[Any, ...]:
    brief = exchanges.brief(credit)
    return (
        credit.exchange_id, _card(connection, credit), credit.source, credit.target, credit.unit, brief["opened_at"],
    )  # fmt: skip


def _card(connection: Connection, credit: stored.Exchange) -> str:
    """Return by which event the newest card was linked that the member holds; nothing where it holds none."""
    family = accounts.family(connection, accounts.survivor(connection, credit.member_id))
    held = cards.of_members(connection, credit.partner_id, family, _MOST_CARDS)
    return next((row.event_id for row in reversed(held) if row.ended_at is None), "")


class Answered(NamedTuple):
    """What a line of an issuer's results came to: ``done``, ``repeated``, or the code of a refusal."""

    exchange_id: str
    outcome: str
    answer: str
    detail: str = ""


def apply(hub: Hub, partner_id: str, path: Path, author: str, answers: Path) -> dict[str, int]:
    """Do what a file of results says, write an answer to each of its lines, and count the answers.

    Raises:
        Refused: ``unknown_partner``; ``invalid_request`` with the line, before anything is done.
    """
    with hub.database.connect() as connection:
        hub.moment(connection).configuration.partner(partner_id)
    lines = _lines(path, partner_id, author)
    answered = [_take(hub, reporter, exchange_id, outcome) for exchange_id, outcome, reporter in lines]
    _write(answers, ANSWERS, answered)
    found: dict[str, int] = {}
    for one in answered:
        found[one.answer] = found.get(one.answer, 0) + 1
    return found


def _take(hub: Hub, reporter: Reporter, exchange_id: str, outcome: str) -> Answered:
    try:
        taken = exchange_steps.take_step(hub, reporter, exchange_id, STEPS[outcome])
    except Refused as refusal:
        return Answered(exchange_id, outcome, refusal.code, refusal.detail)
    return Answered(exchange_id, outcome, "repeated" if taken.get("duplicate") else "done")


def _lines(path: Path, partner_id: str, author: str) -> list[tuple[str, str, Reporter]]:
    """Read a file of results, whole.

    Raises:
        Refused: ``invalid_request``, with the first line that is none.
    """
    found, seen = [], set[str]()
    for number, row in _rows(path):
        exchange_id, outcome, reason = row["exchange_id"], row["outcome"], row["reason"] or row["outcome"]
        if outcome not in STEPS:
            raise _wrong(number, f"an outcome is {' or '.join(STEPS)}")
        if exchange_id in seen:
            raise _wrong(number, f"{exchange_id} stands in the file twice")
        seen.add(exchange_id)
        try:
            found.append((exchange_id, outcome, reporting.by_operator(author, f"issuer: {reason}", partner_id)))
        except Refused as refusal:
            raise _wrong(number, refusal.detail) from refusal
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each line of a CSV file with its number, its columns by name."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if sorted(header) not in (sorted(RESULTS), sorted(RESULTS[:2])):
                raise _wrong(1, f"the columns are {', '.join(RESULTS)}; reason may be left out")
            for count, cells in enumerate(lines, 1):
                if count > MOST_ROWS:
                    raise _wrong(lines.line_num, f"a file has at most {MOST_ROWS} lines")
                if len(cells) != len(header) or any(len(cell) > MOST_CHARACTERS or "\0" in cell for cell in cells):
                    raise _wrong(lines.line_num, f"{len(header)} cells of at most {MOST_CHARACTERS} are expected")
                yield lines.line_num, {"reason": "", **dict(zip(header, cells, strict=True))}
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_request", f"{path.name} is not CSV in UTF-8: {error}.") from error


def _wrong(number: int, detail: str) -> Refused:
    return Refused("invalid_request", f"Line {number}: {detail}")


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> None:
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
