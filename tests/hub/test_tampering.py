"""Rows altered by hand: the ledger's checks name the row, and no cycle is published or stays valid over it.

One small coalition with an earning, a redemption, a declined one and an expiry at each turn; one statement alters
it; then every check is run, a close is tried before publication, and an audit is made after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import business_clock, cycles, end_of_day, ledger_check
from hub.services.context import Hub
from hub.store.checks import CHECKS
from settlement.errors import SettlementRefused
from tests.support import coalition
from tests.support.network import broken_rows
from tests.support.services import earn, redeem

CYCLE = "2017-01"
LAST_DAY = date(2017, 1, 31)
BELONGS, MOVES, ACCOUNTS, LOTS, ISSUERS, OWED, WORTH, EVIDENCE = CHECKS
RULES = ledger_check.RULES_HOLD


class Case(NamedTuple):
    """An alteration, which checks of the ledger break with which row, and which row the cycle's checks name."""

    statement: str
    ledger: Mapping[str, str] = {}
    cycle: str | None = None


def _event(change: str, event_id: str = "e1") -> str:
    return f"UPDATE hub.event SET {change} WHERE event_id = '{event_id}'"


def _transfer(change: str, event_id: str = "r1") -> str:
    return f"UPDATE hub.transfer SET {change} WHERE event_id = '{event_id}' AND line = 1"


def _lot(change: str) -> str:
    return f"UPDATE hub.lot SET {change} WHERE member_id = 2 AND issuer = 'grocer'"


def _rate(change: str, kind: str, partner: str) -> str:
    return f"UPDATE hub.rate SET {change} WHERE kind = '{kind}' AND partner_id = '{partner}'"


def _obligation(change: str) -> str:
    return f"UPDATE settlement.obligation SET {change} WHERE event_id = 'r1' AND line = 1"


EARNED, EARNED_BY = "event grocer/e1", "transfer grocer/e1/1"
REDEEMED, REDEEMED_BY, DEBT, LINE = "event fuel/r1", "transfer fuel/r1/1", "obligation fuel/r1/1", "fuel/r1/1"
BURNT = "lot of member 1 2017-01-31 kiosk base 0001-01-01"
HELD = "lot of member 2 2017-07-31 grocer base 0001-01-01"
FORGED_LOT = "INSERT INTO hub.lot VALUES (77, '2027-01-31', 'grocer', 'base', '0001-01-01', {})"
FORGED_TRANSFER = """
    INSERT INTO hub.transfer
    SELECT member_id, partner_id, 'forged', line, debit_account, credit_account, expires_on, issuer, kind, matures_on,
           points, business_date, tx
    FROM hub.transfer WHERE event_id = 'e1'
"""
FORGED_OBLIGATION = """
    INSERT INTO settlement.obligation
    SELECT partner_id, 'forged', line, issuer, redeemer, points, amount_minor, currency, price_version,
           price_numerator, price_denominator, business_date, digest, tx
    FROM settlement.obligation WHERE event_id = 'r1'
"""
LINEAR_2 = """terms = '[{"rule": "linear", "points": 2, "per_minor": 100}]'"""
PRICE_3 = """terms = '{"numerator": 3, "denominator": 1}'"""

