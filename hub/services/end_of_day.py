"""End of a business day: points whose last day is over are taken off their members.

Where the issuer owns the breakage they go to the account ``breakage`` and nobody owes for them any more; where
the coalition owns it they are redeemed with the coalition, so that the issuer owes it their price. What was paid for
at issue the fund owes to whoever owns the breakage, at the price of the issue. What is held
stays: its expiry is frozen until the hold ends. It can be run again at any time: what has expired already has
nothing left. Members are worked through in order, some hundred a transaction, so the hub goes on serving.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Lot, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.core.terms import ReimbursementPrice
from hub.services import accounts, funding, reimbursement
from hub.services.accounts import Standing, burnt
from hub.services.context import Hub, Moment
from hub.store import lots, posting
from hub.store.database import Connection

MEMBERS_A_TRANSACTION = 500


class Ended(NamedTuple):
    """One expiry of one member: its event, its transfers, and the price at which its issuer owes for them.

    Without a price nobody owes for it, or what was paid at issue is owed at the price of that.
    """

    event: Event
    transfers: Sequence[Transfer]
    price: ReimbursementPrice | None


def run(hub: Hub, day: date, progress: Callable[[int], None] = lambda members: None) -> int:
    """Expire what ends on ``day`` or before and return the points expired.

    ``progress`` is told how many more members are done. A ``live`` hub ends only days that are over; a
    ``sandbox`` may also end the current one.

    Raises:
        Refused: ``not_allowed`` if the day is not over.
    """
    run_id, after, expired = secrets.token_hex(4), ledger.NO_MEMBER, 0
    while True:
        start = after

        def work(connection: Connection, start: int = start) -> tuple[list[int], int]:
            return _expire(hub, connection, day, run_id, start)

        members, points = hub.database.transact(work)
        if not members:
            return expired
        after = members[-1]
        expired += points
        progress(len(members))


def _expire(hub: Hub, connection: Connection, day: date, run_id: str, after: int) -> tuple[list[int], int]:
    """Expire what is due of the next members; return these members and the points expired."""
    moment = hub.moment(connection)
    if day > moment.day or (day == moment.day and moment.environment != "sandbox"):
        raise Refused("not_allowed", f"{day} is not over; business time is {moment.now}.")
    members = lots.members_due(connection, day, after, MEMBERS_A_TRANSACTION)
    locked = accounts.lock(connection, moment, members)
    standings = {standing.member_id: standing for standing in locked.values()}
    ended = [one for standing in standings.values() for one in _ended(moment, day, run_id, standing)]
    events, transfers = [one.event for one in ended], [line for one in ended for line in one.transfers]
    posting.post_new(connection, Posting(ledger.COALITION, moment.now, moment.day, events, transfers))
    for event, lines, price in ended:
        if price is None:
            reimbursement.record(connection, moment, funding.of_transfers(moment, ledger.COALITION, lines))
        else:
            owed = burnt(lines, ledger.COALITION)
            reimbursement.owe(connection, moment, ledger.COALITION, event, ledger.COALITION, price, owed)
    return members, sum(event.points for event in events)


def _ended(moment: Moment, day: date, run_id: str, standing: Standing) -> Iterable[Ended]:
    """Return the expiries of one member: one of all that issuers keep, one for each issuer that owes the coalition."""
    due = [lot for lot in standing.account.free() if standing.last_day(lot.key) <= day]
    kept = [lot for lot in due if not _owed_to_coalition(moment, day, lot)]
    event_id = f"expiry-{day}-{standing.member_id}-{run_id}"
    if kept:
        yield _expiry(moment, standing.member_id, event_id, kept, ledger.BREAKAGE)
    others = sorted((lot for lot in due if lot not in kept), key=lambda lot: (lot.key.issuer, lot.key))
    for issuer, owed in groupby(others, key=lambda lot: lot.key.issuer):
        lines, account = list(owed), ledger.redeemed(ledger.COALITION)
        yield _expiry(moment, standing.member_id, f"{event_id}-{issuer}", lines, account, _price(moment, lines[0]))


def _owed_to_coalition(moment: Moment, day: date, lot: Lot) -> bool:
    """Tell whether the coalition is owed for an expired lot, or its issuer keeps the breakage.

    What cannot be spent is owed to nobody, and an issuer without a price of its own has nothing to owe it at.
    """
    partner = moment.configuration.partners.get(lot.key.issuer)
    contract = partner.contracts.on(day) if partner else None
    if contract is None or contract.breakage != "coalition" or not is_spendable(lot.key.kind):
        return False
    return funding.in_force(moment, lot.key.issuer) is not None or _price(moment, lot) is not None


def _price(moment: Moment, lot: Lot) -> ReimbursementPrice | None:
    """Return the price at which an issuer owes the coalition, or None where it has none or pays at issue."""
    if funding.in_force(moment, lot.key.issuer) is not None:
        return None
    return moment.configuration.partners[lot.key.issuer].prices.on(moment.day)


def _expiry(
    moment: Moment,
    member_id: int,
    event_id: str,
    lines: Sequence[Lot],
    credit: str,
    price: ReimbursementPrice | None = None,
) -> Ended:
    points = sum(lot.points for lot in lines if is_spendable(lot.key.kind))
    content = content_digest("expiry", {"event_id": event_id, "points": points})
    event = Event(event_id, "expiry", member_id, "posted", points, moment.now, content)
    if price is not None:
        value, _ = reimbursement.valued(price, [lot.points for lot in lines])
        event = event._replace(
            amount_minor=value, currency=price.currency, rate_version=price.version, priced_by=lines[0].key.issuer
        )
    transfers = [
        Transfer(event_id, line, member_id, ledger.AVAILABLE, credit, *lot.key, lot.points)
        for line, lot in enumerate(lines, 1)
    ]
    return Ended(event, transfers, price)
