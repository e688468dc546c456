"""Disputes on the database: who may dispute what, the stages, what a decision posts, and what stands on statements."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, text

from settlement import cycles, statements
from settlement.checks import audit
from settlement.core.disputes import RESERVE, SILENT, Case, Claim, DisputedLine, Rules
from settlement.cycles import CycleView
from settlement.disputes import dispute_rules, dispute_views, disputes, given_back
from settlement.errors import ApprovalRefused, DisputeRefused, NotPublished, SettlementRefused, UnknownCycle
from settlement.export import write
from settlement.formats import STATEMENTS
from settlement.recomputation.chain import Chain
from settlement.recomputation.folder import recompute
from settlement.statements import lines, summary
from settlement.store.tables import contract
from settlement.store.window import lines_of, window_of
from tests.settlement.exported import put, redigest, rows_of
from tests.settlement.sample import AT, JANUARY, LEDGER, close, correction, meanwhile, post, redemption

BIG = "b4-fuel-r"
"""Of January: the bank owes fuel 250."""
SAID = Claim("not_ours", "nobody came that day", {"events": ["e-1"], "note": "see our journal"})
TICK = timedelta(days=1)


def asked(minor: int, event_id: str = BIG, partner_id: str = "fuel", line: int = 1) -> DisputedLine:
    return DisputedLine(partner_id, event_id, line, minor)


def opened(
    connection: Connection, minor: int = 100, name: str = "d1", partner: str = "bank", claim: Claim = SAID
) -> Case:
    return disputes.open_dispute(connection, partner, name, "2017-01", [asked(minor)], claim, AT)


def decide(connection: Connection, accepted: list[int] | None, name: str = "d1", author: str = "olga") -> Case:
    decided = disputes.decide(connection, "bank", name, accepted, "as the receipts say", author=author, at=AT)
    assert decided.proposed is None
    return decided.case


def refused(code: str, call: Callable[[], object]) -> str:
    with pytest.raises(DisputeRefused) as refusal:
        call()
    assert refusal.value.code == code
    return str(refusal.value)


@pytest.fixture
def kept(published: Engine) -> Iterator[Connection]:
    """A connection to a database of the test's own with January published."""
    with published.connect() as connection:
        yield connection


def close_february(connection: Connection) -> CycleView:
    """Close February with all that is committed, which what a transaction itself did is not yet."""
    connection.commit()
    return close(connection, "2017-02")


@pytest.fixture
def january(published_once: Engine) -> Iterator[Connection]:
    """A connection to a database with January published; what a test does is rolled back."""
    with published_once.connect() as connection:
        yield connection


def test_what_is_accepted_is_on_the_next_statement(kept: Connection) -> None:
    """The bank owes fuel 250, of which it gets 60 and, at the second stage, 40 back; February has both."""
    opened(kept)
    assert decide(kept, [60]).state == "rejected"
    assert disputes.escalate(kept, "bank", "d1", Claim("fraud", "the till was stolen"), AT).state == "escalated"
    case = decide(kept, None)
    assert (case.state, case.accepted, [move.seq for move in case.moves]) == ("accepted", [100], [1, 2, 3, 4])
    assert summary(kept, "2017-01", "bank")["disputes"][0]["accepted_minor"] == 100

    view = close_february(kept)
    assert {(one.issuer, one.redeemer): one.amount_minor for one in view.positions}["bank", "fuel"] == 1 - 100
    assert audit(kept, "2017-02", LEDGER) == []
    statement = summary(kept, "2017-02", "fuel")["disputes"]
    assert [(one["dispute_id"], one["state"], one["disputed_minor"]) for one in statement] == [("d1", "accepted", 100)]
    assert summary(kept, "2017-02", "grocer").get("disputes", []) == []
    shown = [one for one in lines(kept, "2017-02", "fuel", None, 100) if one.get("kind") == "adjustment"]
    assert [(one["minor"], one["points"], one["origin"]["event_id"]) for one in shown] == [(-60, 0, BIG), (-40, 0, BIG)]
    [balance] = statements.balances_of(kept, "2017-02", "fuel")
    [moved] = [one for one in balance.movements if one.kind == "adjustment"]
    assert (moved.corrects, moved.lines, moved.points, moved.receive_minor) == (True, 2, 0, -100)


