"""Points that are paid for at issue: what comes into the fund goes out of it, and every figure can be found again."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import adjustments, books, business_clock, contracts, cycles, end_of_day
from hub.services.context import Hub
from hub.store.redemption_lines import CONTRACTS, LEDGER
from settlement.checks import audit
from settlement.contracts import differences
from settlement.core.parties import FUND
from settlement.formats import STATEMENTS
from settlement.recomputation.folder import recompute
from tests.settlement.exported import put, rows_of
from tests.support import coalition
from tests.support.agreements import ON_ISSUE, SPLIT, agree
from tests.support.coalition import FIRST_DAY
from tests.support.network import broken_rows
from tests.support.services import capture, earn, redeem, refund, reverse

CYCLE = "2017-08"
MEMBERS = [f"card:{number}" for number in range(6)]
PRICE = Fraction(9, 10)
FEE = {"side": "issued", "per_point": "1/100", "per_transaction": "1/2", "percent": "1.5", "minimum_minor": 700}
CHARGED = {"fee": FEE, "tax_code": "DE", "billing_percent": "97.5", "rounding": "half_up", "role": "agent"}
FORMS = [(ON_ISSUE, 1, "issuer"), (ON_ISSUE | CHARGED, 1, "coalition"),
         (SPLIT, Fraction(3, 10), "coalition"), (SPLIT | CHARGED, Fraction(3, 10), "issuer")]  # fmt: skip


def lived(hub: Hub, money: dict[str, Any], breakage: str, seed: int) -> Hub:
    """Let grocer pay at issue, members earn, spend and take back, and all that is left then expire."""
    drawn = random.Random(seed)
    contracts.add_tax_rate(hub, "DE", FIRST_DAY, "19", "olga")
    agree(hub, "grocer", money, breakage=breakage)
    for partner in ("fuel", "pharmacy"):
        agree(hub, partner, {"currency": "USD", "reimbursement_prices": {"USD": {"base": "9/10"}}})
    for member in MEMBERS:
        earn(hub, "grocer", f"first-{member}", member, drawn.randrange(9_000, 12_000))
        redeem(hub, "fuel", f"spent-{member}", member, drawn.randrange(10, 40))
    for number in range(30):
        with suppress(Refused):
            _something(hub, drawn, number)
    business_clock.move(hub, datetime(2017, 8, 1, 12, tzinfo=UTC))
    end_of_day.run(hub, date(2017, 7, 31))
    return hub


def _something(hub: Hub, drawn: random.Random, number: int) -> None:
    member, earlier, what = drawn.choice(MEMBERS), drawn.randrange(number + 1), drawn.randrange(8)
    if what < 3:
        earn(hub, drawn.choice(("grocer", "grocer", "fuel")), f"e{number}", member, drawn.randrange(100, 9_000))
    elif what == 3:
        redeem(hub, drawn.choice(("fuel", "pharmacy", "grocer")), f"r{number}", member, drawn.randrange(1, 40))
    elif what == 4:
        redeem(hub, "fuel", f"r{number}", member, 9, hold=60)
        capture(hub, "fuel", f"r{number}", points=7)
    elif what == 5:
        refund(hub, "grocer", f"f{number}", f"e{earlier}", drawn.randrange(1, 4_000))
    elif what == 6:
        reverse(hub, "fuel", f"r{earlier}", reversal_id=f"v{number}", points=drawn.randrange(1, 9))
    else:
        points, said = drawn.choice((-5, 20)), {"class": "goodwill", "reason": "r", "ticket": "t", "author": "a"}
        adjustments.adjust(hub, {"member": member, "points": points, "issuer": "grocer", **said})


def rows(hub: Hub, query: str) -> list[Any]:
    with hub.database.connect() as connection:
        return list(connection.execute(text(query)).all())


@pytest.mark.parametrize(("money", "share", "breakage"), FORMS)
def test_the_fund_pays_out_what_it_took_in_but_for_rounding(
    postgres_url: str, tmp_path: Path, money: dict[str, Any], share: Fraction, breakage: str
) -> None:
    hub = lived(coalition.build(postgres_url, tmp_path).hub, money, breakage, seed=int(share * 10) + len(money))
    shown = cycles.close_and_publish(hub, CYCLE, "olga", "peter")
    assert broken_rows(hub) == []
    lines = rows(hub, "SELECT * FROM settlement.obligation WHERE '@fund' IN (issuer, redeemer)")
    assert {line.kind for line in lines} == {"issue", "reimbursement", "breakage"}
    [net] = [one["net_minor"] for one in shown["nets"] if one["partner"] == FUND]
    assert net == sum(line.amount_minor * (1 if line.redeemer == FUND else -1) for line in lines)
    assert abs(net) <= len(lines) / 2
    assert sum(one["net_minor"] for one in shown["nets"]) == 0
    assert sum(line.points for line in lines if line.kind == "issue" and line.points > 0) > 500
    for line in lines:
        if line.kind == "issue" and not line.origin:
            assert abs(line.amount_minor - line.points * PRICE * share) <= Fraction(1, 2)
    assert {(one["kind"]): one["amount_minor"] for one in shown["charges"] if one["partner"] == "grocer"} == {
        kind: minor for kind, minor in plain_charges(hub, money, share).items() if minor
    }
    cycles.export(hub, CYCLE, tmp_path / "cycle")
    report = recompute(tmp_path / "cycle")
    assert (list(report.findings), len(report.charges)) == ([], len(shown["charges"]))
    for partner in coalition.PARTNERS:
        expect_balance(hub, partner, shown, tmp_path)
    expect_books(hub, shown, net, money.get("role", "principal"))
    hub.database.dispose()


def expect_books(hub: Hub, shown: dict[str, Any], net_of_fund: int, role: str) -> None:
    """The books hold; each party has what its due says, and points are revenue of a principal only."""
    found = books.trial_balance(hub)
    assert found["findings"] == []
    stand = {one["account"]: one["balance_minor"] for one in found["accounts"]}
    for due in shown["dues"]:
        if due["party"] in coalition.PARTNERS:
            both = sum(stand.get(f"{kind}:{due['party']}", 0) for kind in ("receivable", "payable"))
            assert -both == due["net_minor"] + due["charges_minor"]
    charges = Counter[str]()
    for one in shown["charges"]:
        charges[one["kind"]] += one["amount_minor"]
    assert stand["fund:grocer"] == -net_of_fund
    assert -stand.get("fees", 0) == charges["fee"] + charges["minimum"]
    assert (-stand.get("tax:DE", 0), -stand.get("discounts", 0)) == (charges["tax"], charges["discount"])
    kept = sum(one["net_minor"] for one in shown["nets"] if one["partner"] == "coalition")
    assert -stand.get("breakage", 0) == kept
    assert not any("coalition" in account for account in stand)
    assert ("points" in stand) == ("redemptions" in stand)
    passed_on = [one for one in books.journal(hub) if "/reimbursement/@fund/" in one["name"]]
    assert {one["debit_account"] for one in passed_on} == (
        {"fund:grocer"} if role == "agent" else {"fund:grocer", "redemptions"}
    )


def expect_balance(hub: Hub, partner: str, shown: dict[str, Any], folder: Path) -> None:
    """A statement leads from nothing over net and charges to what is due, and can be written in every format."""
    for suffix in STATEMENTS:
        cycles.write_statement(hub, CYCLE, partner, folder / f"{partner}{suffix}")
    document = json.loads((folder / f"{partner}.json").read_text())
    dues = {one["currency"]: one for one in shown["dues"] if one["party"] == partner}
    assert {one["currency"] for one in document["balances"]} == {*dues}
    for balance in document["balances"]:
        due = dues[balance["currency"]]
        assert -sum(one["amount_minor"] for one in balance["charges"]) == due["charges_minor"]
        assert balance["closing_minor"] == due["net_minor"] + due["charges_minor"]
        assert {one["kind"] for one in balance["movements"]} <= {"issue", "reimbursement", "breakage"}


def plain_charges(hub: Hub, money: dict[str, Any], share: Fraction) -> dict[str, int]:
    """What grocer is charged, added up the long way."""
    of_grocer = "'grocer' IN (issuer, points_of) AND redeemer <> 'grocer' AND kind"
    redeemed = rows(hub, f"SELECT * FROM settlement.obligation WHERE {of_grocer} = 'reimbursement'")
    issued = rows(hub, f"SELECT * FROM settlement.obligation WHERE {of_grocer} = 'issue'")
    found = {
        "rounding": round(sum(one.points for one in issued) * PRICE * share) - sum(one.amount_minor for one in issued)
    }
    if "fee" in money:
        value, events = sum(one.amount_minor for one in redeemed), {one[:2] for one in redeemed if not one.origin}
        exact = Fraction(sum(one.points for one in redeemed), 100) + Fraction(len(events), 2) + Fraction(value * 3, 200)
        found["fee"] = floor(exact + Fraction(1, 2))
        found["minimum"] = max(700 - found["fee"], 0)
        found["tax"] = floor(Fraction((found["fee"] + found["minimum"]) * 19, 100) + Fraction(1, 2))
        found["discount"] = -floor(Fraction(value, 40) + Fraction(1, 2))
    return found


@pytest.fixture(scope="module")
def published(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Yield a hub with a published cycle of an issuer that pays a share at issue; who alters it rolls back."""
    hub = lived(coalition.build(module_postgres_url, tmp_path_factory.mktemp("funded")).hub, *FORMS[3][::2], seed=7)
    cycles.close_and_publish(hub, CYCLE, "olga", "peter")
    yield hub
    hub.database.dispose()


