"""Members, as the operator sees them."""

from __future__ import annotations

from typing import Any

import click

from hub import start
from hub.cli import among_members
from hub.cli.output import json_option, print_table, show
from hub.services import member_settings, timeline
from hub.settings import Settings

EVENT_COLUMNS = ("at", "event", "kind", "status", "points", "balance")


@click.group()
def member() -> None:
    """Show a member's life; merge, part and pool members; move points.

    MEMBER is an identifier such as card:42; where a member is shown or set, its number will do.
    """


@member.command("show")
@click.argument("member")
@click.option(
    "--limit",
    default=timeline.LIMIT,
    show_default=True,
    type=click.IntRange(1),
    help="The last so many events; how many are older is said.",
)
@json_option
@click.pass_obj
def show_one(settings: Settings, member: str, limit: int, as_json: bool) -> None:
    """Show who a member is, what it has, and everything that happened to its points, oldest first.

    Members that were merged into it are shown as one with it. The balance runs over all points that can be spent now
    or later, those that are pending or held too.
    """
    found = timeline.show(start.open_hub(settings), member, limit)
    if as_json:
        show(found, True, "")
    else:
        _print(found)


@member.command("set")
@click.argument("member")
@click.option("--jurisdiction", metavar="CC|none", help="Whose law applies: two letters (ISO 3166-1), or none.")
@click.option("--charity/--no-charity", default=None, help="Whether others may donate to it.")
@json_option
@click.pass_obj
def set_one(settings: Settings, member: str, jurisdiction: str | None, charity: bool | None, as_json: bool) -> None:
    """Set a member's jurisdiction, by which points given from now on live, or whether it is a charity."""
    if jurisdiction is None and charity is None:
        raise click.UsageError("say what to set: --jurisdiction, --charity or --no-charity")
    hub = start.open_hub(settings)
    show(member_settings.amend(hub, member, jurisdiction=jurisdiction, charity=charity), as_json, "Member")


for command in among_members.COMMANDS:
    member.add_command(command)


def _print(found: dict[str, Any]) -> None:
    tables = ("lots", "holds", "events")
    brief = {name: value for name, value in found.items() if name not in (*tables, "older")}
    show(brief, False, "Member")
    show(found["lots"], False, "Lots")
    show(found["holds"], False, "Open holds")
    if found["older"]:
        click.echo(f"{found['older']:,} older events are not shown; --limit shows more.")
    rows = [(*(event[name] for name in EVENT_COLUMNS), _rest(event)) for event in found["events"]]
    if rows:
        print_table("Events", (*EVENT_COLUMNS, ""), rows)
    else:
        click.echo("Events: none")


def _rest(event: dict[str, Any]) -> str:
    """Return what of an event has no column, a line each."""
    said = [f"{name} {event[name]:+,}" for name in ("qualifying", "debt") if name in event]
    said += [f"of {event['refers_to']}"] if "refers_to" in event else []
    said += [event["note"]] if "note" in event else []
    return "\n".join(said)
