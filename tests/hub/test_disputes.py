"""Disputes over the wire: the real SDK asks, the operator decides by command, and the partner is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from hub.cli import main
from hub.services import business_clock, cycles, disputes
from hub.store import webhooks
from hub.store.webhooks import Name
from hub.worker import run
from partner_sdk import Client, Conflict, DisputedLine, EventConflict, InvalidRequestError, NotFound
from partner_sdk.cli import main as partner_main
from partner_sdk.statement_check import check
from partner_sdk.wire import disputing
from settlement.core.disputes import REASONS, STATES
from tests.support import network
from tests.support.network import Network
from tests.support.sdk import client_of, sell

FEBRUARY = datetime(2017, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network in which the grocer owes fuel 40 for `r1` of January, which is published."""
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        with client_of(running, "grocer") as grocer, client_of(running, "fuel") as fuel:
            fuel.redeem("r1", sell(running, grocer, 5_000).member, 40)
        business_clock.move(running.hub, FEBRUARY)
        with running.hub.database.connect() as connection:
            webhooks.set_webhook(
                connection, Name("grocer", "w"), "https://127.0.0.1/", ["dispute.moved"], running.hub.real_time()
            )
        cycles.close_and_publish(running.hub, "2017-01", "olga", "rosa")
        yield running
        assert network.broken_rows(running.hub) == []


@pytest.fixture
def grocer(net: Network) -> Iterator[Client]:
    with client_of(net, "grocer") as client:
        yield client


@pytest.fixture
def fuel(net: Network) -> Iterator[Client]:
    with client_of(net, "fuel") as client:
        yield client


def line(minor: int) -> DisputedLine:
    return DisputedLine("fuel", "r1", 1, minor)


def told(net: Network) -> list[str]:
    query = text("SELECT topic || ' ' || subject FROM hub.webhook_message WHERE topic = 'dispute.moved'")
    with net.hub.database.connect() as connection:
        return list(connection.execute(query).scalars())


def test_the_wire_knows_the_reasons_and_states_of_settlement() -> None:
    assert (*REASONS,) == disputing.REASONS
    assert {*STATES} == {*disputing.STATES}


def test_a_dispute_goes_to_its_second_stage_and_is_on_both_statements(net: Network, grocer: Client) -> None:
    evidence = {"events": ["e1"], "note": "the pump was closed"}
    opened = grocer.dispute("d1", "2017-01", [line(10)], "fraud", "see the note", evidence)
    assert (opened.state, str(opened.due_on), opened.moves[0].evidence) == ("opened", "2017-02-15", evidence)
    assert grocer.dispute("d1", "2017-01", [line(10)], "fraud", "see the note", evidence) == opened
    disputes.decide(net.hub, "grocer", "d1", [4], "four are yours", "olga")
    assert grocer.escalate_dispute("d1", "wrong_amount").state == "escalated"
    disputes.decide(net.hub, "grocer", "d1", [0], "no", "olga")
    gone = grocer.withdraw_dispute("d1")
    assert (gone.state, gone.accepted_minor, len(gone.moves)) == ("withdrawn", 4, 5)
    assert grocer.dispute_state("d1") == gone
    [stated] = grocer.statement("2017-01").disputes
    assert (stated.dispute_id, stated.moves) == ("d1", ())


def test_what_is_refused_has_its_code(grocer: Client, fuel: Client) -> None:
    for code, cycle, asked in (
        ("unknown_cycle", "2016-11", line(1)),
        ("unknown_line", "2017-01", DisputedLine("fuel", "r2", 1, 1)),
        ("exceeds_original", "2017-01", line(41)),
    ):
        with pytest.raises((NotFound, Conflict), match=code):
            grocer.dispute("bad", cycle, [asked], "fraud")
    with pytest.raises(NotFound, match="unknown_dispute"):
        fuel.dispute_state("bad")
    with pytest.raises(NotFound, match="unknown_dispute"):
        fuel.withdraw_dispute("bad")
    with pytest.raises(InvalidRequestError, match="invalid_request"):
        fuel.dispute("bad", "2017-01", [line(1)], "other")
    with pytest.raises(InvalidRequestError, match="invalid_request"):
        fuel.dispute("bad", "2017-01", [line(1)], "fraud", "a\x1bb")
    fuel.dispute("mine", "2017-01", [line(1)], "fraud")
    with pytest.raises(EventConflict):
        fuel.dispute("mine", "2017-01", [line(2)], "fraud")
    with pytest.raises(Conflict, match="dispute_closed"):
        fuel.escalate_dispute("mine", "fraud")


def test_lists_are_of_the_caller_alone_and_go_on(fuel: Client, grocer: Client) -> None:
    for name in ("p1", "p2", "p3"):
        grocer.dispute(name, "2017-01", [line(1)], "returned")
    pages = list(grocer.disputes(limit=2))
    ids = [one.dispute_id for page in pages for one in page.items]
    assert ids == sorted(ids)
    assert {"p1", "p2", "p3"} <= {*ids}
    assert len(pages) > 1
    assert not {one.dispute_id for page in fuel.disputes() for one in page.items} & {"p1", "p2", "p3"}
    with pytest.raises(InvalidRequestError, match="cursor_invalid"):
        list(fuel.disputes(pages[0].next_cursor))


