"""Bank details are held against check digits and codes, not only against their shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.bank_accounts import BankAccount, account_content
from settlement.errors import InvalidAccount
from settlement.payments.bank_accounts import checked, from_content
from tests.settlement.payments import BAKERY, DINER, GROCER, OPERATOR


@pytest.mark.parametrize("account", [OPERATOR, BAKERY, GROCER, DINER])
def test_these_hold_and_are_stored_whole(account: BankAccount) -> None:
    assert checked(account) == account
    assert from_content(account_content(account)) == account


def test_the_shape_of_an_iban_is_not_enough() -> None:
    with pytest.raises(InvalidAccount, match=r"DE89370400440532013001.*checksum digits"):
        checked(OPERATOR._replace(iban="DE89370400440532013001"))


def test_an_iban_may_be_typed_as_it_is_printed() -> None:
    assert checked(OPERATOR._replace(iban="de89 3704 0044 0532 0130 00")) == OPERATOR


@given(place=st.integers(4, 21), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_seen(place: int, digit: str) -> None:
    """ISO 7064 MOD 97-10 finds every single wrong character."""
    iban = OPERATOR.iban[:place] + digit + OPERATOR.iban[place + 1 :]
    if iban == OPERATOR.iban:
        assert checked(OPERATOR._replace(iban=iban)) == OPERATOR
    else:
        with pytest.raises(InvalidAccount, match="IBAN"):
            checked(OPERATOR._replace(iban=iban))


@given(place=st.integers(0, 20))
def test_two_characters_the_wrong_way_round_are_always_seen(place: int) -> None:
    one, other = OPERATOR.iban[place], OPERATOR.iban[place + 1]
    iban = OPERATOR.iban[:place] + other + one + OPERATOR.iban[place + 2 :]
    if one != other:
        with pytest.raises(InvalidAccount, match="IBAN"):
            checked(OPERATOR._replace(iban=iban))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iban": ""}, "either an IBAN or a number"),
        ({"number": "12345"}, "either an IBAN or a number"),
        ({"iban": "XX89370400440532013000"}, "IBAN"),
        ({"iban": "DE8937040044053201300\u0966"}, "IBAN"),
        ({"iban": "", "number": "12345", "bic": ""}, "BIC of its bank"),
        ({"iban": "", "number": "12/345"}, "letters and digits"),
        ({"bic": "COBAXXFF"}, "BIC"),
        ({"bic": "COBA"}, "BIC"),
        ({"clearing": "USABA"}, "go together"),
        ({"clearing": "usaba!", "member": "1"}, "is not like"),
        ({"holder": ""}, "holder"),
        ({"holder": "x" * 71}, "holder"),
        ({"holder": "Two\nlines"}, "holder"),
        ({"holder": "nul\x00"}, "holder"),
        ({"address": OPERATOR.address._replace(town="")}, "town"),
        ({"address": OPERATOR.address._replace(street=" padded")}, "street"),
        ({"address": OPERATOR.address._replace(country="UK")}, "country 'UK'"),
        ({"address": OPERATOR.address._replace(country="de")}, "country 'de'"),
    ],
)
def test_what_no_bank_could_pay_to(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidAccount, match=said):
        checked(OPERATOR._replace(**changed))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidAccount, match=r"holder.*country.*BIC.*IBAN"):
        checked(OPERATOR._replace(holder="", iban="DE00", bic="x", address=OPERATOR.address._replace(country="")))


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"holder": "x"},
        {"holder": "x", "address": "Lyon", "iban": BAKERY.iban},
        {"holder": ["x"], "address": {"country": "FR", "town": "Lyon"}, "iban": BAKERY.iban},
        {"holder": "x", "address": {"country": "FR", "town": {"a": 1}}, "iban": BAKERY.iban},
        {"holder": "x", "address": {"country": "FR", "town": "Lyon"}, "number": 12345, "bic": "BNPAFRPP"},
        {"holder": "x", "address": {"country": "FR"}, "iban": BAKERY.iban},
        {"holder": "x", "address": {"country": "FR", "town": "Lyon", "lines": "free"}, "iban": BAKERY.iban},
        {"holder": "x", "address": {"country": "FR", "town": "Lyon"}, "iban": BAKERY.iban, "swift": "x"},
    ],
)
def test_another_form_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(InvalidAccount, match="bank details are"):
        from_content(content)
