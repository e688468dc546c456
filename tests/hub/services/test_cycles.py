"""The points of a published position go home to their issuer, or back when more was taken back than redeemed."""

from __future__ import annotations

import pytest

from hub.core.ledger import NO_MEMBER
from hub.services.settled_points import settled
from settlement.core.positions import Position
from tests.support.coalition import Coalition


@pytest.mark.parametrize(
    ("points", "minor", "debit", "credit"),
    [(30, 27, "redeemed:fuel", "issued:bank"), (-30, -27, "issued:bank", "redeemed:fuel")],
)
def test_points_move_by_the_sign_of_their_position(
    built: Coalition, points: int, minor: int, debit: str, credit: str
) -> None:
    with built.hub.database.connect() as connection:
        moment = built.hub.moment(connection)
    event, transfer = settled("2017-01", moment, Position("bank", "fuel", "USD", 2, points, minor, b""))
    assert (event.kind, event.points, event.amount_minor, event.currency) == ("settlement", 30, minor, "USD")
    assert event.event_id == transfer.event_id == "settlement-2017-01-bank-fuel-USD"
    assert (transfer.debit_account, transfer.credit_account, transfer.points) == (debit, credit, 30)
    assert (transfer.issuer, transfer.member_id) == ("bank", NO_MEMBER)
