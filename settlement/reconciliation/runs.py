"""Running a reconciliation, and looking at one that was run.

A run is a function of its inputs: the lines of both sides and the rules. Run again with the same ones it is the former
run, and nothing changes. Otherwise breaks that are found again live on, new ones begin, and those that are not found
any more are resolved by the run. What does not prove complete is not written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DataError

from settlement.core.bank_lines import BankLine, expected_reference
from settlement.core.findings import Finding
from settlement.core.reconciliation import Break, Line, Outcome, Rules, incomplete, reconcile
from settlement.core.reconciliation.naming import inputs_digest, named
from settlement.core.references import normalised
from settlement.core.report_mapping import PARTS
from settlement.errors import SettlementRefused
from settlement.store import our_lines
from settlement.store.our_payments import expected_of_the_bank
from settlement.store.reconciliation_breaks import (
    EXPLAINED,
    OPEN,
    RESOLVED,
    STATES,
    LivingBreak,
    Step,
    add_breaks,
    add_steps,
    listing,
)
from settlement.store.reconciliation_runs import Run, add_run, find_run, hold, load_outcome, runs_of
from settlement.store.reconciliation_sources import (
    BANK,
    Scope,
    Source,
    find_source,
    keep_ours,
    load_lines,
    load_ours,
    sources_of,
)


class Sides(NamedTuple):
    """The lines of both sides, and lines of ours that belong to another cycle."""

    lefts: Sequence[Line]
    rights: Sequence[Line]
    elsewhere: Sequence[Line]


class RunView(NamedTuple):
    """A run with its matches and breaks, and what the proof of its completeness finds now."""

    run: Run
    outcome: Outcome
    sides: Sides
    findings: Sequence[Finding]


class Settings(NamedTuple):
    """The rules of a run, and the amount up to which a difference is not material."""

    tolerance_minor: int = 0
    days: int = 0
    material_minor: int = 0


def run(
    connection: Connection,
    scope: Scope,
    settings: Settings,
    sources: Sequence[str] = (),
    *,
    author: str,
    at: datetime,
    progress: Callable[[str], None],
) -> tuple[Run, bool]:
    """Reconcile a scope with these sources, or with its last one; returns the run, and whether it is new.

    Raises `SettlementRefused` when there is no source, or the outcome is not complete, and `UnknownCycle`.
    """
    if min(settings) < 0:
        raise SettlementRefused("tolerance, days and the limit of what is material are not below zero")
    number = hold(connection)
    used = _sources(connection, scope, sources)
    progress("reading the lines of both sides")
    sides = _sides(connection, scope, used)
    inputs = inputs_digest((*scope, *settings, *(line.key for line in sides.elsewhere)), sides.lefts, sides.rights)
    before = runs_of(connection, scope)
    if before and before[-1].inputs == inputs:
        return before[-1], False
    progress(f"matching {len(sides.lefts):,} lines of ours with {len(sides.rights):,}")
    rules = Rules(settings.tolerance_minor, settings.days, scope.kind)
    outcome = reconcile(sides.lefts, sides.rights, rules, sides.elsewhere)
    findings = incomplete(sides.lefts, sides.rights, outcome)
    if findings:
        raise SettlementRefused("the reconciliation is not complete and was not kept", findings)
    counts = (len(sides.lefts), len(sides.rights), len(outcome.matches), len(outcome.breaks))
    made = Run(number, scope, [one.source for one in used], *settings, inputs, *counts, author, at)
    progress("writing matches and breaks")
    try:
        _store(connection, made, outcome, sides)
    except DataError as error:
        raise SettlementRefused("a sum of these lines is too large for 64 bits") from error
    return made, True


def show(connection: Connection, number: int) -> RunView:
    """A run as it was written down, with the proof of its completeness done again from the stored rows.

    Raises `SettlementRefused` when there is no such run.
    """
    found = find_run(connection, number)
    if found is None:
        raise SettlementRefused(f"there is no run {number}; 'hansa reconcile list' names them")
    sides = _sides(connection, found.scope, [*filter(None, (find_source(connection, one) for one in found.sources))])
    if found.scope.kind == BANK:
        sides = sides._replace(lefts=load_ours(connection, number))
    outcome = load_outcome(connection, number)
    return RunView(found, outcome, sides, incomplete(sides.lefts, sides.rights, outcome))


def _sources(connection: Connection, scope: Scope, names: Sequence[str]) -> list[Source]:
    known = {one.source: one for one in sources_of(connection, scope)}
    if not known:
        raise SettlementRefused(f"nothing was imported for {scope}; 'hansa reconcile import' does that")
    missing = [name for name in names if name not in known]
    if missing:
        raise SettlementRefused(f"there is no source {missing[0][:40]!r} for {scope}; there are {', '.join(known)}")
    chosen = [known[name] for name in dict.fromkeys(names)]
    if scope.kind == BANK:
        return chosen or [*known.values()]
    if len({tuple(sorted(one.form["columns"])) for one in chosen}) > 1:
        raise SettlementRefused("these sources have different columns; reconcile each by itself")
    return chosen or [*known.values()][-1:]


def _sides(connection: Connection, scope: Scope, sources: Sequence[Source]) -> Sides:
    lines = load_lines(connection, [one.source for one in sources])
    if scope.kind == BANK:
        return _sides_of_the_bank(expected_of_the_bank(connection), lines)
    rights = [one.line for one in lines]
    columns = sources[0].form["columns"]
    lefts = our_lines.in_cycle(connection, scope, columns)
    known = {normalised(line.batch) for line in lefts}
    unknown = {line.batch.rpartition(PARTS)[2] for line in rights if normalised(line.batch) not in known}
    return Sides(lefts, rights, our_lines.elsewhere(connection, scope, columns, unknown))


def _sides_of_the_bank(lefts: Sequence[Line], lines: Sequence[BankLine]) -> Sides:
    expected = {normalised(name) for line in lefts for name in (line.reference, line.batch) if name}
    rights = [
        one.line._replace(reference=expected_reference(one.line.reference, one.others, expected)) for one in lines
    ]
    return Sides(lefts, rights, [])


def _store(connection: Connection, made: Run, outcome: Outcome, sides: Sides) -> None:
    rights = {line.key: line for line in sides.rights}
    names = named(made.scope, outcome.breaks, rights)
    if made.scope.kind == BANK:
        keep_ours(connection, made.run, sides.lefts)
    before = {one.name: one for one in listing(connection, made.scope, STATES)}
    new = {name: one for name, one in names.items() if name not in before}
    add_run(connection, made, outcome, names)
    add_breaks(connection, made.scope, new, {line.key: line for line in sides.lefts} | rights)
    add_steps(connection, [*_steps(made, names, before)])


def _steps(made: Run, names: dict[str, Break], before: dict[str, LivingBreak]) -> list[tuple[str, Step]]:
    """New breaks begin, those that are there again begin again, and those that are gone are resolved."""
    steps = [(name, Step(1, OPEN, "", made.run, "", made.author, made.at)) for name in names if name not in before]
    for name, one in before.items():
        last = one.last
        if name in names and last.state == RESOLVED:
            steps.append((name, Step(last.seq + 1, OPEN, last.owner, made.run, "found again", made.author, made.at)))
        if name not in names and last.state in (OPEN, EXPLAINED):
            steps.append((name, Step(last.seq + 1, RESOLVED, last.owner, made.run, "", made.author, made.at)))
    return steps
