"""The log, for the operator: its checkpoint, sealing by hand, and its proof."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hub import start
from hub.cli.output import json_option, print_table, show
from hub.services import log_check, log_proofs, sealing
from hub.settings import Settings


@click.group()
def log() -> None:
    """Look after the log in which every posted event is sealed; `hansa serve` seals twice a second."""


@log.command()
@click.pass_obj
def checkpoint(settings: Settings) -> None:
    """Print the newest checkpoint: size and root of the log, as a signed note. Keep one outside of this machine."""
    click.echo(log_proofs.checkpoint(start.open_hub(settings))["checkpoint"], nl=False)


@log.command()
@json_option
@click.pass_obj
def seal(settings: Settings, as_json: bool) -> None:
    """Seal all events that are posted and not in the log; may run beside `hansa serve`."""
    show({"sealed": sealing.seal(start.open_hub(settings))}, as_json, "Sealed")


@log.command()
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept, with which the log must begin. Can be given several times.",
)
@json_option
@click.pass_obj
def verify(settings: Settings, files: tuple[Path, ...], as_json: bool) -> None:
    """Count the whole log again from the events' rows, and name each row that is not as it was sealed.

    Exit code 1 if there is any.
    """
    kept = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    report = log_check.run(start.open_hub(settings), kept, lambda part: click.echo(f"checking: {part}", err=True))
    findings = [one._asdict() for one in report.findings]
    if as_json:
        show({"size": report.size, "findings": findings}, True, "")
    elif findings:
        print_table(f"Log of {report.size} entries", ("row", "fault"), report.findings)
    else:
        click.echo(f"The log of {report.size} entries is as it was sealed.")
    sys.exit(bool(findings))
