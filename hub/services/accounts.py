"""Members' accounts put in order: what can be spent now, what is still pending, which debts are paid first.

Reports of sales take no member's lock, so points may have come in for a member that owes some, or that was just
merged into another. Whoever locks an account next puts that right before anything else, and whoever only looks
sees the account as if that had happened; so the order in which things came never shows.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.ledger import Event, Lot, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.core.reclaiming import Reclaimed, repayments, without
from hub.services import funding, reimbursement
from hub.services.context import WOUND_DOWN, Configuration, Hub, Moment
from hub.services.reimbursement import Burnt
from hub.store import accounts, members, posting
from hub.store.accounts import Account
from hub.store.database import Connection

LastDay = Callable[[LotKey], date]


class Standing:
    """A member's account at a moment, with its debts paid as far as they can be."""

    def __init__(self, connection: Connection, moment: Moment, account: Account) -> None:
        self.account, self.member_id = account, account.member_id
        self._day = day = moment.day
        self._leaving = moment.configuration.leaving
        self._last_day = last_day = _last_days(connection, moment, account)
        # Of every lot, now: whoever asks later has no connection to look for the member's last activity any more.
        free = account.free()
        self._alive = [lot for lot in free if last_day(lot.key) >= day]
        self._has_expired = len(self._alive) < len(free)
        self._mature = _spendable([lot for lot in self._alive if lot.key.matures_on <= day])
        self._spent: list[Lot] = []
        self.repayments = _repayments(moment, account, self._mature)
        self.debts = {
            issuer: left
            for issuer, points in account.debts.items()
            if (left := points - sum(paid.points for paid in self.repayments if paid.issuer == issuer))
        }

    def spendable(self, partner_id: str | None = None) -> list[Lot]:
        """Return what can be spent now at a partner, or at some partner, after debts; nothing of who has left."""
        left = self._mature
        for gone in (*(paid.lots for paid in self.repayments), self._spent):
            left = without(left, gone) if gone else left
        if self._leaving:
            left = [lot for lot in left if self._leaving.get(lot.key.issuer) != WOUND_DOWN]
        return _spendable(left, partner_id) if partner_id else left

    def spend(self, lots: Iterable[Lot]) -> None:
        """Be without parts of lots that are taken or reserved under this lock, for whoever spends next under it."""
        self._spent += lots

    def is_outdated(self) -> bool:
        """Tell whether more may be alive now than was found: what ends by idleness lives on when its member spends."""
        return self._has_expired and bool(self._spent)

    def pending(self) -> list[Lot]:
        """Return what will be spendable when it matures or is confirmed."""
        return [lot for lot in self._alive if lot.key.matures_on > self._day and is_spendable(lot.key.kind)]

    def qualifying(self) -> list[Lot]:
        """Return what counts for status and is never spent."""
        return [lot for lot in self._alive if not is_spendable(lot.key.kind)]

    def is_over(self, key: LotKey) -> bool:
        """Tell whether the last day of a lot is over, so that what is in it has expired."""
        return self._last_day(key) < self._day

    def last_day(self, key: LotKey) -> date:
        """Return the last day on which a lot can be spent, as things stand."""
        return self._last_day(key)


def survivor(connection: Connection, member_id: int) -> int:
    """Return the member into which one was merged, or itself."""
    return accounts.survivor(connection, member_id)


def look(connection: Connection, moment: Moment, member_id: int) -> Standing:
    """Return how a member stands, without a lock."""
    account = accounts.read(connection, member_id, moment.now)
    if account.merged:
        account = accounts.read(connection, survivor(connection, member_id), moment.now)
    return Standing(connection, moment, account)


def look_at_all(connection: Connection, moment: Moment, members: Collection[int]) -> dict[int, Standing]:
    """Return how members stand, without a lock; those who were merged into others are left out."""
    found = accounts.read_all(connection, members, moment.now) if members else {}
    return {one.member_id: Standing(connection, moment, one) for one in found.values() if not one.merged}


