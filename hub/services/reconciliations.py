"""Reconciliation for the operator: files in, runs, breaks and what becomes of them, as plain records.

Settlement does the work; the hub adds its partners, its business time, and one transaction around each step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.core.content import instant
from hub.services.context import Hub
from hub.store.database import Connection
from settlement.core.report_mapping import form_of
from settlement.core.write_offs import Entry
from settlement.errors import FileRefused
from settlement.reconciliation import breaks as living
from settlement.reconciliation import imports, paid_in, runs, write_offs
from settlement.reconciliation.breaks import AgedBreak
from settlement.reconciliation.runs import Settings
from settlement.reconciliation.three_way import three_way
from settlement.reconciliation.write_offs import WriteOff
from settlement.store.reconciliation_breaks import LivingBreak, steps_of
from settlement.store.reconciliation_runs import Run, runs_of
from settlement.store.reconciliation_sources import BANK, PARTNER, Scope, Source, sources_of

Record = dict[str, Any]
Progress = Callable[[str], None]


def scope_of(hub: Hub, partner_id: str, cycle: str) -> Scope:
    """Return what is reconciled: a partner's report of a cycle, or, with neither, the bank.

    Raises:
        Refused: ``unknown_partner``.
    """
    if not partner_id:
        return Scope(BANK)
    with hub.database.connect() as connection:
        hub.moment(connection).configuration.partner(partner_id)
    return Scope(PARTNER, partner_id, cycle)


def import_file(hub: Hub, path: Path, scope: Scope, form: Mapping[str, Any], author: str, progress: Progress) -> Record:
    """Import a partner's report, read by ``form``, or a file of the bank's statements; the same file again is none.

    Raises:
        settlement.errors.SettlementError: it cannot be read; the message names row and column.
    """

    def work(connection: Connection) -> Record:
        into = imports.Import(connection, path, author, hub.moment(connection).now, _counting(progress))
        if scope.kind == BANK:
            source, new = imports.import_statements(into)
        else:
            source, new = imports.import_report(into, scope, form_of(form))
        return _source(source) | ({} if new else {"duplicate": True})

    try:
        return hub.database.transact(work)
    except FileRefused as refused:
        raise FileRefused(f"{path.name}: the file {refused}") from refused


def run(hub: Hub, scope: Scope, settings: Settings, sources: Sequence[str], author: str, progress: Progress) -> Record:
    """Reconcile a scope; run again with nothing new it is the former run, marked ``unchanged``.

    With the bank, what partners paid in and was found there is settled (``received``).
    """

    def work(connection: Connection) -> tuple[int, bool, Record]:
        now = hub.moment(connection).now
        made, new = runs.run(connection, scope, settings, sources, author=author, at=now, progress=progress)
        if scope.kind != BANK:
            return made.run, new, {}
        matches = runs.show(connection, made.run).outcome.matches
        settled = paid_in.settle(connection, matches, author=author, at=now)
        return made.run, new, {"received": [one.payment.payment for one in settled]}

    number, new, received = hub.database.transact(work)
    return show(hub, number) | received | ({} if new else {"unchanged": True})


def show(hub: Hub, number: int) -> Record:
    """Return a run: what went in, what matched by which pass, breaks by category, and the proof that it is whole."""
    with hub.database.snapshot() as connection:
        view = runs.show(connection, number)
    outcome = view.outcome
    totals: Counter[tuple[str, str]] = Counter()
    for side, lines in (("left", view.sides.lefts), ("right", view.sides.rights)):
        for line in lines:
            totals[side, line.currency] += line.amount_minor
    return _run(view.run) | {
        "matched_by": dict(Counter(match.by for match in outcome.matches)),
        "broken_by": dict(Counter(one.category for one in outcome.breaks)),
        "ours": {currency: minor for (side, currency), minor in sorted(totals.items()) if side == "left"},
        "theirs": {currency: minor for (side, currency), minor in sorted(totals.items()) if side == "right"},
        "complete": not view.findings,
        "findings": [str(finding) for finding in view.findings],
    }


def overview(hub: Hub, cycle: str) -> list[Record]:
    """Return what ledger, report and bank say of each partner of a cycle, and whether the three agree."""
    with hub.database.snapshot() as connection:
        return [one._asdict() | {"agree": one.agree} for one in three_way(connection, cycle)]


def listing(hub: Hub) -> Record:
    """Return all sources and all runs, in their order."""
    with hub.database.snapshot() as connection:
        return {"sources": [*map(_source, sources_of(connection))], "runs": [*map(_run, runs_of(connection))]}


def breaks(hub: Hub, scope: Scope | None, states: Sequence[str]) -> list[Record]:
    """Return the breaks in these states, of a scope or of all, the oldest first."""
    with hub.database.snapshot() as connection:
        today = hub.moment(connection).day
        return [_aged(one) for one in living.aged(connection, scope, tuple(states), today)]


def show_break(hub: Hub, name: str) -> Record:
    """Return a break with all that was done about it, and what writing it off would post."""
    with hub.database.snapshot() as connection:
        found = living.find_break(connection, name)
        steps = [{**step._asdict(), "at": instant(step.at)} for step in steps_of(connection, name)]
    made = write_offs.present(found)
    entries = [_entry(entry) for entry in made.entries]
    return _break(found) | {"steps": steps, "write_off": entries, "digest": made.digest.hex()}


def assign(hub: Hub, name: str, owner: str, author: str) -> Record:
    """Make a break somebody's to look after."""
    return _done(hub, author, lambda connection, by: _break(living.assign(connection, name, owner, **by)))


