"""The whole demonstration, from an empty folder to verified settlements."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from hub import setup
from hub.core.expiry import is_month_end
from hub.demo import coalition, figures, purchases
from hub.demo.hub_process import serving
from hub.demo.purchases import Day
from hub.demo.replay import Replay
from hub.services import books, cycles, ledger_check, members
from hub.services.context import Hub
from hub.settings import Settings
from hub.store import embedded
from settlement.recomputation.folder import recompute

MAKER, APPROVER = "demo maker", "demo approver"
ENROLLER = "grocer"
BOOKS = {"csv": "journal.csv", "trial-balance": "trial-balance.csv", "beancount": "books.beancount"}
"""The forms of the books, and the files they are written to."""

Step = Callable[[str, int], Callable[[str], None]]
"""Told the name and the length of a step; returns what is to be told of each part that is done."""


class Outcome(NamedTuple):
    """What a run came to: the figures, the closed cycles, and what each check found."""

    figures: dict[str, Any]
    cycles: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    recomputed: list[str]
    """What differs between a cycle and what its files give."""
    books: list[str]
    """What does not hold of the books."""

    @property
    def broken(self) -> list[str]:
        """Everything that did not hold."""
        rows = [f"ledger: {one['check']}: {one['row']}" for one in self.ledger if one["row"] is not None]
        return [*rows, *self.recomputed, *self.books]


def run(first: date, last: date, out: Path, step: Step) -> Outcome:
    """Replay the days from ``first`` to ``last`` and write statements and exports to ``out``."""
    loaded = purchases.load(first, last)
    with _hub() as (hub, url):
        told = step("partners and members", len(coalition.PARTNERS) + 1)
        clients = {}
        for partner_id in coalition.PARTNERS:
            clients[partner_id] = coalition.onboard(hub, url, partner_id, first)
            told(partner_id)
        replay = Replay(hub, clients)
        try:
            replay.enrol(ENROLLER, loaded.households)
            told("members")
            closed = _replay(hub, replay, loaded.days, step)
        finally:
            replay.close()
        found = figures.figures(replay.totals, members.outstanding(hub), closed)
        with ThreadPoolExecutor(1, thread_name_prefix="ledger check") as beside:
            ledger = beside.submit(_check_ledger, hub, step)
            recomputed = _write_and_verify(hub, closed, out, step)
            books_broken = _write_books(hub, out, step)
        return Outcome(found, closed, ledger.result(), recomputed, books_broken)


@contextmanager
def _hub() -> Iterator[tuple[Hub, str]]:
    """Yield a new sandbox hub on an embedded database, served on a free port; leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="hansa-demo-"))
    database = folder / "postgresql"
    try:
        settings = Settings(data=folder, database_url=embedded.start(database))
        hub = setup.initialise(settings, "Sample coalition", "sandbox")
        with serving(replace(settings, workers=2)) as url:
            yield hub, url
        hub.database.dispose()
        embedded.stop(database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replay(hub: Hub, replay: Replay, days: list[Day], step: Step) -> list[dict[str, Any]]:
    told = step("business days", len(days))
    closed = []
    for day in days:
        replay.run(day)
        if is_month_end(day.date) or day is days[-1]:
            closed.append(cycles.close_and_publish(hub, f"{day.date:%Y-%m}", MAKER, APPROVER))
        told(str(day.date))
    return closed


def _check_ledger(hub: Hub, step: Step) -> list[dict[str, Any]]:
    told = step("ledger check", ledger_check.COUNT)
    return ledger_check.run(hub, told)


def _write_and_verify(hub: Hub, closed: list[dict[str, Any]], out: Path, step: Step) -> list[str]:
    """Write every statement and export, and recompute each export from its folder alone."""
    told = step("statements and verification", len(closed))
    out.mkdir(parents=True, exist_ok=True)
    broken = []
    for cycle in closed:
        name = cycle["cycle"]
        for partner_id in coalition.PARTNERS:
            for suffix in (".json", ".csv"):
                cycles.write_statement(hub, name, partner_id, out / f"statement-{name}-{partner_id}{suffix}")
        folder = out / f"cycle-{name}"
        cycles.export(hub, name, folder)
        report = recompute(folder, bytes.fromhex(cycle["digest"]))
        broken += [f"{folder.name}: {finding}" for finding in report.findings]
        told(name)
    return broken


def _write_books(hub: Hub, out: Path, step: Step) -> list[str]:
    """Write the operator's books in each form, and return what does not hold of them."""
    told = step("books", len(BOOKS))
    found: list[str] = []
    for kind, name in BOOKS.items():
        found = books.export(hub, kind, out / name)["findings"]
        told(name)
    return found
