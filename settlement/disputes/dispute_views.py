"""What there is to see of disputes: on statements, on dues, and in the way of a cycle that is to become final."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, or_

from settlement.core.disputes import STATES, WITHHELD, Case, DisputeMove, favoured
from settlement.core.dues import Account
from settlement.disputes.dispute_rules import last_window
from settlement.store import disputes as store
from settlement.store.window import window_of

Document = dict[str, Any]
SHOWN = 20
"""Most undecided disputes that a refusal names."""


def document(case: Case) -> Document:
    """A dispute as the API shows it."""
    last = case.last
    return {
        "partner": case.dispute.partner,
        "dispute_id": case.dispute.dispute_id,
        "cycle": case.dispute.cycle,
        "currency": case.dispute.currency,
        "state": case.state,
        "disputed_minor": sum(line.minor for line in case.lines),
        "accepted_minor": sum(case.accepted),
        **({"due_on": last.due_on.isoformat()} if last.due_on else {}),
        "lines": [
            {"partner": line.partner_id, "event_id": line.event_id, "line": line.line, "minor": line.minor,
             "accepted_minor": minor}
            for line, minor in zip(case.lines, case.accepted, strict=True)
        ],
        "moves": [_move(move) for move in case.moves],
    }  # fmt: skip


def page_of(connection: Connection, partner: str, after: str, limit: int) -> list[Case]:
    """At most so many disputes of a partner by id, those after this one."""
    return store.cases(connection, store.own_after(partner, after), limit=limit)


def operators_page(connection: Connection, partner: str = "", state: str = "", limit: int = 1000) -> list[Case]:
    """Disputes of all partners or of one, in any state or in one: by the day on which a stage ends, then the rest."""
    where = [store.own_after(partner, "")] if partner else []
    found = store.cases(connection, *where, store.in_states([state] if state else STATES), limit=limit)
    return sorted(found, key=lambda case: (case.last.due_on or date.max, case.dispute.name))


def on_statement(connection: Connection, cycle: str, partner: str) -> list[Document]:
    """The disputes about a partner's lines that are about this cycle or moved in it, without what was said."""
    mine = store.of_party(partner)
    shown = or_(store.of_cycle(cycle), store.moved_in(window_of(connection, cycle)))
    return [
        {name: value for name, value in document(case).items() if name != "moves"}
        for case in store.cases(connection, and_(mine, shown))
    ]


def withheld(connection: Connection, cycle: str) -> dict[Account, int]:
    """What waits of the dues of a cycle until its disputes are decided, by party and currency.

    Above zero for who need not pay it yet, below for who does not receive it yet; together zero. Only what is disputed
    by the party that owes it can wait, and only where the rules under which it was opened say so.
    """
    found: Counter[Account] = Counter()
    for case in store.cases(connection, store.of_cycle(cycle), store.undecided()):
        if store.rules_of(connection, case.dispute.rules).treatment == WITHHELD:
            _add_withheld(connection, case, found)
    return {account: minor for account, minor in sorted(found.items()) if minor}


def in_the_way(at: datetime) -> Callable[[Connection, str], Sequence[str]]:
    """What keeps a cycle from becoming final at a moment: a question to ask while the cycle is held."""

    def ask(connection: Connection, cycle: str) -> list[str]:
        last = last_window(connection, cycle)
        sentence = f"its lines may be disputed up to {last}; it can be final from {last + timedelta(1)} on"
        window = [sentence] if at.astimezone(UTC).date() <= last else []
        open_ones = store.cases(connection, store.of_cycle(cycle), store.undecided(), limit=SHOWN)
        return window + [f"dispute {case.dispute.name} is {case.state}" for case in open_ones]

    return ask


def _add_withheld(connection: Connection, case: Case, found: Counter[Account]) -> None:
    partner, currency = case.dispute.partner, case.dispute.currency
    lines = store.lines_by_key(connection, [line.key for line in case.lines])
    for line, minor in zip(lines, case.left, strict=True):
        owes = favoured(line, partner, minor) * line.amount_minor < 0
        if owes:
            other = line.redeemer if partner == line.issuer else line.issuer
            found[partner, currency] += minor
            found[other, currency] -= minor


def _move(move: DisputeMove) -> Document:
    said = {"reason": move.reason, "text": move.text, "evidence": dict(move.evidence)}
    accepted = sum(move.accepted)
    return {
        "state": move.state,
        "at": move.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        **{name: value for name, value in said.items() if value},
        **({"accepted_minor": accepted} if accepted else {}),
    }
