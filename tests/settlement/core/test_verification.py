"""Recomputation finds every alteration and names its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from settlement.core import verification
from settlement.core.digests import cycle_digest
from settlement.core.findings import Finding
from settlement.core.lines import Obligation, line_digest
from settlement.core.netting import multilateral_nets
from settlement.core.totals import totals_of
from settlement.core.verification import Claims, Recomputation
from tests.settlement.sample import JANUARY

LINES = sorted(JANUARY)
NOTHING = Claims("2017-01", date(2017, 1, 31), 0, cycle_digest([]), [], [], [])


def claims_of(lines: list[Obligation]) -> Claims:
    """Claims that are true of these lines."""
    adding = Recomputation(NOTHING)
    for line in lines:
        adding.add(line, line_digest(line))
    found = adding.positions()
    nets, totals = multilateral_nets(found), totals_of(found)
    return NOTHING._replace(lines=len(lines), digest=cycle_digest(found), positions=found, nets=nets, totals=totals)


def findings(lines: list[Obligation], claims: Claims, digests: list[bytes] | None = None) -> list[Finding]:
    recomputation = Recomputation(claims)
    for line, digest in zip(lines, digests or map(line_digest, lines), strict=True):
        recomputation.add(line, digest)
    return recomputation.finish()


def rows(found: list[Finding], check: str) -> list[str]:
    return [finding.row for finding in found if finding.check == check]


def test_true_claims_have_no_findings() -> None:
    assert findings(LINES, claims_of(LINES)) == []
    assert findings([], claims_of([])) == []


@pytest.mark.parametrize(
    "change",
    [
        {"points": 6},
        {"amount_minor": 6},
        {"issuer": "garden"},
        {"redeemer": "garden"},
        {"currency": "EUR"},
        {"price_version": 2},
        {"price_numerator": 8},
        {"price_denominator": 9},
        {"business_date": date(2017, 1, 11)},
    ],
)
def test_an_altered_field_names_the_line_even_with_a_new_digest(change: dict[str, Any]) -> None:
    place = next(place for place, line in enumerate(LINES) if line.event_id == "b1-grocer-r")
    altered = [*LINES]
    altered[place] = LINES[place]._replace(**change)
    by_digest = findings(altered, claims_of(LINES), [*map(line_digest, LINES)])
    assert rows(by_digest, "line digest") == ["grocer/b1-grocer-r/1"]
    redigested = findings(altered, claims_of(LINES))
    assert "cycle digest" in {finding.check for finding in redigested}
    if change.keys() != {"issuer"}:
        named = rows(redigested, "event") + rows(redigested, "value")
        assert any(row.startswith("grocer/b1-grocer-r/") for row in named)


def test_a_line_of_one_event_that_is_taken_out_shows_in_the_split() -> None:
    found = findings([line for line in LINES if line[1:3] != ("b3-pharmacy-r", 1)], claims_of(LINES))
    assert "bank -> pharmacy (USD)" in rows(found, "position")
    assert rows(found, "count") == ["cycle 2017-01"]


def test_a_doubled_line_is_named_and_counted_once() -> None:
    found = findings([*LINES[:3], LINES[2], *LINES[3:]], claims_of(LINES))
    assert found == [Finding("order", "/".join(map(str, LINES[2][:3])), "appears twice")]


def test_lines_out_of_order_are_named() -> None:
    found = findings([LINES[1], LINES[0], *LINES[2:]], claims_of(LINES))
    assert rows(found, "order") == ["/".join(map(str, LINES[0][:3]))]


def test_a_line_after_the_last_day_is_named() -> None:
    late = [line._replace(business_date=date(2017, 2, 1)) for line in LINES]
    assert len(rows(findings(late, claims_of(late)), "cycle")) == len(LINES)


def change_position(claims: Claims) -> Claims:
    return claims._replace(positions=[claims.positions[0]._replace(amount_minor=1), *claims.positions[1:]])


def double_position(claims: Claims) -> Claims:
    return claims._replace(positions=[claims.positions[0], *claims.positions])


def drop_net(claims: Claims) -> Claims:
    return claims._replace(nets=claims.nets[1:])


def change_net(claims: Claims) -> Claims:
    return claims._replace(nets=[claims.nets[0]._replace(net_minor=1), *claims.nets[1:]])


def change_total(claims: Claims) -> Claims:
    return claims._replace(totals=[claims.totals[0]._replace(pay_points=1), *claims.totals[1:]])


def add_total(claims: Claims) -> Claims:
    return claims._replace(totals=[*claims.totals, claims.totals[0]._replace(partner="stranger")])


def change_digest(claims: Claims) -> Claims:
    return claims._replace(digest=bytes(32))


@pytest.mark.parametrize(
    ("change", "check", "row"),
    [
        (change_position, "position", "bank -> fuel (USD)"),
        (double_position, "position", "bank -> fuel (USD)"),
        (drop_net, "net", "bank (USD)"),
        (change_net, "net", "bank (USD)"),
        (change_net, "zero sum", "USD"),
        (change_total, "statement", "bank (USD)"),
        (add_total, "statement", "stranger (USD)"),
        (change_digest, "cycle digest", "cycle 2017-01"),
    ],
)
def test_a_changed_claim_is_named(change: Callable[[Claims], Claims], check: str, row: str) -> None:
    assert row in rows(findings(LINES, change(claims_of(LINES))), check)


def test_an_event_of_very_many_lines_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_EVENT_LINES", 2)
    found = findings(LINES, claims_of(LINES))
    assert rows(found, "event") == ["grocer/b1-grocer-r/1", "pharmacy/b3-pharmacy-r/1"]


def test_pairs_that_nobody_stated_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_UNSTATED_PAIRS", 1)
    assert len(rows(findings(LINES, NOTHING), "position")) > 1
