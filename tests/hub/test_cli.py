"""The command ``hansa``: every command's help, its exit codes, JSON for scripts, options from the environment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from hub.cli import COMMANDS, Commands, main
from partner_sdk.cli import main as partner_command
from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import PrivateKey, key_id, registration
from settlement.__main__ import main as verify_export
from tests.support.coalition import Coalition
from tests.support.exchange import IN, OUT, publish, take
from tests.support.network import broken_rows
from tests.support.services import earn

Run = Callable[..., Result]


@pytest.fixture
def hansa(postgres_url: str, tmp_path: Path, closed_at_last: None) -> Run:
    """Return a caller of ``hansa`` on a database and folder of its own, both named in the environment only."""
    environment = {"HANSA_DATA": str(tmp_path), "HANSA_DATABASE_URL": postgres_url}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def sandbox(hansa: Run) -> Run:
    """Return the caller, with a sandbox and one partner set up."""
    assert hansa("init", "--environment", "sandbox").exit_code == 0
    assert hansa("partner", "add", "grocer", "--name", "Grocer", "--from", "2017-01-01").exit_code == 0
    return hansa


def found(result: Result) -> Any:
    """Return what a command printed as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


@pytest.mark.parametrize("command", [(), *every_command(main)], ids=" ".join)
def test_help_says_what_a_command_does(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert len(result.output.splitlines()) > 4


def test_help_lists_what_each_command_says_of_itself_and_imports_none() -> None:
    """Half a second's worth of modules would be imported only to print their first sentences."""
    shown = " ".join(CliRunner().invoke(main, ["--help"], terminal_width=110).output.split())
    for name, module in COMMANDS.items():
        sentence = getattr(import_module(module), name).get_short_help_str(110 - 6 - max(map(len, COMMANDS)))
        assert f"{name} {sentence}" in shown
    code = "import sys; from hub.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sqlalchemy" not in ran.stdout


def test_every_command_of_the_table_is_there() -> None:
    assert isinstance(main, Commands)
    assert set(COMMANDS) == {
        "init",
        "serve",
        "worker",
        "demo",
        "partner",
        "key",
        "rate",
        "points",
        "scheme",
        "member",
        "adjust",
        "proposal",
        "review",
        "event",
        "exchange",
        "contract",
        "cycle",
        "operator",
        "payment",
        "reconcile",
        "dispute",
        "claim",
        "security",
        "default",
        "books",
        "file",
        "pack",
        "webhook",
        "ledger",
        "log",
        "clock",
        "openapi",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("partner", "add"),
        ("partner", "add", "grocer"),
        ("partner", "add", "grocer", "--name", "G", "--from", "yesterday"),
        ("partner", "add", "grocer", "--name", "G", "--life-months", "-1"),
        ("rate", "set", "grocer", "--currency", "USD"),
        ("rate", "set", "grocer", "--currency", "usd", "--price", "1"),
        ("rate", "set", "grocer", "--currency", "USD", "--price", "0.9"),
        ("rate", "set", "grocer", "--currency", "USD", "--price", "1", "--points", "1"),
        ("rate", "set", "grocer", "--currency", "USD", "--points", "1"),
        ("exchange", "rate", "set", "grocer", "--direction", "in", "--unit", "MILES"),
        ("exchange", "rate", "set", "grocer", "--direction", "up", "--unit", "MILES", "--rate", "1"),
        ("exchange", "rate", "set", "grocer", "--direction", "in", "--unit", "MILES", "--rate", "1", "--step", "0"),
        ("exchange", "list", "--state", "stuck"),
        ("exchange", "resolve", "grocer", "x", "confirm"),
        ("exchange", "resolve", "grocer", "x", "forget", "--reason", "r"),
        ("serve", "--port", "0"),
        ("init", "--environment", "production"),
        ("clock", "set", "noon"),
        ("partner", "key", "add", "there-is-no-such-file"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(hansa: Run, arguments: tuple[str, ...]) -> None:
    result = hansa(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


@pytest.mark.parametrize("command", [["init"], ["serve"], ["ledger", "check"]], ids=lambda command: command[0])
def test_a_file_is_no_folder_for_data(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["--data", str(tmp_path / "file"), *command])
    assert result.exit_code == 2
    assert "is a file" in result.output


def test_without_init_every_command_says_what_to_do(hansa: Run) -> None:
    result = hansa("partner", "list")
    assert result.exit_code == 1
    assert "hansa init" in result.stderr


def test_init_twice_keeps_everything(hansa: Run) -> None:
    first = found(hansa("init", "--environment", "sandbox", "--json"))
    assert first["environment"] == "sandbox"
    assert found(hansa("init", "--json")) == first
    other = hansa("init", "--environment", "live")
    assert other.exit_code == 1
    assert "sandbox already" in other.stderr


def test_secrets_that_others_can_read_are_refused(sandbox: Run, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "root.pem").chmod(0o644)
    result = sandbox("partner", "list")
    assert result.exit_code == 1
    assert "chmod 600" in result.stderr


def test_partners_are_added_listed_shown_and_suspended(sandbox: Run) -> None:
    shown = found(sandbox("partner", "show", "grocer", "--json"))
    assert (shown["name"], shown["status"], shown["contracts"][0]["life_months"]) == ("Grocer", "active", 6)
    assert [one["partner"] for one in found(sandbox("partner", "list", "--json"))] == ["grocer"]
    assert found(sandbox("partner", "suspend", "grocer", "--json"))["status"] == "suspended"
    assert found(sandbox("partner", "suspend", "grocer", "--undo", "--json"))["status"] == "active"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("partner", "add", "grocer", "--name", "Again"), "already"),
        (("partner", "add", "Grocer", "--name", "G"), "cannot be a partner id"),
        (("partner", "add", "coalition", "--name", "G"), "cannot be a partner id"),
        (("partner", "show", "nobody"), "no partner"),
        (("partner", "suspend", "nobody"), "no partner"),
        (("partner", "key", "list", "nobody"), "no partner"),
        (("partner", "key", "approve", "grocer", "grocer.x"), "no pending key"),
        (("partner", "key", "revoke", "grocer", "grocer.x"), "could be revoked"),
        (("rate", "set", "nobody", "--currency", "USD", "--price", "1"), "no partner"),
        (("rate", "set", "grocer", "--currency", "USD", "--price", "1/0"), "fraction"),
        (("rate", "set", "grocer", "--currency", "USD", "--price", "1001"), "1,000 minor units"),
        (("exchange", "rate", "list", "nobody"), "no partner"),
        (("exchange", "rate", "set", "grocer", "--direction", "in", "--unit", "miles", "--rate", "1"), "A-Z"),
        (("exchange", "rate", "set", "nobody", "--direction", "in", "--unit", "MILES", "--rate", "1"), "no partner"),
        (("exchange", "list", "--partner", "nobody"), "no partner"),
        (("exchange", "show", "grocer", "x"), "no exchange"),
        (("exchange", "resolve", "grocer", "x", "fail", "--reason", "lost"), "no exchange"),
        (("exchange", "resolve", "grocer", "x", "fail", "--reason", " "), "reason"),
        (("cycle", "show", "January"), "YYYY-MM"),
        (("cycle", "close", "January"), "YYYY-MM"),
        (("cycle", "close", "2999-01"), "not over"),
        (("cycle", "export", "2017-01", "x"), "no cycle"),
        (("cycle", "audit", "2017-01"), "not published"),
        (("cycle", "payments", "2017-01"), "not been cut off"),
    ],
)
def test_a_refusal_is_1_and_says_why(sandbox: Run, arguments: tuple[str, ...], reason: str) -> None:
    result = sandbox(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("refused: ")
    assert reason in result.stderr


def test_keys_are_added_approved_and_revoked(sandbox: Run, tmp_path: Path) -> None:
    keyids = []
    for _ in range(2):
        key = PrivateKey.generate()
        document = tmp_path / "registration.json"
        document.write_bytes(strict_json.dumps(registration("grocer", key)))
        assert found(sandbox("partner", "key", "add", str(document), "--json"))["state"] == "pending"
        keyids.append(key_id("grocer", key.public))
        assert found(sandbox("partner", "key", "approve", "grocer", keyids[-1], "--json"))["state"] == "active"
    states = {one["keyid"]: one["state"] for one in found(sandbox("partner", "key", "list", "grocer", "--json"))}
    assert states == {keyids[0]: "retiring", keyids[1]: "active"}
    assert found(sandbox("partner", "key", "revoke", "grocer", keyids[0], "--json"))["state"] == "revoked"


def test_a_file_that_is_no_registration_is_refused(sandbox: Run, tmp_path: Path) -> None:
    document = tmp_path / "registration.json"
    document.write_text('{"partner": "grocer"}')
    result = sandbox("partner", "key", "add", str(document))
    assert result.exit_code == 1
    assert "not a key registration" in result.stderr


def test_rates_are_dated_versions(sandbox: Run) -> None:
    earning = ("rate", "set", "grocer", "--currency", "USD", "--points", "2", "--per-minor", "100")
    assert found(sandbox(*earning, "--from", "2017-01-01", "--json"))["version"] == 1
    assert found(sandbox(*earning, "--from", "2017-02-01", "--json"))["version"] == 2
    price = found(sandbox("rate", "set", "grocer", "--currency", "USD", "--price", "9/10", "--json"))
    assert price["price"] == {"numerator": 9, "denominator": 10}
    listed = found(sandbox("rate", "list", "grocer", "--json"))
    assert [(one["kind"], one["version"]) for one in listed] == [("earning", 1), ("earning", 2), ("reimbursement", 1)]
    assert sandbox("rate", "list", "grocer").exit_code == 0


MILES = ("exchange", "rate", "set", "grocer", "--unit", "MILES", "--from", "2017-01-01", "--json")


def test_exchange_rates_are_dated_versions_and_no_gain_is_published(sandbox: Run) -> None:
    out = found(sandbox(*MILES, "--direction", "out", "--rate", "1/2", "--minimum", "100", "--step", "100"))
    assert (out["version"], out["valid_from"], out["exchange"]["quote_seconds"]) == (1, "2017-01-01", 600)
    usual = ("--spread", "0.02", "--rounding", "half-up", "--quote-seconds", "60", "--minimum", "100", "--step", "50")
    sale = ("--sold-at", "3/2", "--currency", "USD")
    into = found(sandbox(*MILES, "--direction", "in", "--rate", "2", *usual, *sale))
    assert into["exchange"] == {
        "direction": "in", "unit": "MILES", "rate": "2", "spread": "0.02", "minimum": 100, "step": 50,
        "rounding": "half-up", "quote_seconds": 60, "sold_at": "1.5", "currency": "USD",
    }  # fmt: skip
    refused = sandbox(*MILES, "--direction", "out", "--rate", "0.6", "--minimum", "100", "--step", "100")
    assert refused.exit_code == 1
    assert "going round: points -> unit:grocer:MILES" in refused.stderr
    assert found(sandbox("exchange", "rate", "list", "grocer", "--json")) == [into, out]
    sandbox("rate", "set", "grocer", "--currency", "USD", "--price", "9/10")
    for table in (("rate", "list", "grocer"), ("exchange", "rate", "list", "grocer")):
        assert "MILES" in sandbox(*table).output


@pytest.mark.usefixtures("closed_at_last")
def test_what_is_stuck_is_listed_shown_and_resolved(built: Coalition) -> None:
    """Against a coalition with an exchange in it, which only a partner's signed request can open."""
    hub, air = built.hub, "fuel"
    for terms in (OUT, IN):
        publish(hub, air, **terms)
    earn(hub, "grocer", "e1", "card:1", 50_000)
    take(hub, air, "x1", "card:1", "out", 100)
    environment = built.settings.to_environment()

    def hansa(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment)

    assert [one["exchange_id"] for one in found(hansa("exchange", "list", "--json"))] == ["x1"]
    assert found(hansa("exchange", "list", "--older-than", "1", "--partner", air, "--json")) == []
    listed = hansa("exchange", "list").output
    assert all(word in listed for word in ("x1", "100 points", "49 MILES", "2017-01-10T12:00:00Z"))
    steps = found(hansa("exchange", "show", air, "x1", "--json"))["steps"]
    assert [one["kind"] for one in steps] == ["exchange"]
    resolve = ("exchange", "resolve", air, "x1", "confirm", "--reason", "ticket 7", "--author", "alice", "--json")
    assert found(hansa(*resolve))["state"] == "confirmed"
    steps = found(hansa("exchange", "show", air, "x1", "--json"))["steps"]
    assert (steps[1]["kind"], steps[1]["operator"], steps[1]["reason"]) == (
        "exchange-confirmation", "alice", "ticket 7",
    )  # fmt: skip
    assert "alice" in hansa("exchange", "show", air, "x1").output
    refused = hansa("exchange", "resolve", air, "x1", "fail", "--reason", "ticket 8")
    assert (refused.exit_code, "The exchange is confirmed." in refused.stderr) == (1, True)
    assert broken_rows(hub) == []


def test_the_clock_of_a_sandbox_moves_forward_only(sandbox: Run) -> None:
    assert found(sandbox("clock", "set", "2017-02-10", "--json"))["business_time"] == "2017-02-10T00:00:00Z"
    assert found(sandbox("clock", "show", "--json"))["business_time"] == "2017-02-10T00:00:00Z"
    assert sandbox("clock", "set", "2017-02-09").exit_code == 1


def test_the_clock_of_a_live_hub_never_moves(hansa: Run) -> None:
    assert hansa("init").exit_code == 0
    result = hansa("clock", "set", "2017-02-10")
    assert result.exit_code == 1
    assert "only in a sandbox" in result.stderr


def test_a_cycle_is_closed_listed_shown_and_audited(sandbox: Run, tmp_path: Path) -> None:
    sandbox("clock", "set", "2017-02-10")
    proposed = found(sandbox("cycle", "close", "2017-01", "--author", "alice", "--json"))
    assert [move["author"] for move in proposed["moves"]] == ["alice"] * 2
    digest = proposed["proposal"]["digest"]
    assert f"hansa cycle publish 2017-01 --digest {digest}" in sandbox("cycle", "show", "2017-01").output
    own = sandbox("cycle", "publish", "2017-01", "--digest", digest, "--author", "Alice")
    assert (own.exit_code, "same_person" in own.stderr) == (1, True)
    closed = found(sandbox("cycle", "publish", "2017-01", "--digest", digest, "--author", "bob", "--json"))
    assert [(move["author"], move["maker"]) for move in closed["moves"]][2:] == [("bob", "alice")]
    assert [one["cycle"] for one in found(sandbox("cycle", "list", "--json"))] == ["2017-01"]
    assert found(sandbox("cycle", "show", "2017-01", "--json")) == closed
    assert sandbox("cycle", "show", "2017-01").exit_code == 0
    assert sandbox("cycle", "payments", "2017-01", "--direct").output == "2017-01: nothing to pay\n"
    assert sandbox("cycle", "audit", "2017-01").output == "2017-01: 0 findings\n"
    assert sandbox("cycle", "export", "2017-01", str(tmp_path / "cycle")).exit_code == 0
    assert verify_export(["verify", str(tmp_path / "cycle")]) == 0
    root = (tmp_path / "secrets" / "root.pub").read_text().strip()
    manifest = str(tmp_path / "cycle" / "manifest.json")
    assert partner_command(["verify", "file", manifest], {"HANSA_ROOT_KEY": root}) == 0
    for suffix in ("json", "csv", "parquet", "pdf"):
        path = str(tmp_path / f"s.{suffix}")
        assert sandbox("cycle", "statement", "2017-01", "grocer", path).exit_code == 0
        assert partner_command(["verify", "file", path], {"HANSA_ROOT_KEY": root}) == 0
    zh = ("cycle", "statement", "2017-01", "grocer", str(tmp_path / "s.json"), "--language", "zh")
    refused = sandbox(*zh)
    assert (refused.exit_code, "the same in every language" in refused.stderr) == (1, True)
    again = sandbox("cycle", "close", "2017-01")
    assert again.exit_code == 1
    assert "2017-01" in again.stderr


def test_a_published_cycle_is_brought_to_its_end_after_its_deadlines(sandbox: Run) -> None:
    sandbox("clock", "set", "2017-02-10")
    sandbox("scheme", "set", "--from", "2017-01-01", "--disputes-days", "3", "--final-days", "1")
    digest = found(sandbox("cycle", "close", "2017-01", "--author", "alice", "--json"))["proposal"]["digest"]
    sandbox("cycle", "publish", "2017-01", "--digest", digest, "--author", "bob")
    early = sandbox("cycle", "advance", "2017-01", "final")
    assert (early.exit_code, "may be disputed up to 2017-02-13" in early.stderr) == (1, True)
    assert found(sandbox("cycle", "list", "--json"))[0]["due_on"] == "2017-02-14"
    sandbox("clock", "set", "2017-02-20")
    assert found(sandbox("cycle", "list", "--json"))[0]["overdue"] is True
    assert "next: final by 2017-02-14, overdue" in sandbox("cycle", "show", "2017-01").output
    for state in ("final", "paid_in", "paid_out", "closed"):
        assert found(sandbox("cycle", "advance", "2017-01", state, "--json"))["state"] == state
    assert "due_on" not in found(sandbox("cycle", "list", "--json"))[0]


def test_a_proposal_is_withdrawn_and_a_cycle_calculated_again(sandbox: Run) -> None:
    sandbox("clock", "set", "2017-02-10")
    sandbox("cycle", "close", "2017-01", "--author", "alice")
    gone = found(sandbox("cycle", "withdraw", "2017-01", "--reason", "a price is wrong", "--json"))["proposal"]
    assert (gone["state"], gone["reason"]) == ("void", "a price is wrong")
    assert len(found(sandbox("cycle", "recalculate", "2017-01", "--json"))["moves"]) == 3
    digest = found(sandbox("cycle", "close", "2017-01", "--author", "alice", "--json"))["proposal"]["digest"]
    stale = sandbox("cycle", "publish", "2017-01", "--digest", gone["digest"], "--author", "bob")
    assert (stale.exit_code, "proposal_stale" in stale.stderr) == (1, True)
    assert "hexadecimal" in sandbox("cycle", "publish", "2017-01", "--digest", "x", "--author", "bob").stderr
    assert sandbox("cycle", "publish", "2017-01", "--digest", digest, "--author", "bob").exit_code == 0


def test_a_calendar_is_changed_from_a_day_on_which_both_begin(sandbox: Run) -> None:
    sandbox("clock", "set", "2017-01-10")
    assert found(sandbox("cycle", "calendar", "show", "--json"))["cycle"] == "2017-01"
    refused = sandbox("cycle", "calendar", "set", "weekly", "--from", "2017-03-01")
    assert (refused.exit_code, "2017-05-01 is the next day" in refused.stderr) == (1, True)
    for day, calendar in (("2017-04-01", "half_monthly"), ("2017-02-01", "forty_eight")):
        assert sandbox("cycle", "calendar", "set", calendar, "--from", day, "--author", "alice").exit_code == 0
    changes = found(sandbox("cycle", "calendar", "show", "--json"))["changes"]
    assert [(one["calendar"], one["holds"], one["author"]) for one in changes] == [
        ("half_monthly", False, "alice"),
        ("forty_eight", True, "alice"),
    ]
    sandbox("clock", "set", "2017-02-10")
    assert found(sandbox("cycle", "calendar", "show", "--json"))["ends_on"] == "2017-02-15"
    assert "cycles are forty_eight then" in sandbox("cycle", "show", "2017-02").stderr


def test_a_live_hub_closes_with_registered_operators_only(hansa: Run) -> None:
    assert hansa("init").exit_code == 0
    assert "no_such_role" in hansa("cycle", "close", "2017-01", "--author", "alice").stderr
    hansa("operator", "add", "alice", "--role", "maker")
    hansa("operator", "add", "bob", "--role", "approver", "--author", "alice")
    digest = found(hansa("cycle", "close", "2017-01", "--author", "alice", "--json"))["proposal"]["digest"]
    hansa("operator", "revoke", "bob", "--role", "approver")
    refused = hansa("cycle", "publish", "2017-01", "--digest", digest, "--author", "bob")
    assert (refused.exit_code, "no_such_role" in refused.stderr) == (1, True)
    assert [one["name"] for one in found(hansa("operator", "list", "--json"))] == ["alice"]
    assert len(found(hansa("operator", "list", "--all", "--json"))) == 2


def test_ledger_check_and_worker_on_an_empty_hub(sandbox: Run) -> None:
    assert all(one["row"] is None for one in found(sandbox("ledger", "check", "--json")))
    assert sandbox("ledger", "check").exit_code == 0
    assert sandbox("worker", "--once").exit_code == 0


def test_openapi_is_printed_without_a_hub() -> None:
    result = CliRunner().invoke(main, ["openapi"])
    assert json.loads(result.output)["openapi"] == "3.1.0"


def test_the_log_is_sealed_and_verified_by_hand(sandbox: Run, tmp_path: Path) -> None:
    assert found(sandbox("log", "seal", "--json")) == {"sealed": 0}
    kept = tmp_path / "checkpoint"
    kept.write_text(sandbox("log", "checkpoint").stdout, encoding="utf-8")
    assert sandbox("log", "verify", "--checkpoint", str(kept)).exit_code == 0
    kept.write_text("no checkpoint", encoding="utf-8")
    refused = sandbox("log", "verify", "--checkpoint", str(kept), "--json")
    assert refused.exit_code == 1
    assert "kept checkpoint" in refused.stdout
