"""Intake stores whole batches or nothing, in the caller's transaction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select

from settlement.core.lines import FIELDS, Obligation, line_digest
from settlement.errors import InvalidObligation, ObligationExists
from settlement.intake import record
from settlement.store.tables import obligation
from tests.settlement.sample import JANUARY

LINE = JANUARY[0]


def stored(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(obligation)).scalar_one()


def test_fields_digest_and_transaction_are_stored(connection: Connection) -> None:
    record(connection, JANUARY)
    rows = connection.execute(select(obligation).order_by(*obligation.primary_key)).all()
    assert [Obligation(*(getattr(row, name) for name in FIELDS)) for row in rows] == sorted(JANUARY)
    assert [row.digest for row in rows] == [line_digest(line) for line in sorted(JANUARY)]
    assert {row.tx for row in rows} == {connection.execute(select(func.pg_current_xact_id())).scalar_one()}


def test_nothing_to_record_does_nothing(connection: Connection) -> None:
    record(connection, [])
    assert stored(connection) == 0


def test_obligations_vanish_with_the_caller_s_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        record(connection, JANUARY)
        connection.rollback()
        assert stored(connection) == 0


def test_the_same_line_twice_is_refused_with_the_whole_batch(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, JANUARY[3:4])
    with pytest.raises(ObligationExists, match=JANUARY[3].event_id), engine.begin() as connection:
        record(connection, JANUARY)
    with engine.connect() as connection:
        assert stored(connection) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"points": 0},
        {"points": -1},
        {"points": 2**63},
        {"amount_minor": -1},
        {"amount_minor": 2**63},
        {"line": -1},
        {"line": 2**31},
        {"price_denominator": 0},
        {"price_numerator": -1},
        {"currency": "US"},
        {"partner_id": ""},
        {"issuer": ""},
        {"redeemer": ""},
        {"event_id": ""},
        {"event_id": "a\nb"},
        {"issuer": "a\0b"},
    ],
)
def test_what_cannot_be_an_obligation_is_refused(connection: Connection, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidObligation):
        record(connection, [*JANUARY[1:], LINE._replace(**change)])
