"""Amounts that are counted over purchases: for caps of rates, for bonuses, and refunds that had no purchase.

They are counters of a member or household, locked and changed in the posting transaction. A purchase counts in the
period in which it occurred, whenever it is reported. Each event keeps what it counted and what the counter stood at
before, so that a return counts it back, a refund uses the same arithmetic, and the ledger's check counts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from hub.core.errors import Overtaken
from hub.core.granting import counted_minor, sale_of
from hub.core.ledger import NO_MEMBER
from hub.core.periods import MEMBER_YEAR, name_of
from hub.core.rules import Counted, Sale
from hub.core.terms import EarningRate
from hub.services.context import Partner
from hub.store import counters, members, pools
from hub.store.counters import Key
from hub.store.database import Connection

CAP, SPEND, CREDIT = "cap", "spend", "credit"
COUNTED, STOOD = "counted", "stood"
"""The details of an event that say what it changed of which counter, and what that stood at before."""
_HOUSEHOLD = "/household/"


class Places(NamedTuple):
    """What the counters of members go by, beside the day."""

    joined: Mapping[int, date]
    households: Mapping[int, str]


def places(connection: Connection, partner: Partner, ids: Iterable[int]) -> Places:
    """Return what the caps of a partner's rates ask of members: when they joined, and their household."""
    caps = [one.cap for rate in partner.earning_rates.versions for one in rate.caps]
    asked = sorted(set(ids))
    yearly = any(cap.period == MEMBER_YEAR for cap in caps)
    shared = any(cap.household for cap in caps)
    pooled = pools.places(connection, asked) if shared else {}
    return Places(
        members.joined(connection, asked) if yearly else {},
        {member_id: f"{one.partner_id}/{one.pool_id}" for member_id, one in pooled.items()},
    )


def applying(rate: EarningRate, sale: Sale) -> list[Counted]:
    """Return the caps of a rate that a sale counts towards."""
    return [one for one in rate.caps if one.applies(sale)]


def caps_of(caps: Iterable[Counted], day: date, member_id: int, found: Places) -> dict[str, Key]:
    """Return the counter of each of these caps for a member's sale on a day, by the cap's name."""
    return {one.cap.name: _of_cap(one, day, member_id, found) for one in caps}


def _of_cap(counted: Counted, day: date, member_id: int, found: Places) -> Key:
    cap = counted.cap
    name = f"{CAP}/{cap.name}/{name_of(cap.period, day, found.joined.get(member_id))}"
    household = found.households.get(member_id) if cap.household else None
    return key_of(member_id, name if household is None else f"{name}{_HOUSEHOLD}{household}")


def key_of(member_id: int, name: str) -> Key:
    """Return the counter of a name: the member's own, or that of the household which the name says."""
    return NO_MEMBER if _HOUSEHOLD in name else member_id, name


def of_bonus(name: str, line: str) -> str:
    """Return the counter of what was spent towards a bonus of a card line."""
    return f"{SPEND}/{name}/{line}"


def of_credit(line: str, day: date) -> str:
    """Return the counter of refunds of a card line that had no purchase in the month of a day."""
    return f"{CREDIT}/{name_of('month', day)}/{line}"


def returned(counted: Mapping[str, int], minor: int) -> dict[str, int]:
    """Return by how much the counters of a purchase change when so much of it comes back, or again (below zero)."""
    return {name: -minor for name in counted if not name.startswith(CREDIT)}


def counted_part(original: Any, left_minor: int, minor: int) -> int:
    """Return what so much of what is left of a sale counts, in the currency of its rate."""
    then, now = (sale_of(left, original.details) for left in (left_minor, left_minor - minor))
    return counted_minor(then) - counted_minor(now)


def added(changes: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return several changes as one."""
    sums: dict[str, int] = {}
    for change in changes:
        for name, minor in change.items():
            sums[name] = sums.get(name, 0) + minor
    return sums


def keyed(member_id: int, change: Mapping[str, int]) -> dict[Key, int]:
    """Return a change by the counters that it is of."""
    return {key_of(member_id, name): minor for name, minor in change.items()}


def lock_back(connection: Connection, partner_id: str, member_id: int, original: Any) -> dict[Key, int]:
    """Lock what a sale counted and return that, before something of the sale comes back."""
    counted = (original.details or {}).get(COUNTED, {})
    return counters.lock(connection, partner_id, [key_of(member_id, name) for name in returned(counted, 0)])


def count_back(
    connection: Connection,
    partner_id: str,
    member_id: int,
    original: Any,
    left_minor: int,
    minor: int,
    locked: Mapping[Key, int],
) -> dict[str, Any]:
    """Count so much of what is left of a sale back, and return the details that say so.

    ``locked`` is what `lock_back` gave.

    Raises:
        Overtaken: the sale's member was merged or parted since, so other counters would have to be locked.
    """
    if not locked:
        return {}
    change = keyed(member_id, returned(original.details[COUNTED], counted_part(original, left_minor, minor)))
    if not change.keys() <= locked.keys():
        raise Overtaken("the member of what comes back is another one by now")
    counters.count(connection, partner_id, change)
    return Tally(locked).change(change)


class Tally:
    """Counters that are locked, as they stand while purchases are decided one after the other."""

    def __init__(self, stands: Mapping[Key, int]) -> None:
        self._stands = dict(stands)

    def __getitem__(self, key: Key) -> int:
        return self._stands.get(key, 0)

    def change(self, changes: Mapping[Key, int]) -> dict[str, dict[str, int]]:
        """Count, and return the details that say so."""
        stood = {name: self[member_id, name] for member_id, name in changes}
        for key, minor in changes.items():
            self._stands[key] = self[key] + minor
        return {COUNTED: {name: minor for (_, name), minor in changes.items()}, STOOD: stood}
