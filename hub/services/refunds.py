"""Refunds: a returned purchase gives back what it earned, at the rule, rate and lot that it was posted with.

A partial refund takes back the difference between what the sale earned and what it would have earned without the
returned part, so that all refunds together take back exactly what was given. Points of the lot that have expired
are gone already and are not asked for again. For those that are spent the contract of the sale says what happens:
take what the member has (``within_balance``), let it owe the rest (``debt``), or let the issuer bear it
(``issuer_bears``). Each refund is decided on its own, under the lock of the member or of its survivor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Lot, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.core.reclaiming import reclaim
from hub.core.rules import Grant, Sale
from hub.core.terms import EarningRate
from hub.services import accounts, reimbursement
from hub.services.accounts import Standing, as_json, burnt
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import check_time
from hub.store import events, lots, posting
from hub.store.database import Connection

Reported = Mapping[str, Any]


class Given(NamedTuple):
    """What one line of a sale gave, and what of it the refund wants back."""

    key: LotKey
    points: int


class Sums(NamedTuple):
    """Where the points that a refund wants back come from."""

    taken: int = 0
    """From lots of the member."""
    owed: int = 0
    """By the member from now on."""
    borne: int = 0
    """By the issuer."""
    expired: int = 0
    """From nowhere: they had expired."""


def post(hub: Hub, partner: Partner, evidence: Evidence, refunds: Sequence[Reported]) -> list[dict[str, Any]]:
    """Post a partner's refunds, each on its own, and return one result a refund, in order."""
    return [_result(hub, partner, evidence, reported) for reported in refunds]


def _result(hub: Hub, partner: Partner, evidence: Evidence, reported: Reported) -> dict[str, Any]:
    try:
        return hub.database.transact(
            lambda connection: _refund(connection, hub.moment(connection), partner, evidence, reported)
        )
    except Refused as refusal:
        error = {"code": refusal.code, "detail": refusal.detail}
        return {"event_id": reported["event_id"], "status": "rejected", "points": 0, "error": error}


def _refund(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, reported: Reported
) -> dict[str, Any]:
    content = content_digest("refund", reported)
    original = sale_of(connection, partner, reported["refunds"])
    standing = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    first = events.first_answers(connection, partner.partner_id, [reported["event_id"]]).get(reported["event_id"])
    if first is not None:
        return _first_answer(first, content)
    check_time(reported["occurred_at"], moment.now)
    earlier = [one for one in events.referring(connection, partner.partner_id, original.event_id) if one.items]
    before = refunded(connection, partner, original)
    minor = _amount(reported, original, before, earlier)
    wanted = _wanted(connection, partner, original, before, minor)
    taking = _Taking(connection, moment, partner, original, standing, reported["event_id"])
    sums = Sums(*map(sum, zip(Sums(), *map(taking.take, wanted), strict=True)))
    transfers = taking.transfers
    event = Event(
        reported["event_id"], "refund", standing.member_id, "posted", sums.taken + sums.owed,
        reported["occurred_at"], content, minor, original.currency,
        items=json.dumps(reported["items"], separators=(",", ":")) if reported.get("items") else None,
        evidence_id=evidence.evidence_id, refers_to=original.event_id, returned_before=before,
        details=as_json(sums._asdict() | {"policy": _policy(partner, original)} | taking.forgone_before_the_next()),
    )  # fmt: skip
    foreign = burnt(transfers, partner.partner_id)
    price = partner.prices.on(moment.day) if foreign else None
    if price is not None:
        event = event._replace(rate_version=price.version)
    posting.post_new(connection, Posting(partner.partner_id, moment.now, moment.day, [event], transfers, [evidence]))
    if price is not None:
        reimbursement.owe(connection, moment, partner.partner_id, event, partner.partner_id, price, foreign)
    return _answer(event.event_id, minor, original.currency, sums)


def sale_of(connection: Connection, partner: Partner, event_id: str) -> Any:
    """Return the posted sale that something refers to.

    Raises:
        Refused: ``unknown_event`` or ``not_reversible``.
    """
    original = events.first_answers(connection, partner.partner_id, [event_id]).get(event_id)
    if original is None or original.status != "posted":
        raise Refused("unknown_event", "The partner has reported no sale under this id.")
    if original.kind != "earning":
        raise Refused("not_reversible", f"This id is of a {original.kind}, not of a sale.")
    return original


