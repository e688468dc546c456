"""Taking files back: whoever goes on after a kill, and files of records of cards, from their end to their beginning."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub import file_worker
from hub.core.errors import Refused
from hub.services import business_clock, members
from hub.services.context import Hub
from hub.services.files import decisions, receiving, reversing
from tests.hub.files.test_card_files import AT, CARDS, card_file
from tests.support.bulk import add_template, answers, receive, row, sales, send
from tests.support.cards import Issuer
from tests.support.coalition import NOON
from tests.support.network import broken_rows

BONUS = {"bonuses": [{"name": "welcome", "points": 500, "spend_minor": 30_000, "days": 90}]}


def agree(hub: Hub, name: str) -> None:
    """Two people decide that a file is taken back."""
    digest = decisions.propose(hub, name, decisions.REVERSAL, "ada")["digest"]
    decisions.approve(hub, name, digest, "ben")


def take_back(hub: Hub, partner_id: str, file_id: str) -> dict[str, tuple[str, str]]:
    """Take a file back; return status and code of each of its records."""
    agree(hub, f"{partner_id}/{file_id}")
    file_worker.work_off(hub)
    assert receiving.view(hub, partner_id, file_id)["state"] == "reversed"
    assert broken_rows(hub) == []
    found = answers(hub, partner_id, file_id)
    return {one["record"]: (one["status"], one.get("error", {}).get("code", "")) for one in found}


def test_whoever_goes_on_after_a_kill_says_the_same_of_what_was_taken_back(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = reversing.AT_ONCE + 5
    send(hub, "fuel", "killed", sales("killed", [row(f"killed-{number}", "killed") for number in range(count)]))
    agree(hub, "fuel/killed")
    with monkeypatch.context() as dying:
        dying.setattr(reversing, "_finish", _die)
        with pytest.raises(KeyboardInterrupt):
            file_worker.work_off(hub)
    assert members.view(hub, "card:killed")["available"] == 0
    business_clock.move(hub, NOON + timedelta(minutes=1))
    file_worker.work_off(hub)
    assert [(one["status"], "error" in one) for one in answers(hub, "fuel", "killed")] == [("reversed", False)] * count


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_of_card_records_is_taken_back_but_for_what_stays(hub: Hub) -> None:
    bank = Issuer(hub, BONUS)
    bank.link("card:back", "PAR-back")
    add_template(hub, bank.partner_id, CARDS)
    send(hub, bank.partner_id, "before", card_file(f"p1,05,PAR-back,{AT},100.00,5411,m1,"))
    rows = [
        f"q1,05,PAR-back,{AT},250.00,5411,m1,", f"q2,15,PAR-back,{AT},40.00,,,q1", f"q3,15,PAR-back,{AT},100.00,,,p1",
        f"q4,35,PAR-back,{AT},100.00,,,q3", f"q5,06,PAR-back,{AT},30.00,,,p1", f"q6,10,PAR-back,{AT},9.00,,,",
        f"q7,05,PAR-back,{AT},60.00,5411,m9,", f"q8,06,PAR-back,{AT},60.00,,,q7", f"q9,05,PAR-none,{AT},1.00,5411,m1,",
        f"q10,15,PAR-back,{AT},25.00,,,p1",
    ]  # fmt: skip
    send(hub, bank.partner_id, "wrong", card_file(*rows))
    assert bank.points("card:back") == 100 + 250 - 40 - 30 - 25
    told = take_back(hub, bank.partner_id, "wrong")
    assert told == {
        "q1": ("reversed", ""), "q2": ("reversed", ""), "q3": ("reversed", ""), "q4": ("posted", "not_reversible"),
        "q5": ("posted", "not_reversible"), "q6": ("reversed", ""), "q7": ("posted", "exceeds_original"),
        "q8": ("posted", "not_reversible"), "q9": ("rejected", "unknown_card"), "q10": ("reversed", ""),
    }  # fmt: skip
    # What is left is the purchase of the file before, less the refund, which stays.
    assert bank.points("card:back") == 70


def test_a_bonus_comes_back_with_the_purchases_that_brought_it(hub: Hub) -> None:
    bank = Issuer(hub, BONUS)
    bank.link("card:bonus", "PAR-bonus")
    add_template(hub, bank.partner_id, CARDS)
    send(hub, bank.partner_id, "spent", card_file(*(f"s{n},05,PAR-bonus,{AT},150.00,5411,m1," for n in (1, 2, 3))))
    assert bank.points("card:bonus") == 950
    assert {status for status, _ in take_back(hub, bank.partner_id, "spent").values()} == {"reversed"}
    assert bank.points("card:bonus") == 0


def test_a_file_of_card_records_that_was_taken_back_in_part_goes_on(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = Issuer(hub, {})
    bank.link("card:part", "PAR-part")
    add_template(hub, bank.partner_id, CARDS)
    send(hub, bank.partner_id, "part", card_file(*(f"t{n},05,PAR-part,{AT},1.00,5411,m1," for n in range(70))))
    agree(hub, f"{bank.partner_id}/part")
    with monkeypatch.context() as dying:
        dying.setattr(reversing, "_finish", _die)
        with pytest.raises(KeyboardInterrupt):
            file_worker.work_off(hub)
    file_worker.work_off(hub)
    found = answers(hub, bank.partner_id, "part")
    assert ({one["status"] for one in found}, bank.points("card:part")) == ({"reversed"}, 0)
    assert not any("error" in one for one in found)


def test_a_file_of_refunds_stays(hub: Hub) -> None:
    columns = {"event_id": {"from": 1}, "refunds": {"from": 2}, "occurred_at": {"from": 3}, "minor": {"from": 4}}
    terms = {"record": "refund", "format": "csv", "columns": {**columns, "currency": {"value": "USD"}}}
    add_template(hub, "fuel", terms, "refunds")
    send(hub, "fuel", "stays", sales("stays", [row("stays-a", "stays")]))
    send(hub, "fuel", "stays-r", f"stays-r,stays-a,{AT},100\n".encode(), "refunds")
    with pytest.raises(Refused, match="no refund can"):
        decisions.propose(hub, "fuel/stays-r", decisions.REVERSAL, "ada")
    receive(hub, "fuel", "stays-2", sales("stays-2", [row("stays-b", "stays")], 2))
    with pytest.raises(Refused, match="received"):
        decisions.propose(hub, "fuel/stays-2", decisions.REVERSAL, "ada")
