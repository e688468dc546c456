"""Recomputation finds every alteration and names its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.charges import TaxRate
from settlement.core.contracts import contract_of
from settlement.core.findings import Finding
from settlement.core.funding import issue_line, parted_line
from settlement.core.lines import Obligation, line_digest
from settlement.core.verification import Claims
from settlement.exports.lines import LINE, by_event
from settlement.recomputation import sequence
from settlement.recomputation.cycle import Recomputation
from tests.settlement.core.test_corrections import mixtures
from tests.settlement.plain_cycle import NOTHING, claims_of, plain_findings, rows
from tests.settlement.sample import JANUARY

LINES = sorted(JANUARY)


def table(lines: Sequence[Obligation], digests: Sequence[bytes]) -> pa.Table:
    """Lines as the database or a file gives them."""
    columns = zip(*((*line, digest) for line, digest in zip(lines, digests, strict=True)), strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, LINE, strict=True)]
    return pa.Table.from_arrays(arrays, schema=LINE)


def recomputed(
    lines: Sequence[Obligation], claims: Claims, digests: Sequence[bytes] | None = None, at_once: int = 100
) -> tuple[Claims, list[Finding]]:
    """What the lines give, and what is found."""
    stated = digests or [line_digest(line) for line in lines]
    tables = [table(lines[at : at + at_once], stated[at : at + at_once]) for at in range(0, len(lines), at_once)]
    with Recomputation(claims) as recomputation:
        for stretch in by_event(tables):
            recomputation.add(stretch)
        found = claims._replace(positions=recomputation.positions(), charges=recomputation.charges())
        return found, recomputation.finish()


def findings(lines: Sequence[Obligation], claims: Claims, digests: Sequence[bytes] | None = None) -> list[Finding]:
    return recomputed(lines, claims, digests)[1]


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


def test_a_doubled_line_is_named() -> None:
    found = findings([*LINES[:3], LINES[2], *LINES[3:]], claims_of(LINES))
    assert Finding("order", "/".join(map(str, LINES[2][:3])), "appears twice") in found


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


def test_pairs_that_nobody_stated_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "MAX_UNSTATED_PAIRS", 1)
    assert "position" in {one.check for one in findings(LINES, NOTHING) if one.row == "cycle 2017-01"}


def test_numbers_that_no_sum_of_64_bits_holds_are_named() -> None:
    huge = [line._replace(points=-(2**63), amount_minor=-(2**63)) for line in LINES]
    named = rows(findings(huge, claims_of(huge)), "origin")
    assert named == ["/".join(map(str, line[:3])) for line in LINES]


# --- beside the plain model ---

SPLIT = {"currency": "USD", "funding": {"on_issue": "30", "on_redemption": "70"},
         "issue_prices": {"USD": {"base": "7/3"}}}  # fmt: skip
FEE = {"currency": "USD", "tax_code": "DE", "billing_percent": "97.5",
       "fee": {"side": "redeemed", "per_point": "1/7", "per_transaction": "1/2", "percent": "1.5"}}  # fmt: skip
KNOWN = NOTHING._replace(
    contracts=[
        contract_of("bank", 1, date(2016, 1, 1), SPLIT, ""),
        contract_of("grocer", 1, date(2016, 1, 1), FEE, ""),
        contract_of("grocer", 2, date(2017, 1, 15), FEE | {"billing_percent": "100"}, ""),
    ],
    tax_rates=[TaxRate("DE", date(2016, 1, 1), 19, 100)],
)
SHARE, NONE = Fraction(3, 10), Fraction(0)
NUMBERS = st.one_of(st.integers(-3, 40), st.sampled_from([2**31, 2**40, 2**62, -(2**63), 2**63 - 1]))
ALTERED = st.fixed_dictionaries({}, optional={
    "points": NUMBERS, "amount_minor": NUMBERS, "price_numerator": NUMBERS, "price_denominator": st.integers(1, 9),
    "price_version": st.integers(1, 3), "issuer": st.sampled_from(["bank", "fuel", "@fund"]),
    "redeemer": st.sampled_from(["bank", "fuel", "@fund"]), "origin": st.sampled_from(["", "fuel/r0", "x"]),
    "kind": st.sampled_from(["reimbursement", "issue", "breakage", "adjustment", "gift"]),
    "points_of": st.sampled_from(["", "bank"]), "line": st.integers(0, 70_000), "currency": st.just("EUR"),
})  # fmt: skip


@st.composite
def cycles(draw: st.DrawFn) -> list[Obligation]:
    """Redemptions and corrections, of bank's points parted with the fund, and points of bank paid for at issue."""
    lines = [part for line in draw(mixtures()) for part in parted_line(line, SHARE if line.issuer == "bank" else NONE)]
    for number in range(draw(st.integers(0, 3))):
        whole = Obligation("bank", f"e{number}", 1, "bank", "", draw(st.integers(1, 99)), 0, "USD", 1, 7, 3, DAY)
        lines.append(issue_line(whole, SHARE))
    return sorted(lines)


DAY = date(2017, 1, 9)


@given(cycles(), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_any_cycle_is_found_as_the_plain_model_finds_it(lines: list[Obligation], at_once: int) -> None:
    claims = claims_of(lines, KNOWN)
    found, findings = recomputed(lines, claims, at_once=at_once)
    assert (found, findings) == (claims, plain_findings(lines, claims))


@given(cycles(), st.data())
@settings(max_examples=50, deadline=None)
def test_whatever_is_altered_is_found_as_the_plain_model_finds_it(lines: list[Obligation], data: st.DataObject) -> None:
    """Every finding about an event, its price, its kind or its shares, though digests and claims are forged."""
    for place in data.draw(st.sets(st.integers(0, max(len(lines) - 1, 0)), max_size=3)):
        if place < len(lines):
            changes: dict[str, Any] = data.draw(ALTERED)
            lines[place] = lines[place]._replace(**changes)
    lines.sort()
    claims = claims_of(lines, KNOWN)
    due = {one for one in plain_findings(lines, claims) if one.check in ("value", "origin", "event")}
    assert {one for one in findings(lines, claims) if one.check in ("value", "origin", "event")} >= due