def refunded(connection: Connection, partner: Partner, original: Any) -> int:
    """Return the minor units of a sale that earlier refunds gave back; under its member's lock."""
    earlier = events.referring(connection, partner.partner_id, original.event_id)
    return sum(one.amount_minor for one in earlier if one.kind == "refund")


def grants_left(partner: Partner, original: Any, minor: int) -> list[Grant]:
    """Return what a sale would have given for ``minor`` units, under the rate version that it was posted with."""
    return rate_of(partner, original).grants(Sale(minor))


def rate_of(partner: Partner, original: Any) -> EarningRate:
    """Return the rate version that a sale was posted with."""
    return next(rate for rate in partner.earning_rates.versions if rate.version == original.rate_version)


def given_by_line(connection: Connection, partner: Partner, original: Any) -> dict[int, LotKey]:
    """Return the lot that each line of a sale went to; after its confirmation, the one it was moved to."""
    members = [original.member_id]
    transfers = events.transfers_of(connection, partner.partner_id, original.event_id, members)
    confirmed = any(
        one.kind == "confirmation" for one in events.referring(connection, partner.partner_id, original.event_id)
    )
    matures_on = ledger.MATURE_AT_ONCE if confirmed else None
    return {one.line: LotKey(one.expires_on, one.issuer, one.kind, matures_on or one.matures_on) for one in transfers}


def _amount(reported: Reported, original: Any, before: int, earlier: Iterable[Any]) -> int:
    """Return the minor units to refund.

    Raises:
        Refused: ``currency_mismatch``, ``refund_mismatch`` or ``exceeds_original``.
    """
    left = original.amount_minor - before
    items, amount = reported.get("items") or [], reported.get("amount")
    if amount is not None and amount["currency"] != original.currency:
        raise Refused("currency_mismatch", f"The sale was in {original.currency}.")
    by_items = sum(item["minor"] for item in items)
    minor = amount["minor"] if amount is not None else by_items if items else left
    if items and minor != by_items:
        raise Refused("refund_mismatch", f"The items add up to {by_items}, not to {minor}.")
    if original.items and items:
        _check_items(items, json.loads(original.items), [item for one in earlier for item in json.loads(one.items)])
    if minor > left:
        raise Refused("exceeds_original", f"{left} minor units of the sale are left.")
    return int(minor)


def _check_items(items: Sequence[Reported], sold: Sequence[Reported], returned: Sequence[Reported]) -> None:
    """Refuse (``exceeds_original``) more of an item than was sold and is not back yet."""
    left: Counter[tuple[str, str]] = Counter()
    for sign, part in ((1, sold), (-1, returned), (-1, items)):
        for item in part:
            for measure in ("quantity", "minor"):
                left[item["sku"], measure] += sign * item[measure]
    short = sorted(sku for (sku, _), count in left.items() if count < 0)
    if short:
        raise Refused("exceeds_original", f"More of {short[0]} is returned than was sold and is not back yet.")


def _wanted(connection: Connection, partner: Partner, original: Any, before: int, minor: int) -> list[Given]:
    """Return what the refund wants back of each line of the sale."""
    keys = given_by_line(connection, partner, original)
    left = original.amount_minor - before
    then, now = grants_left(partner, original, left), grants_left(partner, original, left - minor)
    return [
        Given(keys[line], more.points - less.points)
        for line, (more, less) in enumerate(zip(then, now, strict=True), 1)
        if more.points > less.points
    ]


def _policy(partner: Partner, original: Any) -> str:
    contract = partner.contracts.on(original.occurred_at.date())
    assert contract is not None
    return contract.refunds