def lock(connection: Connection, moment: Moment, members: Iterable[int]) -> dict[int, Standing]:
    """Lock members' accounts, in order, put them in order, and return how they stand, by the ids asked for.

    A member that was merged is found under its own id, as its survivor.
    """
    locked = accounts.lock(connection, members, moment.now)
    # Several of those asked for may be one by now; its account is put in order once.
    alone = {account.member_id: account for account in locked.values()}
    standings = {member_id: _put_right(connection, moment, account) for member_id, account in alone.items()}
    return {asked: standings[account.member_id] for asked, account in locked.items()}


def pay_debts(connection: Connection, moment: Moment, standings: Iterable[Standing]) -> None:
    """Let points that came back under these locks pay what their members owe."""
    owing = {standing.member_id for standing in standings if standing.debts}
    if owing:
        lock(connection, moment, owing)


def settle(hub: Hub, members: Iterable[int]) -> None:
    """Let these members' new points go where they belong: to the survivor of a merge, and to debts."""
    for member_id in sorted(set(members)):
        hub.database.transact(partial(_settle_one, hub, member_id))


def _settle_one(hub: Hub, member_id: int, connection: Connection) -> None:
    lock(connection, hub.moment(connection), [member_id])


def _put_right(connection: Connection, moment: Moment, account: Account) -> Standing:
    standing = Standing(connection, moment, account)
    if not account.strays and not standing.repayments:
        return standing
    if account.strays:
        _forward(connection, moment, account)
    for paid in standing.repayments:
        _repay(connection, moment, account.member_id, paid)
    # A sale may have credited a merged member meanwhile. Its points are not in these lots yet; they are for the next.
    now = accounts.read(connection, account.member_id, moment.now)._replace(strays=())
    return Standing(connection, moment, now)


def _forward(connection: Connection, moment: Moment, account: Account) -> None:
    """Move what was credited to members after they were merged to the survivor, lot by lot."""
    event = _own_event(moment, "forwarding", account.member_id, sum(
        lot.points for _, lot in account.strays if is_spendable(lot.key.kind)
    ))  # fmt: skip
    transfers = [
        transfer
        for place, (owner, lot) in enumerate(account.strays)
        for transfer in moved(event.event_id, 2 * place + 1, owner, lot.key, account.member_id, lot.key, lot.points)
    ]
    posting.post(connection, Posting(ledger.COALITION, moment.now, moment.day, [event], transfers))


def _repay(connection: Connection, moment: Moment, member_id: int, paid: Reclaimed) -> None:
    event = _own_event(moment, "repayment", member_id, paid.points)._replace(scheme_rule=moment.scheme.burn_order)
    price = moment.configuration.partner(paid.issuer).prices.on(moment.day)
    transfers = returned(event.event_id, member_id, paid)
    foreign = burnt(transfers, paid.issuer)
    if foreign and price is not None:
        value, _ = reimbursement.valued(price, [line.points for line in foreign])
        event = event._replace(
            amount_minor=value, currency=price.currency, rate_version=price.version, priced_by=paid.issuer
        )
        reimbursement.owe(connection, moment, ledger.COALITION, event, paid.issuer, price, foreign)
    own = [one for one in transfers if one.issuer == paid.issuer]
    reimbursement.record(connection, moment, funding.of_transfers(moment, ledger.COALITION, own))
    transfers.append(
        Transfer(
            event.event_id,
            len(transfers) + 1,
            member_id,
            ledger.issued(paid.issuer),
            ledger.DEBT,
            ledger.NEVER_EXPIRES,
            paid.issuer,
            ledger.BASE,
            ledger.MATURE_AT_ONCE,
            paid.points,
        )
    )
    posting.post(connection, Posting(ledger.COALITION, moment.now, moment.day, [event], transfers))


