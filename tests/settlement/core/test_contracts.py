"""Terms are read exactly or refused by name, whatever the document holds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contracts import (
    Contract,
    Credit,
    Fee,
    Terms,
    contract_of,
    in_force,
    parted,
    price_of_kind,
    read_terms,
)
from settlement.core.parties import RESERVED
from settlement.errors import ContractRefused

ACCOUNT = {
    "iban": "DE89370400440532013000",
    "name": "Grocer GmbH",
    "address": {"street": "Hafenstrasse", "building": "7", "postcode": "20457", "town": "Hamburg", "country": "DE"},
}
WHOLE: dict[str, Any] = {
    "currency": "EUR",
    "funding": {"on_issue": "30", "on_redemption": "70"},
    "issue_prices": {"EUR": {"base": "1/2", "bonus": "0.25"}},
    "reimbursement_prices": {"EUR": {"base": "9/20", "promotional": "1/3"}},
    "fee": {"side": "issued", "per_point": "1/100", "per_transaction": "5", "percent": "1.5", "minimum_minor": 2000},
    "billing_percent": "97.5",
    "tax_code": "DE-standard",
    "breakage": "coalition",
    "role": "agent",
    "credit": {"form": "prepaid", "balance_minor": 100_000, "low_minor": 20_000, "hard_stop": True},
    "cycle": "weekly",
    "dispute_days": 30,
    "rounding": "half_up",
    "minimum_payment_minor": 1000,
    "account": ACCOUNT,
}


def test_what_a_document_leaves_out_is_usual() -> None:
    assert read_terms({"currency": "EUR"}) == Terms("EUR")
    assert Terms("EUR").issue_share == 0
    assert Terms("EUR").cycle == "monthly"


def test_every_term_is_read_exactly() -> None:
    terms = read_terms(WHOLE)
    assert terms.issue_share == Fraction(3, 10)
    assert terms.issue_prices["EUR"] == {"base": Fraction(1, 2), "bonus": Fraction(1, 4)}
    assert terms.fee == Fee("issued", Fraction(1, 100), Fraction(5), Fraction(3, 200), 2000)
    assert terms.billing_share == Fraction(39, 40)
    assert terms.credit == Credit("prepaid", 100_000, 20_000, True)
    assert (terms.tax_code, terms.breakage, terms.role) == ("DE-standard", "coalition", "agent")
    assert (terms.cycle, terms.dispute_days, terms.rounding) == ("weekly", 30, "half_up")
    assert terms.account is not None
    assert terms.account.address == ACCOUNT["address"]


@pytest.mark.parametrize(
    ("kind", "price"),
    [("base", Fraction(1, 2)), ("bonus", Fraction(1, 4)), ("promotional@fuel+grocer", Fraction(1, 2))],
)
def test_a_price_is_that_of_the_points_class_or_of_base_points(kind: str, price: Fraction) -> None:
    assert price_of_kind(read_terms(WHOLE).issue_prices["EUR"], kind) == price


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"currency": "eur"}, "currency is a currency"),
        ({"currency": None}, "currency is a currency"),
        ({"funding": "never"}, "funding is one of on_redemption, on_issue"),
        ({"funding": {"on_issue": "30", "on_redemption": "69.9"}}, "add up to 100"),
        ({"funding": {"on_issue": "130", "on_redemption": "-30"}}, "funding: on_issue is at most 100"),
        ({"funding": {"on_issue": "30"}}, "funding lacks on_redemption"),
        ({"funding": {"on_issue": 30, "on_redemption": 70}}, "written as text"),
        ({"funding": {"on_issue": 30.0, "on_redemption": 70.0}}, "written as text"),
        ({"funding": "on_redemption"}, "issue_prices is for points"),
        ({"issue_prices": {}}, "needs a price in EUR"),
        ({"issue_prices": {"USD": {"base": "1"}}}, "needs a price in EUR"),
        ({"issue_prices": {"EUR": {"base": "1"}, "USD": {"base": "1"}}}, "issue_prices is in EUR"),
        ({"issue_prices": {"EUR": {"base": 0.5}}}, "issue_prices: EUR: base is written as text"),
        ({"issue_prices": {"EUR": {"base": "-1/2"}}}, "written as text"),
        ({"issue_prices": {"EUR": {"base": "1/0"}}}, "written as text"),
        ({"issue_prices": {"EUR": {"base": "0/7"}}}, "above zero"),
        ({"issue_prices": {"EUR": {"base": "1e3"}}}, "written as text"),
        ({"issue_prices": {"EUR": {"base": "1001"}}}, "at most 1000"),
        ({"issue_prices": {"EUR": {"base": "٣"}}}, "written as text"),
        ({"issue_prices": {"EUR": {"base": "9" * 7}}}, "at most 6 digits"),
        ({"issue_prices": {"EUR": {"bonus": "1"}}}, "lacks base"),
        ({"issue_prices": {"EUR": {"base": "1", "qualifying": "1"}}}, "has no field 'qualifying'"),
        ({"issue_prices": {"euro": {"base": "1"}}}, "three capital letters"),
        ({"issue_prices": ["EUR"]}, "object from currencies"),
        ({"reimbursement_prices": {"USD": {"base": "1"}}}, "reimbursement_prices is in EUR"),
        ({"fee": {}}, "fee lacks side"),
        ({"fee": {"side": "both"}}, "fee: side is one of"),
        ({"fee": {"side": "issued", "percent": "100.1"}}, "fee: percent is at most 100"),
        ({"fee": {"side": "issued", "minimum_minor": -1}}, "fee: minimum_minor is a whole number"),
        ({"fee": {"side": "issued", "minimum_minor": True}}, "fee: minimum_minor is a whole number"),
        ({"fee": {"side": "issued", "minimum_minor": 1.0}}, "fee: minimum_minor is a whole number"),
        ({"fee": {"side": "issued", "discount": "1"}}, "fee has no field 'discount'"),
        ({"billing_percent": "101"}, "billing_percent is at most 100"),
        ({"tax_code": ""}, "tax_code is a line"),
        ({"tax_code": "a\nb"}, "tax_code is a line"),
        ({"breakage": "member"}, "breakage is one of"),
        ({"role": "broker"}, "role is one of"),
        ({"credit": {"form": "barter"}}, "credit: form is one of"),
        ({"credit": {"form": "prepaid"}}, "credit lacks balance_minor"),
        ({"credit": {"form": "postpaid", "hard_stop": True}}, "credit has no field 'hard_stop'"),
        ({"credit": {"form": "postpaid", "limit_minor": 10, "alert_minor": 11}}, "alert_minor is above limit_minor"),
        ({"credit": {"form": "postpaid", "limit_minor": 10**13}}, "credit: limit_minor is a whole number"),
        ({"credit": "postpaid"}, "credit is written as an object"),
        ({"cycle": "yearly"}, "cycle is one of"),
        ({"dispute_days": 366}, "dispute_days is a whole number"),
        ({"rounding": "bankers"}, "rounding is one of"),
        ({"minimum_payment_minor": "10"}, "minimum_payment_minor is a whole number"),
        ({"account": {**ACCOUNT, "iban": "DE89370400440532013001"}}, "check digits"),
        ({"account": {**ACCOUNT, "iban": "DE89 3704 0044 0532 0130 00"}}, "check digits"),
        ({"account": {**ACCOUNT, "name": ""}}, "account: name is a line"),
        ({"account": {**ACCOUNT, "address": {"town": "Hamburg"}}}, "account: address lacks country"),
        ({"account": {**ACCOUNT, "address": {"town": "Hamburg", "country": "de"}}}, "country is two capital letters"),
        ({"account": {**ACCOUNT, "address": {"town": "H" * 36, "country": "DE"}}}, "account: address: town is a line"),
        ({"interest": "1"}, "the contract has no field 'interest'"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractRefused) as refused:
        read_terms(WHOLE | change)
    assert says in str(refused.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from([*WHOLE]), inner),
        max_leaves=8,
    ),
    st.sampled_from([None, *WHOLE]),
)
def test_whatever_a_document_holds_it_is_read_or_refused(value: Any, place: str | None) -> None:
    with contextlib.suppress(ContractRefused):
        assert isinstance(read_terms(value if place is None else {**WHOLE, place: value}), Terms)


def test_an_account_never_prints_itself() -> None:
    account = read_terms(WHOLE).account
    assert account is not None
    assert account.masked == "DE...3000"
    for part in ("370400", "Grocer", "Hafen", "Hamburg"):
        assert part not in repr(account)
        assert part not in repr(read_terms(WHOLE))
    with pytest.raises(ContractRefused) as refused:
        read_terms(WHOLE | {"account": {**ACCOUNT, "iban": "DE00370400440532013000"}})
    assert "3704" not in str(refused.value)


def version(number: int, valid_from: date) -> Contract:
    return contract_of("grocer", number, valid_from, {"currency": "EUR"}, "")


def test_the_latest_version_that_has_begun_is_in_force_and_of_one_day_the_higher() -> None:
    day = date(2017, 3, 1)
    versions = [version(3, day), version(1, date(2017, 1, 1)), version(2, day)]
    assert in_force(versions, day) == versions[0]
    assert in_force(versions, day - timedelta(days=1)) == versions[1]
    assert in_force(versions, date(2016, 12, 31)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one._replace(partner="fuel"),
        lambda one: one._replace(version=2),
        lambda one: one._replace(valid_from=date(2017, 1, 2)),
        lambda one: one._replace(document={**one.document, "dispute_days": 31}),
        lambda one: one._replace(account_digest="00"),
    ],
)
def test_a_digest_binds_every_field_whatever_the_order_of_names(change: Callable[[Contract], Contract]) -> None:
    terms, _ = parted(WHOLE)
    one = contract_of("grocer", 1, date(2017, 1, 1), terms, "")
    turned = json.loads(json.dumps(dict(reversed(terms.items()))))
    assert contract_of("grocer", 1, date(2017, 1, 1), turned, "").digest == one.digest
    other = change(one)
    assert contract_of(*other[:-1]).digest != one.digest


def test_no_partner_can_have_a_reserved_name() -> None:
    assert all(name.startswith("@") for name in RESERVED)
