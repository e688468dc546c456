"""Whatever was earned, spent, held and refunded before: no suspect point can be spent, and a release leaves no trace.

Each run is lived twice, by a member of a partner whose key is stolen and by a twin of one whose is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services import accounts, earnings, members, partners, reviews
from hub.services.accounts import Standing
from hub.services.context import Hub
from partner_sdk.wire.keys import key_id
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.support import coalition, services
from tests.support.network import Network, broken_rows, sale

SMALL = st.integers(1, 9)
DONE = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["earn", "earn", "elsewhere", "redeem", "hold", "capture", "refund"]), SMALL),
        st.just(("void", 0)),
    ),
    min_size=1,
    max_size=9,
)


class Life:
    """One member's: it earns at a shop, and earns and spends at another one, which is honest."""

    def __init__(self, hub: Hub, shop: str, other: str, run: str) -> None:
        self.hub, self.shop, self.other, self.run = hub, shop, other, run
        self.keyid = key_id(shop, coalition.join(hub, shop).public)
        self.member, self.number = f"card:{shop}", 0
        self.sold: list[str] = []
        self.held: list[str] = []
        self.since = hub.real_time()

    def do(self, what: str, how_much: int) -> None:
        self.number += 1
        name = f"{self.run}-{self.shop}-{self.number}"
        try:
            getattr(self, f"_{what}")(name, how_much)
        except Refused as refusal:
            # What is refused to one of the twins is refused to the other; that is compared by what they have.
            if refusal.code not in {"unknown_member", "insufficient_points", "exceeds_original"}:
                raise

    def _earn(self, name: str, how_much: int) -> None:
        proof = Evidence(
            os.urandom(16), self.keyid, self.hub.real_time(), b"base", b"sig", self.hub.keyring.seal(b"{}")
        )
        loaded = validate(EarningsRequest, {"earnings": [sale(name, self.member, 100 * how_much)]})["earnings"]
        earnings.post(self.hub, services.partner(self.hub, self.shop), proof, loaded)
        self.sold.append(name)

    def _elsewhere(self, name: str, how_much: int) -> None:
        services.earn(self.hub, self.other, name, self.member, 100 * how_much)

    def _redeem(self, name: str, how_much: int) -> None:
        services.redeem(self.hub, self.other, name, self.member, how_much)

    def _hold(self, name: str, how_much: int) -> None:
        services.redeem(self.hub, self.other, name, self.member, how_much, hold=86_400)
        self.held.append(name)

    def _capture(self, name: str, how_much: int) -> None:
        if self.held:
            services.capture(self.hub, self.other, self.held.pop(), points=how_much)

    def _void(self, name: str, how_much: int) -> None:
        if self.held:
            services.void(self.hub, self.other, self.held.pop())

    def _refund(self, name: str, how_much: int) -> None:
        if self.sold:
            services.refund(self.hub, self.shop, name, self.sold[-1], 10 * how_much)

    def standing(self) -> Standing | None:
        with self.hub.database.connect() as connection:
            moment = self.hub.moment(connection)
            found = members.resolve(self.hub, connection, [self.member], None, moment.now)
            return accounts.look(connection, moment, found[self.member]) if found else None

    def lots(self) -> list[Any]:
        """What it has, with the shop's name left out."""
        standing = self.standing()
        found = standing.account.lots if standing else []
        return sorted((key._replace(issuer=key.issuer.replace(self.shop, "the shop")), points) for key, points in found)

    def suspect_points_to_spend(self) -> int:
        standing = self.standing()
        return sum(lot.points for lot in standing.spendable() if lot.key.issuer == self.shop) if standing else 0


@pytest.fixture
def hub(net: Network) -> Iterator[Hub]:
    yield net.hub
    assert broken_rows(net.hub) == []


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=DONE, after=st.lists(st.tuples(st.sampled_from(["capture", "redeem"]), SMALL) | st.just(("void", 0))))
def test_what_is_suspect_cannot_be_spent_and_a_release_leaves_no_trace(
    hub: Hub, before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    run = os.urandom(4).hex()
    other = f"z{run}"
    coalition.join(hub, other)
    stolen, twin = Life(hub, f"s{run}", other, run), Life(hub, f"t{run}", other, run)
    for what, how_much in before:
        stolen.do(what, how_much)
        twin.do(what, how_much)
    assert stolen.lots() == twin.lots()
    partners.revoke_key(hub, stolen.shop, stolen.keyid, stolen.since)
    assert len(reviews.listing(hub, stolen.shop)) == len(stolen.sold)
    assert stolen.suspect_points_to_spend() == 0
    assert stolen.lots() == twin.lots(), "a freeze moves nothing"
    for what, how_much in after:
        stolen.do(what, how_much)
        assert stolen.suspect_points_to_spend() == 0
    had = stolen.lots()
    for name in stolen.sold:
        reviews.release(hub, f"{stolen.shop}/{name}", "ada", "all is well")
    assert stolen.lots() == had
    standing = stolen.standing()
    open_holds = sum(standing.account.held.values()) if standing else 0
    total = sum(points for _, points in had)
    assert (sum(lot.points for lot in standing.spendable()) if standing else 0) == total - open_holds


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=DONE)
def test_a_rejection_leaves_nothing_of_what_was_suspect_but_what_is_promised(
    hub: Hub, before: list[tuple[str, int]]
) -> None:
    run = os.urandom(4).hex()
    other = f"z{run}"
    coalition.join(hub, other)
    stolen = Life(hub, f"s{run}", other, run)
    for what, how_much in before:
        stolen.do(what, how_much)
    partners.revoke_key(hub, stolen.shop, stolen.keyid, stolen.since)
    for name in stolen.sold:
        reviews.reject(hub, f"{stolen.shop}/{name}", "ada", "stolen")
    assert stolen.suspect_points_to_spend() == 0
    while stolen.held:
        stolen.do("void", 0)
