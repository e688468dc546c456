"""hansa-partner: every command against the peer, its exit codes, and where its options come from."""

from __future__ import annotations

import io
import json
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from partner_sdk.cli import main
from partner_sdk.wire.codes import CODES, problem
from partner_sdk.wire.keys import PrivateKey, key_id, verify_registration

if TYPE_CHECKING:
    from tests.partner_sdk.conftest import Peer

EARNING = {
    "event_id": "e-1",
    "member": "card:1",
    "occurred_at": "2017-01-01T10:00:00+01:00",
    "amount": {"minor": 1250, "currency": "USD"},
    "items": [{"sku": "s", "category": "c", "quantity": 1, "minor": 1250}],
}
RESULT = {"event_id": "e-1", "status": "posted", "points": 0}
MEMBER = {
    "member": "card:1",
    "available": 7,
    "pending": 0,
    "next_to_expire": {"points": 7, "expires_on": "2017-07-31"},
}
COMMANDS = ["keygen", "register", "ping", "earn", "balance", "redeem", "statement"]


@pytest.fixture
def environment(peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, tmp_path: Path) -> dict[str, str]:
    """Everything that a command needs, as environment variables."""
    peer.now = time.time()
    key_file = tmp_path / "grocer.pem"
    key_file.write_bytes(partner_key.to_pem())
    return {
        "HANSA_HUB": peer.url,
        "HANSA_PARTNER_ID": "grocer",
        "HANSA_PARTNER_KEY": str(key_file),
        "HANSA_ROOT_KEY": root_key.public.text(),
        "HANSA_PARTNER_ATTEMPTS": "1",
    }


def _wrong_usage(arguments: list[str], environment: dict[str, str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments, environment)
    assert stop.value.code == 2


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {}) == 2
    shown = capsys.readouterr().err
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"], {})
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "HANSA_PARTNER_KEY" in shown
    assert "exit codes" in shown


def test_keygen_makes_a_file_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.pem"
    assert main(["keygen", str(file), "--partner", "grocer", "--json"], {}) == 0
    key = PrivateKey.from_pem(file.read_bytes())
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "thumbprint": key.public.thumbprint(),
        "keyid": key_id("grocer", key.public),
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keygen_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "old.pem"
    file.write_text("precious")
    assert main(["keygen", str(file)], {}) == 1
    assert file.read_text() == "precious"
    assert "exists" in capsys.readouterr().err


def test_keygen_locks_the_file_with_a_password(tmp_path: Path) -> None:
    file = tmp_path / "locked.pem"
    assert main(["keygen", str(file)], {"HANSA_PARTNER_KEY_PASSWORD": "open sesame"}) == 0
    assert PrivateKey.from_pem(file.read_bytes(), b"open sesame")