CASES: dict[str, Case] = {
    # the event of an earning
    "event: points": Case(_event("points = points + 1"), {MOVES: EARNED, RULES: EARNED}),
    "event: member": Case(_event("member_id = member_id + 1"), {BELONGS: EARNED_BY}),
    "event: status": Case(_event("status = 'rejected', error_code = 'x'"), {BELONGS: EARNED_BY, MOVES: EARNED}),
    "event: business date": Case(_event("business_date = '2017-01-11'"), {BELONGS: EARNED_BY}),
    "event: transaction": Case(_event("tx = '3'"), {BELONGS: EARNED_BY}),
    "event: expiry": Case(_event("expires_on = '2018-01-01'"), {BELONGS: EARNED_BY}),
    "event: kind": Case(_event("kind = 'expiry'"), {ACCOUNTS: EARNED_BY}),
    "event: amount": Case(_event("amount_minor = amount_minor + 100"), {RULES: EARNED}),
    "event: currency": Case(_event("currency = 'EUR'"), {RULES: EARNED}),
    "event: rate version": Case(_event("rate_version = 7"), {RULES: EARNED}),
    "event: evidence": Case(_event("evidence_id = NULL"), {EVIDENCE: EARNED}),
    "event: id": Case(_event("event_id = 'e1x'"), {BELONGS: EARNED_BY, MOVES: "event grocer/e1x"}),
    "event: deleted": Case("DELETE FROM hub.event WHERE event_id = 'e1'", {BELONGS: EARNED_BY}),
    # the event of a redemption
    "redemption: points": Case(_event("points = points + 1", "r1"), {MOVES: REDEEMED, OWED: DEBT}, LINE),
    "redemption: value": Case(_event("amount_minor = amount_minor + 1", "r1"), {WORTH: REDEEMED}),
    "redemption: currency": Case(_event("currency = 'EUR'", "r1"), {WORTH: REDEEMED}),
    "redemption: price version": Case(_event("rate_version = 2", "r1"), {OWED: DEBT}, LINE),
    "redemption: business date": Case(_event("business_date = '2017-01-11'", "r1"), {BELONGS: REDEEMED_BY}),
    "redemption: deleted": Case(
        "DELETE FROM hub.event WHERE event_id = 'r1'", {BELONGS: REDEEMED_BY, OWED: DEBT}, LINE
    ),
    "declined redemption: status": Case(
        _event("status = 'posted', error_code = NULL", "r3"), {MOVES: "event grocer/r3"}
    ),
    "expiry: points": Case(
        "UPDATE hub.event SET points = points + 1 WHERE kind = 'expiry'", {MOVES: "event coalition/expiry-2017-01-31-2"}
    ),
    # transfers
    "transfer: points": Case(
        _transfer("points = points + 1"),
        {MOVES: REDEEMED, LOTS: BURNT, ISSUERS: "issuer kiosk", OWED: DEBT},
        LINE,
    ),
    "transfer: issuer": Case(
        _transfer("issuer = 'pharmacy'"), {LOTS: BURNT, ISSUERS: "issuer kiosk", OWED: DEBT}, LINE
    ),
    "transfer: redeemer": Case(
        _transfer("credit_account = 'redeemed:pharmacy'"), {ACCOUNTS: REDEEMED_BY, OWED: DEBT}, LINE
    ),
    "transfer: debit account": Case(
        _transfer("debit_account = 'issued:grocer'"),
        {ACCOUNTS: REDEEMED_BY, LOTS: BURNT, ISSUERS: "issuer kiosk"},
    ),
    "transfer: member": Case(
        _transfer("member_id = member_id + 7"), {BELONGS: REDEEMED_BY, LOTS: BURNT, OWED: DEBT}, LINE
    ),
    "transfer: business date": Case(
        _transfer("business_date = '2017-02-11'"), {BELONGS: REDEEMED_BY, OWED: DEBT}, LINE
    ),
    "transfer: expiry": Case(_transfer("expires_on = '2018-01-01'"), {LOTS: BURNT}),
    "transfer: kind of points": Case(_transfer("kind = 'gift'"), {LOTS: BURNT}),
    "transfer: line": Case(_transfer("line = 9"), {OWED: DEBT}, LINE),
    "transfer: points between lines": Case(
        "UPDATE hub.transfer SET points = points + CASE line WHEN 1 THEN 1 ELSE -1 END WHERE event_id = 'r1'",
        {LOTS: BURNT, ISSUERS: "issuer fuel", OWED: DEBT},
        LINE,
    ),
    "transfer: deleted": Case(
        "DELETE FROM hub.transfer WHERE event_id = 'r1' AND line = 1",
        {MOVES: REDEEMED, LOTS: BURNT, ISSUERS: "issuer kiosk", OWED: DEBT},
        LINE,
    ),
    "transfer: forged": Case(
        FORGED_TRANSFER,
        {BELONGS: "transfer grocer/forged/1", LOTS: "lot of member 1 2017-07-31 grocer", ISSUERS: "issuer grocer"},
    ),
    "transfer of an earning: issuer": Case(
        _transfer("issuer = 'fuel'", "e1"),
        {ACCOUNTS: EARNED_BY, LOTS: "lot of member 1 2017-07-31 fuel", ISSUERS: "issuer fuel"},
    ),
    "transfer of an expiry: account": Case(
        "UPDATE hub.transfer SET credit_account = 'redeemed:fuel' WHERE credit_account = 'breakage'",
        {ACCOUNTS: "transfer coalition/expiry-2017-01-31-2"},
    ),
    # lots
    "lot: points": Case(_lot("points = points + 1"), {LOTS: HELD, ISSUERS: "issuer grocer"}),
    "lot: issuer": Case(_lot("issuer = 'bank'"), {LOTS: "lot of member 2 2017-07-31 bank", ISSUERS: "issuer bank"}),
    "lot: expiry": Case(_lot("expires_on = '2027-01-31'"), {LOTS: HELD}),
    "lot: member": Case(_lot("member_id = 77"), {LOTS: HELD}),
    "lot: kind": Case(_lot("kind = 'gift'"), {LOTS: HELD}),
    "lot: maturity": Case(_lot("matures_on = '2020-01-01'"), {LOTS: HELD}),
    "lot: deleted": Case(
        "DELETE FROM hub.lot WHERE member_id = 2 AND issuer = 'grocer'", {LOTS: HELD, ISSUERS: "issuer grocer"}
    ),
    "lot: empty one deleted": Case("DELETE FROM hub.lot WHERE points = 0", {LOTS: BURNT}),
    "lot: forged": Case(FORGED_LOT.format(5), {LOTS: "lot of member 77 2027-01-31", ISSUERS: "issuer grocer"}),
    "lot: empty one forged": Case(FORGED_LOT.format(0), {LOTS: "lot of member 77 2027-01-31"}),
    # rates
    "rate: terms": Case(_rate(LINEAR_2, "earning", "grocer"), {RULES: EARNED}),
    "rate: currency": Case(_rate("currency = 'EUR'", "earning", "grocer"), {RULES: EARNED}),
    "rate: deleted": Case("DELETE FROM hub.rate WHERE kind = 'earning' AND partner_id = 'grocer'", {RULES: EARNED}),
    "price: terms": Case(_rate(PRICE_3, "reimbursement", "fuel"), {OWED: DEBT}, LINE),
    "price: currency": Case(_rate("currency = 'EUR'", "reimbursement", "fuel"), {OWED: DEBT}, LINE),
    "price: deleted": Case("DELETE FROM hub.rate WHERE kind = 'reimbursement'", {OWED: DEBT}, LINE),
    # obligations
    "obligation: issuer": Case(_obligation("issuer = 'pharmacy'"), {OWED: DEBT}, LINE),
    "obligation: redeemer": Case(_obligation("redeemer = 'pharmacy'"), {OWED: DEBT}, LINE),
    "obligation: points": Case(_obligation("points = points + 1"), {OWED: DEBT}, LINE),
    "obligation: amount": Case(_obligation("amount_minor = amount_minor + 1"), {OWED: DEBT, WORTH: REDEEMED}, LINE),
    "obligation: currency": Case(_obligation("currency = 'EUR'"), {OWED: DEBT, WORTH: REDEEMED}, LINE),
    "obligation: price version": Case(_obligation("price_version = 7"), {}, LINE),
    "obligation: numerator": Case(_obligation("price_numerator = 3"), {}, LINE),
    "obligation: denominator": Case(_obligation("price_denominator = 3"), {}, LINE),
    "obligation: day": Case(_obligation("business_date = '2017-01-11'"), {OWED: DEBT}, LINE),
    "obligation: month": Case(_obligation("business_date = '2017-02-11'"), {OWED: DEBT}, LINE),
    "obligation: digest": Case(_obligation("digest = 'x'"), {}, LINE),
    "obligation: line": Case(_obligation("line = 9"), {OWED: DEBT}, "fuel/r1/9"),
    "obligation: event": Case(_obligation("event_id = 'r1x'"), {OWED: DEBT, WORTH: REDEEMED}, "fuel/r1x/1"),
    "obligation: partner": Case(
        _obligation("partner_id = 'bank'"), {OWED: "obligation bank/r1/1", WORTH: REDEEMED}, "bank/r1/1"
    ),
    "obligation: transaction": Case(_obligation("tx = '999999999'"), {}, LINE),
    "obligation: deleted": Case(
        "DELETE FROM settlement.obligation WHERE event_id = 'r1' AND line = 1", {OWED: DEBT, WORTH: REDEEMED}, LINE
    ),
    "obligation: forged": Case(FORGED_OBLIGATION, {OWED: "obligation fuel/forged/1"}, "fuel/forged/1"),
    "obligation: amounts between lines": Case(
        """UPDATE settlement.obligation SET amount_minor = amount_minor + CASE line WHEN 1 THEN 1 ELSE -1 END
           WHERE event_id = 'r1'""",
        {OWED: DEBT},
        LINE,
    ),
    # evidence
    "evidence: deleted": Case("DELETE FROM hub.evidence", {EVIDENCE: "event fuel/e3"}),
    "evidence: of another partner": Case(
        "UPDATE hub.evidence SET partner_id = 'bank' WHERE partner_id = 'grocer'", {EVIDENCE: EARNED}
    ),
}  # fmt: skip