def test_files_tell_disputes_and_what_of_the_due_waits_for_them(january: Connection, tmp_path: Path) -> None:
    opened(january, 100)
    for partner, waits in (("bank", -100), ("fuel", 100), ("grocer", 0)):
        for suffix in STATEMENTS:
            statements.write(january, "2017-01", partner, tmp_path / f"{partner}{suffix}")
        document = json.loads((tmp_path / f"{partner}.json").read_text())
        assert [one["withheld_minor"] for one in document["balances"]] == [waits]
        assert [one["dispute_id"] for one in document.get("disputes", ())] == ["d1"] * bool(waits)


def test_an_export_with_adjustments_is_recomputed(kept: Connection, tmp_path: Path) -> None:
    opened(kept)
    decide(kept, [60])
    close_february(kept)
    write(kept, "2017-02", tmp_path / "february")
    assert recompute(tmp_path / "february").findings == []
    (decided,) = rows_of(tmp_path / "february", "disputes")
    assert (decided["event"], decided["accepted_minor"], decided["cycle"]) == ("dispute:bank:d1:2", 60, "2017-01")
    for change, says in (
        ({"accepted_minor": 61}, "the decision gives -61"),
        ({"accepted_minor": 0}, "no decision of a dispute in this cycle gives it"),
        ({"place": 1}, "60 was decided and is not posted"),
        ({"partner": "grocer"}, "grocer, who disputed, takes no part in it"),
        ({"event_id": "b9"}, "or another currency, day or origin"),
        ({"disputed_minor": 59}, "60 of the 59 that were disputed are accepted"),
    ):
        put(tmp_path / "february", "disputes", [decided | change])
        found = recompute(tmp_path / "february").findings
        assert any(says in one.detail and "dispute:bank:d1:2" in one.row for one in found), says


def test_adjustments_in_a_folder_of_cycles_are_held_against_the_disputed_lines(
    kept: Connection, tmp_path: Path
) -> None:
    """The bank wins 60 of 250, then 200 are taken back: 10 are given back the other way."""
    opened(kept)
    decide(kept, [60])
    taken = correction("b4-fuel-r/back", JANUARY[7:8], 200)
    post(kept, taken)
    given_back.after_corrections(kept, taken)
    close_february(kept)
    for cycle in ("2017-01", "2017-02"):
        write(kept, cycle, tmp_path / cycle)
    assert Chain(tmp_path).recompute().is_equal
    rows = rows_of(tmp_path / "2017-02", "lines")
    adjusted = next(row for row in rows if row["event_id"] == "dispute:bank:d1:2")
    back = next(row for row in rows if row["event_id"].startswith("given-back:"))
    assert (adjusted["amount_minor"], back["amount_minor"]) == (-60, 10)
    for row, change, names in (
        (adjusted, {"issuer": "grocer", "redeemer": "bank"}, "dispute:bank:d1:2"),
        (back, {"amount_minor": 9}, "fuel/b4-fuel-r/1"),
    ):
        before = dict(row)
        row.update(change)
        redigest(row)
        put(tmp_path / "2017-02", "lines", rows)
        found = Chain(tmp_path).recompute().findings
        assert any(one.check == "adjustment" and names in one.row for one in found), found
        row.update(before)


def test_who_is_owed_too_little_is_owed_more(kept: Connection) -> None:
    case = opened(kept, 30, partner="fuel")
    disputes.decide(kept, "fuel", "d1", None, "yes", author="olga", at=AT)
    close_february(kept)
    posted = [row for row in kept.execute(lines_of(window_of(kept, "2017-02"))) if row.kind == "adjustment"]
    assert [(row.issuer, row.redeemer, row.amount_minor) for row in posted] == [("bank", "fuel", 30)]
    assert case.dispute.currency == "USD"


def test_a_line_is_disputed_by_a_party_to_it_up_to_what_it_comes_to(january: Connection) -> None:
    refused("unknown_line", partial(opened, january, partner="pharmacy"))
    refused("dispute_exceeds_line", partial(opened, january, 251))
    opened(january, 200)
    assert "50 of" in refused("dispute_exceeds_line", partial(opened, january, 51, "d2"))
    refused("dispute_exceeds_line", partial(opened, january, 51, "d3", "fuel"))
    opened(january, 50, "d4", "fuel")
    disputes.withdraw(january, "bank", "d1", AT)
    opened(january, 200, "d5")
    decide(january, [0], "d5")
    refused("dispute_exceeds_line", partial(opened, january, 1, "d6"))


