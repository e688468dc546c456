"""Whatever row is altered by hand, the cycle is not published or no longer holds, and the row is named.

Each kind of tampering is done twice: between calculation and publication, and after publication.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, Engine, text

from settlement import approvals, cycles
from settlement.core.findings import Finding
from settlement.core.lines import FIELDS
from settlement.core.moves import Move
from settlement.errors import NotPublished, SettlementRefused, UnknownCycle
from tests.settlement.sample import APPROVER, AT, AUTHOR, LEDGER, close, post, redemption, to_the_end

ROW = "WHERE event_id = 'b1-grocer-r' AND line = 1"
LINE = "grocer/b1-grocer-r/1"
COLUMNS = ", ".join(FIELDS)
TEXT = "concat_ws(E'\\n', " + COLUMNS.replace("business_date", "to_char(business_date, 'YYYY-MM-DD')") + ")"
TEXT = TEXT.replace("origin", "nullif(origin, '')")
REDIGEST = f"UPDATE settlement.obligation SET digest = sha256(convert_to({TEXT}, 'UTF8')) {ROW}"
NEGATED = "points = -points, amount_minor = -amount_minor"
DOUBLE = COLUMNS.replace("line", "7")

OBLIGATION = {
    "points": f"UPDATE settlement.obligation SET points = 6 {ROW}",
    "amount": f"UPDATE settlement.obligation SET amount_minor = 6 {ROW}",
    "issuer": f"UPDATE settlement.obligation SET issuer = 'garden' {ROW}",
    "redeemer": f"UPDATE settlement.obligation SET redeemer = 'garden' {ROW}",
    "currency": f"UPDATE settlement.obligation SET currency = 'EUR' {ROW}",
    "price version": f"UPDATE settlement.obligation SET price_version = 2 {ROW}",
    "price numerator": f"UPDATE settlement.obligation SET price_numerator = 8 {ROW}",
    "price denominator": f"UPDATE settlement.obligation SET price_denominator = 9 {ROW}",
    "date in the cycle": f"UPDATE settlement.obligation SET business_date = '2017-01-11' {ROW}",
    "date in another cycle": f"UPDATE settlement.obligation SET business_date = '2017-02-11' {ROW}",
    "digest": f"UPDATE settlement.obligation SET digest = sha256('') {ROW}",
    "partner": f"UPDATE settlement.obligation SET partner_id = 'garden' {ROW}",
    "event": f"UPDATE settlement.obligation SET event_id = 'other' {ROW}",
    "origin": f"UPDATE settlement.obligation SET origin = 'grocer/b2-grocer-r' {ROW}",
    "sign": f"UPDATE settlement.obligation SET {NEGATED}, origin = 'grocer/b2-grocer-r' {ROW}",
    "transaction": f"UPDATE settlement.obligation SET tx = '9000000000' {ROW}",
    "deleted": f"DELETE FROM settlement.obligation {ROW}",
    "issuers exchanged": (
        "UPDATE settlement.obligation SET issuer = CASE issuer WHEN 'bank' THEN 'fuel' ELSE 'bank' END"
        " WHERE event_id = 'b1-grocer-r' AND line < 3"
    ),
}
RESULTS = {
    "position amount": (
        "UPDATE settlement.position SET amount_minor = 1 WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "bank -> fuel (USD)",
    ),
    "position points": (
        "UPDATE settlement.position SET points = 1 WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "bank -> fuel (USD)",
    ),
    "position lines": (
        "UPDATE settlement.position SET lines = 2 WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "bank -> fuel (USD)",
    ),
    "position digest": (
        "UPDATE settlement.position SET digest = sha256('') WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "bank -> fuel (USD)",
    ),
    "position deleted": (
        "DELETE FROM settlement.position WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "bank -> fuel (USD)",
    ),
    "position re-assigned": (
        "UPDATE settlement.position SET issuer = 'kitchen' WHERE (issuer, redeemer) = ('bank', 'fuel')",
        "kitchen -> fuel (USD)",
    ),
    "net": ("UPDATE settlement.net SET net_minor = 0 WHERE partner = 'bank'", "bank (USD)"),
    "net receive and pay": (
        "UPDATE settlement.net SET receive_minor = 1, pay_minor = 283 WHERE partner = 'bank'",
        "bank (USD)",
    ),
    "net deleted": ("DELETE FROM settlement.net WHERE partner = 'bank'", "bank (USD)"),
    "statement total": (
        "UPDATE settlement.statement_total SET pay_minor = 0 WHERE partner = 'bank'",
        "bank (USD)",
    ),
    "statement points": (
        "UPDATE settlement.statement_total SET on_us_points = 1 WHERE partner = 'bank'",
        "bank (USD)",
    ),
    "statement deleted": ("DELETE FROM settlement.statement_total WHERE partner = 'bank'", "bank (USD)"),
    "count of lines": ("UPDATE settlement.cycle_result SET lines = 10", "cycle 2017-01"),
    "cycle digest": ("UPDATE settlement.cycle_result SET digest = sha256('')", "cycle 2017-01"),
    "result deleted": ("DELETE FROM settlement.cycle_result", "cycle row 2017-01"),
    "last day": ("UPDATE settlement.cycle SET ends_on = '2017-01-30'", "cycle row 2017-01"),
    "snapshot": ("UPDATE settlement.cycle SET cutoff_snapshot = '5:5:'", "cycle row 2017-01"),
    "number": ("UPDATE settlement.cycle SET number = 2", "cycle row 2017-01"),
    "cycle row deleted": ("DELETE FROM settlement.cycle", "cycle row 2017-01"),
    "author of a move": ("UPDATE settlement.cycle_move SET author = 'otto' WHERE seq = 1", "move 2017-01/1"),
    "moment of a move": (
        "UPDATE settlement.cycle_move SET at = at + interval '1 s' WHERE seq = 2",
        "move 2017-01/2",
    ),
    "subject of a move": (
        "UPDATE settlement.cycle_move SET subject = sha256('') WHERE seq = 2",
        "move 2017-01/2",
    ),
    "digest of a move": (
        "UPDATE settlement.cycle_move SET digest = sha256('') WHERE seq = 1",
        "move 2017-01/1",
    ),
}
HISTORY = {
    "maker of a publication": ("UPDATE settlement.cycle_move SET maker = 'rosa' WHERE seq = 3", "move 2017-01/3"),
    "author of a publication": ("UPDATE settlement.cycle_move SET author = 'rosa' WHERE seq = 3", "move 2017-01/3"),
    "proposer": ("UPDATE settlement.approval SET maker = 'rosa'", "move 2017-01/3"),
    "approver": ("UPDATE settlement.approval SET decided_by = 'rosa'", "move 2017-01/3"),
    "what was approved": ("UPDATE settlement.approval SET digest = sha256('')", "move 2017-01/3"),
    "approval made void": ("UPDATE settlement.approval SET state = 'void', reason = 'x'", "move 2017-01/3"),
    "approval deleted": ("DELETE FROM settlement.approval", "move 2017-01/3"),
    "deadline": (
        "UPDATE settlement.cycle_deadline SET due_on = due_on - 1 WHERE step = 'disputes'",
        "move 2017-01/3",
    ),
    "deadlines deleted": ("DELETE FROM settlement.cycle_deadline", "move 2017-01/3"),
    "state": ("UPDATE settlement.cycle_move SET state = 'paid_in' WHERE seq = 4", "move 2017-01/4"),
    "author of what is final": ("UPDATE settlement.cycle_move SET author = 'x' WHERE seq = 4", "move 2017-01/4"),
    "moment of a payment in": (
        "UPDATE settlement.cycle_move SET at = at - interval '1 d' WHERE seq = 5",
        "move 2017-01/5",
    ),
    "subject of a payment out": (
        "UPDATE settlement.cycle_move SET subject = sha256('') WHERE seq = 6",
        "move 2017-01/6",
    ),
    "digest of the end": ("UPDATE settlement.cycle_move SET digest = sha256('') WHERE seq = 7", "move 2017-01/7"),
    **{
        f"move {seq} deleted": (f"DELETE FROM settlement.cycle_move WHERE seq = {seq}", f"move 2017-01/{seq + 1}")
        for seq in (1, 2, 4, 5, 6)
    },
}
"""What is altered by hand in the history of a cycle that is closed."""
LEDGER_SIDE = {
    "amount": f"UPDATE ledger_side SET amount_minor = 4 {ROW}",
    "points": f"UPDATE ledger_side SET points = 4 {ROW}",
    "issuer": f"UPDATE ledger_side SET issuer = 'garden' {ROW}",
    "currency": f"UPDATE ledger_side SET currency = 'EUR' {ROW}",
    "origin": f"UPDATE ledger_side SET origin = 'grocer/b2-grocer-r' {ROW}",
    "date": f"UPDATE ledger_side SET business_date = '2017-02-02' {ROW}",
    "nothing in a field": f"UPDATE ledger_side SET redeemer = NULL {ROW}",
    "no name": f"UPDATE ledger_side SET event_id = NULL {ROW}",
    "deleted": f"DELETE FROM ledger_side {ROW}",
    "doubled": f"INSERT INTO ledger_side SELECT * FROM ledger_side {ROW}",
}


class Stage(NamedTuple):
    """A database with January calculated or, if `public`, published; whatever is done there is rolled back."""

    connection: Connection
    public: bool


@pytest.fixture(params=["calculated", "published"])
def stage(request: pytest.FixtureRequest, calculated_once: Engine, published_once: Engine) -> Iterator[Stage]:
    """Yield January calculated, then January published."""
    public = request.param == "published"
    with (published_once if public else calculated_once).connect() as connection:
        yield Stage(connection, public)


def tamper(stage: Stage, *statements: str) -> list[Finding]:
    """Alter rows, then look: the audit of a public cycle, or the check that has to keep it from publication."""
    connection, public = stage
    for statement in statements:
        assert connection.execute(text(statement)).rowcount > 0
    if public:
        return cycles.audit(connection, "2017-01", LEDGER)
    findings = cycles.check(connection, "2017-01", LEDGER)
    _assert_not_publishable(connection)
    return findings


def test_untouched_rows_pass(stage: Stage) -> None:
    if stage.public:
        assert cycles.audit(stage.connection, "2017-01", LEDGER) == []
    else:
        assert cycles.check(stage.connection, "2017-01", LEDGER) == []
        assert _publish(stage.connection).seq == 3


def _publish(connection: Connection) -> Move:
    """Approve what was proposed before anything was altered."""
    digest = approvals.of_subject(connection, "publication", "2017-01")[-1].digest
    return cycles.publish(connection, "2017-01", LEDGER, digest=digest, author=APPROVER, at=AT)


def _assert_not_publishable(connection: Connection) -> None:
    with pytest.raises((SettlementRefused, UnknownCycle)):
        _publish(connection)


def rows(findings: Sequence[Finding], check: str = "") -> set[str]:
    return {finding.row for finding in findings if check in finding.check}


@pytest.mark.parametrize("statement", OBLIGATION.values(), ids=OBLIGATION)
def test_an_altered_obligation_is_named(stage: Stage, statement: str) -> None:
    assert LINE in rows(tamper(stage, statement))


@pytest.mark.parametrize(
    "field", ["points", "amount", "issuer", "redeemer", "currency", "date in the cycle", "origin", "sign"]
)
def test_an_altered_obligation_with_a_fresh_digest_is_named_by_the_ledger(stage: Stage, field: str) -> None:
    assert LINE in rows(tamper(stage, OBLIGATION[field], REDIGEST), "ledger")


@pytest.mark.parametrize("field", ["price version", "price numerator", "price denominator"])
def test_an_altered_price_with_a_fresh_digest_is_named_by_its_event(stage: Stage, field: str) -> None:
    findings = tamper(stage, OBLIGATION[field], REDIGEST)
    assert rows(findings, "event") == {"grocer/b1-grocer-r/2", "grocer/b1-grocer-r/3"}
    assert "bank -> grocer (USD)" in rows(findings, "position")


def test_a_doubled_obligation_is_named(stage: Stage) -> None:
    copied = f"SELECT {DOUBLE}, digest, tx FROM settlement.obligation {ROW}"
    findings = tamper(stage, f"INSERT INTO settlement.obligation ({COLUMNS}, digest, tx) {copied}")
    assert "grocer/b1-grocer-r/7" in rows(findings, "ledger") & rows(findings, "line digest")
    assert "cycle 2017-01" in rows(findings, "one cycle")


@pytest.mark.parametrize(("statement", "row"), RESULTS.values(), ids=RESULTS)
def test_an_altered_result_is_named(stage: Stage, statement: str, row: str) -> None:
    assert row in rows(tamper(stage, statement))


@pytest.mark.parametrize("statement", LEDGER_SIDE.values(), ids=LEDGER_SIDE)
def test_an_altered_ledger_is_named(stage: Stage, statement: str) -> None:
    findings = tamper(stage, statement)
    assert LINE in rows(findings, "ledger")


@pytest.mark.parametrize("field", ["amount", "points", "issuer", "deleted", "doubled"])
def test_an_altered_ledger_names_the_pair_as_well(stage: Stage, field: str) -> None:
    assert "bank -> grocer (USD)" in rows(tamper(stage, LEDGER_SIDE[field]), "ledger position")


@pytest.mark.parametrize(("statement", "row"), HISTORY.values(), ids=HISTORY)
def test_an_altered_history_of_a_closed_cycle_is_named(published_once: Engine, statement: str, row: str) -> None:
    with published_once.connect() as connection:
        to_the_end(connection)
        assert cycles.audit(connection, "2017-01", LEDGER) == []
        assert connection.execute(text(statement)).rowcount > 0
        findings = cycles.audit(connection, "2017-01", LEDGER)
    assert row in rows(findings, "history")


def test_a_published_digest_that_was_altered_is_named(published: Engine) -> None:
    with published.begin() as connection:
        connection.execute(text("UPDATE settlement.cycle_move SET subject = sha256('') WHERE seq = 3"))
        findings = cycles.audit(connection, "2017-01", LEDGER)
    assert rows(findings) == {"move 2017-01/3"}
    assert any("published as e3b0c442" in finding.detail for finding in findings)


@pytest.mark.parametrize("statement", OBLIGATION.values(), ids=OBLIGATION)
def test_what_is_altered_before_the_cut_off_keeps_the_cycle_from_publication(
    posted_once: Engine, statement: str
) -> None:
    with posted_once.connect() as connection:
        connection.execute(text(statement))
        with pytest.raises(SettlementRefused, match=LINE):
            close(connection)


@pytest.mark.parametrize("kind", ["deleted", "date in another cycle", "transaction"])
def test_a_line_taken_from_an_earlier_cycle_keeps_the_next_from_publication(published: Engine, kind: str) -> None:
    with published.begin() as connection:
        connection.execute(text(OBLIGATION[kind]))
    with pytest.raises(SettlementRefused, match=LINE), published.begin() as connection:
        close(connection, "2017-02")


def test_a_line_slipped_into_an_earlier_cycle_keeps_the_next_from_publication(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, redemption("slipped-r", "fuel", {"bank": 9}))
        connection.execute(text("UPDATE settlement.obligation SET tx = '3' WHERE event_id = 'slipped-r'"))
    with pytest.raises(SettlementRefused, match="fuel/slipped-r/1"), published.begin() as connection:
        close(connection, "2017-02")


def test_a_cycle_that_was_never_calculated_keeps_the_next_from_publication(posted: Engine) -> None:
    with posted.begin() as connection:
        cycles.cut_off(connection, "2017-01", author=AUTHOR, at=AT)
    with (
        pytest.raises(SettlementRefused, match="cycle 2017-01 has to be calculated first"),
        posted.begin() as connection,
    ):
        close(connection, "2017-02")


def test_a_cycle_in_order_passes_its_audit_however_much_came_later(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, redemption("late-r", "fuel", {"bank": 9}))
    with published.begin() as connection:
        close(connection, "2017-02")
        assert cycles.audit(connection, "2017-01", LEDGER) == []
        assert cycles.audit(connection, "2017-02", LEDGER) == []


def test_an_audit_writes_nothing_and_needs_a_published_cycle(published: Engine) -> None:
    with published.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        assert cycles.audit(connection, "2017-01", LEDGER) == []
        with pytest.raises(NotPublished):
            cycles.audit(connection, "2017-02", LEDGER)


def test_a_restored_row_makes_the_check_clean_again(posted: Engine) -> None:
    with posted.begin() as connection:
        connection.execute(text(LEDGER_SIDE["amount"]))
    with pytest.raises(SettlementRefused), posted.begin() as connection:
        close(connection)
    with posted.begin() as connection:
        connection.execute(text(f"UPDATE ledger_side SET amount_minor = 5 {ROW}"))
    with posted.begin() as connection:
        assert close(connection).state == "published"