def returned(event_id: str, member_id: int, reclaimed: Reclaimed) -> list[Transfer]:
    """Return the transfers by which an issuer takes points back: its own return to it, others are redeemed there."""
    issuer = reclaimed.issuer
    return [
        Transfer(
            event_id,
            line,
            member_id,
            ledger.AVAILABLE,
            ledger.issued(issuer) if lot.key.issuer == issuer else ledger.redeemed(issuer),
            *lot.key,
            lot.points,
        )
        for line, lot in enumerate(reclaimed.lots, 1)
    ]


def burnt(transfers: Iterable[Transfer], redeemer: str) -> list[Burnt]:
    """Return the lines among transfers that were redeemed at a partner, and so are owed for."""
    account = ledger.redeemed(redeemer)
    return [Burnt(one.line, one.issuer, one.points) for one in transfers if one.credit_account == account]


def moved(
    event_id: str, line: int, giver: int, taken: LotKey, taker: int, given: LotKey, points: int
) -> tuple[Transfer, Transfer]:
    """Return the two transfers, from ``line`` on, that move points from one lot to another through transit."""
    return (
        Transfer(event_id, line, giver, ledger.AVAILABLE, ledger.TRANSIT, *taken, points),
        Transfer(event_id, line + 1, taker, ledger.TRANSIT, ledger.AVAILABLE, *given, points),
    )


def _own_event(moment: Moment, kind: str, member_id: int, points: int) -> Event:
    event_id = f"{kind}-{member_id}-{secrets.token_hex(8)}"
    content = content_digest(kind, {"event_id": event_id, "points": points})
    return Event(event_id, kind, member_id, "posted", points, moment.now, content)


def as_json(details: object) -> str:
    """Return an event's details as they are kept."""
    return json.dumps(details, sort_keys=True, separators=(",", ":"))


def from_json(details: str | None) -> dict[str, Any]:
    """Return an event's details, read from what is kept of them."""
    return dict(json.loads(details)) if details else {}


def _spendable(lots: Sequence[Lot], partner_id: str | None = None) -> list[Lot]:
    """Return the lots whose kind can be spent at a partner, or at all; each kind is looked at once."""
    kinds = {kind for kind in {lot.key.kind for lot in lots} if is_spendable(kind, partner_id)}
    return [lot for lot in lots if lot.key.kind in kinds]


def _repayments(moment: Moment, account: Account, lots: list[Lot]) -> list[Reclaimed]:
    if not account.debts:
        return []
    partners = moment.configuration.partners
    priced = {issuer for issuer in account.debts if issuer in partners and partners[issuer].prices.on(moment.day)}
    return repayments(lots, account.debts, priced, moment.scheme.burn_order)


def _last_days(connection: Connection, moment: Moment, account: Account) -> LastDay:
    """Return what tells the last day of a lot: its own, or later where the issuer counts from the last activity."""
    counting = idle_issuers(moment.configuration, moment.day)
    return _idle_last_days(connection, moment, account, counting) if counting else _own_last_day


def _own_last_day(key: LotKey) -> date:
    return key.expires_on


def _idle_last_days(connection: Connection, moment: Moment, account: Account, counting: frozenset[str]) -> LastDay:
    @cache
    def jurisdiction() -> str | None:
        return members.jurisdiction(connection, account.member_id)

    @cache
    def last_active() -> dict[str, date | None]:
        return dict(zip(("any", "earning"), accounts.last_active(connection, account.member_id), strict=True))

    def last_day(key: LotKey) -> date:
        contract = (
            moment.configuration.partners[key.issuer].contracts.on(moment.day) if key.issuer in counting else None
        )
        idle = contract.expiry.idle(jurisdiction()) if contract else None
        active_on = last_active()[idle.counts] if idle else None
        if idle is None or active_on is None:
            return key.expires_on
        return max(key.expires_on, active_on + timedelta(days=idle.days))

    return last_day


def idle_issuers(configuration: Configuration, day: date) -> frozenset[str]:
    """Return the partners some of whose points end by their member's idleness, under the contracts of a day."""
    found = set()
    for partner_id in configuration.idling:
        contract = configuration.partners[partner_id].contracts.on(day)
        if contract and contract.expiry.counts_idleness:
            found.add(partner_id)
    return frozenset(found)
