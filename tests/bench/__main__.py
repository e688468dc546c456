"""The command: sets the stage, measures one thing after another, prints the table and writes the JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.bench import report
from tests.bench.books import LINES_A_MEMBER
from tests.bench.options import Options
from tests.bench.run import NAMES, run
from tests.bench.steps import Steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if no request failed and the books hold at the end, else 1."""
    given = _parser().parse_args(arguments)
    members = max(given.members, given.obligations // LINES_A_MEMBER)
    only = frozenset(given.only or NAMES)
    options = Options(only, given.seconds, members, given.obligations, given.sealed, given.events, given.seed)
    with Steps(Console(stderr=True)) as steps:
        measured = run(options, steps)
    report.show(Console(width=report.WIDTH), measured)
    text = json.dumps(measured, indent=2)
    if given.json:
        Path(given.json).write_text(text + "\n")
    else:
        sys.stdout.write(text + "\n")
    return 1 if report.failed(measured) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there; without it they follow the table")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each kind of load is measured")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--members", type=int, default=10_000, help="that the events are spread over")
    parser.add_argument("--obligations", type=int, default=1_000_000, help="of the cycle that is closed, in hundreds")
    parser.add_argument("--sealed", type=int, default=1_000_000, help="events in the log when proofs are measured")
    parser.add_argument("--events", type=int, default=1_000_000, help="stored when the rate is measured again")
    parser.add_argument("--seed", type=int, default=1, help="of members, times and amounts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
