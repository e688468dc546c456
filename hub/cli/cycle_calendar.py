"""The calendar of settlement cycles: `hansa cycle calendar`."""

from __future__ import annotations

import getpass
from datetime import datetime

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.services import calendars
from hub.settings import Settings
from settlement.core.periods import CALENDARS


@click.group()
def calendar() -> None:
    """Show and set how days are put into cycles: by month, half month, week, or 48 a year."""


@calendar.command("show")
@json_option
@click.pass_obj
def show_calendar(settings: Settings, as_json: bool) -> None:
    """Show the calendar that holds today, and every change that was made."""
    show(calendars.show(start.open_hub(settings)), as_json, "Calendar")


@calendar.command("set")
@click.argument("name", metavar="CALENDAR", type=click.Choice(CALENDARS))
@click.option(
    "--from", "valid_from", type=DATE, required=True, help="First day; a cycle of both calendars begins on it."
)
@click.option("--author", default=getpass.getuser, help="Who sets it (default: your login).")
@json_option
@click.pass_obj
def set_calendar(settings: Settings, name: str, valid_from: datetime, author: str, as_json: bool) -> None:
    """Let cycles follow CALENDAR from a day on; what was planned for later no longer holds.

    \b
    monthly       2017-01
    half_monthly  2017-01-H1 (to the 15th), 2017-01-H2
    forty_eight   2017-01-Q1 (to the 7th), -Q2 (15th), -Q3 (22nd), -Q4
    weekly        2017-W05 (Monday to Sunday, numbered as in ISO 8601)

    A day on which not both calendars begin a cycle is refused, and the next one that fits is named.
    """
    show(calendars.change(start.open_hub(settings), valid_from.date(), name, author), as_json, "Calendar")
