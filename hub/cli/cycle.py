"""Settlement cycles."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli.netting import payments, simulate
from hub.cli.output import json_option, print_table, show
from hub.services import cycles
from hub.settings import Settings


@click.group()
def cycle() -> None:
    """List, show and close settlement cycles.

    A cycle is named by its calendar: 2017-01 (a month), 2017-01-H1 (its first half), 2017-01-Q1 (days 1 to 7; 48 a
    year) or 2017-W05 (a week of ISO 8601).
    """


@cycle.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List all cycles with their states."""
    show(cycles.listing(start.open_hub(settings)), as_json, "Cycles")


@cycle.command("show")
@click.argument("name", metavar="NAME")
@json_option
@click.pass_obj
def show_one(settings: Settings, name: str, as_json: bool) -> None:
    """Show a cycle: its moves, who owes whom, and the nets with their explanation."""
    _print(cycles.show(start.open_hub(settings), name), as_json)


@cycle.command()
@click.argument("name", metavar="NAME")
@click.option("--author", default=getpass.getuser, help="Who closes it (default: your login).")
@json_option
@click.pass_obj
def close(settings: Settings, name: str, author: str, as_json: bool) -> None:
    """Cut off a cycle, calculate it, check it, and publish it; print the matrix and the nets.

    A cycle that does not pass its own checks is not published, and the rows that fail are named.
    """
    _print(cycles.close(start.open_hub(settings), name, author, lambda step: click.echo(step, err=True)), as_json)


@cycle.command()
@click.argument("name", metavar="NAME")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export(settings: Settings, name: str, path: Path) -> None:
    """Write a published cycle with all its lines to PATH (.jsonl or .parquet).

    Anyone can recompute it from that file alone: python -m settlement verify PATH
    """
    cycles.export(start.open_hub(settings), name, path)


@cycle.command()
@click.argument("name", metavar="NAME")
@click.argument("partner_id")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def statement(settings: Settings, name: str, partner_id: str, path: Path) -> None:
    """Write a partner's statement of a published cycle to PATH (.json or .csv)."""
    cycles.write_statement(start.open_hub(settings), name, partner_id, path)


@cycle.command()
@click.argument("name", metavar="NAME")
@click.pass_obj
def audit(settings: Settings, name: str) -> None:
    """Do every self-check of a published cycle again; name the rows that no longer hold. Exit code 1 if any."""
    findings = cycles.audit(start.open_hub(settings), name)
    for finding in findings:
        click.echo(finding)
    click.echo(f"{name}: {len(findings)} findings")
    sys.exit(bool(findings))


cycle.add_command(payments)
cycle.add_command(simulate)


def _print(cycle: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(cycle, True, "")
        return
    print_cycle(cycle)


def print_cycle(cycle: dict[str, Any]) -> None:
    """Print a cycle as tables."""
    for title in ("moves", "positions", "nets", "pairs", "savings", "dues"):
        rows = cycle[title]
        if rows:
            print_table(f"{cycle['cycle']} {title}", tuple(rows[0]), [tuple(row.values()) for row in rows])
