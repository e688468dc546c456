"""Proposals: what waits for a second operator."""

from __future__ import annotations

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import proposals
from hub.settings import Settings

BRIEF = ("proposal", "state", "member", "points", "issuer", "class", "ticket", "author", "proposed_at")


@click.group()
def proposal() -> None:
    """List, show, approve and decline what waits for a second operator."""


@proposal.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were decided too.")
@json_option
@click.pass_obj
def listing(settings: Settings, everything: bool, as_json: bool) -> None:
    """List the proposals that wait, oldest first."""
    found = proposals.listing(start.open_hub(settings), everything=everything)
    brief = [{name: one[name] for name in BRIEF} for one in found]
    show(found if as_json else brief, as_json, "Proposals")


@proposal.command("show")
@click.argument("proposal_id")
@json_option
@click.pass_obj
def show_one(settings: Settings, proposal_id: str, as_json: bool) -> None:
    """Show a proposal, what it would do now, and the digest by which it is approved."""
    show(proposals.show(start.open_hub(settings), proposal_id), as_json, f"Proposal {proposal_id}")


@proposal.command()
@click.argument("proposal_id")
@click.option("--digest", required=True, metavar="HEX", help="The digest that `hansa proposal show` printed.")
@click.option("--author", required=True, help="Who you are; not the one who proposed it.")
@json_option
@click.pass_obj
def approve(settings: Settings, proposal_id: str, digest: str, author: str, as_json: bool) -> None:
    """Approve a proposal that you have seen, and post it."""
    show(proposals.approve(start.open_hub(settings), proposal_id, digest, author), as_json, "Adjustment")


@proposal.command()
@click.argument("proposal_id")
@click.option("--author", required=True, help="Who you are; whoever proposed it may take it back so.")
@click.option("--reason", required=True, help="Why.")
@json_option
@click.pass_obj
def decline(settings: Settings, proposal_id: str, author: str, reason: str, as_json: bool) -> None:
    """Decline a proposal for good."""
    show(proposals.decline(start.open_hub(settings), proposal_id, author, reason), as_json, f"Proposal {proposal_id}")
