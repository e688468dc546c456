"""hansa-partner outbox: delivering in a process of its own, and looking into a file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from partner_sdk import Money
from partner_sdk.cli import main
from partner_sdk.outbox import Outbox

if TYPE_CHECKING:
    from partner_sdk.wire.keys import PrivateKey
    from tests.partner_sdk.conftest import Peer, Seen

PRICE = Money(1250, "USD")


def refuse_euros(seen: Seen) -> tuple[int, Any]:
    """Post what is in dollars."""
    return 200, {"results": [_result(one) for one in seen.json()["earnings"]]}


def _result(earning: Any) -> dict[str, Any]:
    if earning["amount"]["currency"] == "USD":
        return {"event_id": earning["event_id"], "status": "posted", "points": 12}
    error = {"code": "currency_mismatch", "detail": "in dollars, please"}
    return {"event_id": earning["event_id"], "status": "rejected", "points": 0, "error": error}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def environment(peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, path: Path) -> dict[str, str]:
    peer.now, peer.handle = time.time(), refuse_euros
    key_file = path.with_name("grocer.pem")
    key_file.write_bytes(partner_key.to_pem())
    key_file.chmod(0o600)
    return {
        "HANSA_HUB": peer.url,
        "HANSA_PARTNER_ID": "grocer",
        "HANSA_PARTNER_KEY": str(key_file),
        "HANSA_ROOT_KEY": root_key.public.text(),
        "HANSA_OUTBOX": str(path),
        "HANSA_PARTNER_JSON": "1",
    }


def shown(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_run_delivers_what_waits_and_says_what_was_set_aside(
    peer: Peer, path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Outbox(path) as outbox:
        right, wrong = (outbox.record_earning("card:1", Money(5, currency)) for currency in ("USD", "EUR"))
    assert main(["outbox", "run", "--drain"], environment) == 1
    entry, stats = shown(capsys)
    assert (entry["event_id"], entry["code"], entry["detail"]) == (wrong, "currency_mismatch", "in dollars, please")
    assert (stats["waiting"], stats["delivered"], stats["rejected"]) == (0, 1, 1)
    assert [one["event_id"] for one in peer.seen[0].json()["earnings"]] == [right, wrong]


def test_stats_list_and_retry_need_no_connection(
    path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Outbox(path) as outbox:
        wrong = outbox.record_earning("card:1", Money(5, "EUR"))
    main(["outbox", "run", "--drain"], environment)
    capsys.readouterr()
    alone = {name: environment[name] for name in ("HANSA_OUTBOX", "HANSA_PARTNER_JSON")}
    assert main(["outbox", "list"], alone) == 0
    assert [one["event_id"] for one in shown(capsys)] == [wrong]
    assert main(["outbox", "retry", wrong], alone) == 0
    assert main(["outbox", "stats", "--outbox", str(path)], {"HANSA_PARTNER_JSON": "1"}) == 0
    again, stats = shown(capsys)
    assert (again, stats["waiting"], stats["rejected"]) == ({"waiting_again": 1}, 1, 0)


def test_run_ends_when_it_is_asked_to(environment: dict[str, str], path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.record_earning("card:1", Money(5, "EUR"))
    script = "import sys; from partner_sdk.cli import main; sys.exit(main(sys.argv[1:]))"
    command = (sys.executable, "-c", script, "outbox", "run")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "currency_mismatch" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        stats = json.loads(process.stdout.read())
    assert (process.returncode, stats["rejected"]) == (1, 1)


@pytest.mark.parametrize("arguments", [["outbox"], ["outbox", "empty"], ["outbox", "list", "e-1"]])
def test_wrong_usage_is_named(arguments: list[str], environment: dict[str, str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments, environment)
    assert stop.value.code == 2


def test_a_file_that_is_missing_or_no_outbox_is_named(
    tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    del environment["HANSA_OUTBOX"]
    with pytest.raises(SystemExit):
        main(["outbox", "stats"], environment)
    assert "HANSA_OUTBOX" in capsys.readouterr().err
    assert main(["outbox", "stats", "--outbox", str(tmp_path / "missing")], environment) == 1
    assert "no such outbox" in capsys.readouterr().err
    (tmp_path / "other").write_bytes(b"\0" * 5000)
    assert main(["outbox", "stats", "--outbox", str(tmp_path / "other")], environment) == 1
    assert "no outbox" in capsys.readouterr().err
