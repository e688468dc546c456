"""Members and their identifiers: who is whom, and what a partner may see."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import members
from hub.services.context import Hub
from tests.support.coalition import Coalition
from tests.support.services import earn, partner, post


def _enrol(hub: Hub, *entries: dict[str, Any]) -> list[str]:
    """Enrol, and return each entry's outcome in one word."""
    results = members.enrol(hub, partner(hub, "pharmacy"), list(entries))
    assert [one["member"] for one in results] == [entry["member"] for entry in entries]
    return [
        one["error"]["code"] if one["status"] == "rejected" else "known" if "duplicate" in one else "new"
        for one in results
    ]


def test_a_member_is_one_under_all_its_identifiers(built: Coalition) -> None:
    assert _enrol(built.hub, {"member": "card:1", "identifiers": ["phone:1", "email:A@b"]}) == ["new"]
    assert _enrol(built.hub, {"member": "phone:1", "identifiers": ["card:2"]}) == ["known"]
    earn(built.hub, "grocer", "e1", "card:2", 1_000)
    names = ("card:1", "phone:1", "email:a@B", "card:2")
    assert [members.view(built.hub, name)["available"] for name in names] == [10] * 4


def test_only_addresses_ignore_case(built: Coalition) -> None:
    assert _enrol(built.hub, {"member": "email:A@B"}, {"member": "email:a@b"}) == ["new", "known"]
    assert _enrol(built.hub, {"member": "token:A"}, {"member": "token:a"}) == ["new", "new"]


def test_an_entry_with_anothers_identifier_is_rejected_whole(built: Coalition) -> None:
    assert _enrol(built.hub, {"member": "card:1", "identifiers": ["phone:1"]}) == ["new"]
    taken = {"member": "card:2", "identifiers": ["phone:2", "phone:1"]}
    assert _enrol(built.hub, taken) == ["identifier_taken"]
    for name in ("card:2", "phone:2"):
        with pytest.raises(Refused) as refused:
            members.view(built.hub, name)
        assert refused.value.code == "unknown_member"


def test_entries_of_one_batch_see_each_other(built: Coalition) -> None:
    entries: list[dict[str, Any]] = [
        {"member": "card:1", "identifiers": ["phone:1"]},
        {"member": "card:1"},
        {"member": "card:2", "identifiers": ["phone:1"]},
        {"member": "phone:1", "identifiers": ["card:3"]},
        {"member": "card:3", "identifiers": ["card:3", "card:3"]},
    ]
    assert _enrol(built.hub, *entries) == ["new", "known", "identifier_taken", "known", "known"]


def test_no_identifier_is_stored_in_the_clear(built: Coalition) -> None:
    _enrol(built.hub, {"member": "email:someone@example.org", "identifiers": ["phone:+41441234567"]})
    earn(built.hub, "grocer", "e1", "card:4711471147114711", 1_000)
    with built.hub.database.connect() as connection:
        tables = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'hub'")
        ).scalars()
        rows = [str(row) for table in tables for row in connection.execute(text(f"TABLE hub.{table}"))]
    assert not [row for row in rows if "example" in row or "441234567" in row or "47114711" in row]


def test_what_expires_next_is_the_earliest_day_with_all_its_points(built: Coalition) -> None:
    _enrol(built.hub, {"member": "card:1"})
    assert members.view(built.hub, "card:1") == {
        "member": "card:1",
        "available": 0,
        "pending": 0,
        "held": 0,
        "debt": 0,
        "qualifying": 0,
        "next_to_expire": None,
        "expiring": [],
    }
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    earn(built.hub, "fuel", "e2", "card:1", 1_000)
    view = members.view(built.hub, "card:1")
    assert (view["available"], view["next_to_expire"]) == (15, {"points": 15, "expires_on": "2017-07-31"})
    assert members.outstanding(built.hub) == 15


def test_points_that_are_not_mature_are_pending(built: Coalition) -> None:
    earn(built.hub, "grocer", "e1", "card:1", 1_000)
    with built.hub.database.connect() as connection:
        connection.execute(text("UPDATE hub.lot SET matures_on = '2017-01-11'"))
    view = members.view(built.hub, "card:1")
    assert (view["available"], view["pending"], view["next_to_expire"]) == (0, 10, None)


def test_an_unknown_member_is_enrolled_by_the_contract_only(built: Coalition) -> None:
    sale = {
        "event_id": "e1",
        "member": "card:1",
        "occurred_at": "2017-01-10T09:00:00Z",
        "amount": {"minor": 1_000, "currency": "USD"},
    }
    assert post(built.hub, "pharmacy", sale)[0]["error"]["code"] == "unknown_member"
    assert post(built.hub, "grocer", sale)[0]["status"] == "posted"
    assert post(built.hub, "pharmacy", sale)[0]["status"] == "posted"
