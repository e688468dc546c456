"""Packs: points that a partner buys in advance, and what of its sales they cover.

A pack is an offer that two people agreed to: so many points for so much money, to be given out within a window of days,
perhaps only for some products or for some classes of points, with a mark below which the partner is told, a reserve
that is kept back, and a refill. What its contract says holds for all packs of a partner: their order, what happens when
they are empty, and what becomes of the rest.

A sale needs points; a pack covers it where its restrictions let it. Nothing here knows how much is left: whoever calls
has taken that from the counters, and is told who gets it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from settlement.core.pricing import value_minor
from settlement.core.term_fields import MAX_MINOR, currency, fields_of, line_of_text, one_of, whole
from settlement.errors import ContractRefused

STOP, POSTPAID = WHEN_EMPTY = ("stop", "postpaid")
"""Points that no pack covers are not given out, or are paid for as they are issued."""
EXPIRES, RETURNS = RESTS = ("expires", "returns")
"""What is left at the end is lost to whoever bought it, or its price is paid back."""
EARLIEST_END, AGREED = ORDERS = ("earliest_end", "agreed")
POINT_CLASSES = ("base", "bonus", "promotional")
"""What a pack can be restricted to: campaigns give bonus or promotional points."""
MAX_PACK_POINTS = 1_000_000_000_000
MAX_REFILLS = 1_000
MAX_NAMES = 100
PACK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,63}")
_OFFER = ("products", "classes", "place", "low_points", "reserve_points", "refill")


@dataclass(frozen=True, slots=True)
class PackTerms:
    """What a contract says about all packs of a partner."""

    when_empty: str = STOP
    rest: str = EXPIRES
    order: str = EARLIEST_END


class Refill(NamedTuple):
    """So many points more, `most` times at the most, once fewer than `below_points` are left or too few are."""

    points: int
    below_points: int
    most: int


class Offer(NamedTuple):
    """What was agreed about one pack; a refill costs what its points come to at the pack's price, half-even."""

    currency: str
    points: int
    amount_minor: int
    valid_from: date
    valid_until: date
    """The last day on which its points are given out."""
    products: frozenset[str] = frozenset()
    """Categories of items: a sale is covered if it has items and all are of these. None: every sale."""
    classes: frozenset[str] = frozenset()
    """Classes of points that it covers. None: all."""
    place: int = 0
    """Its place in the order, where the contract says that the order is as agreed."""
    low_points: int = 0
    reserve_points: int = 0
    refill: Refill | None = None


class Pack(NamedTuple):
    """A pack that is bought and not closed."""

    pack_id: str
    partner: str
    offer: Offer
    refills: int = 0
    """How often it was refilled."""
    is_told: bool = False
    """Whether the partner was told that it is low, since it was last refilled."""

    @property
    def can_refill(self) -> bool:
        """Whether a refill is left."""
        return self.offer.refill is not None and self.refills < self.offer.refill.most

    def is_watched(self, left: int) -> bool:
        """Tell whether something is due now that so much is left: a message or a refill."""
        refill = self.offer.refill
        low = not self.is_told and left < self.offer.low_points
        return low or (refill is not None and self.can_refill and left < refill.below_points)


class Need(NamedTuple):
    """Points that one line of an event gives, and that want to be covered."""

    event_id: str
    line: int
    points: int
    point_class: str
    products: frozenset[str]


class Draw(NamedTuple):
    """Points of a pack that cover a line of an event; below zero where they come back."""

    pack_id: str
    event_id: str
    line: int
    points: int


def read_pack_terms(value: Any) -> PackTerms:
    """Read what a contract says about packs; raises `ContractRefused`."""
    found = fields_of(value, "packs", ("when_empty",), ("rest", "order"))
    return PackTerms(
        one_of(found["when_empty"], "packs: when_empty", WHEN_EMPTY),
        one_of(found.get("rest", EXPIRES), "packs: rest", RESTS),
        one_of(found.get("order", EARLIEST_END), "packs: order", ORDERS),
    )


def read_offer(document: object) -> Offer:
    """Read an offer as it is written in JSON; raises `ContractRefused` with the place and the reason."""
    found = fields_of(document, "a pack", ("currency", "points", "amount_minor", "valid_from", "valid_until"), _OFFER)
    offer = Offer(
        currency(found["currency"], "currency"),
        whole(found["points"], "points", MAX_PACK_POINTS),
        whole(found["amount_minor"], "amount_minor", MAX_MINOR),
        _day(found["valid_from"], "valid_from"),
        _day(found["valid_until"], "valid_until"),
        _names(found.get("products", []), "products"),
        frozenset(one_of(one, "classes", POINT_CLASSES) for one in _names(found.get("classes", []), "classes")),
        whole(found.get("place", 0), "place", MAX_NAMES),
        whole(found.get("low_points", 0), "low_points", MAX_PACK_POINTS),
        whole(found.get("reserve_points", 0), "reserve_points", MAX_PACK_POINTS),
        _refill(found["refill"]) if "refill" in found else None,
    )
    return _consistent(offer)


