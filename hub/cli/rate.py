"""Earning rates and reimbursement prices."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.cli.partner import DATE, day_or_today
from hub.services import partners
from hub.settings import Settings


@click.group()
def rate() -> None:
    """Set and list what partners' sales earn, and what a redeemed point is reimbursed at."""


@rate.command("set")
@click.argument("partner_id")
@click.option("--points", type=click.IntRange(1), help="Earning: points for each full --per-minor of a sale.")
@click.option("--per-minor", type=click.IntRange(1), help="Earning: minor units of the currency (2.00 is 200).")
@click.option(
    "--rules", "rules_file", type=json_file.JSON_FILE, metavar="FILE.json", help="Earning: a list of rules, as above."
)
@click.option("--price", help="Reimbursement: minor units for one redeemed point, as a fraction such as 9/10.")
@click.option("--into", help="With --price: a currency's rate, minor units of this currency for one of --currency.")
@click.option("--currency", required=True, help="ISO 4217, for instance USD.")
@click.option("--from", "valid_from", type=DATE, help="First day (default: today).")
@json_option
@click.pass_obj
def set_rate(
    settings: Settings,
    partner_id: str,
    points: int | None,
    per_minor: int | None,
    rules_file: Path | None,
    price: str | None,
    into: str | None,
    currency: str,
    valid_from: datetime | None,
    as_json: bool,
) -> None:
    """Add a dated version of a rate: --points and --per-minor, or --rules, or --price, or --price --into.

    What is in force is never edited; a later version supersedes it from its day on.

    \b
    The rules are a list; a sale earns the sum over them. What one gives is base points of the partner
    with the life of its contract, unless it says otherwise:
      [{"rule": "linear", "points": 1, "per_minor": 100},
       {"rule": "linear", "points": 5, "per_minor": 1000,
        "gives": {"kind": "promotional", "spend_at": ["fuel"], "issuer": "bank",
                  "expiry": {"rule": "days", "days": 30}}},
       {"rule": "linear", "points": 1, "per_minor": 100, "gives": {"kind": "qualifying"}},
       {"rule": "category", "points": 3, "per_minor": 100, "categories": ["3000-3299", "4511"],
        "cap": {"name": "airline", "minor": 600000, "period": "year", "then": 1}}]
    Periods are month, quarter, year, member_year and statement-1 to statement-28. Rules of card issuers,
    such as caps that a household shares and points at partners, are explained in docs/operations.md.
    """
    if not re.fullmatch("[A-Z]{3}", currency):
        raise click.UsageError("--currency is three capital letters, for instance USD")
    terms: Any
    given = [points is not None, per_minor is not None, rules_file is not None, price is not None]
    if given == [False, False, False, True]:
        kind, terms = "reimbursement", _fraction(str(price))
        if into is not None:
            kind, terms = "currency", {**_fraction(str(price)), "into": into}
    elif into is not None:
        raise click.UsageError("--into says what --price converts a currency into; give both")
    elif given == [False, False, True, False] and rules_file is not None:
        kind, terms = "earning", json_file.read(rules_file, list)
    elif given == [True, True, False, False]:
        kind, terms = "earning", [{"rule": "linear", "points": points, "per_minor": per_minor}]
    else:
        raise click.UsageError("give --points and --per-minor, or --rules, or --price")
    hub = start.open_hub(settings)
    added = partners.set_rate(hub, partner_id, kind, day_or_today(valid_from), currency, terms)
    show(added, as_json, f"Rate of {partner_id}")


@rate.command("list")
@click.argument("partner_id")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str, as_json: bool) -> None:
    """List all versions of a partner's rates."""
    show(partners.show(start.open_hub(settings), partner_id)["rates"], as_json, f"Rates of {partner_id}")


def _fraction(price: str) -> dict[str, int]:
    match = re.fullmatch(r"(\d{1,7})(?:/(\d{1,7}))?", price)
    if match is None:
        raise click.UsageError("--price is a fraction such as 9/10, or a whole number")
    return {"numerator": int(match[1]), "denominator": int(match[2] or 1)}
