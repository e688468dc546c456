"""Packs as partners and operators use them: commands, API, SDK, figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.hub.test_partner_cli import environment_of, run
from tests.support import agreements
from tests.support.coalition import NOON
from tests.support.network import Network, earn, sale
from tests.support.sdk import client_of

Run = Callable[..., Result]
PACKS = {"when_empty": "stop", "rest": "returns"}


@pytest.fixture
def hansa(net: Network, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on the shared hub."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: net.hub)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_pack_is_sold_by_two_people_and_seen_by_its_partner(
    net: Network, hansa: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, pack = net.join(), net.fresh("pack")
    agreements.agree(net.hub, bank.partner, agreements.ON_ISSUE | {"packs": PACKS}, NOON.date())
    offer = {
        "currency": "USD", "points": 100, "amount_minor": 95, "valid_from": "2017-01-01", "valid_until": "2017-12-31",
        "low_points": 20, "reserve_points": 10, "classes": ["base"],
    }  # fmt: skip
    (tmp_path / "offer.json").write_text(json.dumps(offer))
    sold = done(
        hansa("pack", "sell", bank.partner, pack, "--offer", str(tmp_path / "offer.json"), "--author", "ada", "--json")
    )
    with client_of(net, bank.partner) as client:
        assert [(one.pack, one.state, one.points) for one in client.packs()] == [(pack, "offered", 100)]
    answer = earn(bank, sale(net.fresh("s"), net.member(), 6_000))
    assert answer.json["results"][0]["error"]["code"] == "pack_exhausted"
    approve = ("pack", "approve", pack, "--digest", sold["digest"], "--author")
    assert "somebody else has to approve it" in hansa(*approve, "ada").stderr
    assert "no proposal" in hansa("pack", "approve", pack, "--digest", "00", "--author", "ben").stderr
    assert done(hansa(*approve, "ben", "--json"))["state"] == "open"
    for minor in (6_000, 3_000):
        assert earn(bank, sale(net.fresh("s"), net.member(), minor)).json["results"][0]["status"] == "posted"
    code, seen, _ = run(capsys, environment_of(net, bank, tmp_path), "pack", "list")
    assert (code, seen["left_points"], seen["drawn_points"], seen["reserved_points"]) == (0, 0, 90, 10)
    assert (seen["paid"], seen["classes"]) == ({"minor": 95, "currency": "USD"}, ["base"])
    figures = bank.exchange("GET", "/metrics", {}, None).body.decode()
    assert f'hansa_pack_drawn_points{{pack="{pack}",partner="{bank.partner}"}} 90.0' in figures
    assert done(hansa("pack", "open", pack, "--author", "ada", "--json"))["left_points"] == 10
    proposed = done(hansa("pack", "return", pack, "--author", "ada", "--json"))
    returned = hansa("pack", "return", pack, "--digest", proposed["digest"], "--author", "ben", "--json")
    assert done(returned)["paid_minor"] == 95 - 10
    assert pack in hansa("pack", "list", "--partner", bank.partner).output
    kinds = [one["kind"] for one in done(hansa("pack", "show", pack, "--json"))["moves"]]
    assert kinds == ["bought", "reserved", "told", "opened", "returned"]
    assert "no pack none" in hansa("pack", "show", "none").stderr
