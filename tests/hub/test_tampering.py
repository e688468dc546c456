"""Rows altered by hand: the ledger's checks name the row, and no cycle is published or stays valid over it.

One small coalition to which everything happened that a ledger knows (`tests.support.eventful`); one statement alters
it; then every check is run, a close is tried before publication, and an audit is made after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, select, text

from hub.services import cycles, ledger_check
from hub.services.context import Hub
from hub.store.checks import CHECKS
from hub.store.checks_of_cards import CHECKS_OF_CARDS
from hub.store.checks_of_claims import CHECKS_OF_CLAIMS
from hub.store.checks_of_counters import CHECKS_OF_COUNTERS
from hub.store.checks_of_packs import CHECKS_OF_PACKS
from hub.store.redemption_lines import LEDGER, OTHERS, PRICED
from settlement import cycles as settlement_cycles
from settlement.errors import SettlementRefused
from settlement.store.comparison import PartedLedger
from tests.support import coalition, eventful
from tests.support.network import broken_rows

CYCLE = "2017-01"


def _check(words: str) -> str:
    """The name of the one check that begins so."""
    [name] = [name for name in CHECKS if name.startswith(words)]
    return name


BELONGS, MOVES, ACCOUNTS = _check("each transfer belongs"), _check("each event moves"), _check("each transfer moves")
WHOLE, DEBTS, LOTS, ISSUERS = _check("what goes"), _check("each debt"), _check("each lot"), _check("per issuer")
RESERVED, ENDED, LASTS, CAPTURED = (
    _check("no more of a lot is held"), _check("each hold ended"), _check("each hold lasts"),
    _check("no more of a lot is burnt"),
)  # fmt: skip
RETURNED, FOLLOWS, FOUND = _check("what is returned"), _check("what follows"), _check("each refund found")
ORDERED, NAMED, MERGED = _check("what is redeemed"), _check("each redemption and gift"), _check("each member is merged")
EXCHANGED, FROZEN = _check("each exchange is"), _check("what is frozen")
OWED, WORTH, EVIDENCE = _check("each redemption has"), _check("each redemption is"), _check("each event that")
RULES, REFUNDS = ledger_check.RULES_HOLD, ledger_check.REFUNDS_HOLD


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
    "redemption: points": Case(_event("points = points + 1", "r1"), {MOVES: REDEEMED}),
    "redemption: member": Case(_event("member_id = 3", "r1"), {NAMED: REDEEMED}),
    "redemption: members who pay": Case(_event("details = NULL", "r6"), {NAMED: "event grocer/r6"}),
    "redemption: another rule": Case(_event("scheme_rule = 'expiry-first-1'", "r4"), {ORDERED: "event market/r4"}),
    "redemption: no such rule": Case(_event("scheme_rule = 'x'", "r2"), {ORDERED: "event grocer/r2"}),
    "redemption: whose price": Case(
        _event("priced_by = 'fuel'", "r6"), {OWED: "obligation grocer/r6/2"}, "grocer/r6/2"
    ),
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
        "UPDATE hub.event SET points = points + 1 WHERE kind = 'expiry'", {MOVES: "event coalition/expiry-2017-01-31-"}
    ),
    "expiry that is owed for: whose price": Case(
        "UPDATE hub.event SET priced_by = NULL WHERE priced_by = 'lottery'",
        {OWED: "obligation coalition/expiry-2017-01-31-13"},
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
    "transfer: member": Case(_transfer("member_id = member_id + 7"), {LOTS: BURNT, NAMED: REDEEMED}),
    "transfer: business date": Case(
        _transfer("business_date = '2017-02-11'"), {BELONGS: REDEEMED_BY, OWED: DEBT}, LINE
    ),
    "transfer: expiry": Case(_transfer("expires_on = '2018-01-01'"), {LOTS: BURNT, ORDERED: REDEEMED}),
    "transfer: kind of points": Case(_transfer("kind = 'gift'"), {LOTS: BURNT}),
    "transfer: line": Case(_transfer("line = 9"), {OWED: DEBT, ORDERED: REDEEMED}, LINE),
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
        {ACCOUNTS: "transfer coalition/expiry-2017-01-31-"},
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
    "price: deleted": Case(
        "DELETE FROM hub.rate WHERE kind = 'reimbursement' AND partner_id = 'fuel'", {OWED: DEBT}, LINE
    ),
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

CONFIRMED, GIVEN, PARTED = "event stall/c1/confirm", "event grocer/g1", "event grocer/j2/undo"
TAKEN_BACK, EXPIRED, LENT = "event market/f2", "event kiosk/f3", "debt of member 4 to market"
TAKEN, OPEN, VOIDED, BURNS = "hold market/h1", "hold market/h4", "hold market/h2", "event market/h1/capture"
RESERVES, CAME_BACK, GONE_OVER = "event market/h4", "event market/v2", "member 8: "
WENT_OUT = "exchange sky/x3"
FORGED_HOLD = """
    INSERT INTO hub.hold
    SELECT member_id, partner_id, {}, 9, expires_on, issuer, kind, matures_on, {}, lapses_at, state
    FROM hub.hold WHERE event_id = 'h4'
