"""Corrections: whatever is taken back, positions are the plain sums, the nets add up to zero, and rows are named."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.lines import Obligation, canonical_text, line_digest, why_not_owed
from settlement.core.netting import Net, explain_pairs, multilateral_nets, savings
from settlement.core.positions import Position
from settlement.core.totals import StatementTotal, totals_of
from settlement.core.verification import Claims
from tests.settlement.plain_cycle import claims_of, rows
from tests.settlement.plain_cycle import plain_findings as findings
from tests.settlement.sample import correction, redemption

NAMES = ["bank", "fuel", "grocer", "pharmacy"]
LINE = Obligation("grocer", "r1/back", 2, "bank", "grocer", -15, -14, "USD", 3, 9, 10, date(2017, 1, 9), "grocer/r1")
TEXT = "grocer\nr1/back\n2\nbank\ngrocer\n-15\n-14\nUSD\n3\n9\n10\n2017-01-09\ngrocer/r1"
DAY = date(2017, 1, 20)


@st.composite
def mixtures(draw: st.DrawFn, whole: bool = False) -> list[Obligation]:
    """Redemptions, and corrections that take them back in part or whole, some of them without the redemption."""
    lines: list[Obligation] = []
    for number in range(draw(st.integers(1, 6))):
        burnt = draw(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 500), min_size=1))
        redeemed = redemption(f"r{number}", draw(st.sampled_from(NAMES)), burnt, currency=draw(CURRENCIES))
        total = sum(burnt.values())
        cuts = sorted(draw(st.sets(st.integers(0, total), max_size=5)) | ({0, total} if whole else set()))
        if whole or draw(st.booleans()):
            lines += redeemed
        for place, (before, after) in enumerate(pairwise(cuts)):
            lines += correction(f"r{number}/{place}", redeemed, after - before, DAY, before)
    return sorted(lines)


CURRENCIES = st.sampled_from(["EUR", "USD"])


def found(lines: list[Obligation]) -> Claims:
    """What the lines add up to, which they themselves do not contradict."""
    claims = claims_of(lines)
    assert findings(lines, claims) == []
    return claims


def sums(lines: list[Obligation]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Lines, points and minor units of each pair, added up in the plainest way."""
    added: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in lines:
        pair = added[line.issuer, line.redeemer, line.currency]
        pair[:] = [pair[0] + 1, pair[1] + line.points, pair[2] + line.amount_minor]
    return {pair: (count, points, minor) for pair, (count, points, minor) in added.items()}


@given(mixtures())
def test_positions_are_plain_sums_and_nets_add_up_to_zero(lines: list[Obligation]) -> None:
    claims = found(lines)
    assert {row[:3]: row[3:6] for row in claims.positions} == sums(lines)
    for currency in ("EUR", "USD"):
        assert sum(net.net_minor for net in claims.nets if net.currency == currency) == 0


@given(mixtures())
def test_nets_and_statement_totals_are_those_of_the_lines(lines: list[Obligation]) -> None:
    claims = found(lines)
    totals = {(row.partner, row.currency): row for row in claims.totals}
    for net in claims.nets:
        own = [line for line in lines if line.currency == net.currency and line.issuer != line.redeemer]
        received = sum(line.amount_minor for line in own if line.redeemer == net.partner)
        paid = sum(line.amount_minor for line in own if line.issuer == net.partner)
        total = totals[net.partner, net.currency]
        assert net == Net(net.partner, net.currency, received, paid, received - paid)
        assert (total.receive_minor, total.pay_minor) == (received, paid)
    assert totals.keys() == {(net.partner, net.currency) for net in claims.nets}


@given(mixtures(whole=True))
def test_what_is_taken_back_whole_leaves_nothing(lines: list[Obligation]) -> None:
    """In however many parts: no unit is left over by rounding, on either side."""
    claims = found(lines)
    assert {(row.points, row.amount_minor) for row in claims.positions} == {(0, 0)}
    assert {net.net_minor for net in claims.nets} == {0}


@given(mixtures())
def test_savings_lie_between_nothing_and_all(lines: list[Obligation]) -> None:
    positions = found(lines).positions
    for saving in savings(positions):
        assert 0 <= saving.paid_minor <= saving.gross_minor
        assert 0 <= saving.saved_permille <= 1000
    for pair in explain_pairs(positions):
        assert pair.net_minor == pair.first_owes_minor - pair.second_owes_minor
        gross = abs(pair.first_owes_minor) + abs(pair.second_owes_minor)
        assert abs(pair.net_minor) + pair.saving_minor == gross
        assert 0 <= pair.saving_minor <= pair.share_minor <= gross