def explain(hub: Hub, name: str, reason: str, author: str) -> Record:
    """Say why a break may stay as it is."""
    return _done(hub, author, lambda connection, by: _break(living.explain(connection, name, reason, **by)))


def propose_write_off(hub: Hub, name: str, reason: str, author: str) -> Record:
    """Propose to write a break off; a second operator approves it by the digest."""
    live = _is_live(hub)
    return _done(
        hub,
        author,
        lambda connection, by: _write_off(write_offs.propose(connection, name, reason, registered=live, **by)),
    )


def approve_write_off(hub: Hub, name: str, digest: str, author: str) -> Record:
    """Approve a write-off that was shown with this digest (in hexadecimal), and post it."""
    live = _is_live(hub)
    return _done(
        hub,
        author,
        lambda connection, by: _write_off(write_offs.approve(connection, name, digest, registered=live, **by)),
    )


def journal(hub: Hub) -> list[Record]:
    """Return every entry of the journal of write-offs."""
    with hub.database.snapshot() as connection:
        return [
            {**one._asdict(), "posted_on": str(one.posted_on), "entry": _entry(one.entry)}
            for one in write_offs.journal(connection)
        ]


def _done(hub: Hub, author: str, work: Callable[[Connection, Record], Record]) -> Record:
    """Do something in a transaction, by this author at the business time."""
    return hub.database.transact(
        lambda connection: work(connection, {"author": author, "at": hub.moment(connection).now})
    )


def _is_live(hub: Hub) -> bool:
    with hub.database.connect() as connection:
        return hub.moment(connection).environment == "live"


def _counting(progress: Progress) -> Callable[[int], None]:
    return lambda number: progress(f"{number:,} lines read")


def _source(source: Source) -> Record:
    scope = {name: value for name, value in source.scope._asdict().items() if value}
    return {
        "source": source.source,
        **scope,
        "file": source.file_name,
        "sha256": source.file_digest.hex(),
        "lines": source.lines,
        "author": source.author,
        "at": instant(source.at),
    }


def _run(run: Run) -> Record:
    found = {**run._asdict(), **run.scope._asdict(), "sources": [*run.sources], "at": instant(run.at)}
    del found["scope"]
    return found | {"inputs": run.inputs.hex()}


def _aged(one: AgedBreak) -> Record:
    return _break(one.living) | {"age_days": one.age_days, "material": one.is_material}


def _break(one: LivingBreak) -> Record:
    found = one.found
    return {
        "break": one.name,
        **{name: value for name, value in one.scope._asdict().items() if value},
        "category": found.category,
        "state": one.last.state,
        "owner": one.last.owner,
        "reference": one.reference,
        "day": str(one.day),
        "ours_minor": found.left_minor,
        "theirs_minor": found.right_minor,
        "difference_minor": found.difference_minor,
        "currency": " / ".join(dict.fromkeys(filter(None, (found.left_currency, found.right_currency)))),
        "detail": found.detail,
        "reason": one.last.reason,
        "ours": [*found.left],
        "theirs": [*found.right],
    }


def _write_off(made: WriteOff) -> Record:
    return {
        "break": made.name,
        "entries": [_entry(entry) for entry in made.entries],
        "reason": made.reason,
        "maker": made.maker,
        "approver": made.approver,
        "digest": made.digest.hex(),
    }


def _entry(entry: Entry) -> Record:
    return dict(entry._asdict())
