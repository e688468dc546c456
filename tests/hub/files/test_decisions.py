"""What people decide on files: release, refusal, reversal, corrections, late records; and the drop folder."""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, text

from hub import file_worker
from hub.cli import main
from hub.core.errors import Refused
from hub.services import members, partners, reviews
from hub.services.context import Hub
from hub.services.files import decisions, receiving, results, work
from hub.services.files.kinds import KINDS
from partner_sdk.wire.files import FileRequest
from partner_sdk.wire.schemas import validate
from settlement.errors import ApprovalRefused
from tests.support import services
from tests.support.bulk import SALES, add_template, answers, receive, row, sales, send
from tests.support.coalition import FIRST_DAY
from tests.support.network import broken_rows
from tests.support.threads import at_once

SAME_ID_TWICE = [row("{name}-a"), row("{name}-a"), row("{name}-b", amount="20,00")]


@pytest.fixture(scope="module", autouse=True)
def unnumbered(hub: Hub) -> Iterator[None]:
    header = {name: field for name, field in SALES["header"].items() if name != "sequence"}
    add_template(hub, "fuel", SALES | {"header": header}, "plain")
    yield
    assert broken_rows(hub) == []


def waiting(hub: Hub, name: str) -> str:
    content = sales(name, [one.format(name=name) for one in SAME_ID_TWICE])
    assert send(hub, "fuel", name, content, "plain")["state"] == "waiting"
    return f"fuel/{name}"


def available(hub: Hub, member: str) -> int:
    return int(members.view(hub, member)["available"])


def test_two_people_let_a_file_pass_and_it_is_posted_once(hub: Hub) -> None:
    name = waiting(hub, "pass")
    digest = decisions.propose(hub, name, decisions.RELEASE, "ada")["digest"]
    with pytest.raises(ApprovalRefused, match="same_person"):
        decisions.approve(hub, name, digest, "Ada")
    with pytest.raises(ApprovalRefused, match="proposal_stale"):
        decisions.approve(hub, name, "00" * 32, "ben")
    with pytest.raises(Refused, match="hexadecimal"):
        decisions.approve(hub, name, "x", "ben")
    assert decisions.approve(hub, name, digest, "ben")["state"] == "posting"
    file_worker.work_off(hub)
    assert decisions.show(hub, name)["counts"]["posted"] == 2
    with pytest.raises(Refused, match="is posted"):
        decisions.propose(hub, name, decisions.RELEASE, "ada")


def test_one_person_refuses_and_what_was_held_is_gone(hub: Hub) -> None:
    name = waiting(hub, "gone")
    assert decisions.refuse(hub, name, "ada", "wrong day")["state"] == "refused"
    shown = receiving.view(hub, "fuel", "gone")
    assert shown["reasons"] == [{"code": "not_allowed", "detail": "refused by ada: wrong day"}]
    with pytest.raises(Refused, match="refused"):
        results.page(hub, services.partner(hub, "fuel"), "gone", "", 10)


def test_a_posted_file_is_taken_back_whole(hub: Hub) -> None:
    rows = [row("back-a", "back1"), row("back-b", "back2", "20,00"), row("back-c", "back2", "1,00")]
    send(hub, "fuel", "back", sales("back", rows), "plain")
    services.refund(hub, "fuel", "back-r", "back-b")
    assert (available(hub, "card:back1"), available(hub, "card:back2")) == (5, 0)
    digest = decisions.propose(hub, "fuel/back", decisions.REVERSAL, "ada")["digest"]
    decisions.approve(hub, "fuel/back", digest, "ben")
    file_worker.work_off(hub)
    assert receiving.view(hub, "fuel", "back")["state"] == "reversed"
    assert (available(hub, "card:back1"), available(hub, "card:back2")) == (0, 0)
    found = [(one["status"], one.get("error", {}).get("code")) for one in answers(hub, "fuel", "back")]
    assert found == [("reversed", None), ("posted", "exceeds_original"), ("reversed", None)]
    with pytest.raises(Refused, match="reversed"):
        decisions.propose(hub, "fuel/back", decisions.REVERSAL, "ada")


