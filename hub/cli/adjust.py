"""Adjustments by the operator's hand."""

from __future__ import annotations

from typing import Any

import click

from hub import start
from hub.cli.output import json_option, show
from hub.core.adjustment import ADJUSTMENT_CLASSES
from hub.core.point_kinds import CLASSES
from hub.services import adjustments
from hub.settings import Settings


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("member")
@click.argument("points", type=int)
@click.option("--issuer", required=True, help="The partner whose points they are.")
@click.option("--kind", "adjustment_class", required=True, type=click.Choice(ADJUSTMENT_CLASSES))
@click.option("--reason", required=True, help="Why, in a sentence; without names or numbers of persons.")
@click.option("--ticket", required=True, help="Where it was asked for, for instance the number of a complaint.")
@click.option("--author", required=True, help="Who you are.")
@click.option("--id", "adjustment_id", help="Its id; give the same again to be sure it is done once. Made if left out.")
@click.option("--give", type=click.Choice(CLASSES), help="Kind of points (base to give, any spendable to take away).")
@click.option("--spend-at", multiple=True, metavar="PARTNER", help="Promotional points: where they are spent. Repeat.")
@json_option
@click.pass_obj
def adjust(settings: Settings, /, as_json: bool, **asked: Any) -> None:
    """Give POINTS to MEMBER, or take them away with a minus sign.

    MEMBER is an identifier such as card:42, or the member's number. Points that come in live as the issuer's
    contract says and pay the member's debts first; points that are taken go from the issuer's own lots only.

    \b
    hansa adjust card:42 500 --issuer grocer --kind goodwill --reason "Till 7 was down" --ticket T-101 --author alice
    hansa adjust card:42 -120 --issuer grocer --kind correction --reason "Given twice" --ticket T-102 --author alice

    Above the scheme's approval_above, counted over all that you adjust for the member in a day, it becomes a
    proposal, which somebody else approves (hansa proposal).
    """
    asked["class"] = asked.pop("adjustment_class")
    done = adjustments.adjust(start.open_hub(settings), asked)
    show(done, as_json, "Adjustment")
    if done["status"] == "proposed" and not as_json:
        click.echo(f"It waits for a second operator: hansa proposal show {done['adjustment']}")
