"""The command `hansa partner exposure`."""

from __future__ import annotations

import sys

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import exposure as service
from hub.settings import Settings


@click.command()
@click.argument("partner_id", required=False)
@click.option("--renew", is_flag=True, help="First bring the limits to contracts and balances, and count all anew.")
@json_option
@click.pass_obj
def exposure(settings: Settings, partner_id: str | None, renew: bool, as_json: bool) -> None:
    """List what partners with a limit owe, what is left, and their state: open, alert or stopped.

    Exit code 1 if any is not open, so that a scheduled job can raise the alarm.
    """
    hub = start.open_hub(settings)
    if renew:
        service.renew(hub)
    lines = service.view(hub, partner_id)
    show(lines, as_json, "Exposure")
    sys.exit(any(line["state"] != "open" for line in lines))
