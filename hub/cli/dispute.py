"""Disputes about statements: list, show and decide them, and set the rules by which they go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.cli.points import author_option
from hub.services import disputes
from hub.settings import Settings
from settlement.core.disputes import REASONS, STATES, TREATMENTS, USUAL

PARTNER, DISPUTE = click.argument("partner_id"), click.argument("dispute_id")
TEXT = click.option("--text", required=True, help="Why; the partner reads it.")
DAYS = click.IntRange(1, 365)


@click.group(epilog="\b\nReasons:\n" + "\n".join(f"  {code}: {words}" for code, words in REASONS.items()))
def dispute() -> None:
    """List, show and decide partners' disputes about lines of their statements.

    A decision about more than the limit of the rules is a proposal: it prints a digest, which a second operator gives
    to `approve`. An operator who is silent until the last day has accepted; a partner who is silent has given up.
    """


@dispute.command("list")
@click.option("--partner", "partner_id", default="", help="Only those of this partner.")
@click.option("--state", default="", type=click.Choice(("", *STATES)), help="Only those in this state.")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str, state: str, as_json: bool) -> None:
    """List disputes by the day on which their stage ends, those that are over last."""
    show(disputes.listing(start.open_hub(settings), partner_id, state), as_json, "Disputes")


@dispute.command("show")
@PARTNER
@DISPUTE
@json_option
@click.pass_obj
def show_one(settings: Settings, partner_id: str, dispute_id: str, as_json: bool) -> None:
    """Show a dispute with its lines and moves."""
    show(disputes.show(start.open_hub(settings), partner_id, dispute_id), as_json, f"Dispute {dispute_id}")


@dispute.command()
@PARTNER
@DISPUTE
@click.option(
    "--minor", "accepted", multiple=True, type=click.IntRange(0), help="Of each line in turn; all if not said."
)
@TEXT
@author_option
@json_option
@click.pass_obj
def accept(
    settings: Settings, /, partner_id: str, dispute_id: str, accepted: tuple[int, ...], as_json: bool, **said: str
) -> None:
    """Accept what is disputed, or with --minor so many minor units of each line; the rest is then rejected."""
    made = disputes.decide(start.open_hub(settings), partner_id, dispute_id, [*accepted] or None, **said)
    show(made, as_json, f"Dispute {dispute_id}")


@dispute.command()
@PARTNER
@DISPUTE
@TEXT
@author_option
@json_option
@click.pass_obj
def reject(settings: Settings, partner_id: str, dispute_id: str, text: str, author: str, as_json: bool) -> None:
    """Reject what is left of a dispute."""
    hub = start.open_hub(settings)
    nothing = [0] * len(disputes.show(hub, partner_id, dispute_id)["lines"])
    show(disputes.decide(hub, partner_id, dispute_id, nothing, text, author), as_json, f"Dispute {dispute_id}")


@dispute.command()
@PARTNER
@DISPUTE
@click.option("--minor", "accepted", multiple=True, required=True, type=click.IntRange(0), help="Of each line in turn.")
@TEXT
@author_option
@json_option
@click.pass_obj
def arbitrate(
    settings: Settings, /, partner_id: str, dispute_id: str, accepted: tuple[int, ...], as_json: bool, **said: str
) -> None:
    """Enter what the arbitration came to; nothing follows it."""
    hub = start.open_hub(settings)
    disputes.expect_arbitration(hub, partner_id, dispute_id)
    show(disputes.decide(hub, partner_id, dispute_id, accepted, **said), as_json, f"Dispute {dispute_id}")


@dispute.command()
@PARTNER
@DISPUTE
@click.option("--digest", required=True, help="What the first operator's command printed as `proposed`.")
@author_option
@json_option
@click.pass_obj
def approve(settings: Settings, partner_id: str, dispute_id: str, digest: str, author: str, as_json: bool) -> None:
    """Make the decision that another operator proposed."""
    made = disputes.approve(start.open_hub(settings), partner_id, dispute_id, digest, author)
    show(made, as_json, f"Dispute {dispute_id}")


@dispute.command()
@click.option("--set", "changes", is_flag=True, help="Add a version; what is not said is as before.")
@click.option("--from", "valid_from", type=DATE, help="First day (default: today, by the hub's business clock).")
@click.option("--treatment", type=click.Choice(TREATMENTS), help="What is disputed waits, or is paid under reserve.")
@click.option("--answer-days", type=DAYS, help=f"For the first answer ({USUAL.answer_days}).")
@click.option("--escalate-days", type=DAYS, help=f"For the partner to take it further ({USUAL.escalate_days}).")
@click.option("--second-days", type=DAYS, help=f"For the second answer ({USUAL.second_days}).")
@click.option("--arbitration-days", type=DAYS, help=f"For the arbitration ({USUAL.arbitration_days}).")
@click.option("--limit-minor", type=click.IntRange(0), help=f"Above it two people decide ({USUAL.limit_minor}).")
@author_option
@json_option
@click.pass_obj
def rules(
    settings: Settings, /, changes: bool, valid_from: datetime | None, author: str, as_json: bool, **given: Any
) -> None:
    """Show the rules that disputes go by which are opened from a day on, or add a version."""
    hub = start.open_hub(settings)
    if changes:
        said = {name: value for name, value in given.items() if value is not None}
        disputes.set_rules(hub, said, valid_from.date() if valid_from else None, author)
    show(disputes.rules(hub), as_json, "Rules of disputes (none: the usual ones)")
