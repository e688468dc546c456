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
from partner_sdk.wire.keys import ALGORITHMS, PrivateKey, key_id, verify_registration

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
    "held": 3,
    "debt": 0,
    "qualifying": 12,
    "expiring": [{"points": 7, "expires_on": "2017-07-31"}],
    "bonuses": [],
}
REFUND = {
    "event_id": "f-1",
    "refunds": "e-1",
    "occurred_at": "2017-01-02T10:00:00+01:00",
    "amount": {"minor": 1250, "currency": "USD"},
    "items": EARNING["items"],
}
LOTS = [{"issuer": "bank", "points": 5, "minor": 4}]
SPENT = {"redemption_id": "r", "status": "posted", "points": 5, "value": {"minor": 4, "currency": "USD"}, "lots": LOTS}
COMMANDS = [
    "keygen", "fingerprint", "enrol", "ping", "earn", "confirm", "refund", "balance", "redeem", "hold", "capture",
    "void", "reverse", "statement",
]  # fmt: skip


@pytest.fixture
def environment(peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, tmp_path: Path) -> dict[str, str]:
    """Everything that a command needs, as environment variables."""
    peer.now = time.time()
    key_file = tmp_path / "grocer.pem"
    key_file.write_bytes(partner_key.to_pem())
    key_file.chmod(0o600)
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


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_keygen_makes_keys_for_either_algorithm_and_fingerprint_shows_them(
    alg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key.pem"
    assert main(["keygen", str(file), "--alg", alg, "--json"], {}) == 0
    made = json.loads(capsys.readouterr().out)
    for environment in ({"HANSA_PARTNER_KEY": str(file)}, {"HANSA_PARTNER_KEY_PEM": file.read_text()}):
        assert main(["fingerprint", "--json", "--partner", "grocer"], environment) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["alg"], shown["thumbprint"]) == (alg, made["thumbprint"])
        assert shown["keyid"] == f"grocer.{made['thumbprint'][:16]}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_file_that_others_can_read_is_refused_with_the_command_to_run(
    mode: int, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(environment["HANSA_PARTNER_KEY"]).chmod(mode)
    _wrong_usage(["ping"], environment)
    assert f"chmod 600 {environment['HANSA_PARTNER_KEY']}" in capsys.readouterr().err