PUBLISHED: dict[str, Case] = {
    "cycle: last day": Case("UPDATE settlement.cycle SET ends_on = '2017-02-28'", {}, "cycle row 2017-01"),
    "cycle: snapshot": Case(
        "UPDATE settlement.cycle SET cutoff_snapshot = '99999:99999:'", {}, "cycle row 2017-01"
    ),
    "cycle: number": Case("UPDATE settlement.cycle SET number = 2", {}, "cycle row 2017-01"),
    "move: author": Case("UPDATE settlement.cycle_move SET author = 'x' WHERE seq = 2", {}, "move 2017-01/2"),
    "move: time": Case(
        "UPDATE settlement.cycle_move SET at = at + interval '1 s' WHERE seq = 3", {}, "move 2017-01/3"
    ),
    "move: deleted": Case("DELETE FROM settlement.cycle_move WHERE seq = 2", {}, "move 2017-01/3"),
    "result: digest": Case("UPDATE settlement.cycle_result SET digest = 'x'", {}, "cycle 2017-01"),
    "result: lines": Case("UPDATE settlement.cycle_result SET lines = lines + 1", {}, "cycle 2017-01"),
    "result: deleted": Case("DELETE FROM settlement.cycle_result", {}, "cycle row 2017-01"),
    "position: amount": Case(
        "UPDATE settlement.position SET amount_minor = amount_minor + 1 WHERE issuer = 'kiosk'",
        {},
        "kiosk -> fuel (USD)",
    ),
    "position: deleted": Case(
        "DELETE FROM settlement.position WHERE issuer = 'kiosk'", {}, "kiosk -> fuel (USD)"
    ),
    "net: amount": Case("UPDATE settlement.net SET net_minor = net_minor + 1 WHERE partner = 'fuel'", {}, "fuel (USD)"),
    "net: deleted": Case("DELETE FROM settlement.net WHERE partner = 'fuel'", {}, "fuel (USD)"),
    "statement: total": Case(
        "UPDATE settlement.statement_total SET pay_minor = pay_minor + 1 WHERE partner = 'fuel'", {}, "fuel (USD)"
    ),
    "settling transfer: points": Case(
        "UPDATE hub.transfer SET points = points + 1 WHERE event_id = 'settlement-2017-01-kiosk-fuel-USD'",
        {MOVES: "event coalition/settlement-2017-01-kiosk-fuel-USD", ISSUERS: "issuer kiosk"},
    ),
    "settling transfer: issuer": Case(
        "UPDATE hub.transfer SET credit_account = 'issued:fuel' WHERE event_id = 'settlement-2017-01-kiosk-fuel-USD'",
        {ACCOUNTS: "transfer coalition/settlement-2017-01-kiosk-fuel-USD/1"},
    ),
    "settling transfer: deleted": Case(
        "DELETE FROM hub.transfer WHERE event_id = 'settlement-2017-01-kiosk-fuel-USD'",
        {MOVES: "event coalition/settlement-2017-01-kiosk-fuel-USD"},
    ),
}  # fmt: skip


