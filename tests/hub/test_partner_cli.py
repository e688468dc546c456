"""hansa-partner against a real hub: what is wrong in words, tables of sales, statements that were checked."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.services import cycles, partners
from partner_sdk.cli import main
from partner_sdk.wire.keys import PrivateKey, key_id, registration
from tests.support import network
from tests.support.network import Network
from tests.support.raw import RawClient
from tests.support.server import free_port

Environment = dict[str, str]


@pytest.fixture
def shop(net: Network) -> RawClient:
    return net.join()


@pytest.fixture
def environment(net: Network, shop: RawClient, tmp_path: Path) -> Environment:
    return environment_of(net, shop, tmp_path)


def environment_of(net: Network, shop: RawClient, folder: Path) -> Environment:
    key = folder / "key.pem"
    key.write_bytes(shop.key.to_pem())
    key.chmod(0o600)
    return {
        "HANSA_HUB": net.server.url,
        "HANSA_PARTNER_ID": shop.partner,
        "HANSA_PARTNER_KEY": str(key),
        "HANSA_ROOT_KEY": net.hub.keyring.root.public.text(),
        "HANSA_PARTNER_ATTEMPTS": "1",
    }


def run(capsys: pytest.CaptureFixture[str], environment: Environment, *arguments: str) -> tuple[int, Any, str]:
    code = main([*arguments, "--json"], environment)
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else None, shown.err


# --- ping ---


def test_ping_says_that_all_is_well(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    code, found, _ = run(capsys, environment, "ping")
    assert (code, found["key_state"], abs(found["clock_offset_s"]) < 30) == (0, "active", True)
    assert [sentence[:13] for sentence in found["advice"]] == ["Business time"]


def _another_hub(net: Network, environment: Environment) -> None:
    environment["HANSA_HUB"] = f"http://127.0.0.1:{free_port()}"


def _another_root(net: Network, environment: Environment) -> None:
    environment["HANSA_ROOT_KEY"] = PrivateKey.generate().public.text()


def _another_host(net: Network, environment: Environment) -> None:
    environment["HANSA_HUB"] = environment["HANSA_HUB"].replace("127.0.0.1", "127.0.0.2")


def _unknown_host(net: Network, environment: Environment) -> None:
    environment["HANSA_HUB"] = "http://hub.invalid"


def _new_key(net: Network, environment: Environment, state: str = "unknown") -> None:
    key, partner = PrivateKey.generate(), environment["HANSA_PARTNER_ID"]
    Path(environment["HANSA_PARTNER_KEY"]).write_bytes(key.to_pem())
    if state != "unknown":
        partners.register_key(net.hub, registration(partner, key))
    if state == "revoked":
        partners.revoke_key(net.hub, partner, key_id(partner, key.public))


def _pending_key(net: Network, environment: Environment) -> None:
    _new_key(net, environment, "pending")


def _revoked_key(net: Network, environment: Environment) -> None:
    _new_key(net, environment, "revoked")


def _suspended(net: Network, environment: Environment) -> None:
    partners.set_status(net.hub, environment["HANSA_PARTNER_ID"], "suspended")


def _live_key(net: Network, environment: Environment) -> None:
    Path(environment["HANSA_PARTNER_KEY"]).write_bytes(PrivateKey.generate("live").to_pem())


ILLS: dict[str, tuple[Callable[[Network, Environment], None], str]] = {
    "unreachable": (_another_hub, "no connection"),
    "wrong_root_key": (_another_root, "Compare the root key"),
    "unknown_key": (_new_key, "hansa-partner enrol"),
    "key_pending": (_pending_key, "telephone"),
    "key_revoked": (_revoked_key, "revoked, for good"),
    "partner_suspended": (_suspended, "suspended this partner"),
    "wrong_environment": (_live_key, "for live hubs, and"),
    "no_such_host": (_unknown_host, "Nobody knows the host"),
}


@pytest.mark.parametrize("finding", ILLS)
def test_ping_says_what_is_wrong_and_what_to_do(
    finding: str, net: Network, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    make_ill, words = ILLS[finding]
    make_ill(net, environment)
    code, found, _ = run(capsys, environment, "ping")
    assert (code, found["finding"]) == (1, finding)
    assert words in found["advice"][0]
    assert main(["ping"], environment) == 1
    assert words in capsys.readouterr().err


def test_the_signature_base_is_shown_and_the_key_is_not(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["balance", "card:nobody", "--debug-signature"], environment) == 1
    shown = capsys.readouterr()
    assert '"@path": /v1/members/card%3Anobody\n"@query": ?\n"@signature-params": (' in shown.err
    pem = Path(environment["HANSA_PARTNER_KEY"]).read_text().splitlines()[1]
    assert pem[20:] not in shown.out + shown.err


def test_registering_binds_a_key_file_to_the_hubs_environment(
    net: Network, environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new.pem"
    environment |= {"HANSA_PARTNER_KEY": str(file), "HANSA_PARTNER_KEY_PASSWORD": "open sesame"}
    assert run(capsys, environment, "keygen", str(file))[0] == 0
    assert not file.read_bytes().startswith(b"Hansa-Environment")
    for _ in range(2):
        assert run(capsys, environment, "enrol")[1]["state"] == "pending"
        key = PrivateKey.from_pem(file.read_bytes(), b"open sesame")
        assert (key.environment, stat.S_IMODE(file.stat().st_mode)) == ("sandbox", 0o600)
    assert [one.name for one in tmp_path.iterdir() if "new" in one.name] == ["new.pem"]


def test_a_key_made_for_live_hubs_is_not_registered_in_a_sandbox(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment["HANSA_PARTNER_KEY"] = str(tmp_path / "live.pem")
    assert run(capsys, environment, "keygen", str(tmp_path / "live.pem"), "--environment", "live")[0] == 0
    assert main(["enrol"], environment) == 1
    assert "for live hubs, and" in capsys.readouterr().err
    assert main(["enrol", "--offline"], environment) == 0
    assert json.loads(capsys.readouterr().out)["environment"] == "live"


# --- tables ---


def test_a_table_is_reported_and_again_without_harm(
    net: Network, environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, card = tmp_path / "sales.csv", net.fresh("9")
    rows = [f"{net.fresh('b')};{card};10.01.2017 09:00;{amount}" for amount in ("19,99", "5,5", "five")]
    table.write_text("\n".join(["Bon;Karte;Zeit;Betrag", *rows, ""]))
    mapped = [f"--map={pair}" for pair in ("event_id=Bon", "member=Karte", "occurred_at=Zeit", "amount=Betrag")]
    asked = ["earn", "--file", str(table), *mapped, "--currency=USD", "--decimal-comma", "--utc-offset=+01:00",
             "--time-format=%d.%m.%Y %H:%M"]  # fmt: skip
    for duplicates in (0, 2):
        code, counts, _ = run(capsys, environment, *asked)
        assert code == 1
        assert counts == {"posted": 2, "unreadable": 1, "duplicates": duplicates, "results": f"{table}.results.csv"}
    assert run(capsys, environment, "balance", f"card:{card}")[1]["available"] == 24


def test_a_table_that_is_not_there_or_not_mapped(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, environment, "earn", "--file", str(tmp_path / "none.csv"))[0] == 1
    with pytest.raises(SystemExit):
        main(["earn", "--file", "x.csv", "--map", "nonsense=Bon"], environment)
    assert "knows no 'nonsense'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["earn"], environment)


# --- statements ---


def test_a_statement_is_saved_once_it_was_checked(
    module_postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with network.running(module_postgres_url, tmp_path / "data", workers=1) as own:
        grocer, fuel = own.client("grocer"), own.client("fuel")
        network.earn(grocer, network.sale("e1", "card:1", 20_000))
        network.redeem(fuel, "r1", "card:1", 120)
        network.redeem(grocer, "r2", "card:1", 30)
        cycles.close_and_publish(own.hub, "2017-01", "operator", "second operator")
        environment, saved = environment_of(own, fuel, tmp_path), tmp_path / "january.json"
        code, shown, _ = run(capsys, environment, "statement", "2017-01", "--save", str(saved))
    assert (code, shown["lines"], shown["faults"]) == (0, 1, 0)
    written = json.loads(saved.read_bytes())
    assert [line["event_id"] for line in written["lines"]] == ["r1"]
    assert [net["receive_minor"] for net in written["nets"]] == [120]
