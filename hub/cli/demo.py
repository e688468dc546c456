"""The demonstration's command."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub.cli.output import print_table
from hub.cli.partner import DATE
from hub.demo.run import Outcome, run

FIRST, LAST = "2017-01-01", "2017-12-31"


@click.command()
@click.option("--from", "first", type=DATE, default=FIRST, show_default=True, help="First business day.")
@click.option("--to", "last", type=DATE, default="2017-03-31", show_default=True, help="Last business day.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Folder for statements and exports.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
def demo(first: datetime, last: datetime, out: Path, json_file: Path | None) -> None:
    """Replay a year of real purchases of six partners and settle what they owe each other.

    Starts a hub of its own on an embedded database, sends every sale and redemption through the signed SDK,
    closes each month's settlement, checks the ledger, recomputes every settlement from its exported file, and
    stops what it started. The sample covers 2017-01-01 to 2017-12-31. Exit code 1 if any check fails.
    """
    if not FIRST <= f"{first:%Y-%m-%d}" <= f"{last:%Y-%m-%d}" <= LAST:
        raise click.UsageError(f"the days must lie in {FIRST} .. {LAST}, --from not after --to")
    # A demo that is told to stop stops what it started, as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with _progress() as progress:
        outcome = run(first.date(), last.date(), out, _steps(progress))
    if json_file:
        json_file.write_text(json.dumps(outcome.figures, indent=2) + "\n")
    _print(outcome, out)
    sys.exit(bool(outcome.broken))


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[part]}"), console=Console(stderr=True))


def _steps(progress: Progress) -> Callable[[str, int], Callable[[str], None]]:
    def step(name: str, length: int) -> Callable[[str], None]:
        task = progress.add_task(name, total=length, part="")
        return lambda part: progress.update(task, advance=1, part=part)

    return step


def _print(outcome: Outcome, out: Path) -> None:
    found = outcome.figures
    earned = [(name, points) for name, points in found["earnings"]["by_partner"].items()]
    print_table("Points earned", ("partner", "points"), [*earned, ("total", found["earnings"]["points"])])
    redeemed = [(name.replace("_", " "), value) for name, value in found["redemptions"].items()]
    redeemed += [(name.replace("_", " "), found[name]) for name in ("expired_points", "outstanding_points")]
    print_table("Redemptions and expiry", ("figure", "value"), redeemed)
    nets = [(cycle["cycle"], *cycle["net"].values()) for cycle in found["cycles"]]
    print_table(
        "Settlement: net to receive (+) or to pay (-), minor units", ("cycle", *found["cycles"][0]["net"]), nets
    )
    checks = [(one["check"], "ok" if one["row"] is None else "BROKEN") for one in outcome.ledger]
    for check, broken in (
        ("every cycle recomputed from its files", outcome.recomputed),
        ("the books balance, and say what was published", outcome.books),
    ):
        checks.append((check, "BROKEN" if broken else "ok"))
    print_table("Checks", ("check", "result"), checks)
    for line in outcome.broken:
        click.echo(line, err=True)
    click.echo(f"Statements, exports and books are in {out}; recompute one: python -m settlement verify {out}/cycle-*")