def test_register_shows_the_thumbprint(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    thumbprint = peer.partner_key.public.thumbprint()
    record = {"partner": "grocer", "keyid": "grocer.x", "state": "pending", "thumbprint": thumbprint}
    peer.handle = lambda seen: (200, record)
    assert main(["register"], environment) == 0
    assert f"thumbprint  {thumbprint}" in capsys.readouterr().out


def test_register_offline_prints_a_document_that_proves_itself(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["register", "--offline"], environment | {"HANSA_HUB": "", "HANSA_ROOT_KEY": ""}) == 0
    assert verify_registration(json.loads(capsys.readouterr().out)) == peer.partner_key.public


def test_ping_with_options_instead_of_the_environment(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {
        "partner": "grocer",
        "keyid": "grocer.x",
        "key_state": "active",
        "server_time": "2025-06-15T15:06:40+00:00",
        "business_time": "2017-01-01T00:00:00+00:00",
        "environment": "sandbox",
    }
    peer.handle = lambda seen: (200, answer)
    options = {"--hub": "HANSA_HUB", "--partner": "HANSA_PARTNER_ID", "--key": "HANSA_PARTNER_KEY",
               "--root-key": "HANSA_ROOT_KEY"}  # fmt: skip
    given = [word for option, variable in options.items() for word in (option, environment[variable])]
    assert main(["ping", *given, "--timeout", "2.5", "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out) == answer


def _file(tmp_path: Path, *lines: Any) -> str:
    file = tmp_path / "earnings.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(file)


def test_earn_reports_a_file(
    peer: Peer, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.handle = lambda seen: (200, {"results": [RESULT]})
    assert main(["earn", _file(tmp_path, EARNING, "")], environment) == 0
    assert capsys.readouterr().out == "event_id=e-1  status=posted  points=0\n"
    assert peer.seen[0].json()["earnings"] == [EARNING | {"occurred_at": "2017-01-01T09:00:00+00:00"}]


def test_earn_reads_standard_input(
    peer: Peer,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    peer.handle = lambda seen: (200, {"results": [RESULT]})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(EARNING).encode())))
    assert main(["earn", "-"], environment | {"HANSA_PARTNER_JSON": "1"}) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "posted"


def test_earn_ends_with_1_when_an_earning_is_rejected(
    peer: Peer, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejected = {**RESULT, "status": "rejected", "error": {"code": "no_rate", "detail": "none"}}
    peer.handle = lambda seen: (200, {"results": [rejected]})
    assert main(["earn", _file(tmp_path, EARNING)], environment) == 1
    assert "no_rate" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["{", "[]", '{"event_id":"e"}', '{"a":1.5}'])
def test_earn_names_the_line_at_fault_and_sends_nothing(
    line: str, peer: Peer, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["earn", _file(tmp_path, EARNING, line)], environment) == 1
    assert "line 2" in capsys.readouterr().err
    assert peer.seen == []


def test_earn_needs_its_file(environment: dict[str, str], tmp_path: Path) -> None:
    assert main(["earn", str(tmp_path / "missing")], environment) == 1


def test_balance_is_shown(peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    peer.handle = lambda seen: (200, MEMBER)
    assert main(["balance", "card:1"], environment) == 0
    assert "available       7\n" in capsys.readouterr().out
    assert main(["balance", "card:1", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out) == MEMBER


def test_redeem_is_done_or_refused(peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    done = {"redemption_id": "r", "status": "posted", "points": 5, "value": {"minor": 4, "currency": "USD"}}
    peer.handle = lambda seen: (200, {**done, "lots": [{"issuer": "bank", "points": 5, "minor": 4}]})
    assert main(["redeem", "r", "card:1", "5"], environment) == 0
    assert '"minor": 4' in capsys.readouterr().out
    peer.handle = lambda seen: (409, problem("insufficient_points", "only 3 are available"))
    assert main(["redeem", "r2", "card:1", "5"], environment) == 1
    assert "insufficient_points: only 3 are available" in capsys.readouterr().err


def test_faults_of_a_body_are_shown_line_by_line(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"pointer": "/points", "detail": "a whole number from 1 is expected"}]
    peer.handle = lambda seen: (422, problem("invalid_request", "no", errors=errors))
    assert main(["redeem", "r", "card:1", "0"], environment) == 1
    assert "  /points: a whole number from 1 is expected" in capsys.readouterr().err


def test_statements_are_listed_and_shown(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    head = {"cycle": "2017-01", "state": "published", "digest": "0", "published_at": "2017-02-01T00:00:00+00:00"}
    listed = {**head, "currency": "USD", "net_minor": 0}
    peer.handle = lambda seen: (200, {"statements": [listed], "next_cursor": "c", "more": False})
    assert main(["statement"], environment) == 0
    assert "net_minor=0" in capsys.readouterr().out
    full = {**head, "partner": "grocer", "nets": [], "positions": [], "pairs_of_cycle": []}
    peer.handle = lambda seen: (200, full)
    assert main(["statement", "2017-01", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out) == full
    peer.handle = lambda seen: (200, {"lines": [], "next_cursor": "c", "more": False})
    assert main(["statement", "2017-01", "--lines"], environment) == 0
    assert main(["statement", "2017-01"], environment | {"HANSA_PARTNER_LINES": "1"}) == 0
    assert [seen.target.path for seen in peer.seen[2:]] == ["/v1/statements/2017-01/lines"] * 2


@pytest.mark.parametrize("code", ["unknown_member", "key_pending", "unavailable", "partner_suspended"])
def test_a_refusal_ends_with_1_and_its_reason(
    code: str, peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    peer.handle = lambda seen: (CODES[code].status, problem(code, "because"))
    assert main(["balance", "card:1"], environment) == 1
    assert capsys.readouterr().err == f"hansa-partner: {code}: because\n"


def test_a_hub_that_is_not_there_ends_with_1(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["balance", "card:1"], environment | {"HANSA_HUB": "http://127.0.0.1:1"}) == 1
    assert "no answer" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["HANSA_HUB", "HANSA_PARTNER_ID", "HANSA_PARTNER_KEY", "HANSA_ROOT_KEY"])
def test_what_is_missing_is_named(
    variable: str, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    del environment[variable]
    _wrong_usage(["ping"], environment)
    assert variable in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"HANSA_HUB": "hub.example"},
        {"HANSA_PARTNER_KEY": "no/such/file"},
        {"HANSA_ROOT_KEY": "short"},
        {"HANSA_PARTNER_TIMEOUT": "soon"},
        {"HANSA_PARTNER_ATTEMPTS": "many"},
    ],
)
def test_a_wrong_setting_is_wrong_usage(change: dict[str, str], environment: dict[str, str]) -> None:
    _wrong_usage(["ping"], environment | change)


@pytest.mark.parametrize(
    "arguments", [["dance"], ["balance"], ["redeem", "r", "card:1"], ["redeem", "r", "card:1", "all"], ["ping", "x"]]
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], environment: dict[str, str]) -> None:
    _wrong_usage(arguments, environment)
