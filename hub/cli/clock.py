"""The business clock of a sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import business_clock
from hub.settings import Settings


@click.group()
def clock() -> None:
    """Show the business time; move it in a sandbox, never in a live hub."""


@clock.command("show")
@json_option
@click.pass_obj
def show_clock(settings: Settings, as_json: bool) -> None:
    """Show business time and environment."""
    show(business_clock.show(start.open_hub(settings)), as_json, "Clock")


@clock.command("set")
@click.argument("at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]))
@json_option
@click.pass_obj
def set_clock(settings: Settings, at: datetime, as_json: bool) -> None:
    """Move a sandbox's business clock forward to AT (UTC); it then stands until it is moved again."""
    show(business_clock.move(start.open_hub(settings), at.replace(tzinfo=UTC)), as_json, "Clock")
