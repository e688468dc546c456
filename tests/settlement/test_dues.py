"""Dues of cycles in the database: carried by contract, brought to the next cycle, and held against what was stored."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from settlement import cycles, export
from settlement.core.dues import Due
from settlement.core.parties import OPERATOR
from settlement.errors import SettlementRefused
from settlement.payments.ways_to_pay import ways_to_pay
from settlement.recomputation.folder import recompute
from tests.settlement.agreed import agree
from tests.settlement.exported import put, rows_of
from tests.settlement.sample import AT, AUTHOR, LEDGER, close

LARGE = 10**6


def dues(connection: Connection, cycle: str) -> dict[str, Due]:
    return {due.party: due for due in cycles.show(connection, cycle).dues}


def test_without_a_contract_every_net_is_due(published_once: Engine) -> None:
    with published_once.connect() as connection:
        view = cycles.show(connection, "2017-01")
        assert {due.party: due.due_minor for due in view.dues} == {net.partner: net.net_minor for net in view.nets}
        assert not any(due.carried_minor for due in view.dues)


def test_a_small_net_is_carried_and_paid_with_the_next(posted: Engine) -> None:
    with posted.begin() as connection:
        agree(connection, "grocer", {"minimum_payment_minor": LARGE})
        agree(connection, "grocer", {}, date(2017, 2, 1))
    with posted.begin() as connection:
        close(connection)
    with posted.begin() as connection:
        close(connection, "2017-02")
        first, second = dues(connection, "2017-01"), dues(connection, "2017-02")
        assert (first["grocer"].due_minor, first["grocer"].carried_minor) == (0, first["grocer"].net_minor)
        assert first[OPERATOR].due_minor == -first[OPERATOR].carried_minor == first["grocer"].net_minor != 0
        assert second["grocer"].brought_minor == first["grocer"].net_minor
        assert second["grocer"].due_minor == first["grocer"].net_minor + second["grocer"].net_minor
        assert second[OPERATOR].carried_minor == 0
        (way,) = ways_to_pay(connection, "2017-01", direct=False)
        assert "grocer" not in {name for one in way.payments for name in one[:2]}
        assert cycles.audit(connection, "2017-01", LEDGER) == cycles.audit(connection, "2017-02", LEDGER) == []


def test_a_cycle_cannot_be_calculated_before_the_one_that_may_carry_to_it(posted: Engine) -> None:
    with posted.begin() as connection:
        cycles.cut_off(connection, "2017-01", author=AUTHOR, at=AT)
        cycles.cut_off(connection, "2017-02", author=AUTHOR, at=AT)
    with posted.begin() as connection, pytest.raises(SettlementRefused, match="2017-01 has to be calculated first"):
        cycles.calculate(connection, "2017-02", author=AUTHOR, at=AT)


TAMPERED = {
    "due": "UPDATE settlement.due SET due_minor = due_minor + 1 WHERE party = 'fuel'",
    "moved": "UPDATE settlement.due SET due_minor = 0, carried_minor = due_minor WHERE party = 'fuel'",
    "brought": "UPDATE settlement.due SET brought_minor = 5, due_minor = due_minor + 5 WHERE party = 'fuel'",
    "dropped": "DELETE FROM settlement.due WHERE party = 'fuel'",
    "added": "INSERT INTO settlement.due VALUES ('2017-01', 'fuel', 'EUR', 0, 0, 7, 7, 0)",
    "assigned": "UPDATE settlement.due SET party = 'fuels' WHERE party = 'fuel'",
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_tampered_due_is_named_and_the_cycle_not_published(calculated_once: Engine, kind: str) -> None:
    with calculated_once.connect() as connection:
        assert connection.execute(text(TAMPERED[kind])).rowcount == 1
        findings = [str(one) for one in cycles.check(connection, "2017-01", LEDGER)]
        assert any(line.startswith("[due] fuel") for line in findings), findings
        assert any("move 2017-01/2" in line for line in findings)


def test_all_dues_gone_is_a_break_in_the_history(calculated_once: Engine) -> None:
    with calculated_once.connect() as connection:
        connection.execute(text("DELETE FROM settlement.due"))
        assert "move 2017-01/2" in str(cycles.check(connection, "2017-01", LEDGER)[0])


def test_an_export_holds_the_dues_and_an_altered_one_is_named(published_once: Engine, tmp_path: Path) -> None:
    with published_once.connect() as connection:
        export.write(connection, "2017-01", tmp_path / "x")
        dues = cycles.show(connection, "2017-01").dues
    assert list(recompute(tmp_path / "x").claims.dues) == list(dues)
    rows = rows_of(tmp_path / "x", "dues")
    next(row for row in rows if row["party"] == "fuel")["due_minor"] += 1
    put(tmp_path / "x", "dues", rows)
    found = [str(one).split(":")[0] for one in recompute(tmp_path / "x").findings]
    assert found == ["[due] fuel (USD)", "[zero sum] USD", "[due] fuel (USD)"]


def test_an_export_from_before_there_were_dues_is_equal(published_once: Engine, tmp_path: Path) -> None:
    with published_once.connect() as connection:
        export.write(connection, "2017-01", tmp_path / "x")
    put(tmp_path / "x", "dues", [])
    assert recompute(tmp_path / "x").findings == []
