"""What happens when a partner does not pay."""

from __future__ import annotations

from pathlib import Path

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.cli.security import author_option
from hub.services import security as service
from hub.settings import Settings


@click.group()
def default() -> None:
    """Declare that a partner failed to pay a cycle, and see who bears it."""


@default.command()
@click.argument("partner_id")
@click.argument("cycle")
@click.option(
    "--layers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with the layers of the waterfall in their order, instead of the usual ones.",
)
@author_option
@json_option
@click.pass_obj
def declare(settings: Settings, partner_id: str, cycle: str, layers: Path | None, author: str, as_json: bool) -> None:
    """Work out who bears what PARTNER_ID does not pay of a published CYCLE; nothing is booked yet.

    A second operator books it with `hansa security approve`. The usual layers are own_collateral, own_fund,
    operator_capital, survivors_fund and assessment, which is capped at 100 percent of a survivor's share of the fund.
    """
    chosen = {"rules": json_file.read(layers, list)} if layers else {}
    show(service.declare(start.open_hub(settings), partner_id, cycle, author, **chosen), as_json, "Default")


@default.command("show")
@click.argument("partner_id")
@click.argument("cycle")
@json_option
@click.pass_obj
def show_one(settings: Settings, partner_id: str, cycle: str, as_json: bool) -> None:
    """Show what was ordered and booked about a default."""
    show(service.default_of(start.open_hub(settings), partner_id, cycle), as_json, "Defaults")