def test_enrol_shows_the_thumbprint(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    thumbprint = peer.partner_key.public.thumbprint()
    record = {"partner": "grocer", "keyid": "grocer.x", "state": "pending", "thumbprint": thumbprint}
    peer.handle = lambda seen: (200, record)
    assert main(["enrol"], environment) == 0
    assert f"thumbprint  {thumbprint}" in capsys.readouterr().out


def test_enrol_offline_prints_a_document_that_proves_itself(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enrol", "--offline"], environment | {"HANSA_HUB": "", "HANSA_ROOT_KEY": ""}) == 0
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
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[name] for name in answer} == answer
    assert shown["clock_offset_s"] < -86_400
    assert [sentence.split(" ")[0:2] for sentence in shown["advice"]] == [["Your", "clock"], ["Business", "time"]]


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
    peer.handle = lambda seen: (200, SPENT)
    assert main(["redeem", "r", "card:1", "5"], environment) == 0
    assert '"minor": 4' in capsys.readouterr().out
    assert main(["redeem", "r", "card:1", "5", "--pool"], environment) == 0
    asked = {"redemption_id": "r", "member": "card:1", "points": 5}
    assert [seen.json() for seen in peer.seen[-2:]] == [asked, asked | {"pool": True}]
    peer.handle = lambda seen: (409, problem("insufficient_points", "only 3 are available"))
    assert main(["redeem", "r2", "card:1", "5"], environment) == 1
    assert "insufficient_points: only 3 are available" in capsys.readouterr().err


EXCHANGED = {
    "exchange_id": "x", "state": "open", "direction": "out", "unit": "MILES", "source": 100, "target": 49,
    "rate_version": 1, "opened_at": "2017-01-10T12:00:00Z", "changed_at": "2017-01-10T12:00:00Z",
}  # fmt: skip


def test_the_state_of_exchanges_and_the_folder_of_the_key_lists_version_are_two_things(
    peer: Peer, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    peer.handle = lambda seen: (200, {"exchanges": [], "next_cursor": "c", "more": False})
    assert main(["exchanges", "--state", "open"], environment) == 0
    assert list((tmp_path / "empty").iterdir()) == []
    environment["HANSA_PARTNER_STATE"] = str(tmp_path / "kept")
    assert main(["exchanges"], environment) == 0
    assert peer.seen[-1].target.query == "?limit=1000"
    assert [one.name.partition(".")[0] for one in (tmp_path / "kept").iterdir()] == ["hub-keys"]


def test_exchanges_are_quoted_taken_ended_and_listed(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = {name: EXCHANGED[name] for name in ("direction", "unit", "source", "target", "rate_version")}
    peer.handle = lambda seen: (200, {"exchange": {**quoted, "quote_id": "q", "valid_until": "2017-01-10T12:10:00Z"}})
    assert main(["quote-exchange", "card:1", "out", "MILES", "100"], environment) == 0
    peer.handle = lambda seen: (200, EXCHANGED)
    assert main(["exchange", "x", "q", "card:1"], environment) == 0
    assert main(["confirm-exchange", "x"], environment) == 0
    assert main(["fail-exchange", "x", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["target"] == 49
    peer.handle = lambda seen: (200, {"exchanges": [EXCHANGED], "next_cursor": "c", "more": False})
    assert main(["exchanges", "--state", "open"], environment) == 0
    assert "exchange_id=x  state=open" in capsys.readouterr().out
    bodies = [seen.json() for seen in peer.seen[:2]]
    asked = {"member": "card:1", "direction": "out", "unit": "MILES", "amount": 100}
    assert bodies == [{"exchange": asked}, {"exchange_id": "x", "quote_id": "q", "member": "card:1"}]
    assert [seen.target.path for seen in peer.seen[2:]] == [
        "/v1/exchanges/x/confirm", "/v1/exchanges/x/fail", "/v1/exchanges",
    ]  # fmt: skip
    assert peer.seen[-1].target.query == "?state=open&limit=1000"


def test_faults_of_a_body_are_shown_line_by_line(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"pointer": "/points", "detail": "a whole number from 1 is expected"}]
    peer.handle = lambda seen: (422, problem("invalid_request", "no", errors=errors))
    assert main(["redeem", "r", "card:1", "0"], environment) == 1
    assert "  /points: a whole number from 1 is expected" in capsys.readouterr().err


HELD = {**SPENT, "status": "pending", "held_until": "2017-01-01T00:10:00+00:00"}
CAPTURED = {**SPENT, "released": 2}
VOIDED = {"redemption_id": "r", "status": "voided", "points": 5}
REVERSED = {**SPENT, "reversal_id": "v"}
CONFIRMED = {"event_id": "e-1", "status": "posted", "points": 5, "available_at": "2017-01-01T00:00:00+00:00"}
HOLD = {"redemption_id": "r", "member": "card:1", "points": 5, "hold": 600}
FOLLOWING: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], str]] = {
    "hold r card:1 5 600": ("", "held_until", HOLD, HELD, "2017-01-01T00:10:00+00:00"),
    "hold r card:1 5 600 --pool": ("", "points", HOLD | {"pool": True}, HELD, "5"),
    "capture r": ("/r/capture", "released", {}, CAPTURED, "2"),
    "capture r 3": ("/r/capture", "released", {"points": 3}, CAPTURED, "2"),
    "void r": ("/r/void", "points", {}, VOIDED, "5"),
    "reverse r": ("/r/reverse", "reversal_id", {}, REVERSED, "v"),
    "reverse r 5 --reversal-id v": ("/r/reverse", "points", {"points": 5, "reversal_id": "v"}, REVERSED, "5"),
}


@pytest.mark.parametrize("command", FOLLOWING)
def test_holds_and_what_follows_them(
    command: str, peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, name, asked, answer, shown = FOLLOWING[command]
    peer.handle = lambda seen: (200, answer)
    assert main([*command.split(), "--json"], environment) == 0
    assert str(json.loads(capsys.readouterr().out)[name]) == shown
    [seen] = peer.seen
    assert (seen.target.path, seen.json()) == (f"/v1/redemptions{path}", asked)
    peer.handle = lambda seen: (409, problem("hold_closed", "The hold is voided."))
    assert main(command.split(), environment) == 1
    assert capsys.readouterr().err == "hansa-partner: hold_closed: The hold is voided.\n"


def test_confirm_names_the_sale_in_its_path(
    peer: Peer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    peer.handle = lambda seen: (200, CONFIRMED)
    assert main(["confirm", "e-1"], environment) == 0
    assert "available_at  2017-01-01T00:00:00+00:00" in capsys.readouterr().out
    assert [(seen.target.path, seen.json()) for seen in peer.seen] == [("/v1/earnings/e-1/confirm", {})]


def test_refund_reports_a_file(
    peer: Peer, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = {name: REFUND[name] for name in ("refunds", "occurred_at")} | {"event_id": "f-2"}
    sums = {"taken": 9, "owed": 0, "borne": 3, "expired": 0}
    done = {"event_id": "f-1", "status": "posted", "points": 12, "amount": REFUND["amount"], **sums}
    rejected = {"event_id": "f-2", "status": "rejected", "points": 0}
    error = {"error": {"code": "exceeds_original", "detail": "Nothing of the sale is left."}}
    peer.handle = lambda seen: (200, {"results": [done, rejected | error]})
    assert main(["refund", _file(tmp_path, REFUND, whole)], environment) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert "taken=9  owed=0  borne=3  expired=0" in first
    assert "exceeds_original" in second
    utc = {"occurred_at": "2017-01-02T09:00:00+00:00"}
    assert peer.seen[0].json() == {"refunds": [REFUND | utc, whole | utc]}


def test_refund_ends_with_0_when_all_were_taken(peer: Peer, environment: dict[str, str], tmp_path: Path) -> None:
    peer.handle = lambda seen: (200, {"results": [{"event_id": "f-1", "status": "posted", "points": 0}]})
    assert main(["refund", _file(tmp_path, REFUND)], environment) == 0


def test_refund_names_the_line_at_fault_and_sends_nothing(
    peer: Peer, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["refund", _file(tmp_path, REFUND, EARNING)], environment) == 1
    assert "line 2" in capsys.readouterr().err
    assert peer.seen == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("hold", ["ID", "MEMBER", "POINTS", "SECONDS", "30 days", "--pool", "lapse"]),
        ("capture", ["ID", "POINTS", "all if left out", "released"]),
        ("void", ["ID", "hold"]),
        ("reverse", ["ID", "POINTS", "--reversal-id", "in parts"]),
        ("refund", ["FILE", "JSON lines", "event_id", "refunds", "occurred_at", "amount", "items", "all that is left"]),
        ("confirm", ["ID", "event id of the sale"]),
    ],
)
def test_the_help_of_what_follows_a_sale_is_enough(
    command: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"], {})
    shown = " ".join(capsys.readouterr().out.split())
    assert [word for word in words if word not in shown] == []


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
    assert json.loads(capsys.readouterr().out) == full | {"charges": [], "disputes": [], "withheld": [], "balances": []}
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
    "arguments",
    [
        ["dance"],
        ["balance"],
        ["redeem", "r", "card:1"],
        ["redeem", "r", "card:1", "all"],
        ["ping", "x"],
        ["hold", "r", "card:1", "5"],
        ["capture", "r", "all"],
        ["void"],
        ["reverse"],
        ["confirm"],
        ["refund"],
        ["quote-exchange", "card:1", "up", "MILES", "1"],
    ],
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], environment: dict[str, str]) -> None:
    _wrong_usage(arguments, environment)
