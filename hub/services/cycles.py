"""Settlement cycles: closing one, publishing it with a second operator, and bringing it to its end.

Settlement itself lives in the package `settlement`; the hub adds what only it knows: the lines as its ledger
has them, the days that the scheme gives each step, whether operators must be registered, and the transfers that bring
the settled points home to their issuers, in the transaction that publishes the cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hub.core.errors import Refused
from hub.services import exposure, settled_points, webhooks
from hub.services.context import NO_SCHEME, Hub, Moment
from hub.store.database import Connection, expect_whole_tables
from hub.store.redemption_lines import CONTRACTS, LEDGER, OTHERS, PRICED, is_funded
from settlement import contracts, cycles, statements
from settlement.core.deadlines import Days
from settlement.core.moves import PAID_IN, PAID_OUT
from settlement.core.parties import RESERVED
from settlement.core.periods import Period, period
from settlement.cycles import CycleSummary, Rules
from settlement.errors import SettlementRefused
from settlement.formats.statement_words import ENGLISH
from settlement.payments.payments import not_paid_in, not_paid_out
from settlement.settling import Hindrance
from settlement.store.comparison import Ledger, PartedLedger

HINDRANCES: Mapping[str, Sequence[Hindrance]] = {PAID_IN: [not_paid_in], PAID_OUT: [not_paid_out]}
"""What may stand in the way of each move after publication, besides its day."""
Progress = Callable[[str], None]


def silent(step: str) -> None:
    """Tell nobody of a step."""


def close(hub: Hub, cycle: str, author: str, progress: Progress = silent) -> dict[str, Any]:
    """Cut off and calculate a cycle, check it, and propose its publication; return it as `show` does.

    All of it is one transaction: a cycle that does not add up stays open, with nothing written. A cycle that was cut
    off or calculated before goes on from there. ``progress`` is told each step before it begins.

    Raises:
        settlement.errors.SettlementRefused: a self-check found something; the message names the rows.
        settlement.errors.ApprovalRefused: the author is no maker, or somebody proposed it before.
        Refused: ``not_allowed`` if the cycle is not over.
    """

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        _check_over(moment, period(cycle))
        expect_whole_tables(connection)
        _refuse_altered_contracts(connection, cycle)
        rules = _rules(moment, cycle)
        cycles.close(
            connection, cycle, _ledger(connection), author=author, at=moment.now, rules=rules, progress=progress
        )

    hub.database.transact(work)
    return show(hub, cycle)


def publish(hub: Hub, cycle: str, digest: str, author: str, progress: Progress = silent) -> dict[str, Any]:
    """Approve what was proposed with ``digest`` (in hexadecimal), check it again, publish it, and settle its points.

    Raises:
        settlement.errors.ApprovalRefused: it is another digest, the proposal is void or decided, or the author made
            it himself or is no approver.
        settlement.errors.SettlementRefused: a self-check found something; the message names the rows.
        Refused: ``invalid_request`` if the digest is none.
    """
    stated = _digest(digest)

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        expect_whole_tables(connection)
        progress(f"{cycle}: checking every line against the ledger")
        _refuse_altered_contracts(connection, cycle)
        rules, ledger = _rules(moment, cycle), _ledger(connection)
        cycles.publish(connection, cycle, ledger, digest=stated, author=author, at=moment.now, rules=rules)
        positions = cycles.show(connection, cycle).positions
        partners = sorted({partner for one in positions for partner in (one.issuer, one.redeemer)} - RESERVED)
        webhooks.announce_statements(connection, moment, cycle, partners)
        progress(f"{cycle}: settling the points")
        settled_points.bring_home(connection, moment, cycle, cycles.points_home(connection, cycle))

    hub.database.transact(work)
    return show(hub, cycle)


def close_and_publish(hub: Hub, cycle: str, maker: str, approver: str, progress: Progress = silent) -> dict[str, Any]:
    """Let two operators close and publish a cycle, one after the other; the second approves what the first proposed."""
    proposed = close(hub, cycle, maker, progress)["proposal"]
    return publish(hub, cycle, proposed["digest"], approver, progress)


def withdraw(hub: Hub, cycle: str, author: str, reason: str) -> dict[str, Any]:
    """Make the proposal to publish a cycle void; `close` proposes it again.

    Raises:
        settlement.errors.SettlementRefused: no proposal waits.
    """

    def work(connection: Connection) -> None:
        cycles.withdraw(connection, cycle, author=author, at=hub.moment(connection).now, reason=reason)

    hub.database.transact(work)
    return show(hub, cycle)


def recalculate(hub: Hub, cycle: str, author: str) -> dict[str, Any]:
    """Add a cycle that is not published up again; a proposal to publish it becomes void, `close` proposes it again.

    Raises:
        settlement.errors.SettlementRefused: it is not calculated, or published already.
    """

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        expect_whole_tables(connection)
        cycles.recalculate(connection, cycle, author=author, at=moment.now)

    hub.database.transact(work)
    return show(hub, cycle)


def advance(hub: Hub, cycle: str, state: str, author: str) -> dict[str, Any]:
    """Move a published cycle on: ``final``, ``paid_in``, ``paid_out``, ``closed``, each from the one before.

    What is paid in is owed no more, so credit lines have room again.

    Raises:
        settlement.errors.SettlementRefused: something stands in the way; the message says all of it.
    """

    def work(connection: Connection) -> None:
        moment, ask = hub.moment(connection), HINDRANCES.get(state, ())
        cycles.advance(connection, cycle, state, author=author, at=moment.now, hindrances=ask)
        if state == PAID_IN:
            exposure.renewed(connection, moment)

    hub.database.transact(work)
    return show(hub, cycle)


def show(hub: Hub, cycle: str) -> dict[str, Any]:
    """Return a cycle with its moves, deadlines, proposal, gross matrix, nets and explanation."""
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        view = cycles.show(connection, cycle, today=moment.day, days_of=_days_of(moment))
        return dict(_plain(view))


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return all cycles in order, each with its state, its next step, and whether that is overdue."""
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        return [_line(one) for one in cycles.listing(connection, today=moment.day, days_of=_days_of(moment))]