def _consistent(offer: Offer) -> Offer:
    if not offer.points or not offer.amount_minor:
        raise ContractRefused("a pack is of one point or more, and costs something")
    if offer.valid_until < offer.valid_from:
        raise ContractRefused("valid_until is before valid_from")
    if offer.reserve_points >= offer.points:
        raise ContractRefused("reserve_points is less than all points of the pack")
    if offer.refill is not None and not refill_price(offer):
        raise ContractRefused("refill: so few points cost nothing at the pack's price")
    return offer


def _refill(value: Any) -> Refill:
    found = fields_of(value, "refill", ("points", "below_points", "most"))
    refill = Refill(
        whole(found["points"], "refill: points", MAX_PACK_POINTS),
        whole(found["below_points"], "refill: below_points", MAX_PACK_POINTS),
        whole(found["most"], "refill: most", MAX_REFILLS),
    )
    if not refill.points or not refill.most:
        raise ContractRefused("refill: points and most are one or more")
    return refill


def _day(value: Any, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ContractRefused(f"{where} is a day, written YYYY-MM-DD") from error


def _names(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or len(value) > MAX_NAMES:
        raise ContractRefused(f"{where} is a list of at most {MAX_NAMES} names")
    return frozenset(line_of_text(one, where, 64) for one in value)


def offer_digest(pack_id: str, partner: str, document: Mapping[str, Any]) -> bytes:
    """SHA-256 over what two people agree to: the pack's id, who buys it, and the offer as JSON with sorted names."""
    content = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256("\n".join(("hansa-pack-1", pack_id, partner, content)).encode()).digest()


def refill_price(offer: Offer) -> int:
    """What one refill costs, in minor units."""
    return value_minor(offer.refill.points, offer.amount_minor, offer.points) if offer.refill else 0


def in_order(packs: Iterable[Pack], order: str, day: date) -> list[Pack]:
    """The packs whose points can be given out on a day, in the order in which they are drawn on."""
    usable = [pack for pack in packs if pack.offer.valid_from <= day <= pack.offer.valid_until]
    return sorted(
        usable, key=lambda pack: (pack.offer.place if order == AGREED else 0, pack.offer.valid_until, pack.pack_id)
    )


def covers(offer: Offer, need: Need) -> bool:
    """Tell whether a pack's restrictions let it cover a need."""
    if offer.classes and need.point_class not in offer.classes:
        return False
    return not offer.products or (bool(need.products) and need.products <= offer.products)


class Cover(NamedTuple):
    """Who gets what of the packs, and the points of each need that nobody covers."""

    draws: Sequence[Draw]
    open: Mapping[Need, int]


def cover(needs: Sequence[Need], pools: Sequence[tuple[Pack, int]], *, whole_events: bool = False) -> Cover:
    """Cover needs in their order out of packs in theirs; with `whole_events` an event all of it, or not at all."""
    left = [points for _, points in pools]
    draws: list[Draw] = []
    uncovered: dict[Need, int] = {}
    for event in _by_event(needs):
        trial, drawn = [*left], list[Draw]()
        missing = {need: _draw(need, pools, trial, drawn) for need in event}
        if whole_events and any(missing.values()):
            uncovered |= {need: need.points for need in event}
            continue
        left, draws = trial, draws + drawn
        uncovered |= {need: points for need, points in missing.items() if points}
    return Cover(draws, uncovered)


def _by_event(needs: Sequence[Need]) -> list[list[Need]]:
    found: defaultdict[str, list[Need]] = defaultdict(list)
    for need in needs:
        found[need.event_id].append(need)
    return list(found.values())


def _draw(need: Need, pools: Sequence[tuple[Pack, int]], left: list[int], draws: list[Draw]) -> int:
    """Draw on each pack that covers a need until it is covered; return what is not."""
    missing = need.points
    for place, (pack, _) in enumerate(pools):
        part = min(missing, left[place]) if missing and covers(pack.offer, need) else 0
        if part:
            left[place] -= part
            missing -= part
            draws.append(Draw(pack.pack_id, need.event_id, need.line, part))
    return missing


def returned(draws: Sequence[Draw], start: int, stop: int) -> list[Draw]:
    """What comes back of an event's draws, counted from the last: its points from `start` to `stop`."""
    back, later = [], 0
    for draw in reversed(draws):
        part = min(max(stop - later, 0), draw.points) - min(max(start - later, 0), draw.points)
        if part:
            back.append(draw._replace(points=part))
        later += draw.points
    return back
