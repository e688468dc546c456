"""The scheme's rules: versions are only ever added, and what is left out stays as it was."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.core.claims import ClaimTerms
from hub.core.errors import Refused
from hub.services import schemes
from hub.services.context import Hub
from settlement.core.deadlines import Days
from tests.support.coalition import Coalition

JANUARY, MARCH = date(2017, 1, 1), date(2017, 3, 1)


@pytest.fixture
def hub(built: Coalition) -> Hub:
    return built.hub


def test_a_coalition_that_has_set_none_has_the_usual_rules(hub: Hub) -> None:
    [usual] = schemes.show(hub)
    assert usual == {
        "version": 0, "valid_from": None, "in_force": True, "burn_order": "restricted-first-1",
        "limit_per_transaction": None, "limit_per_day": None, "limit_per_year": None,
        "approval_above": 10_000, "adjustment_limit": None, "settlement_days": Days()._asdict(),
        "claims": ClaimTerms()._asdict(),
    }  # fmt: skip


def test_what_is_left_out_stays_as_it_was(hub: Hub) -> None:
    schemes.amend(hub, JANUARY, {"approval_above": 5, "limits": {"per_day": 10, "per_year": 20}})
    second = schemes.amend(hub, MARCH, {"burn_order": "expiry-first-1", "limits": {"per_day": None}})
    assert second == {
        "version": 2, "valid_from": "2017-03-01", "in_force": False, "burn_order": "expiry-first-1",
        "limit_per_transaction": None, "limit_per_day": None, "limit_per_year": 20,
        "approval_above": 5, "adjustment_limit": None, "settlement_days": Days()._asdict(),
        "claims": ClaimTerms()._asdict(),
    }  # fmt: skip
    third = schemes.amend(hub, JANUARY, {"approval_above": None, "limits": {"per_year": None, "per_day": 3}})
    assert (third["approval_above"], third["limit_per_day"], third["limit_per_year"]) == (10_000, 3, None)
    assert [(one["version"], one["in_force"]) for one in schemes.show(hub)] == [(1, False), (3, True), (2, False)]


@pytest.mark.parametrize(
    "changes",
    [
        {"burn_order": "alphabetic"},
        {"approval_above": -1},
        {"approval_above": 10**9 + 1},
        {"adjustment_limit": 0},
        {"limits": {"per_day": 0}},
        {"limits": {"per_week": 1}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(hub: Hub, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        schemes.amend(hub, JANUARY, changes)
    assert refused.value.code == "not_allowed"
    assert len(schemes.show(hub)) == 1