def _refuse_altered_contracts(connection: Connection, cycle: str) -> None:
    """Refuse to go on while settlement's copies of contracts are not what was published."""
    findings = contracts.differences(connection, CONTRACTS)
    if findings:
        raise SettlementRefused(f"cycle {cycle} rests on contracts that were altered", findings)


def audit(hub: Hub, cycle: str) -> list[str]:
    """Do every self-check of a published cycle again, against what was published; return what differs."""
    with hub.database.snapshot() as connection:
        expect_whole_tables(connection)
        found = [*contracts.differences(connection, CONTRACTS), *cycles.audit(connection, cycle, _ledger(connection))]
        return [str(finding) for finding in found]


def export(hub: Hub, cycle: str, path: Path) -> None:
    """Write a published cycle with all its lines into the folder ``path``, for anyone to recompute."""
    from settlement import export as settlement_export

    with hub.database.snapshot() as connection:
        settlement_export.write(connection, cycle, path)


def write_statement(hub: Hub, cycle: str, partner_id: str, path: Path, language: str = ENGLISH) -> None:
    """Write a partner's statement with all its lines to ``path``, in the format of its suffix."""
    with hub.database.snapshot() as connection:
        statements.write(connection, cycle, partner_id, path, language)


def _ledger(connection: Connection) -> Ledger:
    """The lines as the ledger has them; in parts, which is much quicker, unless a fund pays for points."""
    return LEDGER if is_funded(connection) else PartedLedger(LEDGER, PRICED, OTHERS)


def _rules(moment: Moment, cycle: str) -> Rules:
    return Rules(_days_of(moment)(period(cycle).last_day), registered=moment.environment == "live")


def _days_of(moment: Moment) -> Callable[[date], Days]:
    """By the scheme that holds on the last day of a cycle."""

    def days_of(ends_on: date) -> Days:
        scheme = moment.configuration.schemes.on(ends_on) or NO_SCHEME
        return Days(**scheme.settlement_days)

    return days_of


def _check_over(moment: Moment, wanted: Period) -> None:
    """Refuse to close a cycle whose days are not over; a sandbox may close the current one."""
    if moment.environment == "sandbox" and wanted.first_day <= moment.day:
        return
    if wanted.last_day >= moment.day:
        raise Refused("not_allowed", f"{wanted.cycle} is not over; business time is {moment.now}.")


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Refused(
            "invalid_request", "A digest is written in hexadecimal, as 'hansa cycle show' prints it."
        ) from error


def _line(one: CycleSummary) -> dict[str, Any]:
    due = (
        {"next": one.next_step.step, "due_on": one.next_step.on, "overdue": one.next_step.overdue}
        if one.next_step
        else {}
    )
    return {name: value for name, value in _plain(one).items() if name != "next_step"} | due


def _plain(value: Any) -> Any:
    """Turn settlement's records into what JSON and tables can hold."""
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
