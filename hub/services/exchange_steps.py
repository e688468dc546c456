"""What becomes of an exchange: confirmed or failed by the partner's side of it, or reversed after it was confirmed.

Each step is an event of its own, and one of them wins whatever races: it locks the member, then the exchange, and
moves the exchange on from the one state in which the step is possible. The operator takes the same steps for what
is stuck, in the partner's name; then either of them finds what the other did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import Refused
from hub.core.ledger import Event, Posting, Transfer
from hub.services import accounts, packs
from hub.services import exchange_outcomes as outcomes
from hub.services import exchanges as opened
from hub.services.accounts import Standing, as_json
from hub.services.captures import event_id_of
from hub.services.context import Hub, Moment
from hub.services.exchange_outcomes import Case, Outcome
from hub.services.reporting import Reporter
from hub.store import events, exchanges, holds, posting
from hub.store.database import Connection
from hub.store.exchanges import CONFIRMED, FAILED, OPEN, REVERSED, Exchange


class Step(NamedTuple):
    """From which state to which a step leads, and what it moves by direction."""

    starts: str
    ends: str
    outcomes: Mapping[str, Callable[[Case], Outcome]]


def take_step(hub: Hub, reporter: Reporter, exchange_id: str, step: str) -> dict[str, Any]:
    """Take the step ``confirm``, ``fail`` or ``reverse`` and return the exchange after it.

    The reporter is the partner, or the operator in its name. Again, by whomever, the first answer is given again.

    Raises:
        Refused: ``unknown_partner``; ``unknown_event``; ``exchange_closed`` when another step was taken,
            ``not_reversible`` for an open one, both with its ``state``; ``no_contract`` for points that would come
            in; ``insufficient_points`` when points that came in are spent.
    """
    return hub.database.transact(
        lambda connection: step_for(connection, hub.moment(connection), reporter, exchange_id, step)
    )


def step_for(connection: Connection, moment: Moment, reporter: Reporter, exchange_id: str, step: str) -> dict[str, Any]:
    """Take a step within a transaction; see `take_step`."""
    case, standings = _find(connection, moment, reporter.partner_id, exchange_id)
    starts, ends, outcome_of = STEPS[step]
    first = case.recorded.get(event_id_of(exchange_id, step))
    if first is not None:
        then = case.exchange._replace(state=ends, changed_at=first.posted_at)
        return opened.answer(connection, then) | {"duplicate": True}
    _expect(case.exchange, starts)
    event, transfers, owed = outcome_of[case.exchange.direction](case)
    details = {**reporter.said, **_payers(event, transfers)}
    event = event._replace(evidence_id=reporter.evidence_id, details=as_json(details) if details else None)
    entry = Posting(reporter.partner_id, moment.now, moment.day, [event], transfers, reporter.evidences)
    posting.post_new(connection, entry)
    packs.record(connection, moment, case.partner.partner_id, transfers, owed)
    exchanges.move(connection, case.exchange, ends, moment.now)
    accounts.pay_debts(connection, moment, standings)
    return opened.answer(connection, case.exchange._replace(state=ends, changed_at=moment.now))


def _find(connection: Connection, moment: Moment, partner_id: str, exchange_id: str) -> tuple[Case, list[Standing]]:
    """Lock the member of an exchange and those whose points it reserves, then the exchange."""
    partner = moment.configuration.partner(partner_id)
    member_id = opened.find(connection, partner, exchange_id).member_id
    hold = holds.find(connection, partner_id, exchange_id)
    holders = [holder for holder, _ in hold.lots] if hold else []
    standings = accounts.lock(connection, moment, [member_id, *holders])
    exchange = opened.find(connection, partner, exchange_id, lock=True)
    steps = [exchange_id, *(event_id_of(exchange_id, step) for step in STEPS)]
    recorded = events.first_answers(connection, partner_id, steps)
    case = Case(connection, moment, partner, exchange, standings[member_id], recorded)
    return case, list(standings.values())


def _payers(event: Event, transfers: Sequence[Transfer]) -> dict[str, Any]:
    """Return the members whose points move, as details of an event, unless that is its own member."""
    members = sorted({one.member_id for one in transfers})
    return {} if members in ([], [event.member_id]) else {"payers": members}


def _expect(exchange: Exchange, starts: str) -> None:
    state = exchange.state
    if state == starts:
        return
    if state == OPEN:
        raise Refused("not_reversible", "The exchange is open: only a confirmed one is reversed.", state=state)
    raise Refused("exchange_closed", f"The exchange is {state}.", state=state)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "confirm": Step(OPEN, CONFIRMED, {"in": outcomes.confirm_in, "out": outcomes.confirm_out}),
        "fail": Step(OPEN, FAILED, {"in": outcomes.fail, "out": outcomes.fail}),
        "reverse": Step(CONFIRMED, REVERSED, {"in": outcomes.reverse_in, "out": outcomes.reverse_out}),
    }
)
