"""Arrays that are written by us arrive in PostgreSQL element by element, whatever they hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from settlement.store.arrays import array_of, columns_of

_WEST, _EAST = timezone(timedelta(hours=-5)), timezone(timedelta(minutes=345))
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_HARD = st.text(alphabet='a"\\,{}NUL x')
_ELEMENTS = {
    "text": _TEXT | _HARD,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "bytea": st.binary(),
    "date": st.dates(),
    # The calendar's first and last day may lie outside it in UTC, where the driver cannot read what PostgreSQL has.
    "timestamptz": st.datetimes(timezones=st.sampled_from([UTC, _WEST, _EAST])).filter(lambda at: 1 < at.year < 9999),
}
_TIMES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", _ELEMENTS)
def test_every_element_arrives(connection: Connection, kind: str) -> None:
    @_TIMES
    @given(st.lists(_ELEMENTS[kind]) | st.lists(st.none() | _ELEMENTS[kind]))
    def arrives(values: list[Any]) -> None:
        given = {"given": array_of(values)}
        assert connection.exec_driver_sql(f"SELECT %(given)s::{kind}[]", given).scalar_one() == values

    arrives()


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([], "{}"),
        ([None, None], "{NULL,NULL}"),
        (["NULL", None, ""], '{"NULL",NULL,""}'),
        (['a","b', "\\"], r'{"a\",\"b","\\"}'),
        ([date(2017, 1, 9), date.max], "{2017-01-09,9999-12-31}"),
        ([datetime(2017, 1, 9, 8, tzinfo=timezone(timedelta(hours=-5)))], "{2017-01-09T08:00:00-05:00}"),
        ([datetime(2017, 1, 9, 8, 0, 0, 1, UTC), None], "{2017-01-09T08:00:00.000001+00:00,NULL}"),
        ([b"\0\xff", b""], r'{"\\x00ff","\\x"}'),
    ],
)
def test_how_it_is_written(values: list[Any], written: str) -> None:
    assert array_of(values) == written


def test_no_rows_are_empty_columns() -> None:
    assert columns_of(("a", "b"), []) == {"a": "{}", "b": "{}"}
    assert columns_of(("a", "b"), [(1, "x"), (2, None)]) == {"a": "{1,2}", "b": '{"x",NULL}'}