class _Taking:
    """Takes points back line by line; what one line takes is not there for the next."""

    def __init__(
        self, connection: Connection, moment: Moment, partner: Partner, original: Any, standing: Standing, event_id: str
    ) -> None:
        self._connection, self._partner, self._event_id = connection, partner, event_id
        self._member_id, self._owners = standing.member_id, {standing.member_id, original.member_id}
        self._policy = _policy(partner, original)
        self._priced = partner.prices.on(moment.day) is not None
        self._free = Counter({lot.key: lot.points for lot in standing.account.free()})
        self._spendable = [lot.key for lot in standing.spendable()] if self._policy != "issuer_bears" else []
        self._expired: dict[LotKey, int] = {}
        self.forgone: Counter[str] = Counter()
        """What had expired to the coalition, by lot."""
        self.transfers: list[Transfer] = []

    def take(self, wanted: Given) -> Sums:
        """Take back what one line of the sale gave, from its lot or where that was extended to."""
        key, points = wanted
        home = ledger.issued(key.issuer)
        places = [key, *lots.extended(self._connection, self._owners, key)]
        taken = self._from_each(places, points, lambda one, most: self._from_lot(home, Lot(one, most)))
        if not is_spendable(key.kind):
            return Sums()
        expired = self._from_each(places, points - taken, lambda one, most: self._from_breakage(home, one, most))
        expired += self._from_each(places, points - taken - expired, self._from_forgone)
        others = self._from_others(key.issuer, points - taken - expired)
        missing = points - taken - expired - others
        owed = self._move(ledger.DEBT, home, _debt_key(key), missing if self._policy == "debt" else 0)
        return Sums(taken + others, owed, missing - owed, expired)

    def forgone_before_the_next(self) -> dict[str, Any]:
        """Return what the next refund must know: how much had expired to the coalition that this one counted."""
        return {"forgone": +self.forgone} if +self.forgone else {}

    def _from_each(self, places: Iterable[LotKey], points: int, take: Callable[[LotKey, int], int]) -> int:
        missing = points
        for key in places:
            missing -= take(key, missing) if missing else 0
        return points - missing

    def _from_breakage(self, home: str, key: LotKey, most: int) -> int:
        if key not in self._expired:
            self._expired[key] = lots.expired(self._connection, self._owners, key)
        expired = self._move(ledger.BREAKAGE, home, key, min(most, self._expired[key]))
        self._expired[key] -= expired
        return expired

    def _from_forgone(self, key: LotKey, most: int) -> int:
        name = lots.name_of(key)
        there = lots.forgone(self._connection, self._owners, key) - self.forgone[name]
        self.forgone[name] += (counted := max(0, min(most, there)))
        return counted

    def _from_others(self, issuer: str, points: int) -> int:
        """Take other lots, the issuer's own first; only the reporter's own price lets others owe for theirs."""
        left = [Lot(key, self._free[key]) for key in self._spendable if self._free[key]]
        foreign = self._priced and issuer == self._partner.partner_id
        reclaimed = reclaim(left, issuer, points, foreign=foreign)
        for lot in reclaimed.lots:
            own = lot.key.issuer == issuer
            self._from_lot(ledger.issued(issuer) if own else ledger.redeemed(issuer), lot)
        return reclaimed.points

    def _from_lot(self, credit: str, lot: Lot) -> int:
        points = min(lot.points, self._free[lot.key])
        self._free[lot.key] -= points
        return self._move(ledger.AVAILABLE, credit, lot.key, points)

    def _move(self, debit: str, credit: str, key: LotKey, points: int) -> int:
        if points:
            line = len(self.transfers) + 1
            self.transfers.append(Transfer(self._event_id, line, self._member_id, debit, credit, *key, points))
        return points


def _debt_key(key: LotKey) -> LotKey:
    return LotKey(ledger.NEVER_EXPIRES, key.issuer, ledger.BASE, ledger.MATURE_AT_ONCE)


def _first_answer(first: Any, content: bytes) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    names = Sums._fields
    sums = Sums(*(first.details[name] for name in names))
    return _answer(first.event_id, first.amount_minor, first.currency, sums) | {"duplicate": True}


def _answer(event_id: str, minor: int, currency: str, sums: Sums) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "status": "posted",
        "points": sum(sums),
        "amount": {"minor": minor, "currency": currency},
        **sums._asdict(),
    }