def test_what_cannot_be_disputed(january: Connection) -> None:
    own = DisputedLine("grocer", "b1-grocer-r", 3, 1)
    ask = partial(disputes.open_dispute, january)
    assert "yourself" in refused("not_disputable", lambda: ask("grocer", "d", "2017-01", [own], SAID, AT))
    refused("unknown_line", lambda: ask("bank", "d", "2017-01", [asked(1, "nothing")], SAID, AT))
    refused("unknown_line", lambda: ask("bank", "d", "2017-01", [asked(1, line=2)], SAID, AT))
    cycles.cut_off(january, "2017-02", author="olga", at=AT)
    with pytest.raises(NotPublished):
        ask("bank", "d", "2017-02", [asked(1)], SAID, AT)
    with pytest.raises(UnknownCycle):
        ask("bank", "d", "2019-01", [asked(1)], SAID, AT)
    opened(january)
    decide(january, None)


def test_an_adjustment_is_not_disputed_again(kept: Connection) -> None:
    opened(kept)
    move = decide(kept, None).last
    close_february(kept)
    again = DisputedLine("@operator", f"dispute:bank:d1:{move.seq}", 0, 1)
    refused(
        "not_disputable", lambda: disputes.open_dispute(kept, "fuel", "d9", "2017-02", [again], SAID, AT)
    )  # fmt: skip


@pytest.mark.parametrize(
    "claim",
    [
        Claim("because"),
        Claim("other"),
        Claim("fraud", "x" * 2001),
        Claim("fraud", "a\0b"),
        Claim("fraud", "a\ud800b"),
        Claim("fraud", "", {"files": []}),
        Claim("fraud", "", {"events": "e-1"}),
        Claim("fraud", "", {"events": ["a b"]}),
        Claim("fraud", "", {"receipts": ["x"] * 101}),
        Claim("fraud", "", {"note": 7}),
    ],
)
def test_what_cannot_be_said(january: Connection, claim: Claim) -> None:
    refused("invalid_dispute", partial(opened, january, claim=claim))


@pytest.mark.parametrize("minor", [0, -1, 2**63])
def test_amounts_that_cannot_be_disputed(january: Connection, minor: int) -> None:
    refused("invalid_dispute", partial(opened, january, minor))


def test_the_same_again_changes_nothing_and_another_is_refused(january: Connection) -> None:
    first = opened(january)
    assert opened(january) == first
    refused("dispute_conflict", partial(opened, january, 99))
    rejected = decide(january, [0])
    assert opened(january) == rejected
    later = Claim("fraud")
    escalated = disputes.escalate(january, "bank", "d1", later, AT)
    assert disputes.escalate(january, "bank", "d1", later, AT) == escalated
    refused("dispute_closed", lambda: disputes.escalate(january, "bank", "d1", Claim("returned"), AT))
    gone = disputes.withdraw(january, "bank", "d1", AT)
    assert disputes.withdraw(january, "bank", "d1", AT) == gone


def test_to_the_arbitration_and_no_further(january: Connection) -> None:
    opened(january)
    for state in ("escalated", "arbitration"):
        decide(january, [0])
        assert disputes.escalate(january, "bank", "d1", Claim("fraud", state), AT).state == state
    assert (decide(january, [70]).state, decide_refused(january)) == ("decided", "dispute_closed")
    refused("dispute_closed", lambda: disputes.escalate(january, "bank", "d1", Claim("returned"), AT))
    refused("dispute_closed", lambda: disputes.withdraw(january, "bank", "d1", AT))
    refused("unknown_dispute", lambda: disputes.withdraw(january, "fuel", "d1", AT))


def decide_refused(connection: Connection) -> str:
    with pytest.raises(DisputeRefused) as refusal:
        decide(connection, [0])
    return refusal.value.code


@pytest.mark.parametrize("accepted", [[], [1, 1], [101], [-1]])
def test_more_than_is_left_is_not_accepted(january: Connection, accepted: list[int]) -> None:
    opened(january)
    refused("invalid_dispute", partial(decide, january, accepted))


def test_silence_loses_the_stage(kept: Connection) -> None:
    """Fourteen days each; on the last one it can still be answered, on the next one it cannot."""
    opened(kept, 10, "operator")
    opened(kept, 20, "partner")
    last = decide(kept, [5], "partner").last.due_on
    assert last == date(2017, 2, 15)
    assert disputes.expire(kept, AT + 14 * TICK) == []
    late = AT + 15 * TICK
    refused(
        "dispute_closed",
        lambda: disputes.decide(kept, "bank", "operator", None, "late", author="olga", at=late),
    )
    refused("dispute_closed", lambda: disputes.escalate(kept, "bank", "partner", Claim("fraud"), late))
    moved = disputes.expire(kept, late)
    assert [(case.state, case.accepted, case.last.author) for case in moved] == [
        ("accepted", [10], SILENT),
        ("lapsed", [5], SILENT),
    ]
    assert disputes.expire(kept, late) == []
    close_february(kept)
    assert summary(kept, "2017-02", "bank")["positions"][0]["minor"] == 1 - 15


