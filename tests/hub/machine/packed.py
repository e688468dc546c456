"""The funded machine where one partner buys packs too: the model still holds, and draws take the place of lines.

Whatever is bought, drawn on, given back or closed in between, the lines that follow points in and out of accounts,
and what packs cover, leave together exactly the points there are.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from hub.services import pack_sales
from tests.hub.machine import reading
from tests.hub.machine.drawing import A_PLACE
from tests.hub.machine.funded import FUNDING, Funded

BUYER = next(partner for partner, form in FUNDING.items() if form == "on_issue")
_DRAWN = """
    SELECT partner, sum(points) AS points FROM settlement.pack_draw JOIN settlement.pack USING (pack_id) GROUP BY 1
"""


class Packed(Funded):
    """The machine with packs."""

    def money(self, partner: str) -> dict[str, Any]:
        packs = {"packs": {"when_empty": "postpaid", "rest": "returns"}} if partner == BUYER else {}
        return super().money(partner) | packs

    def covered(self) -> Counter[str]:
        drawn = {row.partner: int(row.points) for row in reading.rows(self.hub, _DRAWN)}
        return Counter({issuer: points + drawn.pop(issuer, 0) for issuer, points in super().covered().items()} | drawn)

    @rule(points=st.integers(1, 400), days=st.integers(0, 9), refill=st.integers(0, 2), reserve=st.booleans())
    def buy_a_pack(self, points: int, days: int, refill: int, reserve: bool) -> None:
        """Some points, for some days, with refills or without."""
        name, day = f"pack{next(self.numbers)}", self.books.now.date()
        offer: dict[str, Any] = {
            "currency": "USD", "points": points, "amount_minor": points, "valid_from": str(day),
            "valid_until": str(day + timedelta(days=days)), "reserve_points": points // 2 if reserve else 0,
        }  # fmt: skip
        if refill:
            offer["refill"] = {"points": 50, "below_points": 20, "most": refill}
        sold = pack_sales.sell(self.hub, BUYER, name, offer, "ada")
        pack_sales.approve(self.hub, name, sold["digest"], "ben")

    @rule(place=A_PLACE)
    def close_a_pack(self, place: int) -> None:
        """One before its end, where there is one, and all whose days are over."""
        pack_sales.close_ended(self.hub)
        still = [one["pack"] for one in pack_sales.listing(self.hub, BUYER) if one["state"] == "open"]
        if still:
            name = still[place % len(still)]
            digest = pack_sales.take_back(self.hub, name, "ada")["digest"]
            pack_sales.take_back(self.hub, name, "ben", digest)
