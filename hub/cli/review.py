"""Reviews: events that are quarantined because they came too late, or because their key was revoked."""

from __future__ import annotations

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import reviews
from hub.settings import Settings

NAME = click.argument("report", metavar="PARTNER/EVENT_ID")
AUTHOR = click.option("--author", required=True, help="Who you are.")
REASON = click.option("--reason", required=True, help="Why; the partner is told of a rejection's.")


@click.group()
def review() -> None:
    """List, show, release and reject what came later than a contract's late_days allow, or signed by a revoked key."""


@review.command("list")
@click.option("--partner", "partner_id", default="", help="Of this partner only.")
@click.option("--all", "everything", is_flag=True, help="Those that were decided too.")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str, everything: bool, as_json: bool) -> None:
    """List the events that wait, in the order in which they came."""
    show(reviews.listing(start.open_hub(settings), partner_id, everything=everything), as_json, "Reports")


@review.command("show")
@NAME
@json_option
@click.pass_obj
def show_one(settings: Settings, report: str, as_json: bool) -> None:
    """Show an event as its partner sent it, and what of its points is frozen. It names a member."""
    show(reviews.show(start.open_hub(settings), report), as_json, report)


@review.command()
@NAME
@AUTHOR
@REASON
@json_option
@click.pass_obj
def release(settings: Settings, report: str, author: str, reason: str, as_json: bool) -> None:
    """Let an event count: a late one is posted by the terms of its own day, a suspect one's points are free again."""
    show(reviews.release(start.open_hub(settings), report, author, reason), as_json, report)


@review.command()
@NAME
@AUTHOR
@REASON
@json_option
@click.pass_obj
def reject(settings: Settings, report: str, author: str, reason: str, as_json: bool) -> None:
    """Reject an event for good; one that is posted is taken back, as its partner could have done."""
    show(reviews.reject(start.open_hub(settings), report, author, reason), as_json, report)