def test_lines_are_disputed_while_the_window_is_open(january: Connection) -> None:
    last = dispute_rules.window_ends_on(january, "2017-01", "bank")
    after = AT + (last - AT.date() + TICK)
    ask = partial(disputes.open_dispute, january, "bank", "d1", "2017-01", [asked(1)], SAID)
    assert str(last) in refused("not_disputable", lambda: ask(after))
    agree(january, "bank", 30)
    assert dispute_rules.window_ends_on(january, "2017-01", "bank") == date(2017, 3, 3)
    assert dispute_rules.last_window(january, "2017-01") == date(2017, 3, 3)
    assert dispute_rules.window_ends_on(january, "2017-01", "fuel") == last
    assert ask(after).state == "opened"


def test_a_cycle_is_not_final_before_its_disputes_are_decided(january: Connection) -> None:
    opened(january)
    after = AT + 31 * TICK
    final = partial(cycles.advance, january, "2017-01", "final", author="olga")
    with pytest.raises(SettlementRefused, match=r"disputed up to 2017-02-11(.|\n)*dispute bank/d1 is opened"):
        final(at=AT)
    with pytest.raises(SettlementRefused, match="dispute bank/d1 is opened"):
        final(at=after)
    disputes.expire(january, after)
    agree(january, "fuel", 31)
    with pytest.raises(SettlementRefused, match="can be final from 2017-03-05"):
        final(at=after)
    final(at=after + TICK)
    assert "is final" in refused("not_disputable", partial(opened, january, 1, "d2"))


def test_what_is_disputed_is_withheld_or_paid_under_reserve(january: Connection) -> None:
    opened(january, 100)
    opened(january, 30, "d2", "fuel")
    waits = {("bank", "USD"): 100, ("fuel", "USD"): -100}
    assert dispute_views.withheld(january, "2017-01") == waits
    dispute_rules.set_rules(january, Rules(valid_from=AT.date(), treatment=RESERVE), author="olga", at=AT)
    opened(january, 7, "d3")
    assert dispute_views.withheld(january, "2017-01") == waits
    decide(january, [60])
    assert dispute_views.withheld(january, "2017-01") == {("bank", "USD"): 40, ("fuel", "USD"): -40}
    assert summary(january, "2017-01", "bank")["withheld"] == [{"currency": "USD", "minor": 40}]


@pytest.mark.parametrize(
    "rules",
    [
        Rules(valid_from=AT.date() - TICK),
        Rules(valid_from=AT.date(), treatment="both"),
        Rules(valid_from=AT.date(), answer_days=0),
        Rules(valid_from=AT.date(), limit_minor=-1),
    ],
)
def test_rules_that_make_no_sense(january: Connection, rules: Rules) -> None:
    with pytest.raises(SettlementRefused):
        dispute_rules.set_rules(january, rules, author="olga", at=AT)


def test_above_the_limit_two_people_decide(kept: Connection) -> None:
    dispute_rules.set_rules(kept, Rules(valid_from=AT.date(), limit_minor=99), author="olga", at=AT)
    opened(kept)
    made = disputes.decide(kept, "bank", "d1", [60], "see the film", author="olga", at=AT)
    assert made.proposed is not None
    assert made.case.state == "opened"
    digest = made.proposed.digest

    def approve(author: str, stated: bytes = digest) -> Case:
        return disputes.approve(kept, "bank", "d1", stated, author=author, at=AT).case

    for author, stated, code in (("OLGA", digest, "same_person"), ("rosa", b"x", "nothing_proposed")):
        with pytest.raises(ApprovalRefused, match=code):
            approve(author, stated)
    case = approve("rosa")
    assert (case.state, case.accepted, case.last.maker, case.last.author) == ("rejected", [60], "olga", "rosa")
    with pytest.raises(DisputeRefused):
        approve("ruth")
    disputes.escalate(kept, "bank", "d1", Claim("fraud"), AT)
    with pytest.raises(ApprovalRefused, match="proposal_c"):
        approve("ruth")
    assert decide(kept, None).state == "accepted"
    close_february(kept)