def test_a_file_corrects_another_and_then_itself(hub: Hub) -> None:
    rows = [
        row("cor-a", "cor"),
        row("cor-b", "cor"),
        row("cor-c", "cor", cur="EUR"),
        row("cor-d", "cor"),
        row("cor-e", "cor"),
    ]
    add_template(hub, "fuel", SALES | {"header": {"starts": "H"}, "bad_percent": 100}, "loose")
    assert send(hub, "fuel", "cor-1", sales("cor-1", rows), "loose")["counts"]["posted"] == 4
    services.refund(hub, "fuel", "cor-r", "cor-d", 200)
    assert available(hub, "card:cor") == 19
    better = [
        row("cor-a", "cor", "30,00"),
        row("cor-b", "cor"),
        row("cor-c", "cor"),
        row("cor-d", "cor", "5,00"),
        row("cor-f", "cor"),
    ]
    send(hub, "fuel", "cor-2", sales("cor-2", better), "loose", corrects="cor-1")
    found = answers(hub, "fuel", "cor-2")
    assert [one["status"] for one in found] == ["posted", "duplicate", "posted", "rejected", "posted"]
    assert found[0]["event_id"].startswith("cor-a~")
    assert found[3]["error"]["code"] == "not_reversible"
    assert available(hub, "card:cor") == 19 + 10 + 5 + 5
    send(hub, "fuel", "cor-3", sales("cor-3", [row("cor-a", "cor")]), "loose", corrects="cor-2")
    assert available(hub, "card:cor") == 29
    send(hub, "fuel", "cor-4", sales("cor-4", [row("cor-a", "cor", "2,00")]), "loose")
    assert answers(hub, "fuel", "cor-4")[0]["error"]["code"] == "event_conflict"
    with pytest.raises(Refused, match="not one that was posted"):
        send(hub, "fuel", "cor-5", b"x", "loose", corrects="cor-9")


def test_late_records_wait_and_are_released_from_their_file(hub: Hub) -> None:
    partners.set_contract(hub, "fuel", FIRST_DAY, 6, True, {"late_days": 1})
    send(hub, "fuel", "late", sales("late", [row("late-a", "late", day="20170105"), row("late-b", "late")]), "plain")
    assert [one["status"] for one in answers(hub, "fuel", "late")] == ["quarantined", "posted"]
    assert reviews.show(hub, "fuel/late-a")["reported"]["member"] == "card:late"
    released = reviews.release(hub, "fuel/late-a", "ada", "the bank was late")
    assert (released["result"]["status"], available(hub, "card:late")) == ("posted", 10)
    partners.set_contract(hub, "fuel", FIRST_DAY, 6, True, {})


def test_refunds_of_a_file_are_posted_in_its_order_however_many_post_it(hub: Hub) -> None:
    send(hub, "fuel", "sold", sales("sold", [row("sold-a", "sold", "100,00")]), "plain")
    columns = {"event_id": {"from": 1}, "refunds": {"from": 2}, "occurred_at": {"from": 3}, "minor": {"from": 4}}
    terms = {"record": "refund", "format": "csv", "columns": {**columns, "currency": {"value": "USD"}}}
    add_template(hub, "fuel", terms, "back")
    lines = [f"sold-r{number},sold-a,2017-01-10T10:00:00Z,100" for number in range(120)]
    receive(hub, "fuel", "returns", "\n".join(lines).encode(), "back")
    at_once([partial(file_worker.work_off, hub)] * 3)
    file_worker.work_off(hub)
    found = [one["status"] for one in answers(hub, "fuel", "returns")]
    assert found == ["posted"] * 100 + ["rejected"] * 20
    assert available(hub, "card:sold") == 0


def test_a_file_that_never_comes_whole_is_erased_after_thirty_days(hub: Hub) -> None:
    by, content = services.partner(hub, "fuel"), sales("lying", [row("lying-a")])
    asked = {"file_id": "lying", "template": "plain", "bytes": len(content), "sha256": "ab" * 32}
    receiving.open_file(hub, by, services.evidence(), validate(FileRequest, asked))
    receiving.add_part(hub, by, "lying", "1", {"content": b64encode(content).decode()})
    work.forget_left_lying(hub)
    assert receiving.view(hub, "fuel", "lying")["missing"] == []
    with hub.database.connect() as connection:
        connection.execute(
            text("UPDATE hub.file SET opened_at = opened_at - interval '31 days' WHERE file_id = 'lying'")
        )
    work.forget_left_lying(hub)
    assert receiving.view(hub, "fuel", "lying")["reasons"][0]["code"] == "file_truncated"
    with pytest.raises(Refused, match="takes no parts"):
        receiving.add_part(hub, by, "lying", "1", {"content": b64encode(content).decode()})


