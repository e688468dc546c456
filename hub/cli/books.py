"""The operator's books in money."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from hub import start
from hub.cli.output import Command, json_option, show
from hub.services import books as service
from hub.settings import Settings

BRIEF = ("account", "currency", "balance_minor", "class")


def _until(command: Command) -> Command:
    option = click.option(
        "--until", type=click.DateTime(["%Y-%m-%d"]), help="Up to and with this day (usual: everything)."
    )
    return option(command)


@click.group()
def books() -> None:
    """Show and export the operator's books: what is receivable, payable, held and earned, in double entry.

    Entries follow from published cycles, payments, security and write-offs; there is nothing to post by hand.
    """


@books.command("trial-balance")
@_until
@json_option
@click.pass_obj
def trial_balance(settings: Settings, until: datetime | None, as_json: bool) -> None:
    """Show debits, credits and balance of every account. Exit code 1 if the books do not hold; findings say where."""
    found = service.trial_balance(start.open_hub(settings), until.date() if until else None)
    brief = [{name: one[name] for name in BRIEF} for one in found["accounts"]]
    show(found if as_json else brief, as_json, "Trial balance")
    _end(found["findings"])


@books.command()
@_until
@json_option
@click.pass_obj
def journal(settings: Settings, until: datetime | None, as_json: bool) -> None:
    """List every posting: the day, what it comes from, debit and credit account, and the amount."""
    show(service.journal(start.open_hub(settings), until.date() if until else None), as_json, "Journal")


@books.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice([*service.FORMATS]),
    default="csv",
    show_default=True,
    help="The journal as CSV, the trial balance as CSV, or the journal for beancount.",
)
@_until
@json_option
@click.pass_obj
def export(settings: Settings, path: Path, kind: str, until: datetime | None, as_json: bool) -> None:
    """Write the books to PATH, for a spreadsheet or an accounting program. Exit code 1 if they do not hold."""
    found = service.export(start.open_hub(settings), kind, path, until.date() if until else None)
    show(found, as_json, "Exported")
    _end(found["findings"])


def _end(findings: Sequence[str]) -> None:
    for finding in findings:
        click.echo(finding, err=True)
    sys.exit(bool(findings))