def test_a_position_below_zero_is_paid_the_other_way() -> None:
    """Fuel was overpaid 30 by bank and is owed 100 by it: those are set against each other; garden's 20 go back."""
    owed = [("bank", "fuel", -30), ("fuel", "bank", 100), ("garden", "fuel", -20), ("fuel", "fuel", -7)]
    positions = [Position(issuer, redeemer, "USD", 1, minor, minor, b"") for issuer, redeemer, minor in owed]
    assert multilateral_nets(positions) == [
        Net("bank", "USD", 100, -30, 130),
        Net("fuel", "USD", -50, 100, -150),
        Net("garden", "USD", 0, -20, 20),
    ]
    assert [tuple(saving) for saving in savings(positions)] == [("USD", 150, 150, 0)]
    assert [tuple(pair[:2] + pair[3:]) for pair in explain_pairs(positions)] == [
        ("bank", "fuel", -30, 100, -130, 0, 0),
        ("fuel", "garden", 0, -20, 20, 0, 0),
    ]
    assert totals_of(positions)[1] == StatementTotal("fuel", "USD", 2, -50, -50, 1, 100, 100, 1, -7, -7)


def test_a_correction_has_its_origin_as_thirteenth_field() -> None:
    assert canonical_text(LINE) == TEXT
    assert line_digest(LINE) == hashlib.sha256(TEXT.encode()).digest()
    assert canonical_text(LINE._replace(origin="")) == TEXT.removesuffix("\ngrocer/r1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"amount_minor": 0}, ""),
        ({"points": 1, "amount_minor": 1}, ""),
        ({"points": 0, "amount_minor": 0}, "not be zero"),
        ({"points": 0}, "not be zero"),
        ({"points": 5}, "other sign"),
        ({"amount_minor": 5}, "other sign"),
        ({"origin": ""}, "only a correction"),
        ({"origin": "grocer"}, "written partner/event"),
        ({"origin": "/r1"}, "written partner/event"),
        ({"origin": "grocer/"}, "written partner/event"),
        ({"origin": "grocer/r1/back"}, "does not correct itself"),
        ({"origin": "grocer/r1/capture"}, ""),
    ],
)
def test_what_can_be_owed(change: dict[str, Any], reason: str) -> None:
    why = why_not_owed(LINE._replace(**change))
    assert reason in why
    assert bool(reason) == bool(why)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"points": 33, "amount_minor": 26}, "position"),
        ({"points": -32}, "position"),
        ({"amount_minor": -23}, "value"),
        ({"amount_minor": -30}, "value"),
        ({"amount_minor": 26}, "origin"),
        ({"points": 0}, "origin"),
        ({"origin": ""}, "origin"),
        ({"origin": "pharmacy/other"}, "cycle digest"),
        ({"price_numerator": 9}, "value"),
    ],
)
def test_an_altered_correction_is_found_even_with_a_new_digest(change: dict[str, Any], check: str) -> None:
    lines = correction("r1/back", redemption("r1", "pharmacy", {"bank": 33}), 33, DAY)
    altered = [line._replace(**change) for line in lines]
    by_digest = findings(altered, claims_of(lines), [*map(line_digest, lines)])
    assert rows(by_digest, "line digest") == ["pharmacy/r1/back/1"]
    assert check in {finding.check for finding in findings(altered, claims_of(lines))}


def test_an_event_corrects_one_other() -> None:
    lines = correction("r1/back", redemption("r1", "pharmacy", {"bank": 33, "fuel": 5}), 38, DAY)
    mixed = sorted([lines[0]._replace(origin="pharmacy/r2"), *lines[1:]])
    assert rows(findings(mixed, claims_of(mixed)), "event") == ["pharmacy/r1/back/2"]


def test_lines_that_cancel_each_other_without_an_origin_are_named() -> None:
    """No event of usual lines comes to no points; the sum over it is not divided by."""
    line = redemption("r1", "fuel", {"bank": 5})[0]
    lines = [line, line._replace(line=2, points=-5, amount_minor=-5)]
    assert rows(findings(lines, claims_of([line])), "origin") == ["fuel/r1/2"]
