"""`python -m settlement verify PATH...`: recompute exported cycles.

Exit code 0 when every cycle is equal to what its lines give, 1 when one differs or cannot be read, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from settlement.core.currency import written
from settlement.core.findings import printable
from settlement.errors import FileRefused
from settlement.recomputation.folder import Report, recompute
from settlement.text_table import table

_DESCRIPTION = """\
Recompute exported settlement cycles from their lines alone, with neither hub nor database: every file's digest, every
line's digest, each event's value and how it splits over its lines, positions, pair digests, nets, charges, dues,
statements and the cycle digest. Prints the figures and "equal", or each file and row that differs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    return max([_verify(path, options.digest) for path in options.paths])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m settlement", description="Settlement without a database.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="recompute exported cycles", description=_DESCRIPTION)
    verify.add_argument("paths", nargs="+", type=_path, metavar="PATH", help="the folder of an exported cycle")
    verify.add_argument("--digest", type=_digest, help="the cycle digest you know, for example from your statement")
    return parser


def _path(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return path


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise argparse.ArgumentTypeError("a digest is 64 hexadecimal digits")
    return digest


def _verify(path: Path, digest: bytes | None) -> int:
    print(printable(str(path)))
    try:
        report = recompute(path, digest)
    except FileRefused as refused:
        print(printable(f"refused: {refused}"))
        return 1
    print(*_figures(report), *_verdict(report), sep="\n")
    return 1 if report.findings else 0


def _figures(report: Report) -> Iterator[str]:
    claims = report.claims
    yield printable(f"cycle {claims.cycle}, published {report.published_at}, digest {claims.digest.hex()}")
    yield ""
    positions = ((*row[:5], written(row.amount_minor, row.currency)) for row in report.positions)
    yield from table(("issuer", "redeemer", "currency", "lines", "points", "amount"), [*positions])
    yield ""
    nets = ((*row[:2], *(written(minor, row.currency) for minor in row[2:])) for row in report.nets)
    yield from table(("partner", "currency", "receives", "pays", "net"), [*nets])
    yield ""
    if report.charges:
        charges = ((*row[:4], written(row.amount_minor, row.currency)) for row in report.charges)
        yield from table(("partner", "charge", "currency", "contract", "amount"), [*charges])
        yield ""


def _verdict(report: Report) -> Iterator[str]:
    if report.findings:
        yield "differs:"
        yield from (f"  {finding}" for finding in report.findings)
    else:
        charges = f", {len(report.charges)} charges" if report.charges else ""
        parts = f"{len(report.positions)} positions, {len(report.nets)} nets and statements{charges}"
        yield f"equal: {report.lines} lines, {parts} and the cycle digest recomputed"


if __name__ == "__main__":
    sys.exit(main())