def test_a_suspended_partner_s_file_waits(hub: Hub) -> None:
    partners.set_status(hub, "fuel", "suspended")
    state = send(hub, "fuel", "susp", sales("susp", [row("susp-a")]), "plain")
    assert (state["state"], state["reasons"][0]["code"]) == ("waiting", "partner_suspended")
    partners.set_status(hub, "fuel", "active")
    digest = decisions.propose(hub, "fuel/susp", decisions.RELEASE, "ada")["digest"]
    decisions.approve(hub, "fuel/susp", digest, "ben")
    file_worker.work_off(hub)
    assert receiving.view(hub, "fuel", "susp")["state"] == "posted"


def test_files_that_fall_into_a_folder(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.start.open_hub", lambda settings: hub)

    def hansa(*arguments: str) -> Any:
        result = CliRunner().invoke(main, ("file", *arguments, "--json"))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    for name, rows in (("one", [row("-drop-a"), row("drop-b", cur="EUR")]), ("two", [row("x")] * 3)):
        (tmp_path / name).write_bytes(sales(name, rows))
    (tmp_path / "three.part").write_bytes(b"not yet")
    taken = hansa("take", "fuel", "plain", str(tmp_path), "--author", "ada")
    assert [(one["file"], one["state"]) for one in taken] == [("one", "posted"), ("two", "waiting")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "three.part"]
    table = list(csv.reader((tmp_path / "taken" / "one.results.csv").read_text().splitlines()))
    assert [line[1:4] for line in table[1:]] == [
        ["'-drop-a", "posted", "5"], ["drop-b", "rejected", "0"], ["2", "posted=1 rejected=1", "5"],
    ]  # fmt: skip
    assert [one["file"] for one in hansa("list", "--state", "waiting")][:1] == ["fuel/two"]
    digest = hansa("release", "fuel/two", "--author", "ada")["digest"]
    hansa("approve", "fuel/two", "--digest", digest, "--author", "ben")
    assert hansa("work")[0]["state"] == "posted"
    assert hansa("results", "fuel/two", str(tmp_path / "two.csv")) == {"posted": 1, "duplicate": 2, "points": 5}
    assert hansa("show", "fuel/one")["bad_rows"] == []
    terms = tmp_path / "terms.json"
    terms.write_text(json.dumps(SALES))
    assert hansa("template", "add", "fuel", "again", str(terms))["version"] == 1
    assert "again" in {one["template"] for one in hansa("template", "list")}


@pytest.mark.parametrize("name", ["", "x", "fuel/", "fuel/none", "a\x00/b"])
def test_what_is_not_there_is_refused(hub: Hub, name: str) -> None:
    for look in (decisions.show, lambda hub, name: decisions.refuse(hub, name, "ada", "x")):
        with pytest.raises(Refused):
            look(hub, name)


def test_of_two_records_with_one_id_the_first_counts_whoever_posts_them(hub: Hub) -> None:
    count = KINDS["earning"].at_once
    add_template(hub, "fuel", SALES | {"header": {"starts": "H"}, "bad_percent": 100}, "repeating")
    rows = [row(f"first-{number}", "first") for number in range(count)]
    receive(hub, "fuel", "first", sales("first", [*rows, row("first-0", "first", "50,00")]), "repeating")
    assert work.work(hub)
    posting = Thread(target=work.work, args=(hub,))

    def hold_the_first_chunk(connection: Connection) -> None:
        connection.execute(text("SELECT FROM hub.file_chunk WHERE file_id = 'first' AND number = 1 FOR UPDATE"))
        posting.start()
        posting.join(0.5)
        assert receiving.view(hub, "fuel", "first")["counts"]["posted"] == 0

    hub.database.transact(hold_the_first_chunk)
    posting.join()
    file_worker.work_off(hub)
    found = answers(hub, "fuel", "first")
    assert {one["status"] for one in found[:count]} == {"posted"}
    assert found[count]["error"]["code"] == "event_conflict"
