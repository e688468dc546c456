"""What a decision on a suspect event does: its points are free again, or it is taken back by the usual means.

Taking back is what its partner could have done itself, in its name and by the operator: a refund of the whole sale at
its own rate, a reversal of all that is left of a redemption, the end of a hold or of an exchange. What nobody can take
back by one step is rejected only after it was put right by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hub.core.errors import Refused
from hub.services import captures, exchange_steps, refunds, reversals, sales, suspects
from hub.services.captures import event_id_of
from hub.services.context import Moment, Partner
from hub.services.reporting import Reporter
from hub.store import events, exchanges, holds
from hub.store.database import Connection
from hub.store.reviews import Review

Said = Mapping[str, Any]
CarryOut = Callable[[Connection, Moment, Review, Said], dict[str, Any]]
TakeBack = Callable[[Connection, Moment, Partner, Reporter, Any], dict[str, Any]]
BY_HAND = (
    "cannot be taken back by one step: put it right by hand ('hansa adjust', 'hansa event explain'), then release it"
)


def effect(connection: Connection, found: Review) -> dict[str, Any]:
    """Return what a suspect event moved, what of that is frozen, and what was gone when it was frozen."""
    event = events.first_answers(connection, found.partner_id, [found.event_id])[found.event_id]
    frozen = holds.find(connection, found.partner_id, event_id_of(found.event_id, "quarantine"))
    points = sum(lot.points for _, lot in frozen.lots) if frozen and frozen.state == holds.OPEN else 0
    if event.kind not in suspects.GIVING or event.status != "posted":
        return {"points": event.points}
    had = sum(lot.points for _, lot in frozen.lots) if frozen else 0
    return {"points": event.points, "frozen": points, "gone": max(0, event.points - had)}


def release(connection: Connection, moment: Moment, found: Review, said: Said) -> dict[str, Any]:
    """Let what a suspect event gave be free again, as it was."""
    return {"freed": suspects.release(connection, moment, said, found.partner_id, found.event_id, renew=True)}


def reject(connection: Connection, moment: Moment, found: Review, said: Said) -> dict[str, Any]:
    """Take a suspect event back.

    Raises:
        Refused: ``not_allowed`` where that is to be done by hand; what the way of taking it back refuses.
    """
    event = events.first_answers(connection, found.partner_id, [found.event_id])[found.event_id]
    if event.status != "posted":
        return {}
    if event.kind not in _TAKE_BACK:
        raise Refused("not_allowed", f"What a {event.kind} did {BY_HAND}.")
    partner = moment.configuration.partner(found.partner_id)
    freed = suspects.release(connection, moment, said, found.partner_id, found.event_id, renew=False)
    reporter = Reporter(found.partner_id, None, said)
    return {"freed": freed, **_TAKE_BACK[event.kind](connection, moment, partner, reporter, event)}


def _refund(connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event: Any) -> dict[str, Any]:
    """Refund what is left of a sale; a sale of nothing, or one that was refunded whole, has nothing left."""
    following = events.referring(connection, partner.partner_id, event.event_id)
    if event.amount_minor == sales.refunded(following) and any(one.kind == "refund" for one in following):
        return {}
    reported = {
        "event_id": event_id_of(event.event_id, "reject"), "refunds": event.event_id, "occurred_at": moment.now,
    }  # fmt: skip
    return refunds.refund(connection, moment, partner, reporter, reported)


def _reverse(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event: Any
) -> dict[str, Any]:
    if reversals.returned_before(connection, partner, event) == event.points:
        return {}
    redemption_id = event.refers_to if event.kind == "capture" else event.event_id
    asked = {"reversal_id": event_id_of(event.event_id, "reject")}
    return reversals.reverse_for(connection, moment, partner, reporter, redemption_id, asked)


def _void(connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event: Any) -> dict[str, Any]:
    held = holds.find(connection, partner.partner_id, event.event_id)
    if held is None or held.state_at(moment.now) != holds.OPEN:
        return {}
    return captures.void_for(connection, moment, partner, reporter, event.event_id)


def _end_exchange(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event: Any
) -> dict[str, Any]:
    """Let an exchange fail that is open, or reverse one that is confirmed; any other has come to nothing already."""
    exchange_id = event.refers_to if event.kind == "exchange-confirmation" else event.event_id
    found = exchanges.find(connection, partner.partner_id, exchange_id)
    step = {exchanges.OPEN: "fail", exchanges.CONFIRMED: "reverse"}.get(found.state) if found else None
    return exchange_steps.step_for(connection, moment, reporter, exchange_id, step) if step else {}


_TAKE_BACK: Mapping[str, TakeBack] = MappingProxyType(
    {
        "earning": _refund,
        "redemption": _reverse,
        "capture": _reverse,
        "hold": _void,
        "exchange": _end_exchange,
        "exchange-confirmation": _end_exchange,
    }
)
"""Kind of event -> what takes it back."""
