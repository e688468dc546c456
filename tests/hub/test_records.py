"""Records of a day or a cycle over the wire and as files, and explanations for the partner that sent the event."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.services import business_clock, explaining
from partner_sdk import Earning, InvalidRequestError, Money, NotFound
from partner_sdk.cli import main as partner_main
from partner_sdk.errors import HansaError
from tests.hub.test_partner_cli import environment_of
from tests.support import agreements, network
from tests.support.network import Network
from tests.support.sdk import business_time, client_of, sell

NOON = datetime(2017, 1, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        yield running
        assert network.broken_rows(running.hub) == []


class Told:
    """A partner with two days of records: a sale, a late one, a redemption, one that is declined; then a sale."""

    def __init__(self, net: Network) -> None:
        self.shop = net.join(terms={"late_days": 30})
        self.client = client_of(net, self.shop.partner)
        with client_of(net, "fuel") as fuel:
            member = sell(net, fuel, 100_000).member
        sell(net, self.client, 2_500, member)
        late = Earning("late-1", member, NOON - timedelta(days=60), Money(100, "USD"))
        assert self.client.earn([late])[0].status == "quarantined"
        self.client.hold("r-1", member, 40, 60)
        self.client.capture("r-1")
        with pytest.raises(HansaError, match="insufficient"):
            self.client.redeem("r-2", member, 10**6)
        business_clock.move(net.hub, NOON + timedelta(days=1))
        self.next = sell(net, self.client, 1_000, member)
        self.member = member


@pytest.fixture(scope="module")
def told(net: Network) -> Iterator[Told]:
    made = Told(net)
    yield made
    made.client.close()


def test_pages_hold_all_of_a_day_once_with_its_outcome(told: Told) -> None:
    pages = list(told.client.records(date(2017, 1, 10), limit=2))
    found = [one for page in pages for one in page.items]
    assert len(pages) > 1
    by_id = {one["event_id"]: one for one in found}
    assert len(by_id) == len(found) == 5
    assert (by_id["late-1"]["outcome"], by_id["late-1"]["code"]) == ("quarantined", "too_late")
    assert (by_id["r-2"]["outcome"], by_id["r-2"]["code"]) == ("rejected", "insufficient_points")
    assert by_id["r-1/capture"]["owed"] == [{"minor": -40, "currency": "USD"}]
    assert [one["points"] for one in found if one["kind"] == "earning" and one["outcome"] == "posted"] == [25]
    [tomorrow] = [one for page in told.client.records(date(2017, 1, 11)) for one in page.items]
    assert tomorrow["event_id"] == told.next.event_id
    cycle = [one["event_id"] for page in told.client.records(cycle="2017-01", limit=3) for one in page.items]
    assert sorted(cycle) == sorted([*by_id, told.next.event_id])
    assert next(told.client.records(date(2016, 1, 1))).items == ()


def test_a_question_that_makes_no_sense_is_refused(net: Network, told: Told) -> None:
    for path in ("", "?day=2017-01-10&cycle=2017-01", "?day=2017-02-30", "?cycle=x", "?day=%00"):
        assert told.shop.call("GET", f"/v1/records{path}").code == "invalid_request"
    pages = told.client.records(date(2017, 1, 10), limit=2)
    cursor = next(pages).next_cursor
    with pytest.raises(InvalidRequestError, match="cursor_invalid"):
        list(told.client.records(date(2017, 1, 11), cursor=cursor))
    assert told.shop.call("GET", "/v1/records?cycle=2017-W99").code in ("unknown_cycle", "invalid_request")


@pytest.mark.usefixtures("closed_at_last")
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_both_sides_write_the_same_file_and_the_hubs_is_signed(
    net: Network, told: Told, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, out, own = net.coalition.settings, tmp_path / f"hub.{suffix}", tmp_path / f"own.{suffix}"
    asked = ["partner", "records", told.shop.partner, "--cycle", "2017-01", "--out", str(out), "--json"]
    done = CliRunner().invoke(main, ["--data", str(settings.data), "--database-url", settings.database_url, *asked])
    assert done.exit_code == 0, done.output
    environment = environment_of(net, told.shop, tmp_path)
    assert partner_main(["records", "--cycle", "2017-01", "--out", str(own), "--json"], environment) == 0
    totals = json.loads(capsys.readouterr().out)
    assert totals == json.loads(done.stdout)
    assert (totals["records"], totals["points"], totals["rejected"], totals["quarantined"]) == (6, 115, 1, 1)
    assert out.read_bytes() == own.read_bytes()
    assert partner_main(["verify", "file", str(out)], environment) == 0
    text = out.read_bytes().decode()
    if suffix == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert rows[-1]["event_id"] == "totals"
        assert {one["owed"] for one in rows if one["event_id"] == "r-1/capture"} == {"'-40 USD"}
    else:
        assert json.loads(text.splitlines()[-1]) == {"totals": totals}


def test_an_event_is_explained_to_its_own_partner_alone(
    net: Network, told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told_why = told.client.explain(told.next.event_id)
    assert any("rule 1 (linear)" in one for one in told_why["why"])
    taken = told.client.explain("r-1/capture")
    assert taken["points"] == 40
    with client_of(net, "fuel") as fuel, pytest.raises(NotFound, match="unknown_event"):
        fuel.explain(told.next.event_id)
    said = json.dumps([told_why, taken])
    assert not re.search(r"[Mm]embers? [0-9]", said), said
    environment = environment_of(net, told.shop, tmp_path)
    assert partner_main(["explain", told.next.event_id], environment) == 0
    assert "rule 1 (linear)" in capsys.readouterr().out


def test_what_others_owe_and_their_packs_stay_theirs(net: Network) -> None:
    """A shop whose rate gives points of another that pays at issue is not told at which price."""
    giver = net.join()
    agreements.agree(net.hub, giver.partner, agreements.ON_ISSUE, business_time(net).date())
    shop = net.join(gives=({"issuer": giver.partner},))
    with client_of(net, shop.partner) as client:
        sold = sell(net, client, 1_000)
        told = client.explain(sold.event_id)
    assert any(giver.partner in one for one in told["moved"])
    assert told["owed"] == ["You owe nothing for it, and nobody owes you."]
    whole = explaining.explain(net.hub, f"{shop.partner}/{sold.event_id}")
    assert any(f"{giver.partner} owes" in one for one in whole["owed"]), whole["owed"]