"""


def _hold(change: str, event_id: str = "h4") -> str:
    return f"UPDATE hub.hold SET {change} WHERE event_id = '{event_id}'"


def _said(name: str, value: str, event_id: str) -> str:
    return _event(f"details = jsonb_set(details, '{{{name}}}', '{value}')", event_id)


def _exchange(change: str, exchange_id: str = "x3") -> str:
    return f"UPDATE hub.exchange SET {change} WHERE exchange_id = '{exchange_id}'"


def _gone(event_id: str) -> str:
    return f"DELETE FROM hub.event WHERE event_id = '{event_id}'"


def _line(change: str, event_id: str, line: int) -> str:
    return f"UPDATE hub.transfer SET {change} WHERE event_id = '{event_id}' AND line = {line}"


CASES |= {
    # kinds of points, pending points and their confirmation
    "kind of points: class": Case(_line("kind = 'base'", "s1", 2), {LOTS: "lot of member 3"}),
    "kind of points: for status": Case(
        _line("kind = 'base'", "s1", 3), {MOVES: "event market/s1", LOTS: "lot of member 3"}
    ),
    "pending sale: maturity": Case(_event("matures_on = NULL", "c2"), {BELONGS: "transfer stall/c2/1"}),
    "confirmation: sale": Case(_event("refers_to = 'c2'", "c1/confirm"), {FOLLOWS: CONFIRMED}),
    "confirmation: of nothing": Case(_event("refers_to = NULL", "c1/confirm"), {FOLLOWS: CONFIRMED}),
    "confirmation: points": Case(_event("points = points + 1", "c1/confirm"), {MOVES: CONFIRMED}),
    "confirmation: deleted": Case(_gone("c1/confirm"), {BELONGS: "transfer stall/c1/confirm/1"}),
    "confirmation: maturity of its points": Case(
        _line("matures_on = '2017-05-05'", "c1/confirm", 2), {LOTS: "lot of member 5"}
    ),
    "confirmation: points that arrive": Case(
        _line("points = points + 1", "c1/confirm", 2), {WHOLE: CONFIRMED, LOTS: "lot of member 5"}
    ),
    # refunds
    "refund: sale": Case(_event("refers_to = 's3'", "f2"), {RETURNED: TAKEN_BACK}),
    "refund: sale that is not there": Case(
        _event("refers_to = 'x'", "f2"), {RETURNED: TAKEN_BACK, FOLLOWS: TAKEN_BACK}
    ),
    "refund: what was returned before": Case(_event("returned_before = 0", "f2"), {RETURNED: TAKEN_BACK}),
    "refund: nothing returned before": Case(_event("returned_before = NULL", "f2"), {FOLLOWS: TAKEN_BACK}),
    "refund: amount": Case(
        _event("amount_minor = amount_minor + 100", "f2"), {RETURNED: TAKEN_BACK, REFUNDS: TAKEN_BACK}
    ),
    "refund: smaller amount": Case(_event("amount_minor = amount_minor - 100", "f2"), {REFUNDS: TAKEN_BACK}),
    "refund: taken": Case(_said("taken", "1", "f2"), {FOUND: TAKEN_BACK, REFUNDS: TAKEN_BACK}),
    "refund: owed": Case(_said("owed", "1", "f2"), {FOUND: TAKEN_BACK, REFUNDS: TAKEN_BACK}),
    "refund: borne": Case(_said("borne", "1", "f2"), {REFUNDS: TAKEN_BACK}),
    "refund: expired": Case(_said("expired", "1", "f3"), {FOUND: EXPIRED, REFUNDS: EXPIRED}),
    "refund: expired to the coalition": Case(
        _event("details = details - 'forgone'", "f4"), {FOUND: "event lottery/f4"}
    ),
    "refund: details": Case(_event("details = NULL", "f3"), {FOUND: EXPIRED, REFUNDS: EXPIRED}),
    "refund: points that were breakage": Case(_line("points = points + 1", "f3", 1), {FOUND: EXPIRED}),
    "rate of a refunded sale: terms": Case(
        _rate("terms = jsonb_set(terms, '{0,points}', '2')", "earning", "market"),
        {RULES: "event market/s1", REFUNDS: "event market/f1"},
    ),
    # debts
    "debt: points": Case("UPDATE hub.debt SET points = points + 1", {DEBTS: LENT, ISSUERS: "issuer market"}),
    "debt: issuer": Case(
        "UPDATE hub.debt SET issuer = 'fuel'", {DEBTS: "debt of member 4 to fuel", ISSUERS: "issuer fuel"}
    ),
    "debt: member": Case("UPDATE hub.debt SET member_id = 5", {DEBTS: LENT}),
    "debt: deleted": Case("DELETE FROM hub.debt", {DEBTS: LENT, ISSUERS: "issuer market"}),
    "debt: forged": Case(
        "INSERT INTO hub.debt VALUES (2, 'grocer', 4)",
        {DEBTS: "debt of member 2 to grocer", ISSUERS: "issuer grocer"},
    ),
    "debt: points that were lent": Case(
        "UPDATE hub.transfer SET points = points + 1 WHERE event_id = 'f2' AND debit_account = 'debt'",
        {MOVES: TAKEN_BACK, DEBTS: LENT, ISSUERS: "issuer market", FOUND: TAKEN_BACK},
    ),
    "repayment: points": Case(
        "UPDATE hub.event SET points = points + 1 WHERE kind = 'repayment'", {MOVES: "event coalition/repayment-4-"}
    ),
    "repayment: points that were paid": Case(
        """UPDATE hub.transfer SET points = points + 1
           WHERE starts_with(event_id, 'repayment') AND credit_account = 'debt'""",
        {DEBTS: LENT, ISSUERS: "issuer market"},
    ),
    # holds
    "hold: seconds": Case(_said("hold_s", "5", "h1"), {LASTS: TAKEN}),
    "hold: of an event that nobody looks at": Case(
        _event("kind = 'quarantine'", "h4"), {FROZEN: "quarantine market/h4", LASTS: OPEN, FOLLOWS: RESERVES}
    ),
    "hold: details": Case(_event("details = NULL", "h4"), {LASTS: OPEN}),
    "hold: time": Case(_event("posted_at = posted_at + interval '1 s'", "h4"), {LASTS: OPEN}),
    "hold: rule": Case(_event("scheme_rule = 'x'", "h4"), {ORDERED: RESERVES}),
    "hold: points": Case(_event("points = points + 1", "h4"), {MOVES: RESERVES}),
    "hold: event deleted": Case(_gone("h4"), {LASTS: OPEN}),
    "hold row: points": Case(_hold("points = points + 1"), {MOVES: RESERVES}),
    "hold row: more than there is": Case(
        FORGED_HOLD.format("event_id", 500), {MOVES: RESERVES, RESERVED: "lot of member 3"}
    ),
    "hold row: points between lots": Case(
        _hold("points = points + CASE line WHEN 1 THEN -1 ELSE 1 END", "h1"), {CAPTURED: BURNS}
    ),
    "hold row: member": Case(_hold("member_id = 7"), {RESERVED: "lot of member 7"}),
    "hold row: member of a captured one": Case(_hold("member_id = 7", "h1"), {CAPTURED: BURNS}),
    "hold row: issuer": Case(_hold("issuer = 'fuel'"), {RESERVED: "lot of member 3 2017-07-31 fuel"}),
    "hold row: expiry": Case(_hold("expires_on = '2030-01-01'"), {RESERVED: "lot of member 3 2030-01-01"}),
    "hold row: kind": Case(_hold("kind = 'gift'"), {RESERVED: "lot of member 3 2017-07-31 market gift"}),
    "hold row: maturity": Case(_hold("matures_on = '2030-01-01'"), {RESERVED: "lot of member 3"}),
    "hold row: when it lapses": Case(_hold("lapses_at = lapses_at + interval '1 s'"), {LASTS: OPEN}),
    "hold row: lapsed before its time": Case(_hold("state = 'lapsed'"), {LASTS: OPEN}),
    "hold row: captured": Case(_hold("state = 'captured'"), {ENDED: OPEN}),
    "hold row: voided": Case(_hold("state = 'voided'"), {ENDED: OPEN}),
    "hold row: captured one open": Case(_hold("state = 'open'", "h1"), {ENDED: TAKEN}),
    "hold row: captured one voided": Case(_hold("state = 'voided'", "h1"), {ENDED: TAKEN}),
    "hold row: voided one open": Case(_hold("state = 'open'", "h2"), {ENDED: VOIDED}),
    "hold row: lapsed one captured": Case(_hold("state = 'captured'", "h3"), {ENDED: "hold market/h3"}),
    "hold row: deleted": Case("DELETE FROM hub.hold WHERE event_id = 'h4'", {MOVES: RESERVES}),
    "hold row: forged": Case(FORGED_HOLD.format("'forged'", 1), {LASTS: "hold market/forged"}),
    # what becomes of holds, and reversals
    "capture: hold": Case(
        _event("refers_to = 'h2'", "h1/capture"), {ENDED: TAKEN, FOLLOWS: BURNS, CAPTURED: BURNS}
    ),
    "capture: points": Case(_event("points = points + 1", "h1/capture"), {MOVES: BURNS}),
    "capture: value": Case(_event("amount_minor = amount_minor + 1", "h1/capture"), {WORTH: BURNS}),
    "capture: member": Case(_event("member_id = 7", "h1/capture"), {NAMED: BURNS}),
    "capture: deleted": Case(
        _gone("h1/capture"),
        {
            BELONGS: "transfer market/h1/capture/1", ENDED: TAKEN, RETURNED: "event market/v1",
            FOLLOWS: "event market/v1", OWED: "obligation market/h1/capture/1",
        },
        "market/h1/capture/1",
    ),
    "void: hold": Case(_event("refers_to = 'h4'", "h2/void"), {ENDED: VOIDED, FOLLOWS: "event market/h2/void"}),
    "void: points": Case(_event("points = points + 1", "h2/void"), {FOLLOWS: "event market/h2/void"}),
    "void: deleted": Case(_gone("h2/void"), {ENDED: VOIDED}),
    "reversal: redemption": Case(
        _event("refers_to = 'r4'", "v2"), {RETURNED: CAME_BACK, OWED: "obligation market/v2/1"}, "market/v2/1"
    ),
    "reversal: of a reversal": Case(
        _event("refers_to = 'v1'", "v2"),
        {RETURNED: CAME_BACK, FOLLOWS: CAME_BACK, OWED: "obligation market/v2/1"},
        "market/v2/1",
    ),
    "reversal: what was reversed before": Case(_event("returned_before = 2", "v2"), {RETURNED: CAME_BACK}),
    "reversal: nothing reversed before": Case(_event("returned_before = NULL", "v2"), {FOLLOWS: CAME_BACK}),
    "reversal: points": Case(_event("points = points + 1", "v2"), {MOVES: CAME_BACK}),
    "reversal: value": Case(_event("amount_minor = amount_minor + 1", "v2"), {WORTH: CAME_BACK}),
    # expiry, extension, reinstatement
    "reinstatement: expiry": Case(
        _event("refers_to = 'x'", "back-1"), {RETURNED: "event coalition/back-1", FOLLOWS: "event coalition/back-1"}
    ),
    "reinstatement: what came back before": Case(
        _event("returned_before = 1", "back-1"), {RETURNED: "event coalition/back-1"}
    ),
    "extension: points": Case(_event("points = points + 1", "storm/5"), {MOVES: "event coalition/storm/5"}),
    "extension: last day": Case(_line("expires_on = '2030-01-01'", "storm/5", 2), {LOTS: "lot of member 5"}),
    # exchanges
    "exchange: points": Case(_event("points = points + 1", "x3"), {MOVES: "event sky/x3", EXCHANGED: WENT_OUT}),
    "exchange: deleted": Case(_gone("x3"), {EXCHANGED: WENT_OUT, LASTS: "hold sky/x3"}),
    "exchange in: points": Case(_event("points = points + 1", "x7"), {EXCHANGED: "exchange sky/x7"}),
    "exchange row: state": Case(_exchange("state = 'failed'"), {EXCHANGED: WENT_OUT}),
    "exchange row: opened again": Case(_exchange("state = 'open'", "x4"), {EXCHANGED: "exchange sky/x4"}),
    "exchange row: no longer reversed": Case(_exchange("state = 'confirmed'", "x1"), {EXCHANGED: "exchange sky/x1"}),
    "exchange row: amount": Case(_exchange("source_amount = source_amount + 1"), {EXCHANGED: WENT_OUT}),
    "exchange row: amount that came in": Case(_exchange("target_amount = 1", "x5"), {EXCHANGED: "exchange sky/x5"}),
    "exchange row: direction": Case(_exchange("direction = 'in', target_amount = 100"), {EXCHANGED: WENT_OUT}),
    "exchange row: deleted": Case("DELETE FROM hub.exchange WHERE exchange_id = 'x3'", {EXCHANGED: WENT_OUT}),
    "exchange confirmation: exchange": Case(
        _event("refers_to = 'x6'", "x3/confirm"),
        {EXCHANGED: WENT_OUT, ENDED: "hold sky/x3"},
    ),
    "exchange confirmation: member": Case(_event("member_id = 7", "x3/confirm"), {NAMED: "event sky/x3/confirm"}),
    "exchange confirmation: value": Case(
        _event("amount_minor = amount_minor + 1", "x3/confirm"), {WORTH: "event sky/x3/confirm"}
    ),
    "exchange confirmation: deleted": Case(
        _gone("x3/confirm"),
        {
            BELONGS: "transfer sky/x3/confirm/1", ENDED: "hold sky/x3", EXCHANGED: WENT_OUT,
            OWED: "obligation sky/x3/confirm/1",
        },
        "sky/x3/confirm/1",
    ),
    "exchange failure: deleted": Case(_gone("x4/fail"), {ENDED: "hold sky/x4", EXCHANGED: "exchange sky/x4"}),
    "exchange reversal: points": Case(
        _event("points = points - 1", "x1/reverse"), {MOVES: "event sky/x1/reverse"}
    ),
    "exchange reversal: confirmation": Case(
        _event("refers_to = 'x3/confirm'", "x1/reverse"),
        {EXCHANGED: "exchange sky/x1", OWED: "obligation sky/x1/reverse/1"},
        "sky/x1/reverse/1",
    ),
    # between members
    "gift: giver": Case(_said("from", "3", "g1"), {NAMED: GIVEN}),
    "gift: taker": Case(_said("to", "3", "g1"), {NAMED: GIVEN}),
    "gift: points": Case(_event("points = points + 1", "g1"), {MOVES: GIVEN}),
    "gift: rule": Case(_event("scheme_rule = 'x'", "g1"), {ORDERED: GIVEN}),
    "gift: issuer of what arrives": Case(_line("issuer = 'fuel'", "g1", 2), {WHOLE: GIVEN, LOTS: "lot of member 7"}),
    "gift: who gets it": Case(_line("member_id = 3", "g1", 2), {LOTS: "lot of member 3", NAMED: GIVEN}),
    "gift: half deleted": Case(
        "DELETE FROM hub.transfer WHERE event_id = 'g1' AND line = 2",
        {WHOLE: GIVEN, LOTS: "lot of member 7", NAMED: GIVEN},
    ),
    "merge: into": Case(_said("into", "3", "j1"), {MERGED: GONE_OVER}),
    "merge: member": Case(_event("member_id = 3", "j1"), {MERGED: "member 3: "}),
    "merge: deleted": Case(_gone("j1"), {BELONGS: "transfer grocer/j1/1", MERGED: GONE_OVER}),
    "unmerge: merge": Case(_event("refers_to = 'j1'", "j2/undo"), {FOLLOWS: PARTED, MERGED: "member 10: "}),
    "unmerge: deleted": Case(_gone("j2/undo"), {BELONGS: "transfer grocer/j2/undo/1", MERGED: "member 10: "}),
    "merged row: into": Case("UPDATE hub.merged SET merged_into = 3", {MERGED: GONE_OVER}),
    "merged row: survivor": Case("UPDATE hub.merged SET survivor = 3", {MERGED: GONE_OVER}),
    "merged row: member": Case("UPDATE hub.merged SET member_id = 3", {MERGED: "member 3: "}),
    "merged row: event": Case("UPDATE hub.merged SET event_id = 'j2'", {MERGED: GONE_OVER}),
    "merged row: deleted": Case("DELETE FROM hub.merged", {MERGED: GONE_OVER}),
    "merged row: forged": Case("INSERT INTO hub.merged VALUES (10, 11, 11, 'grocer', 'j2')", {MERGED: "member 10: "}),
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
    "move: maker": Case("UPDATE settlement.cycle_move SET maker = 'x' WHERE seq = 3", {}, "move 2017-01/3"),
    "approval: maker": Case("UPDATE settlement.approval SET maker = 'x'", {}, "move 2017-01/3"),
    "approval: approver": Case("UPDATE settlement.approval SET decided_by = 'x'", {}, "move 2017-01/3"),
    "approval: digest": Case("UPDATE settlement.approval SET digest = sha256('')", {}, "move 2017-01/3"),
    "approval: deleted": Case("DELETE FROM settlement.approval", {}, "move 2017-01/3"),
    "deadline: day": Case("UPDATE settlement.cycle_deadline SET due_on = due_on + 1", {}, "move 2017-01/3"),
    "deadline: deleted": Case("DELETE FROM settlement.cycle_deadline WHERE step = 'final'", {}, "move 2017-01/3"),
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
        {MOVES: "event coalition/settlement-2017-01-kiosk-fuel-USD"},
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
    "hub.coalition", "hub.rate", "hub.evidence", "hub.event", "hub.transfer", "hub.lot", "hub.hold", "hub.debt",
    "hub.merged", "hub.exchange", "settlement.obligation",
    "settlement.cycle", "settlement.cycle_move", "settlement.cycle_result", "settlement.position",
    "settlement.net", "settlement.statement_total", "settlement.cycle_check", "settlement.approval",
    "settlement.cycle_deadline", "settlement.due", "settlement.charge",
)  # fmt: skip
Restore = Callable[[str], None]


@pytest.fixture(scope="module")
def scenario(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose state is kept twice: with January open, and with January published."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("tampering"))
    eventful.january(made.hub)
    _keep(made.hub, "open")
    cycles.close_and_publish(made.hub, CYCLE, "operator", "second operator")
    _keep(made.hub, "published")
    yield made.hub
    made.hub.database.dispose()


def _keep(hub: Hub, state: str) -> None:
    with hub.database.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {state}"))
        for table in TABLES:
            connection.execute(text(f"CREATE TABLE {state}.{table.split('.')[1]} AS TABLE {table}"))


class Undone(Exception):
    """Raised to take back what a transaction has done."""


@pytest.fixture(scope="module")
def untouched() -> list[str]:
    """The state that the rows are in, if nothing was altered for good since it was brought back."""
    return []


@pytest.fixture
def restored(scenario: Hub, untouched: list[str]) -> Restore:
    """Bring every row back as it was in a state that was kept."""

    def restore(state: str) -> None:
        untouched.clear()
        with scenario.database.connect() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
            for table in TABLES:
                kept = f"{state}.{table.split('.')[1]}"
                connection.execute(text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {kept}"))

    return restore


def _alter(hub: Hub, statement: str) -> None:
    with hub.database.connect() as connection:
        _alter_on(connection, statement)


def _alter_on(connection: Connection, statement: str) -> None:
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
    assert cycles.close_and_publish(scenario, CYCLE, "operator", "second operator")["moves"][-1]["state"] == "published"


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


@pytest.mark.parametrize("name", CASES)
def test_in_parts_the_ledger_shows_what_it_shows_whole(
    scenario: Hub, restored: Restore, untouched: list[str], name: str
) -> None:
    if untouched != ["published"]:
        restored("published")
        untouched.append("published")

    def compare(connection: Connection) -> None:
        _alter_on(connection, CASES[name].statement)
        whole = settlement_cycles.audit(connection, CYCLE, LEDGER)
        parted = settlement_cycles.audit(connection, CYCLE, PartedLedger(LEDGER, PRICED, OTHERS))
        assert parted == whole
        raise Undone

    with pytest.raises(Undone):
        scenario.database.transact(compare)


def test_where_the_parts_agree_the_whole_is_not_asked_for(scenario: Hub, restored: Restore) -> None:
    restored("published")
    with scenario.database.snapshot() as connection:
        ledger = PartedLedger(select(text("1 / 0")), PRICED, OTHERS)
        assert settlement_cycles.audit(connection, CYCLE, ledger) == []


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
    elsewhere = {*CHECKS_OF_PACKS, *CHECKS_OF_CARDS, *CHECKS_OF_COUNTERS, *CHECKS_OF_CLAIMS}
    assert seen | elsewhere == {*CHECKS, RULES, REFUNDS}


def test_every_case_is_found_by_something() -> None:
    assert [name for name, case in (CASES | PUBLISHED).items() if not case.ledger and case.cycle is None] == []
