"""Settlement cycles."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli.cycle_calendar import calendar
from hub.cli.netting import payments, simulate
from hub.cli.output import json_option, print_table, show
from hub.services import cycles, file_signatures
from hub.settings import Settings
from settlement.core.moves import SETTLED
from settlement.exports import manifest
from settlement.formats.statement_words import ENGLISH, WORDS

NAME = click.argument("name", metavar="NAME")


@click.group()
def cycle() -> None:
    """List, show, close, publish and settle cycles.

    A cycle is named by its calendar: 2017-01 (a month), 2017-01-H1 (its first half), 2017-01-Q1 (days 1 to 7; 48 a
    year) or 2017-W05 (a week of ISO 8601). It goes from open over cut_off, calculated and published to final, paid_in,
    paid_out and closed.
    """


cycle.add_command(calendar)
cycle.add_command(payments)
cycle.add_command(simulate)


@cycle.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List all cycles with their states, what is due next, and whether it is overdue."""
    show(cycles.listing(start.open_hub(settings)), as_json, "Cycles")


@cycle.command("show")
@NAME
@json_option
@click.pass_obj
def show_one(settings: Settings, name: str, as_json: bool) -> None:
    """Show a cycle: moves, deadlines, who proposed it, who owes whom, and the nets with their explanation."""
    _print(cycles.show(start.open_hub(settings), name), as_json)


@cycle.command()
@NAME
@click.option("--author", default=getpass.getuser, help="Who closes it (default: your login).")
@json_option
@click.pass_obj
def close(settings: Settings, name: str, author: str, as_json: bool) -> None:
    """Cut off a cycle, calculate it, check it, and propose to publish it; print the matrix, the nets and a digest.

    A cycle that does not pass its own checks stays open, and the rows that fail are named. To publish what was
    proposed, somebody else looks at it and runs `hansa cycle publish NAME --digest HEX`.
    """
    _print(cycles.close(start.open_hub(settings), name, author, _say), as_json)


@cycle.command()
@NAME
@click.option("--digest", required=True, metavar="HEX", help="That of the proposal, as `hansa cycle show` prints it.")
@click.option("--author", required=True, help="Who you are; not the one who proposed it.")
@json_option
@click.pass_obj
def publish(settings: Settings, name: str, digest: str, author: str, as_json: bool) -> None:
    """Approve a proposal that you have seen: check the cycle once more, publish it, and settle its points."""
    _print(cycles.publish(start.open_hub(settings), name, digest, author, _say), as_json)


@cycle.command()
@NAME
@click.option("--author", default=getpass.getuser, help="Who withdraws it (default: your login).")
@click.option("--reason", required=True, help="Why.")
@json_option
@click.pass_obj
def withdraw(settings: Settings, name: str, author: str, reason: str, as_json: bool) -> None:
    """Make the proposal to publish a cycle void; `hansa cycle close NAME` proposes it again."""
    _print(cycles.withdraw(start.open_hub(settings), name, author, reason), as_json)


@cycle.command()
@NAME
@click.option("--author", default=getpass.getuser, help="Who does it (default: your login).")
@json_option
@click.pass_obj
def recalculate(settings: Settings, name: str, author: str, as_json: bool) -> None:
    """Add a cycle that is not published up again, after what it rests on was repaired.

    A proposal to publish it becomes void; `hansa cycle close NAME` checks it and proposes it again.
    """
    _print(cycles.recalculate(start.open_hub(settings), name, author), as_json)


@cycle.command()
@NAME
@click.argument("state", type=click.Choice(SETTLED))
@click.option("--author", default=getpass.getuser, help="Who says so (default: your login).")
@json_option
@click.pass_obj
def advance(settings: Settings, name: str, state: str, author: str, as_json: bool) -> None:
    """Move a published cycle on into STATE, from the state before it.

    It becomes final when its lines can no longer be disputed, paid_in and paid_out when all money has moved, and
    closed at last. What stands in the way is named.
    """
    _print(cycles.advance(start.open_hub(settings), name, state, author), as_json)


@cycle.command()
@NAME
@click.argument("path", type=click.Path(path_type=Path))
@click.pass_obj
def export(settings: Settings, name: str, path: Path) -> None:
    """Write a published cycle with all its lines into the new folder PATH, as Parquet with a manifest of digests.

    Anyone can recompute it from that folder alone: python -m settlement verify PATH. Beside the manifest stands
    manifest.json.sig, the hub's signature; hansa-partner verify file PATH/manifest.json verifies it offline.
    """
    hub = start.open_hub(settings)
    cycles.export(hub, name, path)
    file_signatures.sign(hub, path / manifest.NAME, {"kind": "export", "cycle": name})


@cycle.command()
@NAME
@click.argument("partner_id")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--language", type=click.Choice([*WORDS]), default=ENGLISH, help="Of a PDF; en if not said.")
@click.pass_obj
def statement(settings: Settings, name: str, partner_id: str, path: Path, language: str) -> None:
    """Write a partner's statement of a published cycle to PATH (.pdf, .csv, .json or .parquet).

    It has the opening balance, movements by kind, charges, the closing balance, and every line. A statement that does
    not add up is refused. Beside it stands PATH.sig, the hub's signature, which the partner verifies offline with
    hansa-partner verify file PATH.
    """
    hub = start.open_hub(settings)
    cycles.write_statement(hub, name, partner_id, path, language)
    file_signatures.sign(hub, path, {"kind": "statement", "cycle": name, "partner": partner_id})


@cycle.command()
@NAME
@click.pass_obj
def audit(settings: Settings, name: str) -> None:
    """Do every self-check of a published cycle again; name the rows that no longer hold. Exit code 1 if any."""
    findings = cycles.audit(start.open_hub(settings), name)
    for finding in findings:
        click.echo(finding)
    click.echo(f"{name}: {len(findings)} findings")
    sys.exit(bool(findings))


def _say(step: str) -> None:
    click.echo(step, err=True)


def _print(cycle: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(cycle, True, "")
        return
    print_cycle(cycle)


def print_cycle(cycle: dict[str, Any]) -> None:
    """Print a cycle as tables, and what is to be done with a proposal that waits."""
    for title in ("moves", "positions", "nets", "pairs", "savings", "charges", "dues"):
        rows = cycle[title]
        if rows:
            print_table(f"{cycle['cycle']} {title}", tuple(rows[0]), [tuple(row.values()) for row in rows])
    print_table(f"{cycle['cycle']} deadlines", ("step", "due on"), [*cycle["deadlines"].items()])
    due, proposal = cycle["next_step"], cycle["proposal"]
    if due:
        overdue = ", overdue" if due["overdue"] else ""
        click.echo(f"{cycle['cycle']} is {cycle['state']}; next: {due['step']} by {due['on']}{overdue}")
    if proposal and proposal["state"] == "open":
        click.echo(f"Proposed by {proposal['maker']}. Somebody else publishes it with:")
        click.echo(f"  hansa cycle publish {cycle['cycle']} --digest {proposal['digest']} --author WHO")
