"""An issuer of cards, asked of the hub's services directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from hub.services import card_records, cards, members, partners, reporting
from hub.services.context import Hub
from partner_sdk.wire.card_records import CardRecordsRequest
from partner_sdk.wire.schemas import validate
from tests.support import coalition
from tests.support.services import evidence, partner

LINKED = datetime(2017, 1, 1, tzinfo=UTC)
LINEAR = ({"rule": "linear", "points": 1, "per_minor": 100},)
_NUMBERS = count(1)


class Issuer:
    """A partner that issues cards; it may be asked for records, links and points in few words."""

    def __init__(
        self,
        hub: Hub,
        terms: Mapping[str, Any],
        rules: Sequence[Mapping[str, Any]] = LINEAR,
        refunds: str = "debt",
        **more: Any,
    ) -> None:
        self.hub, self.partner_id = hub, f"bank{next(_NUMBERS)}"
        agreed = {"cards": dict(terms), "refunds": refunds, **more}
        coalition.join(hub, self.partner_id, life_months=24, terms=agreed)
        partners.set_rate(hub, self.partner_id, "earning", date(2017, 1, 1), "USD", [dict(one) for one in rules])

    def link(self, member: str, token: str, at: datetime = LINKED) -> str:
        """Link a new card of a member, enrolled if need be; return the id of the link."""
        members.enrol(self.hub, partner(self.hub, self.partner_id), [{"member": member}])
        asked = {"event_id": f"l{next(_NUMBERS)}", "card": token, "member": member, "consent": "form", "linked_at": at}
        return str(cards.link(self.hub, self._reporter(), asked)["event_id"])

    def unlink(self, link_id: str, reason: str, at: datetime) -> dict[str, Any]:
        """Unlink a card."""
        return cards.unlink(self.hub, self._reporter(), link_id, {"reason": reason, "unlinked_at": at})

    def replace(self, link_id: str, token: str, at: datetime) -> str:
        """Put another card in its place; return the id of the new link."""
        asked = {"event_id": f"l{next(_NUMBERS)}", "card": token, "reason": "renewed", "replaced_at": at}
        return str(cards.replace(self.hub, self._reporter(), link_id, asked)["event_id"])

    def report(self, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Report records as the wire would hand them over."""
        loaded = validate(CardRecordsRequest, {"records": list(records)})["records"]
        return card_records.post(self.hub, partner(self.hub, self.partner_id), evidence(), loaded)

    def points(self, member: str) -> int:
        """What a member has less what it owes."""
        view = members.view(self.hub, member)
        return int(view["available"] + view["pending"] - view["debt"])

    def _reporter(self) -> reporting.Reporter:
        return reporting.by_partner(partner(self.hub, self.partner_id), evidence())


def record(kind: str, token: str, minor: int, at: str, **more: Any) -> dict[str, Any]:
    """One record, under a new id unless one is given."""
    usual = {"event_id": f"k{next(_NUMBERS)}", "category": "5411", "merchant": "m1"}
    return (
        usual | {"kind": kind, "card": token, "occurred_at": at, "amount": {"minor": minor, "currency": "USD"}} | more
    )
