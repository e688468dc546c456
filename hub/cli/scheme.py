"""The scheme's own rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hub import start
from hub.cli.output import Command, json_option, show
from hub.cli.partner import DATE
from hub.core.burning import MEANINGS, ORDERS
from hub.core.claims import OUTCOMES
from hub.services import schemes
from hub.settings import Settings

NONE = "none"
LIMITS = ("per_transaction", "per_day", "per_year")
DAYS = {
    "cut_off": "from the last day of a cycle to its cut-off",
    "published": "from the last day of a cycle to its publication",
    "disputes": "after publication on which lines may be disputed",
    "final": "from the last of them until the cycle is final",
    "paid_in": "from there until all is paid in",
    "paid_out": "from there until all is paid out",
    "closed": "from there until the cycle is closed",
}
"""Step -> what its days are counted between."""


def number(text: str) -> int | str:
    """Read a whole number, or ``none``, which drops what was set."""
    return text if text == NONE else int(text)


def days_options(command: Command) -> Command:
    """Add an option for the days of each step of a settlement cycle."""
    for step, meaning in reversed(DAYS.items()):
        flag = f"--{step.replace('_', '-')}-days"
        command = click.option(flag, step, type=number, metavar="N|none", help=f"Days {meaning}.")(command)
    return command


@click.group()
def scheme() -> None:
    """Show and set the rules that hold for all partners: burning order, limits, approvals, days of settlement."""


@scheme.command("show")
@json_option
@click.pass_obj
def show_all(settings: Settings, as_json: bool) -> None:
    """Show all versions of the scheme's rules and which one is in force."""
    show(schemes.show(start.open_hub(settings)), as_json, "Scheme")


@scheme.command("set", epilog="\b\nBurning orders:\n" + "\n".join(f"  {one}: {MEANINGS[one]}" for one in ORDERS))
@click.option("--from", "valid_from", type=DATE, required=True, help="First day of the version.")
@click.option("--burn-order", type=click.Choice(tuple(ORDERS)), help="Which lots a redemption takes first.")
@click.option(
    "--limit-per-transaction",
    "per_transaction",
    type=number,
    metavar="N|none",
    help="What a member may give away at once.",
)
@click.option("--limit-per-day", "per_day", type=number, metavar="N|none", help="The same in a day.")
@click.option("--limit-per-year", "per_year", type=number, metavar="N|none", help="The same in a calendar year.")
@click.option(
    "--approval-above", type=number, metavar="N|none", help="Points that one operator may adjust alone; above, two."
)
@click.option("--adjustment-limit", type=number, metavar="N|none", help="The most points of one adjustment.")
@click.option("--claims-days", type=number, metavar="N|none", help="Days of each stage of a retro claim (30).")
@click.option(
    "--claims-outcome", type=click.Choice((*OUTCOMES, NONE)), help="What silence to a claim means (declined)."
)
@click.option("--claims-oldest-days", type=number, metavar="N|none", help="How long a purchase can be claimed (180).")
@click.option(
    "--claims-tolerance-minutes", type=number, metavar="N|none", help="How far times of one purchase differ (60)."
)
@days_options
@json_option
@click.pass_obj
def set_version(settings: Settings, /, valid_from: datetime, as_json: bool, **options: Any) -> None:
    """Add a version of the scheme's rules from a day on.

    What is left out stays as it is in force on that day; "none" drops it, so that what is usual holds again.
    Versions are only ever added; the later one supersedes the earlier from its day on.

    \b
    hansa scheme set --from 2026-01-01 --approval-above 5000 --adjustment-limit 100000
    """
    given = {name: None if value == NONE else value for name, value in options.items() if value is not None}
    if not given:
        raise click.UsageError("say what to change, for instance --approval-above 5000")
    limits = {name: given.pop(name) for name in LIMITS if name in given}
    days = {name: given.pop(name) for name in DAYS if name in given}
    claims = {name.removeprefix("claims_"): given.pop(name) for name in list(given) if name.startswith("claims_")}
    given |= {schemes.CLAIMS: claims} if claims else {}
    changes = given | ({schemes.LIMITS: limits} if limits else {}) | ({schemes.SETTLEMENT_DAYS: days} if days else {})
    show(schemes.amend(start.open_hub(settings), valid_from.date(), changes), as_json, "Scheme")