GROCER = "WHERE partner = 'grocer' AND version = 2"
LINE = "WHERE (partner_id, event_id, line) = (SELECT partner_id, event_id, line FROM settlement.obligation WHERE"
OF_FUND = f"{LINE} points_of = 'grocer' AND kind <> 'breakage' LIMIT 1)"
ISSUE = f"{LINE} kind = 'issue' AND points > 0 LIMIT 1)"
OWED = "UPDATE settlement.obligation SET"


@pytest.mark.parametrize(
    ("alteration", "names"),
    [
        (f"""UPDATE settlement.contract SET terms = jsonb_set(terms, '{{fee,percent}}', '"2"') {GROCER}""",
         "[contract] grocer version 2"),
        (f"""UPDATE settlement.contract SET terms = jsonb_set(terms, '{{fee,percent}}', '"2"'), digest = '' {GROCER}""",
         "[contract] grocer version 2"),
        (f"UPDATE settlement.contract SET terms = terms - 'fee' || '{{\"fee\": 1.5}}' {GROCER}", "grocer version 2"),
        (f"UPDATE settlement.contract SET valid_from = '2017-02-01' {GROCER}", "[contract] grocer version 2"),
        (f"DELETE FROM settlement.contract {GROCER}", "[contract] grocer version 2"),
        ("""UPDATE hub.contract SET terms = jsonb_set(terms, '{settlement,billing_percent}', '"50"')
            WHERE partner_id = 'grocer' AND version = 2""", "[contract] grocer version 2"),
        ("UPDATE settlement.charge SET amount_minor = amount_minor + 1 WHERE kind = 'fee'", "[charge] grocer: fee"),
        ("DELETE FROM settlement.charge WHERE kind = 'tax'", "[charge] grocer: tax"),
        ("UPDATE settlement.tax_rate SET numerator = 18", "[charge] grocer: tax"),
        (f"{OWED} amount_minor = amount_minor + 1 {ISSUE}", "[value] "),
        (f"{OWED} points_of = 'fuel' {OF_FUND}", "[ledger] "),
        (f"{OWED} kind = 'breakage' {OF_FUND}", "[line digest] "),
        (f"DELETE FROM settlement.obligation {LINE} points_of = 'grocer' AND origin = '' LIMIT 1)", "no obligation"),
    ],
)  # fmt: skip
def test_what_is_altered_after_use_is_named(published: Hub, alteration: str, names: str) -> None:
    found = altered(published, alteration)
    assert any(names in one for one in found), found