CHANGES = {
    "UPDATE settlement.dispute_move SET accepted = '[61]' WHERE seq = 2": "does not give its digest",
    "UPDATE settlement.dispute_move SET author = 'eve' WHERE seq = 2": "does not give its digest",
    "UPDATE settlement.dispute_line SET minor = 101": "not what was opened",
    "UPDATE settlement.dispute SET content = ''": "not what was opened",
    "DELETE FROM settlement.dispute_move": "no decision of a dispute",
    "DELETE FROM settlement.dispute_move WHERE seq = 2": "no decision of a dispute",
    "DELETE FROM settlement.obligation WHERE kind = 'adjustment'": "-60 was decided and is not posted",
    "UPDATE settlement.obligation SET amount_minor = -59 WHERE kind = 'adjustment'": "the decision gives -60",
    "UPDATE settlement.obligation SET origin = 'fuel/b7-fuel-r' WHERE kind = 'adjustment'": "other terms",
}


def test_a_change_by_hand_blocks_publication(kept: Connection) -> None:
    opened(kept)
    decide(kept, [60])
    kept.commit()
    for change, found in CHANGES.items():
        kept.execute(text(change))
        with pytest.raises(SettlementRefused) as refusal:
            close(kept, "2017-02")
        assert any(found in str(finding) for finding in refusal.value.findings), change
        kept.rollback()


def test_a_decision_of_one_above_the_limit_is_found(kept: Connection) -> None:
    opened(kept)
    decide(kept, [60])
    kept.execute(text("UPDATE settlement.dispute SET rules = 1"))
    dispute_rules.set_rules(kept, Rules(valid_from=AT.date(), limit_minor=99), author="olga", at=AT)
    with pytest.raises(SettlementRefused, match="needed two people"):
        close_february(kept)


def test_a_refund_after_a_dispute_that_was_won_is_no_finding(kept: Connection) -> None:
    opened(kept, 250)
    decide(kept, None)
    post(kept, redemption("later-r", "fuel", {"bank": 3}, date(2017, 2, 3)))
    assert close_february(kept).state == "published"


def test_of_two_disputes_about_one_line_at_once_one_is_refused(published: Engine) -> None:
    second = meanwhile(published, partial(opened, minor=200), partial(opened, minor=200, name="d2", partner="fuel"))
    refused("dispute_exceeds_line", second)


def test_the_same_dispute_at_once_is_one(published: Engine) -> None:
    second = meanwhile(published, opened, opened)
    assert second() is not None
    with published.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM settlement.dispute_move")).scalar() == 1


@pytest.mark.parametrize("other", ["decide", "withdraw", "expire"])
def test_of_two_moves_at_once_one_is_made(published: Engine, other: str) -> None:
    """The second waits for the first, and then finds the dispute moved."""
    late = AT + 15 * TICK
    with published.begin() as connection:
        opened(connection)
    calls: dict[str, Callable[[Connection], object]] = {
        "decide": partial(decide, accepted=[50]),
        "withdraw": lambda connection: disputes.withdraw(connection, "bank", "d1", AT),
        "expire": lambda connection: disputes.expire(connection, late),
    }
    second = meanwhile(published, partial(decide, accepted=None), calls[other])
    if other == "expire":
        assert second() == []
    else:
        refused("dispute_closed", second)
    with published.connect() as connection:
        posted = text("SELECT sum(amount_minor) FROM settlement.obligation WHERE kind = 'adjustment'")
        assert connection.execute(posted).scalar() == -100


def test_a_dispute_that_is_escalated_meanwhile_is_not_decided_as_it_was_seen(published: Engine) -> None:
    with published.begin() as connection:
        dispute_rules.set_rules(connection, Rules(valid_from=AT.date(), limit_minor=10), author="olga", at=AT)
        opened(connection)
        digest = disputes.decide(connection, "bank", "d1", [60], "so", author="olga", at=AT).proposed.digest  # type: ignore[union-attr]
    second = meanwhile(
        published,
        lambda connection: disputes.withdraw(connection, "bank", "d1", AT),
        lambda connection: disputes.approve(connection, "bank", "d1", digest, author="rosa", at=AT),
    )
    refused("dispute_closed", second)


def agree(connection: Connection, partner: str, dispute_days: int) -> None:
    """Publish a contract that says no more than how long lines may be disputed."""
    values = {"partner": partner, "version": 1, "valid_from": date(2017, 1, 1), "digest": b"", "drafted_by": "a"}
    terms = {"currency": "USD", "dispute_days": dispute_days}
    connection.execute(
        insert(contract),
        values | {"terms": terms, "drafted_at": AT, "published_by": "b", "published_at": AT},
    )
