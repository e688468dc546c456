"""What was charged back and stands again: the chargeback was reversed, or the merchant presented the purchase again.

The part of the purchase that came back is posted again as an earning of its own, above what stands of it: at the same
rate, into the lots that it had come from, with as many points as had been found. So points end where they were before
the chargeback; what the issuer had borne, or had expired, is not given a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.errors import Refused
from hub.core.granting import SALE, given, sale_of, spendable
from hub.core.ledger import Event, LotKey, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts, counting, funding, packs, sales
from hub.services.accounts import Standing, as_json
from hub.services.card_answers import digest, posted
from hub.services.card_single import OneRecord
from hub.services.counting import COUNTED, Tally
from hub.services.reversals import renewed
from hub.store import card_records, counters, events, posting

WITHHELD = ("withheld", "withheld_qualifying")
"""The fields of a `Sale` that say how much less a part gives."""
OUTSTANDING = ("chargeback", "fraud")
"""What can be presented again."""


class Again(OneRecord):
    """One record of something that stands again."""

    named: Any
    """The chargeback."""
    backs: Sequence[Any]
    """The returns that it consists of."""

    def find(self) -> int:
        """Find what was charged back, and whose purchase it was, whoever that member was by the chargeback.

        Raises:
            Refused: ``unknown_event``.
        """
        self.named, self.backs = self._charged_back()
        originals = self.stored([one.refers_to for one in self.backs])
        return int((originals or [self.named])[0].member_id)

    def decide(self, standing: Standing) -> dict[str, Any]:
        """Give again what had been found, so far as that was not done before."""
        ids = [one.event_id for one in self.backs]
        done = card_records.represented(self.connection, self.partner.partner_id, ids)
        left = [one for one in self.backs if one.event_id not in done]
        if not left:
            why = "What was charged back stands again already, so nothing moves"
            return self.note({"line": self.named.details["line"], "why": why}, standing)
        owed = sum(one.amount_minor for one in left)
        if (self.record["amount"]["minor"], self.record["amount"]["currency"]) != (owed, self.named.currency):
            raise Refused("refund_mismatch", f"{owed} minor units of {self.named.currency} are charged back.")
        return self._give(self.named, left, standing)

    def _charged_back(self) -> tuple[Any, list[Any]]:
        """Return the chargeback that is named, and the returns that it consists of.

        Raises:
            Refused: ``unknown_event``.
        """
        found = self.stored([self.record["refers_to"]])
        details = (found[0].details or {}) if found else {}
        if details.get("record") not in OUTSTANDING or "matched_by" not in details:
            raise Refused("unknown_event", "There is no chargeback under this id.")
        return found[0], self.stored(details["pieces"]) if "pieces" in details else found

    def _give(self, named: Any, backs: Sequence[Any], standing: Standing) -> dict[str, Any]:
        """Post each part again, and what of bonuses holds again; return the result."""
        is_one = "pieces" not in named.details
        originals = self.stored([one.refers_to for one in backs])
        changes = [
            counting.returned(
                original.details.get(COUNTED, {}),
                -counting.counted_part(original, original.amount_minor - back.returned_before, back.amount_minor),
            )
            for original, back in zip(originals, backs, strict=True)
        ]
        change = counting.added(changes)
        keys = counting.keyed(standing.member_id, change)
        tally = Tally(counters.lock(self.connection, self.partner.partner_id, keys))
        counters.count(self.connection, self.partner.partner_id, keys)
        own_ids = [self.own_id] if is_one else [f"{self.own_id}/{number}" for number, _ in enumerate(backs, 1)]
        parts = [
            self._part(event_id, back, tally.change(counting.keyed(standing.member_id, own)))
            for event_id, back, own in zip(own_ids, backs, changes, strict=True)
        ]
        for name in named.details.get("undone", ()):
            self._restore(name, named, tally, standing)
        # What was credited to a member that is another one by now goes on to that, and pays what it owes.
        accounts.lock(self.connection, self.moment, [one.member_id for one in parts])
        if is_one:
            return posted(parts[0], accounts.from_json(parts[0].details), self.moment.now)
        why = f"It stands again in {len(parts)} parts"
        return self.note(
            {"line": named.details["line"], "why": why, "given": sum(one.points for one in parts)}, standing
        )

    def _restore(self, name: str, named: Any, tally: Tally, standing: Standing) -> None:
        """Give a bonus again that the chargeback had undone, if its condition holds again."""
        line = named.details["line"]
        given_ = card_records.bonuses(self.connection, self.partner.partner_id, [line])[line, name]
        [back] = self.stored([f"{named.event_id}/{name}"])
        spent = tally[standing.member_id, counting.of_bonus(name, line)]
        if spent >= given_.spend_minor:
            self._part(f"{self.own_id}/{name}", back, {})

    def _part(self, event_id: str, back: Any, counted: Mapping[str, Any]) -> Event:
        """Post what came back of one part of a purchase, or of a bonus, as an earning again.

        It is of whom the purchase names, and forwarded to its survivor: a merge that is undone gives it back too.
        """
        connection, partner_id = self.connection, self.partner.partner_id
        [original] = self.stored([back.refers_to])
        purchase = card_records.find(connection, partner_id, original.event_id)
        assert purchase is not None
        standing = accounts.lock(connection, self.moment, [original.member_id])[original.member_id]
        following = events.referring(connection, partner_id, original.event_id)
        details = self._details(original, back) | dict(counted) | dict(self.reporter.said)
        grants = given(sales.rate_of(self.partner, original).grants, sale_of(back.amount_minor, details))
        keys = self._keys(original, following, standing)
        fallback = LotKey(original.expires_on, partner_id, ledger.BASE, original.matures_on or ledger.MATURE_AT_ONCE)
        transfers = []
        for line, grant in enumerate(grants, 1):
            issuer = grant.issuer or partner_id
            key = keys.get(line) or fallback._replace(issuer=issuer, kind=grant.kind)
            if grant.points:
                account = ledger.issued(issuer)
                transfers.append(
                    Transfer(event_id, line, original.member_id, account, ledger.AVAILABLE, *key, grant.points)
                )
        first = keys.get(1, fallback)
        event = Event(
            event_id, "earning", original.member_id, "posted", spendable(grants), original.occurred_at,
            digest(self.record if event_id == self.own_id else {"event_id": event_id}), back.amount_minor,
            original.currency, original.rate_version, first.expires_on,
            None if first.matures_on == ledger.MATURE_AT_ONCE else first.matures_on, store=purchase.merchant,
            evidence_id=self.reporter.evidence_id, refers_to=original.event_id, details=as_json(details),
        )  # fmt: skip
        entry = Posting(partner_id, self.moment.now, self.moment.day, [event], transfers, self.reporter.evidences)
        posting.post_new(connection, entry)
        owed = funding.of_transfers(self.moment, partner_id, transfers)
        packs.record(connection, self.moment, partner_id, transfers, owed)
        again_ = purchase._replace(event_id=event_id, represents=back.event_id, amount_minor=back.amount_minor)
        card_records.add(connection, partner_id, [again_])
        return event

    def _details(self, original: Any, back: Any) -> dict[str, Any]:
        """Return what makes rules give exactly what had been found: which part it is, and what is withheld of it."""
        left = original.amount_minor - back.returned_before - back.amount_minor
        sale = {name: value for name, value in original.details[SALE].items() if name not in WITHHELD}
        sale["above_minor"] = sale.get("above_minor", 0) + left
        grants = given(sales.rate_of(self.partner, original).grants, sale_of(back.amount_minor, {SALE: sale}))
        qualifying = sum(one.points for one in grants) - spendable(grants)
        missing = (
            spendable(grants) - back.details["taken"] - back.details["owed"],
            qualifying - self._qualifying_taken(original, back),
        )
        sale |= {name: points for name, points in zip(WITHHELD, missing, strict=True) if points > 0}
        said = {name: original.details[name] for name in ("line", "bonus") if name in original.details}
        return {**said, "record": self.record["kind"], "represents": back.event_id, SALE: sale}

    def _qualifying_taken(self, original: Any, back: Any) -> int:
        """Return the points for status that came back with one part and had not expired by then."""
        owners, idling = sales.owners(self.connection, original), self.moment.configuration.idling
        return sum(
            one.points
            for one in events.transfers_of(self.connection, self.partner.partner_id, back.event_id, owners)
            if one.debit_account == ledger.AVAILABLE
            and not is_spendable(one.kind)
            and (one.expires_on >= back.business_date or one.issuer in idling)
        )

    def _keys(self, original: Any, following: Sequence[Any], standing: Standing) -> dict[int, LotKey]:
        """Return the lot that each line's points go back to: the one where they were, or one with a new life."""
        owners = sales.owners(self.connection, original)
        confirmed = any(one.kind == "confirmation" for one in following)
        where = sales.whereabouts(self.connection, self.partner, original, owners, confirmed=confirmed)
        found = {}
        for line, places in where.items():
            alive = [key for key in places.lots if not standing.is_over(key)]
            found[line] = (
                alive[0] if alive else renewed(self.connection, self.moment, standing.member_id, places.lots[0])
            )
        return found