def altered(hub: Hub, alteration: str) -> list[str]:
    """What an audit finds after an alteration, which is taken back."""

    def work(connection: Any) -> list[str]:
        assert connection.execute(text(alteration)).rowcount > 0
        found = [*differences(connection, CONTRACTS), *audit(connection, CYCLE, LEDGER)]
        raise _Undone([str(one) for one in found])

    with pytest.raises(_Undone) as undone:
        hub.database.transact(work)
    return undone.value.found


class _Undone(Exception):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found


def test_nothing_is_found_where_nothing_was_altered(published: Hub) -> None:
    assert cycles.audit(published, CYCLE) == []


Change = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("kind", "change", "names"),
    [
        ("contracts", lambda one: one["document"].update(billing_percent="50"), "[contract] grocer version 2"),
        ("contracts", lambda one: one["document"].update(fee=None), "[contract] grocer version 2"),
        ("contracts", lambda one: one.update(partner="pharmacy"), "[contract] pharmacy version 2"),
        ("charges", lambda one: one.update(amount_minor=one["amount_minor"] + 1), "[charge] grocer: "),
        ("tax_rates", lambda one: one.update(numerator=1), "[charge] grocer: tax"),
        ("lines", lambda one: one.update(points_of="fuel"), "[line digest] "),
    ],
)
def test_a_file_that_was_altered_is_not_equal(
    published: Hub, tmp_path: Path, kind: str, change: Change, names: str
) -> None:
    cycles.export(published, CYCLE, tmp_path / "x")
    rows = rows_of(tmp_path / "x", kind)
    assert b"iban" not in (tmp_path / "x" / "contracts.parquet").read_bytes()
    for row in rows:
        row.update({"document": json.loads(row["document"])} if "document" in row else {})
    mine = (one for one in rows if ("grocer" in str(one)) != (kind == "tax_rates"))
    change(next(one for one in mine if kind != "lines" or one["points_of"]))
    for row in rows:
        row.update({"document": json.dumps(row["document"])} if "document" in row else {})
    put(tmp_path / "x", kind, rows)
    assert any(names in str(one) for one in recompute(tmp_path / "x").findings)