# --- one small coalition, brought back after each test ---

TABLES = (
    "hub.coalition", "hub.rate", "hub.evidence", "hub.event", "hub.transfer", "hub.lot", "settlement.obligation",
    "settlement.cycle", "settlement.cycle_move", "settlement.cycle_result", "settlement.position",
    "settlement.net", "settlement.statement_total", "settlement.cycle_check",
)  # fmt: skip
Restore = Callable[[str], None]


@pytest.fixture(scope="module")
def scenario(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose state is kept twice: with January open, and with January published."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("tampering"))
    coalition.join(made.hub, "kiosk", life_months=0)
    _january(made.hub)
    _keep(made.hub, "open")
    cycles.close(made.hub, CYCLE, "operator")
    _keep(made.hub, "published")
    yield made.hub
    made.hub.database.dispose()


def _january(hub: Hub) -> None:
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)
    earn(hub, "fuel", "e3", "card:1", 1_200)
    earn(hub, "pharmacy", "e4", "card:2", 500)
    earn(hub, "kiosk", "e5", "card:1", 900)
    redeem(hub, "fuel", "r1", "card:1", 15)
    redeem(hub, "grocer", "r2", "card:2", 3)
    with suppress(Refused):
        redeem(hub, "grocer", "r3", "card:2", 300)
    earn(hub, "kiosk", "e6", "card:2", 700)
    business_clock.move(hub, datetime(2017, 1, 31, tzinfo=UTC))
    assert end_of_day.run(hub, LAST_DAY) == 7
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))


