"""Bulk files through the real SDK and a hub that runs: sent in parts, resumed, posted by the hub itself, answered."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from hub import file_worker
from hub.core.card_numbers import passes_luhn
from partner_sdk import Client, Conflict, EventConflict, NotFound
from partner_sdk.cli import main
from partner_sdk.wire.files import PART_BYTES
from tests.support import bulk, network
from tests.support.bulk import SALES, row, sales
from tests.support.network import Network
from tests.support.sdk import client_of

PLAIN = SALES | {"header": {"starts": "H", "file_id": {"from": 2}}}
LINES: dict[str, Any] = {
    "record": "earning",
    "format": "jsonl",
    "columns": {name: {"from": name} for name in ("event_id", "member", "occurred_at", "minor", "currency", "store")},
}
COLUMNAR = LINES | {"format": "parquet"}
FIXED: dict[str, Any] = {
    "record": "earning",
    "format": "fixed",
    "columns": {
        "event_id": {"from": [1, 40]},
        "member": {"from": [41, 40]},
        "occurred_at": {"from": [81, 20]},
        "minor": {"from": [101, 10]},
        "currency": {"from": [111, 3]},
    },
}
RECORD = {"event_id": "{}", "member": "card:1", "occurred_at": "2017-01-09T12:00:00Z", "minor": 100, "currency": "USD"}


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub"), workers=1) as running:
        for name, terms in {"plain": PLAIN, "lines": LINES, "columnar": COLUMNAR, "fixed": FIXED}.items():
            bulk.add_template(running.hub, "fuel", terms, name)
        yield running


@pytest.fixture(scope="module")
def client(net: Network) -> Iterator[Client]:
    with client_of(net, "fuel") as made:
        yield made


@pytest.fixture
def environment(net: Network, tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key.pem"
    key.write_bytes(net.coalition.keys["fuel"].to_pem())
    key.chmod(0o600)
    return {
        "HANSA_HUB": net.server.url, "HANSA_PARTNER_ID": "fuel", "HANSA_PARTNER_KEY": str(key),
        "HANSA_ROOT_KEY": net.hub.keyring.root.public.text(), "HANSA_PARTNER_JSON": "1",
    }  # fmt: skip


def long_file(name: str, parts: int) -> bytes:
    """A file of so many parts, most of it in a column that nobody asks for."""
    rows = [row(f"{name}-{number}", shop="s" * 60) for number in range(parts * PART_BYTES // 80)]
    return sales(name, rows)


def test_a_file_that_broke_off_is_resumed_and_posted_by_the_hub_itself(
    net: Network, client: Client, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = long_file("day", 2)
    raw, asked = net.client("fuel"), opening("day", content)
    assert raw.call("POST", "/v1/files", asked).json["missing"] == [1, 2, 3]
    assert raw.call("POST", "/v1/files/day/parts/2", part(content, 2)).status == 200
    assert raw.call("POST", "/v1/files/day/complete", {}).code == "parts_missing"
    path = tmp_path / "day.csv"
    path.write_bytes(content)
    assert main(["file", "send", "day", str(path), "--template", "plain", "--wait"], environment) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["state"], state["counts"]["posted"], state["missing"]) == ("posted", content.count(b"\n") - 3, [])
    assert main(["file", "results", "day", str(tmp_path / "out.csv")], environment) == 0
    table = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    posted = state["counts"]["posted"]
    assert len(table) == posted + 2
    assert table[-1][:4] == ["total", str(posted), f"posted={posted}", str(posted * 5)]
    assert client.send_file("day", "plain", path).state == "posted"
    figures = urlopen(f"{net.server.url}/metrics").read().decode()
    assert 'hansa_files{state="posted"}' in figures
    assert f'hansa_file_records{{outcome="posted"}} {float(posted)}' in figures


def test_a_refused_file_is_a_failure_of_the_command(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(gzip.compress(sales("bad", [row("bad-1")], minor=1)))
    command = ["file", "send", "bad", str(path), "--template", "plain", "--gzip", "--wait"]
    assert main(command, environment) == 1
    assert json.loads(capsys.readouterr().out)["reasons"][0]["code"] == "totals_mismatch"
    assert main(["file", "results", "bad", str(tmp_path / "x")], environment) == 1
    assert "file_not_posted" in capsys.readouterr().err
    assert main(["file", "send", "none", str(tmp_path / "none"), "--template", "plain"], environment) == 1


def test_each_step_is_once_and_of_its_partner(net: Network, client: Client, tmp_path: Path) -> None:
    content, raw, other = long_file("once", 1), net.client("fuel"), net.client("grocer")
    path = tmp_path / "once"
    path.write_bytes(content)
    for _ in range(2):
        assert raw.call("POST", "/v1/files", opening("once", content)).json["state"] == "receiving"
    assert raw.call("POST", "/v1/files", opening("once", b"x")).code == "event_conflict"
    assert raw.call("POST", "/v1/files", opening("other", b"x", template="none")).code == "unknown_template"
    assert raw.call("POST", "/v1/files", opening("other", b"x", corrects="none")).code == "unknown_file"
    for number, body, code in (
        ("1", part(content, 2), "invalid_request"), ("0", part(content, 1), "invalid_request"),
        ("3", part(content, 1), "invalid_request"), ("x", part(content, 1), "invalid_request"),
        ("1", {"content": ""}, "invalid_request"), ("1", {"content": "A"}, "invalid_request"),
        ("1", {"content": "Ä==="}, "invalid_request"), ("1", {"content": "A" * 700_000}, "invalid_request"),
    ):  # fmt: skip
        assert raw.call("POST", f"/v1/files/once/parts/{number}", body).code == code, (number, body)
    assert raw.call("POST", "/v1/files/once/parts/1", part(content, 1)).json == {"file_id": "once", "number": 1}
    assert raw.call("POST", "/v1/files/once/parts/1", part(content, 1)).json["duplicate"] is True
    wrong = {"content": b64encode(b"\0" * PART_BYTES).decode()}
    assert raw.call("POST", "/v1/files/once/parts/1", wrong).code == "event_conflict"
    for path_ in ("/v1/files/once", "/v1/files/once/results"):
        assert other.call("GET", path_).code == "unknown_file"
    assert other.call("POST", "/v1/files/once/parts/1", part(content, 1)).code == "unknown_file"
    with pytest.raises(Conflict, match="file_not_posted"):
        next(client.file_results("once"))
    with pytest.raises(NotFound, match="unknown_file"):
        client.file_state("nowhere")
    client.send_file("once", "plain", path)
    wait(client, "once")
    assert raw.call("POST", "/v1/files/once/parts/2", part(content, 2)).json["duplicate"] is True
    path.write_bytes(b"other")
    with pytest.raises(EventConflict):
        client.send_file("once", "plain", path)


def opening(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"file_id": name, "template": "plain", "bytes": len(content), "sha256": sha256(content).hexdigest(), **more}


def part(content: bytes, number: int) -> dict[str, str]:
    return {"content": b64encode(content[(number - 1) * PART_BYTES : number * PART_BYTES]).decode()}


def wait(client: Client, name: str) -> str:
    while (state := client.file_state(name).state) in ("received", "posting"):
        time.sleep(0.02)
    return state


# --- no card number stays anywhere ---


def drawn(draw: Random) -> str:
    digits = "4" + "".join(draw.choice("0123456789") for _ in range(14))
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


def planted(name: str, number: str) -> Iterator[tuple[str, bytes]]:
    """A file of each format for each of its places, with a card number there: its template and its bytes."""
    whole = sales(name, [row(f"{name}-1")]).decode()
    for old in (f"H;{name}", "shop", f"{name}-1", "-1;1", "20170109", "120000", "10,00", "usd", ";7", "T;1"):
        yield "plain", whole.replace(old, f"{old}{';' if old[0] in 'HT' else ' '}{number}", 1).encode()
    record = {key: value.format(name) if isinstance(value, str) else value for key, value in RECORD.items()}
    for key in (*record, "more"):
        changed: dict[str, Any] = {**record, key: int(number) if key == "minor" else number}
        yield "lines", (json.dumps(changed) + "\n").encode()
        sink = io.BytesIO()
        pq.write_table(pa.table({column: [value] for column, value in changed.items()}), sink)
        yield "columnar", sink.getvalue()
    yield "lines", (json.dumps({**record, number: 1}) + "\n").encode()
    cells = [(40, record["event_id"]), (40, record["member"]), (20, record["occurred_at"]), (10, "100"), (3, "USD")]
    for place in range(3):
        text_ = "".join(f"{number if at == place else value:<{width}}" for at, (width, value) in enumerate(cells))
        yield "fixed", (text_ + "\n").encode()
    yield "fixed", ("".join(f"{value:<{width}}" for width, value in cells) + f"  {number}\n").encode()


def test_a_file_of_more_parts_than_are_named_at_once_comes_whole(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "very-long"
    path.write_bytes(b"x" * (101 * PART_BYTES + 1))
    sent = client.send_file("very-long", "plain", path)
    assert (sent.parts, sent.missing) == (102, ())


def test_no_card_number_of_any_file_is_kept_anywhere(net: Network, client: Client, tmp_path: Path) -> None:
    draw, raw = Random(4), net.client("fuel")
    numbers = []
    for place, (template, _) in enumerate(planted("n", "4" * 16)):
        name, number = f"card{place}x", drawn(draw)
        numbers.append(number)
        content = list(planted(name, number))[place][1]
        assert number.encode() in content or template == "columnar"
        path = tmp_path / name
        path.write_bytes(content)
        client.send_file(name, template, path)
        file_worker.work_off(net.hub)
        assert wait(client, name) == "refused", (template, content)
        answer = raw.call("GET", f"/v1/files/{name}")
        assert [one["code"] for one in answer.json["reasons"]] == ["card_number"], (template, answer.body)
        assert number.encode() not in answer.body
    kept = everything(net)
    assert "card0x" in kept
    assert [number for number in numbers if number in kept] == []


def everything(net: Network) -> str:
    """All rows of all tables, what is sealed or compressed in them unfolded, and the hub's log."""
    found = [net.server.log.read_text()]
    tables = text("SELECT table_schema, table_name FROM information_schema.tables "
                  "WHERE table_schema IN ('hub', 'settlement') AND table_type = 'BASE TABLE'")  # fmt: skip
    with net.hub.database.connect() as connection:
        for schema, table in connection.execute(tables).all():
            for one in connection.execute(text(f'SELECT * FROM {schema}."{table}"')).mappings():
                found.append(str({**one}))
                found += [unfolded(net, name, bytes(value)) for name, value in one.items()
                          if name in ("sealed", "sealed_body", "results") and value]  # fmt: skip
    return "\n".join(found)


def unfolded(net: Network, name: str, value: bytes) -> str:
    content = zlib.decompress(value) if name == "results" else net.hub.keyring.unseal(value)
    return content.decode("utf-8", "replace")
