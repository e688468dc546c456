"""Loads of any batch size have a name; the drawings themselves take hours and are made by hand."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from tests.bench.bodies import KINDS, kind_of
from tests.bench.plan import Plan

PLAN = Plan("", 1, 0.0, 0.0, 1, "run", 10, "", "", {})


@pytest.mark.parametrize("size", [1, 7, 300])
def test_batches_of_any_size_carry_so_many_events(size: int) -> None:
    kind = kind_of(f"batches-{size}")
    assert kind is not None
    [first, second] = islice(kind.requests(PLAN), 2)
    ids = [one["event_id"] for request in (first, second) for one in json.loads(request.body)["earnings"]]
    assert (kind.events, len(set(ids))) == (size, 2 * size)


def test_other_names_are_those_of_the_table_or_of_nothing() -> None:
    assert kind_of("batches-100") is KINDS["batches-100"]
    assert kind_of("outbox") is None
