"""A partner that leaves gives out no more points; those that are out are spent, or not, and reserved for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.core.errors import Refused
from hub.services import business_clock, cycles
from hub.services.context import Hub
from tests.support.coalition import NOON, Coalition
from tests.support.network import broken_rows, sale
from tests.support.services import earn, post, redeem, refund

Run = Callable[..., Result]


@pytest.fixture
def hub(built: Coalition) -> Hub:
    """Return a hub where a member has 50 points of grocer and 20 of fuel."""
    earn(built.hub, "grocer", "e1", "card:1", 5_000)
    earn(built.hub, "fuel", "e2", "card:1", 4_000)
    return built.hub


@pytest.fixture
def wind_down(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a caller of ``hansa partner wind-down grocer`` on that hub."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: hub)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(main, ("partner", "wind-down", "grocer", *arguments, "--json"))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def code_of_a_sale(hub: Hub, event_id: str) -> str:
    return str(post(hub, "grocer", sale(event_id, "card:1", 1_000))[0]["error"]["code"])


def test_issuing_is_frozen_and_redemption_goes_on(hub: Hub, wind_down: Callable[..., Any]) -> None:
    found = wind_down("--redeemable", "--price", "9/10", "--expected", "0.7")
    assert found == {
        "partner": "grocer", "status": "winding_down", "outstanding_points": 50, "reserve_minor": 32,
    }  # fmt: skip
    assert code_of_a_sale(hub, "e3") == "issuing_frozen"
    assert post(hub, "grocer", sale("e1", "card:1", 5_000))[0]["duplicate"], "the first answer stands"
    assert redeem(hub, "fuel", "r1", "card:1", 30)["status"] == "posted"
    assert redeem(hub, "grocer", "r2", "card:1", 5)["status"] == "posted"
    assert refund(hub, "grocer", "b1", "e1", 1_000)["status"] == "posted"
    assert wind_down()["status"] == "winding_down"
    assert broken_rows(hub) == []


def test_points_of_who_has_left_are_there_and_cannot_be_spent(hub: Hub, wind_down: Callable[..., Any]) -> None:
    assert wind_down("--not-redeemable")["outstanding_points"] == 50
    with pytest.raises(Refused, match="too few"):
        redeem(hub, "pharmacy", "r1", "card:1", 21)
    assert redeem(hub, "pharmacy", "r2", "card:1", 20)["lots"][0]["issuer"] == "fuel"
    assert wind_down("--redeemable")["outstanding_points"] == 50
    assert redeem(hub, "pharmacy", "r3", "card:1", 21)["lots"][0]["issuer"] == "grocer"


def test_everything_about_it_is_exported_once(hub: Hub, wind_down: Callable[..., Any], tmp_path: Path) -> None:
    redeem(hub, "fuel", "r1", "card:1", 30)
    business_clock.move(hub, NOON + timedelta(days=31))
    cycles.close_and_publish(hub, "2017-01", "ada", "ben")
    folder = tmp_path / "grocer"
    found = wind_down("--redeemable", "--export", str(folder))
    assert found["files"] == ["partner.json", "statement-2017-01.json"]
    about = json.loads((folder / "partner.json").read_text())
    assert (about["partner"]["status"], about["outstanding_points"]) == ("winding_down", 50 - 10), (
        "fuel's 20 went first"
    )
    assert json.loads((folder / "statement-2017-01.json").read_text())["partner"] == "grocer"
    again = CliRunner().invoke(main, ("partner", "wind-down", "grocer", "--export", str(folder)))
    assert again.exit_code == 1
