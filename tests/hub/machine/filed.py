"""Commands: partners report sales in files, with what came before among them, and files are taken back whole."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub import file_worker
from hub.services.files import decisions, templates
from tests.hub.machine import drawing
from tests.hub.machine.drawing import A_PARTNER, A_PLACE
from tests.hub.machine.sales import Drawn, Sales, pick
from tests.hub.model import owing, returning, selling
from tests.hub.model.books import CONFLICT
from tests.hub.model.selling import Sale
from tests.hub.model.terms import Contract
from tests.support import bulk

NAMED = ("event_id", "member", "occurred_at", "minor", "currency", "store", "points")
TEMPLATE: dict[str, Any] = {
    "record": "earning",
    "format": "csv",
    "names": True,
    "header": {"starts": "H"},
    "columns": {name: {"from": name} for name in NAMED},
    "bad_percent": 100,
}


class Files(Sales):
    """Bulk files."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.files: dict[tuple[str, str], list[str]] = {}
        """Files that were posted, with the events that were new by them."""

    def join(self, partner: str, contract: Contract) -> None:
        super().join(partner, contract)
        templates.add(self.hub, partner, "daily", TEMPLATE, "ada")

    @rule(
        partner=A_PARTNER,
        sales=st.lists(drawing.SALES, min_size=1, max_size=4),
        reused=drawing.REUSED,
        again=st.lists(A_PLACE, max_size=2),
    )
    def send_a_file(self, partner: str, sales: list[Drawn], reused: int | None, again: list[int]) -> None:
        """New sales, some of them wrong, and perhaps some that came before, by whatever way, or stand in it already."""
        batch = [self.a_sale(partner, drawn, reused if place == 0 else None) for place, drawn in enumerate(sales)]
        earlier = [
            told.content for (own, _), told in self.books.told.items() if (own, told.kind) == (partner, "earning")
        ]
        batch += [pick(earlier + batch, -1 - place) for place in again]
        batch = [{name: value for name, value in sale.items() if name != "items"} for sale in batch]
        self.do(lambda: self._send(partner, batch))

    @precondition(lambda self: self.files)
    @rule(place=A_PLACE)
    def take_a_file_back(self, place: int) -> None:
        """All that was new by one, the last of it first."""
        partner, file_id = pick([*self.files], place)
        posted = self.files.pop((partner, file_id))
        for event_id in posted:
            owing.put_right(self.books, self.books.sales[partner, event_id].member)
        expected = {event_id: self._taken_back(partner, event_id) for event_id in reversed(posted)}
        self._decide(partner, file_id, decisions.REVERSAL)
        for one in bulk.answers(self.hub, partner, file_id):
            if one["record"] in expected and one["status"] in ("posted", "pending", "reversed"):
                code = one.get("error", {}).get("code")
                assert code == expected.pop(one["record"])
                assert (one["status"] == "reversed") == (code is None)
        assert not expected

    def _send(self, partner: str, batch: list[Sale]) -> None:
        file_id, before = f"f{next(self.numbers)}", set(self.books.told)
        rows = [f"H{file_id}", ",".join(NAMED), *(_row(sale) for sale in batch)]
        if bulk.send(self.hub, partner, file_id, "\n".join(rows).encode())["state"] == "waiting":
            self._decide(partner, file_id, decisions.RELEASE)
        expected = selling.report(self.books, partner, batch)
        self.books.numbers = {name: number for number, name in self.names.by_id().items()}
        found = bulk.answers(self.hub, partner, file_id)
        for sale, one, due in zip(batch, found, expected, strict=True):
            assert one["record"] == sale["event_id"]
            if due == CONFLICT and (partner, sale["event_id"]) not in before:
                assert one["status"] == "rejected"
            elif "error" in due:
                assert (one["status"], one["error"]["code"]) == ("rejected", due["error"])
            else:
                status = "duplicate" if "duplicate" in due else "pending" if "pending" in due else "posted"
                assert (one["status"], one["points"]) == (status, due["points"])
        self.files[partner, file_id] = [one["record"] for one in found if one["status"] in ("posted", "pending")]

    def _taken_back(self, partner: str, event_id: str) -> str | None:
        asked = {"event_id": f"{event_id}/reversal", "refunds": event_id, "occurred_at": self.books.now.isoformat()}
        error = returning.refund(self.books, partner, asked).get("error")
        return None if error is None else str(error)

    def _decide(self, partner: str, file_id: str, what: str) -> None:
        """Two people decide on a file, and the hub does what they decided."""
        name = f"{partner}/{file_id}"
        digest = decisions.propose(self.hub, name, what, "ada")["digest"]
        decisions.approve(self.hub, name, digest, "ben")
        file_worker.work_off(self.hub)


def _row(sale: Sale) -> str:
    flat = {**sale, **sale["amount"]}
    return ",".join(str(flat.get(name, "")) for name in NAMED)
