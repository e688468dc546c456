"""Whether bank details can be paid to: IBANs by their check digits, BICs by their country, addresses by their parts.

A pattern is not enough: DE89370400440532013001 has the shape of an IBAN, and no bank would take it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pycountry
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from settlement.core.bank_accounts import Address, BankAccount
from settlement.core.bank_text import is_text
from settlement.errors import InvalidAccount

_FORM = "bank details are holder, address (country, town, ...) and iban, or number and bic, all of them texts"
_NUMBER = re.compile(r"[A-Za-z0-9]{1,34}")
_CLEARING = re.compile(r"[A-Z0-9]{1,5}")
_MEMBER = re.compile(r"[A-Za-z0-9]{1,35}")
_LONGEST = {"holder": 70, "town": 35, "post_code": 16, "street": 70, "building": 16}
"""Characters; 70 for a holder, since the European schemes carry no more of the 140 that ISO 20022 has."""


def checked(account: BankAccount) -> BankAccount:
    """The account with IBAN and BIC in their electronic form; raises `InvalidAccount` with all that does not hold."""
    spelled = account._replace(iban=_electronic(account.iban), bic=_electronic(account.bic))
    wrong = list(_wrong(spelled))
    if wrong:
        raise InvalidAccount("; ".join(wrong))
    return spelled


def from_content(content: Mapping[str, Any]) -> BankAccount:
    """An account from its stored form; raises `InvalidAccount` for another form, and for one that does not hold."""
    try:
        plain = {name: value for name, value in content.items() if name != "address"}
        address = Address(**content["address"])
        read = BankAccount(address=address, **plain)
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidAccount(_FORM) from error
    if not all(isinstance(value, str) for value in (*plain.values(), *address)):
        raise InvalidAccount(_FORM)
    return checked(read)


def _electronic(text: str) -> str:
    return text.replace(" ", "").upper()


def _wrong(account: BankAccount) -> Iterator[str]:
    yield from _wrong_texts(account)
    yield from _wrong_bank(account)
    if bool(account.iban) == bool(account.number):
        yield "an account has either an IBAN or a number"
    elif account.iban:
        yield from _wrong_iban(account.iban)
    elif not _NUMBER.fullmatch(account.number):
        yield f"account number {account.number[:40]!r} is not 1 to 34 letters and digits"
    elif not (account.bic or account.member):
        yield "an account number needs the BIC of its bank, or the bank's number in a clearing system"


def _wrong_iban(iban: str) -> Iterator[str]:
    try:
        IBAN(iban)
    except SchwiftyException as error:
        yield f"IBAN {iban[:40]!r}: {error}"


def _wrong_bank(account: BankAccount) -> Iterator[str]:
    if account.bic:
        try:
            BIC(account.bic)
        except SchwiftyException as error:
            yield f"BIC {account.bic[:40]!r}: {error}"
    if bool(account.clearing) != bool(account.member):
        yield "a clearing system and the bank's number in it go together"
    elif account.clearing and not (_CLEARING.fullmatch(account.clearing) and _MEMBER.fullmatch(account.member)):
        yield f"clearing {account.clearing[:40]!r} {account.member[:40]!r} is not like 'USABA' '021000021'"


def _wrong_texts(account: BankAccount) -> Iterator[str]:
    texts = {"holder": account.holder, **account.address._asdict()}
    for name, longest in _LONGEST.items():
        required = name in {"holder", "town"}
        if (texts[name] or required) and not is_text(texts[name], longest):
            yield f"{name} {texts[name][:40]!r} is not 1 to {longest} printable characters"
    if not _is_country(account.address.country):
        yield f"country {account.address.country[:40]!r} is no code of ISO 3166-1, two capital letters such as GB"


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isupper() and pycountry.countries.get(alpha_2=code) is not None
