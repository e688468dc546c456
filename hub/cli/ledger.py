"""The ledger's own proof."""

from __future__ import annotations

import sys

import click

from hub import start
from hub.cli.output import json_option, print_table, show
from hub.services import ledger_check
from hub.settings import Settings


@click.group()
def ledger() -> None:
    """Look after the ledger."""


@ledger.command()
@json_option
@click.pass_obj
def check(settings: Settings, as_json: bool) -> None:
    """Prove every invariant of the ledger from the stored rows; name the first row that breaks one.

    Exit code 1 if any does.
    """
    results = ledger_check.run(start.open_hub(settings), lambda name: click.echo(f"checking: {name}", err=True))
    if as_json:
        show(results, True, "")
    else:
        rows = [(one["check"], "ok" if one["row"] is None else f"BROKEN: {one['row']}") for one in results]
        print_table("Ledger", ("check", "result"), rows)
    sys.exit(any(one["row"] is not None for one in results))
