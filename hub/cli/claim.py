"""Retro claims: list, show and decide what partners say brought no points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.points import author_option
from hub.core.claims import DECLINED, GRANTED, UNDECIDED, WITHDRAWN
from hub.services import retro_claims
from hub.settings import Settings

STATES = (*UNDECIDED, GRANTED, DECLINED, WITHDRAWN)
BRIEF = ("partner", "claim_id", "at", "state", "occurred_at", "due_on", "points")


@click.group()
def claim() -> None:
    """Decide on purchases that brought no points, as partners' service desks say.

    A claim that nobody answers ends on its last day as the rules of the scheme say (`hansa scheme set
    --claims-outcome`); `hansa worker` does that.
    """


@claim.command("list")
@click.option("--partner", "partner_id", default="", help="Only those that this partner made or is asked about.")
@click.option("--state", default="", type=click.Choice(("", *STATES)), help="Only those in this state.")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str, state: str, as_json: bool) -> None:
    """List claims by the day on which their stage ends, those that are over last."""
    found = retro_claims.listing(start.open_hub(settings), partner_id, state)
    show(found if as_json else [{name: one.get(name) for name in BRIEF} for one in found], as_json, "Claims")


@claim.command("show")
@click.argument("partner_id")
@click.argument("claim_id")
@json_option
@click.pass_obj
def show_one(settings: Settings, partner_id: str, claim_id: str, as_json: bool) -> None:
    """Show a claim, its moves, and what was reported that may be the purchase, with why it gave what it gave."""
    found = retro_claims.show(start.open_hub(settings), "", partner_id, claim_id)
    show(found, as_json, f"Claim {claim_id}")


def _step(step: str, summary: str, *options: Callable[[Any], Any]) -> None:
    """Add the command of a move."""

    def run(settings: Settings, /, partner_id: str, claim_id: str, as_json: bool, **said: Any) -> None:
        made = retro_claims.decide(start.open_hub(settings), partner_id, claim_id, step, **said)
        show(made, as_json, f"Claim {claim_id}")

    run.__doc__ = summary
    text = click.option("--text", required=True, help="Why; both partners read it.")
    decorators: tuple[Callable[[Any], Any], ...] = (click.pass_obj, json_option, author_option, text, *options)
    command: Any = run
    for decorate in (*decorators, click.argument("claim_id"), click.argument("partner_id")):
        command = decorate(command)
    claim.command(step)(command)


_step(
    "grant",
    "Post the points of the purchase, at the rate of its own day.",
    click.option("--another", is_flag=True, help="What was reported (`show`: found) is another purchase."),
)
_step("decline", "Decline a claim.")
_step("ask", "Ask the claimant for more; it has as many days as it had the first time.")
