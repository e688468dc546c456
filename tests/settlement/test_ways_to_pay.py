"""The payments of a cycle leave nobody with anything to pay, either way."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import Connection, Engine

from settlement import cycles
from settlement.core.parties import OPERATOR
from settlement.errors import UnknownCycle
from settlement.payments.ways_to_pay import ways_to_pay


@pytest.mark.parametrize("direct", [True, False])
def test_the_payments_of_a_cycle_settle_its_nets(calculated_once: Engine, direct: bool) -> None:
    with calculated_once.connect() as connection:
        nets = cycles.show(connection, "2017-01").nets
        (way,) = ways_to_pay(connection, "2017-01", direct=direct)
    left = Counter({net.partner: net.net_minor for net in nets})
    for payer, payee, amount_minor in way.payments:
        left[payer] += amount_minor
        left[payee] -= amount_minor
    assert not any(left.values())
    assert len(way.payments) == (way.at_least if direct else sum(net.net_minor != 0 for net in nets))
    assert all(OPERATOR in one[:2] for one in way.payments) is not direct


def test_a_cycle_that_is_not_calculated_has_no_payments(connection: Connection) -> None:
    with pytest.raises(UnknownCycle):
        ways_to_pay(connection, "2017-01", direct=True)
