"""How rate and latency go with what grows: ``python -m tests.bench.growth --folder docs/growth``.

Draws a line for each of batch size, connections, members, partners and events stored, and writes the figures as JSON
beside the drawings. Each point is measured on a hub of its own, but for events stored, which one hub gathers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from rich.console import Console

from tests.bench import traffic
from tests.bench.grown import BATCHES, own_hub, stored_points
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.stage import Stage
from tests.support.server import Server


class Point(NamedTuple):
    """One measured point."""

    at: int
    """The value of what grows."""
    measured: Measurement


class Axis(NamedTuple):
    """Something that grows."""

    what: str
    values: Sequence[int]
    measure: Callable[[Sequence[int], Options], Iterator[Point]]


SECONDS, MEMBERS, SEED = 3.0, 2_000, 1
SINGLES = "singles"


def _options(seconds: float, members: int = MEMBERS) -> Options:
    return Options(frozenset(), seconds, members, 0, 0, 0, SEED)


def _load(kind: str, connections: int, own: Stage, server: Server, options: Options) -> Measurement:
    return traffic.measure(kind, kind, connections, own, server, options)


def _batch_sizes(values: Sequence[int], options: Options) -> Iterator[Point]:
    with own_hub(options) as (own, server):
        for size in values:
            yield Point(size, _load(f"batches-{size}", 8, own, server, options))


def _connections(values: Sequence[int], options: Options) -> Iterator[Point]:
    with own_hub(options) as (own, server):
        for connections in values:
            yield Point(connections, _load(SINGLES, connections, own, server, options))


def _members(values: Sequence[int], options: Options) -> Iterator[Point]:
    for members in values:
        with own_hub(_options(options.seconds, members)) as (own, server):
            yield Point(members, _load(BATCHES, 4, own, server, _options(options.seconds, members)))


def _partners(values: Sequence[int], options: Options) -> Iterator[Point]:
    for partners in values:
        with own_hub(options, partners) as (own, server):
            yield Point(partners, _load(SINGLES, max(64, partners), own, server, options))


def _stored(values: Sequence[int], options: Options) -> Iterator[Point]:
    with own_hub(options) as (own, server):
        for stored, measured in stored_points(values, own, server, options):
            yield Point(stored, measured)


AXES: Mapping[str, Axis] = {
    "batch-size": Axis("events in a request, 8 connections", (1, 3, 10, 30, 100, 300, 1_000), _batch_sizes),
    "connections": Axis("connections, single earnings", (1, 2, 4, 8, 16, 32, 64, 128), _connections),
    "members": Axis("members, batches of 1,000", (1_000, 10_000, 100_000, 1_000_000), _members),
    "partners": Axis("partners, single earnings", (6, 50, 500), _partners),
    "stored": Axis("events stored, batches of 1,000", (100_000, 1_000_000, 5_000_000, 20_000_000), _stored),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the drawings go")
    parser.add_argument("--only", nargs="+", choices=list(AXES), metavar="AXIS", help=f"of {', '.join(AXES)}")
    parser.add_argument("--most", type=int, default=20_000_000, help="leave out what is more than that")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each point is measured")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    console, options = Console(stderr=True), _options(given.seconds)
    for name in given.only or AXES:
        axis = AXES[name]
        points = []
        for point in axis.measure([value for value in axis.values if value <= given.most], options):
            console.print(f"{axis.what}: {point.at:,}: {point.measured.rate:,.0f}/s", highlight=False)
            points.append(point)
        _draw(axis, points, given.folder / f"{name}.svg")
        figures = [{"at": point.at, **point.measured.as_json(None)} for point in points]
        (given.folder / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _draw(axis: Axis, points: Sequence[Point], path: Path) -> None:
    """Draw the rate, and beneath it the latency, both over what grows."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    rate, latency = figure.subplots(2, sharex=True)
    at = [point.at for point in points]
    rate.plot(at, [point.measured.rate for point in points], marker="o", color="black")
    rate.set(ylabel="events a second", xscale="log", ylim=(0, None))
    for percent, style in ((50, "-"), (99, "--")):
        took_ms = [point.measured.percentile_ms(percent) or 0.0 for point in points]
        latency.plot(at, took_ms, style, marker="o", color="black", label=f"p{percent}")
    latency.set(ylabel="ms", xlabel=axis.what, ylim=(0, None))
    latency.legend()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
