"""Earning rates and reimbursement prices."""

from __future__ import annotations

import re
from datetime import datetime

import click

from hub import start
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
@click.option("--price", help="Reimbursement: minor units for one redeemed point, as a fraction such as 9/10.")
@click.option("--currency", required=True, help="ISO 4217, for instance USD.")
@click.option("--from", "valid_from", type=DATE, help="First day (default: today).")
@json_option
@click.pass_obj
def set_rate(
    settings: Settings,
    partner_id: str,
    points: int | None,
    per_minor: int | None,
    price: str | None,
    currency: str,
    valid_from: datetime | None,
    as_json: bool,
) -> None:
    """Add a dated version of a rate: either --points and --per-minor, or --price.

    What is in force is never edited; a later version supersedes it from its day on.
    """
    if not re.fullmatch("[A-Z]{3}", currency):
        raise click.UsageError("--currency is three capital letters, for instance USD")
    if price is not None and points is None and per_minor is None:
        kind, terms = "reimbursement", _fraction(price)
    elif price is None and points is not None and per_minor is not None:
        kind, terms = "earning", [{"rule": "linear", "points": points, "per_minor": per_minor}]
    else:
        raise click.UsageError("give either --points and --per-minor, or --price")
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


def _fraction(price: str) -> object:
    match = re.fullmatch(r"(\d{1,7})(?:/(\d{1,7}))?", price)
    if match is None:
        raise click.UsageError("--price is a fraction such as 9/10, or a whole number")
    return {"numerator": int(match[1]), "denominator": int(match[2] or 1)}
