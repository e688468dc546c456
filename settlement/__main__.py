"""`python -m settlement verify PATH...`: recompute exported cycles, one or a whole folder of them.

Exit code 0 when every cycle is equal to what its lines give, 1 when one differs or cannot be read, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from settlement.core.currency import written
from settlement.core.findings import printable
from settlement.errors import FileRefused
from settlement.recomputation.chain import Chain, ChainReport, is_one_cycle
from settlement.recomputation.folder import Report, recompute
from settlement.text_table import table

_DESCRIPTION = """\
Recompute exported settlement cycles from their lines alone, with neither hub nor database: every file's digest, every
line's digest, each event's value and how it splits over its lines, positions, pair digests, nets, charges, dues,
statements and the cycle digest. Prints the figures and "equal", or each file and row that differs. Of a folder of
cycles also what goes across them: that each opens with what the one before left, that corrections name the cycle of
their origin, that no line is in two cycles, and that contracts do not change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    return max([_verify(path, options.digest) for path in options.paths])


def _verify(path: Path, digest: bytes | None) -> int:
    print(printable(str(path)))
    try:
        return _verify_one(path, digest) if is_one_cycle(path) else _verify_chain(path, digest)
    except FileRefused as refused:
        print(printable(f"refused: {refused}"))
        return 1


def _verify_one(folder: Path, digest: bytes | None) -> int:
    with _progress() as progress:
        task = progress.add_task("lines", total=None)
        report = recompute(folder, digest, told=lambda done: progress.update(task, completed=done))
    print(*_figures(report), *_verdict(report), sep="\n")
    return 1 if report.findings else 0


def _verify_chain(folder: Path, digest: bytes | None) -> int:
    if digest is not None:
        raise FileRefused("is a folder of cycles, and a digest is of one; name that cycle's own folder")
    chain = Chain(folder)
    with _progress() as progress:
        task = progress.add_task("lines", total=chain.lines)
        found = chain.recompute(told=lambda done: progress.update(task, completed=done))
    print(*_cycles(found), sep="\n")
    return 0 if found.is_equal else 1


def _progress() -> Progress:
    """A bar on the error output, if that is a terminal; it is gone at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m settlement", description="Settlement without a database.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="recompute exported cycles", description=_DESCRIPTION)
    verify.add_argument("paths", nargs="+", type=_path, metavar="PATH", help="an exported cycle, or a folder of such")
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


def _cycles(found: ChainReport) -> Iterator[str]:
    for one in found.cycles:
        name = printable(one.manifest.cycle)
        if one.report is None:
            yield printable(f"{name} refused: {one.refused}")
        elif one.report.findings:
            yield f"{name} differs:"
            yield from (f"  {finding}" for finding in one.report.findings)
        else:
            yield f"{name} equal: {one.report.lines} lines, {len(one.report.positions)} positions"
    if found.findings:
        yield "across the cycles differs:"
        yield from (f"  {finding}" for finding in found.findings)
    elif found.is_equal:
        yield f"equal: {len(found.cycles)} cycles, each with the one before it"


if __name__ == "__main__":
    sys.exit(main())
