"""Setting up: init. Apart from what runs, which needs no migrations and starts sooner without them."""

from __future__ import annotations

import click

from hub import setup
from hub.cli.output import json_option, show
from hub.settings import Settings


@click.command()
@click.option("--name", default="Coalition", show_default=True, help="Name of the coalition.")
@click.option(
    "--environment",
    type=click.Choice(["sandbox", "live"]),
    help="Of a new hub (default: live). A sandbox's business clock can be moved; a live one's never.",
)
@json_option
@click.pass_obj
def init(settings: Settings, name: str, environment: str | None, as_json: bool) -> None:
    """Set up a hub: make its secrets, create or migrate its database.

    Safe to run again; what is there stays. Prints the root key that partners pin.
    """
    hub = setup.initialise(settings, name, environment)
    show(setup.summary(hub), as_json, "Hub")
