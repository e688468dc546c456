"""What comes back of purchases with cards: refunds, chargebacks and fraud, at the rate and lots of the purchase.

A record may name its purchase, or is matched to one by the order of `hub.core.card_matching`. Whoever has the points
by then gives them back; what is spent follows the policy of the contract (`taking_back`). A bonus whose condition is
undone by that comes back too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core.card_matching import NAMED, PERIOD, Found, match
from hub.core.errors import Refused
from hub.core.granting import SALE, counted_minor, sale_of
from hub.core.ledger import Event
from hub.services import accounts, card_bonuses, cards, counting
from hub.services.accounts import Standing
from hub.services.card_answers import digest, posted
from hub.services.card_purchases import NOTHING
from hub.services.card_single import OneRecord
from hub.services.counting import COUNTED, Tally
from hub.services.refunds import Return
from hub.services.sale_terms import foreign, terms_on
from hub.services.taking_back import Sums
from hub.store import card_records, counters
from hub.store import cards as stored_cards

EARNING_NOTHING = ("clearing", *NOTHING)
"""Records that may be notes: of them nothing comes back."""
UNKNOWN = Refused("unknown_event", "There is no purchase that this can be of; name it with refers_to.")
Said = Mapping[str, Any]
Pieces = Sequence[tuple[str, int]]
"""Parts of purchases, by their events, with minor units of each."""


class Back(OneRecord):
    """One record of something that came back."""

    line: str
    origin: str | None
    """The purchase, if it is named; "" for one that earned nothing."""

    def find(self) -> int:
        """Find the card line, and the purchase if it is named.

        Raises:
            Refused: ``unknown_event`` or ``unknown_card``.
        """
        self._left: dict[str, int] = {}
        named = self.record.get("refers_to")
        if named is not None:
            return self._named(named)
        asked = [(self.record["card"], self.record["occurred_at"])]
        [held] = cards.holders(self.hub, self.connection, self.partner.partner_id, asked)
        first = stored_cards.of_event(self.connection, self.partner.partner_id, held.line) if held else None
        if first is None or first.member_id is None:
            raise Refused("unknown_card", "This card was never linked by then.")
        self.line, self.origin = first.line, None
        return first.member_id

    def _named(self, named: str) -> int:
        original = next(iter(self.stored([named])), None)
        if original is None:
            raise UNKNOWN
        purchase = card_records.find(self.connection, self.partner.partner_id, named)
        details = original.details or {}
        if purchase is not None and purchase.line:
            self.line, self.origin = purchase.line, purchase.origin
        elif original.kind == "card-record" and details.get("record") in EARNING_NOTHING:
            self.line, self.origin = details["line"], ""
        else:
            raise UNKNOWN
        return int(original.member_id)

    def decide(self, standing: Standing) -> dict[str, Any]:
        """Take back from each part of the purchases found, the newest first, and what of bonuses is undone by that."""
        if self.origin == "":
            return self.note({"line": self.line, "why": "What it is of earned nothing"}, standing)
        found = self._found()
        pieces = [piece for origin, minor in found.parts for piece in self._pieces(origin, minor)]
        change = self._changes(pieces, found.rest_minor)
        counted, undone = self._count(standing, change)
        said: dict[str, Any] = {
            "record": self.record["kind"], "line": self.line, "matched_by": found.by, "parts": list(found.parts),
            **counted,
        }  # fmt: skip
        if undone:
            said["undone"] = [one.name for one in undone]
        if len(pieces) == 1 and not found.rest_minor:
            event, _ = self._give_back(pieces[0], self.own_id, digest(self.record), said)
            result = posted(event, accounts.from_json(event.details), self.moment.now)
        else:
            result = self._in_parts(pieces, found.rest_minor, said, standing)
        at = self.record["occurred_at"]
        card_bonuses.take_back(self.connection, self.moment, self.partner, self.reporter, undone, self.own_id, at)
        return result

    def _found(self) -> Found:
        """Return what the record is taken from.

        Raises:
            Refused: ``currency_mismatch``, ``exceeds_original``, or ``unknown_event`` for what must have a purchase.
        """
        minor, currency = self.record["amount"]["minor"], self.record["amount"]["currency"]
        if self.origin is not None:
            [original] = self.stored([self.origin])
            if original.currency != currency:
                raise Refused("currency_mismatch", f"The purchase was in {original.currency}.")
            parts = card_records.parts_of(self.connection, self.partner.partner_id, self.origin)
            left = sum(one.left_minor for one in parts)
            if minor > left:
                raise Refused("exceeds_original", f"{left} minor units of the purchase are left.")
            return Found(NAMED, [(self.origin, minor)])
        at = self.record["occurred_at"]
        purchases = card_records.open_of(self.connection, self.partner.partner_id, self.line, currency, at)
        found = match(purchases, self.record.get("merchant"), minor, at)
        if found.by == PERIOD and self.record["kind"] != "refund":
            raise UNKNOWN
        return found

    def _pieces(self, origin: str, minor: int) -> Pieces:
        """Return how much of each part of a purchase comes back, the newest part first."""
        taken: list[tuple[str, int]] = []
        for part in card_records.parts_of(self.connection, self.partner.partner_id, origin):
            own = min(minor, part.left_minor)
            if own:
                taken.append((part.event_id, own))
                self._left[part.event_id] = part.left_minor
                minor -= own
        return taken

    def _changes(self, pieces: Pieces, rest_minor: int) -> dict[str, int]:
        """Return by which counters change: those of the purchases, and for what was found in none."""
        originals = self.stored([event_id for event_id, _ in pieces])
        changes = [
            counting.returned(
                original.details.get(COUNTED, {}), counting.counted_part(original, self._left[event_id], minor)
            )
            for original, (event_id, minor) in zip(originals, pieces, strict=True)
        ]
        if rest_minor:
            day = self.record["occurred_at"].date()
            said = foreign(self.partner, terms_on(self.partner, day), self.record["amount"]["currency"])
            rest = counted_minor(sale_of(rest_minor, {SALE: said}))
            changes.append({counting.of_credit(self.line, day): rest})
        return counting.added(changes)

    def _count(self, standing: Standing, change: Mapping[str, int]) -> tuple[Said, list[card_bonuses.Standing]]:
        """Lock and change the counters; return what says so, and the bonuses for which the rest does not suffice."""
        partner_id, keys = self.partner.partner_id, counting.keyed(standing.member_id, change)
        tally = Tally(counters.lock(self.connection, partner_id, keys))
        counted = tally.change(keys)
        counters.count(self.connection, partner_id, keys)
        spent = {name: tally[member_id, name] for member_id, name in keys}
        return counted, card_bonuses.undone(self.connection, self.partner, self.line, spent, change)

    def _give_back(
        self, piece: tuple[str, int], own: str, content: bytes, said: Mapping[str, Any]
    ) -> tuple[Event, Sums]:
        back = Return(own, self.record["occurred_at"], content, piece[1], None, said)
        return card_bonuses.give_back(self.connection, self.moment, self.partner, self.reporter, piece[0], back)

    def _in_parts(self, pieces: Pieces, rest_minor: int, said: Mapping[str, Any], standing: Standing) -> dict[str, Any]:
        """Take back several parts, each by an event of its own, and note the record with what they came to."""
        more, ids, sums = {"record": self.record["kind"], "line": self.line}, [], Sums()
        for number, piece in enumerate(pieces, 1):
            ids.append(f"{self.own_id}/{number}")
            _, found = self._give_back(piece, ids[-1], digest({"event_id": ids[-1]}), more)
            sums = Sums(*map(sum, zip(sums, found, strict=True)))
        why = f"It is taken from {len(pieces)} parts of purchases"
        told = {**said, **sums._asdict(), "unmatched_minor": rest_minor, "pieces": ids, "why": why}
        return self.note(told, standing)