def operate(net: Network, *arguments: str) -> Any:
    settings = net.coalition.settings
    options = ["--data", str(settings.data), "--database-url", settings.database_url]
    done = CliRunner().invoke(main, [*options, "dispute", *arguments, "--json"])
    return json.loads(done.stdout) if done.exit_code == 0 else done.stderr


@pytest.mark.usefixtures("closed_at_last")
def test_operators_decide_by_command(net: Network, grocer: Client) -> None:
    grocer.dispute("c1", "2017-01", [line(2)], "not_ours")
    assert "c1" in {one["dispute_id"] for one in operate(net, "list", "--state", "opened", "--partner", "grocer")}
    assert operate(net, "show", "grocer", "c1")["moves"][0]["reason"] == "not_ours"
    assert "not in arbitration" in operate(net, "arbitrate", "grocer", "c1", "--minor", "1", "--text", "so")
    for state in ("escalated", "arbitration"):
        assert operate(net, "reject", "grocer", "c1", "--text", "no")["state"].startswith("rejected")
        assert grocer.escalate_dispute("c1", "fraud", state).state == state
    arbitrated = operate(net, "arbitrate", "grocer", "c1", "--minor", "1", "--text", "half each")
    assert (arbitrated["state"], arbitrated["accepted_minor"]) == ("decided", 1)
    assert "is decided" in operate(net, "accept", "grocer", "c1", "--text", "all")


@pytest.mark.usefixtures("closed_at_last")
def test_above_the_limit_a_second_operator_approves(net: Network, grocer: Client) -> None:
    [rules] = operate(net, "rules", "--set", "--limit-minor", "1", "--treatment", "reserve")
    assert (rules["limit_minor"], rules["answer_days"]) == (1, 14)
    grocer.dispute("two", "2017-01", [line(2)], "not_ours")
    proposed = operate(net, "accept", "grocer", "two", "--text", "yes", "--author", "olga")
    assert proposed["state"] == "opened"
    approve = ("approve", "grocer", "two", "--digest")
    assert "same_person" in operate(net, *approve, proposed["proposed"], "--author", "olga")
    assert "hexadecimal" in operate(net, *approve, "zz", "--author", "rosa")
    assert operate(net, *approve, proposed["proposed"], "--author", "rosa")["state"] == "accepted"
    assert f"dispute.moved two {2}" in told(net)


def test_a_partner_disputes_by_command(
    net: Network, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(net.coalition.keys["grocer"].to_pem())
    key.chmod(0o600)
    root = net.hub.keyring.root.public
    for name, value in {"HUB": net.server.url, "PARTNER_ID": "grocer", "PARTNER_KEY": str(key)}.items():
        monkeypatch.setenv(f"HANSA_{name}", value)
    monkeypatch.setenv("HANSA_ROOT_KEY", root.text())
    asked = ["--cycle", "2017-01", "--line", "fuel/r1/1=1", "--reason", "other", "--text", "why"]

    def say(*arguments: str) -> Any:
        assert partner_main(["dispute", *arguments, "--json"]) == 0
        return [json.loads(one) for one in capsys.readouterr().out.splitlines()]

    assert say("open", "cli", *asked, "--event", "e1")[0]["state"] == "opened"
    assert say("show", "cli")[0]["moves"][0]["evidence"] == {"events": ["e1"]}
    assert "cli" in [one["dispute_id"] for one in say("list")]
    assert say("withdraw", "cli")[0]["state"] == "withdrawn"
    for wrong in (["open", "x"], ["show"], ["list", "x"], ["open", "x", *asked, "--line", "r1"]):
        with pytest.raises(SystemExit):
            partner_main(["dispute", *wrong])


def test_silence_ends_a_stage_and_the_next_statement_has_all_of_it(net: Network, grocer: Client, fuel: Client) -> None:
    """The last test of the file, since it moves the clock."""
    grocer.dispute("late", "2017-01", [line(3)], "not_ours")
    business_clock.move(net.hub, FEBRUARY + timedelta(days=15))
    run(net.hub, None, print)
    assert grocer.dispute_state("late").state == "accepted"
    assert "dispute.moved late 2" in told(net)
    with pytest.raises(Conflict, match="not_disputable"):
        grocer.dispute("after", "2017-01", [line(1)], "not_ours")
    cycles.advance(net.hub, "2017-01", "final", "olga")
    business_clock.move(net.hub, FEBRUARY + timedelta(days=28))
    cycles.close_and_publish(net.hub, "2017-02", "olga", "rosa")
    for client in (grocer, fuel):
        statement = client.statement("2017-02")
        lines = [one for page in client.statement_lines("2017-02") for one in page.items]
        assert {one.kind for one in lines} == {"adjustment"}
        assert check(statement, lines) == []
        assert [(one.opening_minor, one.closing_minor) for one in statement.balances] == [
            (0, statement.nets[0].net_minor)
        ]
        assert "late" in {one.dispute_id for one in statement.disputes}
    assert cycles.audit(net.hub, "2017-02") == []