def _keep(hub: Hub, state: str) -> None:
    with hub.database.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {state}"))
        for table in TABLES:
            connection.execute(text(f"CREATE TABLE {state}.{table.split('.')[1]} AS TABLE {table}"))


@pytest.fixture
def restored(scenario: Hub) -> Restore:
    """Bring every row back as it was in a state that was kept."""

    def restore(state: str) -> None:
        with scenario.database.connect() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
            for table in TABLES:
                kept = f"{state}.{table.split('.')[1]}"
                connection.execute(text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {kept}"))

    return restore


def _alter(hub: Hub, statement: str) -> None:
    with hub.database.connect() as connection:
        assert connection.execute(text(statement)).rowcount


def _assert_broken(hub: Hub, expected: Mapping[str, str]) -> None:
    """Exactly these checks find something, and name these rows."""
    broken = {one["check"]: one["row"] for one in ledger_check.run(hub) if one["row"] is not None}
    assert broken.keys() == expected.keys(), broken
    for check, row in expected.items():
        assert broken[check].startswith(row), broken[check]


def test_nothing_is_found_where_nothing_was_altered(scenario: Hub, restored: Restore) -> None:
    for state in ("open", "published"):
        restored(state)
        assert broken_rows(scenario) == []
    assert cycles.audit(scenario, CYCLE) == []
    restored("open")
    assert cycles.close(scenario, CYCLE, "operator")["moves"][-1]["state"] == "published"


@pytest.mark.parametrize("name", CASES)
def test_an_altered_row_is_named_before_publication(scenario: Hub, restored: Restore, name: str) -> None:
    """By the ledger's checks; and where the cycle rests on the row, by its self-checks, which refuse to publish."""
    case = CASES[name]
    restored("open")
    _alter(scenario, case.statement)
    _assert_broken(scenario, case.ledger)
    if case.cycle is not None:
        with pytest.raises(SettlementRefused) as refused:
            cycles.close(scenario, CYCLE, "operator")
        assert case.cycle in [finding.row for finding in refused.value.findings]
        assert {one["state"] for one in cycles.listing(scenario)} == {"open"}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.cycle])
def test_an_altered_row_is_named_after_publication(scenario: Hub, restored: Restore, name: str) -> None:
    restored("published")
    _alter(scenario, CASES[name].statement)
    assert any(f" {CASES[name].cycle}: " in finding for finding in cycles.audit(scenario, CYCLE))


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_altered_result_is_named(scenario: Hub, restored: Restore, name: str) -> None:
    case = PUBLISHED[name]
    restored("published")
    _alter(scenario, case.statement)
    _assert_broken(scenario, case.ledger)
    if case.cycle is not None:
        assert any(f" {case.cycle}: " in finding for finding in cycles.audit(scenario, CYCLE))


def test_every_check_of_the_ledger_has_been_seen_to_fail() -> None:
    seen = {check for case in (*CASES.values(), *PUBLISHED.values()) for check in case.ledger}
    assert seen == {*CHECKS, RULES}


def test_every_case_is_found_by_something() -> None:
    assert [name for name, case in (CASES | PUBLISHED).items() if not case.ledger and case.cycle is None] == []
