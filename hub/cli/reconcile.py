"""Reconciliation: the hub's books, a partner's own, and the bank's."""

from __future__ import annotations

import csv
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.services import reconciliations
from hub.services.context import Hub
from hub.settings import Settings
from settlement.core.report_mapping import FIELDS
from settlement.formats.cells import harmless
from settlement.reconciliation.runs import Settings as Rules
from settlement.store.reconciliation_breaks import STATES
from settlement.store.reconciliation_sources import Scope

Command = TypeVar("Command", bound=Callable[..., Any])
BRIEF = ("break", "category", "state", "owner", "age_days", "reference", "difference_minor", "currency", "material")
AUTHOR = click.option("--author", default=getpass.getuser, help="Who you are (default: your login).")
BREAK = click.argument("name", metavar="BREAK")
COLUMNS = "\n".join(f"  {name:<14} {meaning}" for name, meaning in FIELDS.items())


def scoped(command: Command) -> Command:
    """Add ``--partner`` and ``--cycle``, or ``--bank``."""
    for option in (
        click.option("--bank", is_flag=True, help="The operator's bank, by its statements."),
        click.option("--cycle", default="", help="Of this cycle."),
        click.option("--partner", "partner_id", default="", help="A partner's own report."),
    ):
        command = option(command)
    return command


def _scope(hub: Hub, partner_id: str, cycle: str, bank: bool) -> Scope:
    if bank == bool(partner_id) or bool(partner_id) != bool(cycle):
        raise click.UsageError("say --partner and --cycle, or --bank")
    return reconciliations.scope_of(hub, partner_id, cycle)


def _step(text: str) -> None:
    click.echo(text, err=True)


@click.group()
def reconcile() -> None:
    """Hold our books against a partner's report and the bank's statements; look after what differs."""


@reconcile.command("import", epilog=f"\b\nWhat a column can be:\n{COLUMNS}")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@scoped
@click.option("--mapping", type=json_file.JSON_FILE, help="A JSON file with the options below, and `columns`.")
@click.option(
    "--column", "columns", multiple=True, metavar="OURS=THEIRS", help="What a column of theirs is; repeat it."
)
@click.option("--currency", help="The currency of all lines, where no column has it.")
@click.option("--delimiter", help="Between the fields of a CSV file (usual: a comma).")
@click.option("--encoding", help="Of a CSV file (usual: UTF-8).")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign (usual: a point).")
@click.option("--thousands", help="The sign that sets thousands apart (usual: none).")
@click.option("--dates", help="How dates are written, such as DD.MM.YYYY (usual: YYYY-MM-DD).")
@AUTHOR
@json_option
@click.pass_obj
def import_file(
    settings: Settings,
    /,
    path: Path,
    partner_id: str,
    cycle: str,
    bank: bool,
    mapping: Path | None,
    columns: tuple[str, ...],
    author: str,
    as_json: bool,
    **form: str | None,
) -> None:
    """Import a partner's report (.csv, .json, .parquet) or the bank's statements (camt.053 XML).

    Nothing about a report is guessed: say which columns are what, and how numbers and dates are written. Amounts are
    those of the lines, what the issuer owes the redeemer. The same file again changes nothing.
    """
    hub = start.open_hub(settings)
    scope = _scope(hub, partner_id, cycle, bank)
    told: dict[str, Any] = json_file.read(mapping, dict) if mapping else {}
    told |= {name: value for name, value in form.items() if value is not None}
    if bank and (told or columns):
        raise click.UsageError("a bank's statement says itself what is what; leave the options of reports out")
    told["columns"] = {**told.get("columns", {}), **dict(map(_named, columns))}
    found = reconciliations.import_file(hub, path, scope, told, author, _step)
    show(found, as_json, "Known already" if "duplicate" in found else "Imported")


@reconcile.command()
@scoped
@click.option("--tolerance", type=click.IntRange(0), default=0, help="By how many minor units amounts may differ.")
@click.option("--days", type=click.IntRange(0), default=0, help="By how many days dates may differ.")
@click.option("--material", type=click.IntRange(0), default=0, help="Minor units above which a difference is material.")
@click.option(
    "--source", "sources", multiple=True, help="What was imported (usual: a partner's last, all of a bank's)."
)
@AUTHOR
@json_option
@click.pass_obj
def run(
    settings: Settings,
    partner_id: str,
    cycle: str,
    bank: bool,
    tolerance: int,
    days: int,
    material: int,
    sources: tuple[str, ...],
    author: str,
    as_json: bool,
) -> None:
    """Match the lines of both sides, classify what does not match, and prove that no line is left out.

    Run again with nothing new, it changes nothing. Breaks that are found no more are resolved. What partners paid in
    and the bank has by reference and amount is noted as received.
    """
    hub = start.open_hub(settings)
    rules = Rules(tolerance, days, material)
    found = reconciliations.run(hub, _scope(hub, partner_id, cycle, bank), rules, sources, author, _step)
    show(found, as_json, "Nothing new" if "unchanged" in found else f"Run {found['run']}")


