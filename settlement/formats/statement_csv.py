"""A statement as CSV (RFC 4180), as an accountant reads it into a spreadsheet.

One table: a row for each line, then one for each position, one for each currency's total, one for each charge by the
partner's contract, which is no part of the totals, and one for each item of the balance, from the opening to the
closing one. What the partner receives, pays, and has with itself (on-us, not cleared) stands in three columns as
decimal amounts, so a column of rows of one kind adds up to the total below; `minor` has the row's amount once more in
minor units. A correction names the event that it corrects in `origin` and the cycle in which that was settled in
`origin_cycle`, and is below zero where it takes back. A text that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from settlement.core.currency import written
from settlement.formats.cells import harmless
from settlement.formats.files import whole_file

COLUMNS = (
    "record",
    "cycle",
    "statement_of",
    "business_date",
    "reported_by",
    "event_id",
    "line",
    "issuer",
    "redeemer",
    "points",
    "currency",
    "receive",
    "pay",
    "on_us",
    "net",
    "minor",
    "price_version",
    "price_numerator",
    "price_denominator",
    "digest",
    "origin",
    "kind",
    "points_of",
    "contract_version",
    "charge",
    "origin_cycle",
)
_LINE_COLUMNS = ("business_date", "event_id", "line", "issuer", "redeemer", "points", "currency", "digest")
_POSITION_COLUMNS = ("issuer", "redeemer", "points", "currency", "digest")
_AMOUNTS = {"receive", "pay", "on_us", "net", "charge"}


def write(path: Path, summary: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the statement; the file is there whole or not at all."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\r\n")
        table.writeheader()
        for row in _rows(summary, lines):
            named = {"cycle": summary["cycle"], "statement_of": summary["partner"], **row}
            table.writerow({name: _cell(name, value) for name, value in named.items()})


def _cell(name: str, value: object) -> object:
    return harmless(value) if isinstance(value, str) and name not in _AMOUNTS else value


def _rows(summary: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    partner, positions = summary["partner"], summary["positions"]
    for line in lines:
        named = {name: line[name] for name in _LINE_COLUMNS}
        price = {f"price_{name}": value for name, value in line["price"].items()}
        origin = _origin(line["origin"]) if "origin" in line else {}
        named |= {name: line[name] for name in ("kind", "points_of") if name in line}
        yield {"record": "line", "reported_by": line["partner"], **named, **price, **_side(line, partner), **origin}
    for position in positions:
        named = {name: position[name] for name in _POSITION_COLUMNS}
        yield {"record": "position", **named, **_side(position, partner)}
    for net in summary["nets"]:
        yield {"record": "total", "currency": net["currency"], **_totals(net, positions), "minor": net["net_minor"]}
    for charge in summary.get("charges", ()):
        named = {"kind": charge["kind"], "currency": charge["currency"], "points": charge["basis_points"]}
        version, minor = {"contract_version": charge["contract_version"]}, charge["amount_minor"]
        yield {"record": "charge", **named, **version, "minor": minor, "charge": written(minor, charge["currency"])}
    for balance in summary["balances"]:
        yield from _items(balance)


def _items(balance: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """From the opening balance to the closing one, of which a part is due and the rest is carried."""
    currency = balance["currency"]

    def item(name: str, minor: int, **more: object) -> dict[str, Any]:
        amounts = {"net": written(minor, currency), "minor": minor}
        return {"record": "balance", "kind": name, "currency": currency, **amounts, **more}

    yield item("opening", balance["opening_minor"])
    for row in balance["movements"]:
        sides = {side: written(row[f"{side}_minor"], currency) for side in ("receive", "pay", "on_us")}
        name = f"{row['kind']} correction" if row["corrects"] else row["kind"]
        yield item(name, row["receive_minor"] - row["pay_minor"], points=row["points"], **sides)
    for row in balance["charges"]:
        yield item(row["kind"], -row["amount_minor"], contract_version=row["contract_version"])
    for name in ("closing", "due", "withheld", "carried"):
        yield item(name, balance[f"{name}_minor"])


def _origin(origin: Mapping[str, str]) -> dict[str, str]:
    return {"origin": f"{origin['partner']}/{origin['event_id']}", "origin_cycle": origin.get("cycle", "")}


def _side(row: Mapping[str, Any], partner: str) -> dict[str, object]:
    on_us = row["issuer"] == row["redeemer"]
    side = "on_us" if on_us else "receive" if row["redeemer"] == partner else "pay"
    return {side: written(row["minor"], row["currency"]), "minor": row["minor"]}


def _totals(net: Mapping[str, Any], positions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    currency = net["currency"]
    own = (row["minor"] for row in positions if row["issuer"] == row["redeemer"] and row["currency"] == currency)
    minors = {name: net[f"{name}_minor"] for name in ("receive", "pay", "net")} | {"on_us": sum(own)}
    return {name: written(minor, currency) for name, minor in minors.items()}