@reconcile.command("show")
@click.argument("number", metavar="RUN", type=int)
@json_option
@click.pass_obj
def show_one(settings: Settings, number: int, as_json: bool) -> None:
    """Show a run, and prove its completeness again from the stored rows. Exit code 1 if it is not complete."""
    found = reconciliations.show(start.open_hub(settings), number)
    show(found, as_json, f"Run {number}")
    sys.exit(not found["complete"])


@reconcile.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List what was imported, and all runs."""
    found = reconciliations.listing(start.open_hub(settings))
    if as_json:
        show(found, True, "")
        return
    show(found["sources"], False, "Sources")
    show([{name: one[name] for name in one if name != "inputs"} for one in found["runs"]], False, "Runs")


@reconcile.command()
@click.argument("cycle")
@json_option
@click.pass_obj
def overview(settings: Settings, cycle: str, as_json: bool) -> None:
    """Show ledger, report and bank of a cycle side by side, a line for each partner and currency.

    From the last runs. Exit code 1 while they do not agree: a report is missing, a break is open, or the bank does not
    show what is due.
    """
    found = reconciliations.overview(start.open_hub(settings), cycle)
    show(found, as_json, f"The three books of {cycle}")
    sys.exit(not all(one["agree"] for one in found))


@reconcile.command()
@scoped
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="In this state (usual: open).")
@click.option("--all", "everything", is_flag=True, help="In every state.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write them to a CSV file.")
@json_option
@click.pass_obj
def breaks(
    settings: Settings,
    partner_id: str,
    cycle: str,
    bank: bool,
    states: tuple[str, ...],
    everything: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """List breaks, the oldest first, with age and owner, and whether the difference is material."""
    hub = start.open_hub(settings)
    scope = _scope(hub, partner_id, cycle, bank) if partner_id or cycle or bank else None
    found = reconciliations.breaks(hub, scope, STATES if everything else states or STATES[:1])
    if out:
        _write(out, found)
        return
    show(found if as_json else [{name: one[name] for name in BRIEF} for one in found], as_json, "Breaks")


@reconcile.command("break")
@BREAK
@json_option
@click.pass_obj
def show_break(settings: Settings, name: str, as_json: bool) -> None:
    """Show a break: its lines, all that was done about it, and what writing it off would post."""
    show(reconciliations.show_break(start.open_hub(settings), name), as_json, f"Break {name}")


@reconcile.command()
@BREAK
@click.argument("owner")
@AUTHOR
@json_option
@click.pass_obj
def assign(settings: Settings, name: str, owner: str, author: str, as_json: bool) -> None:
    """Make a break somebody's to look after."""
    show(reconciliations.assign(start.open_hub(settings), name, owner, author), as_json, f"Break {name}")


@reconcile.command()
@BREAK
@click.option("--reason", required=True, help="Why it may stay as it is.")
@AUTHOR
@json_option
@click.pass_obj
def explain(settings: Settings, name: str, reason: str, author: str, as_json: bool) -> None:
    """Say why a break may stay as it is; it is not open any more."""
    show(reconciliations.explain(start.open_hub(settings), name, reason, author), as_json, f"Break {name}")


@reconcile.command("write-off")
@BREAK
@click.option("--reason", help="Propose it, for this reason.")
@click.option("--approve", "digest", metavar="HEX", help="Approve what somebody else proposed, by its digest.")
@AUTHOR
@json_option
@click.pass_obj
def write_off(
    settings: Settings, name: str, reason: str | None, digest: str | None, author: str, as_json: bool
) -> None:
    """Let the operator bear a difference: one operator proposes it, a second one approves it and it is posted."""
    hub = start.open_hub(settings)
    if (reason is None) == (digest is None):
        raise click.UsageError("say --reason to propose it, or --approve with the digest that was shown")
    if reason is not None:
        show(reconciliations.propose_write_off(hub, name, reason, author), as_json, "Proposed")
    else:
        show(reconciliations.approve_write_off(hub, name, digest or "", author), as_json, "Written off")


@reconcile.command()
@json_option
@click.pass_obj
def journal(settings: Settings, as_json: bool) -> None:
    """List what was written off, entry by entry."""
    show(reconciliations.journal(start.open_hub(settings)), as_json, "Write-offs")


def _named(column: str) -> tuple[str, str]:
    ours, sign, theirs = column.partition("=")
    if not (sign and ours and theirs):
        raise click.UsageError(f"--column is like reference=Beleg, and not {column!r}")
    return ours, theirs


def _write(path: Path, found: list[dict[str, Any]]) -> None:
    """Write breaks as CSV, so that no spreadsheet takes a partner's text for a formula."""
    columns = [*found[0]] if found else [*BRIEF]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(columns)
        for one in found:
            cells = [" ".join(value) if isinstance(value, list) else value for value in one.values()]
            table.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
