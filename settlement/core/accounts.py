"""Where a partner is paid: its account, its name as the bank knows it, and its address in parts.

Banks take addresses in parts only (ISO 20022 PostalAddress, structured, from November 2026 on), so they are asked for
in parts. An account never prints itself: whatever logs a contract shows the last four characters at most.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from settlement.core.term_fields import fields_of, line_of_text
from settlement.errors import ContractRefused

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LIMITS = {"street": 70, "building": 16, "postcode": 16, "town": 35}
"""Of StrtNm, BldgNb, PstCd and TwnNm in ISO 20022's PostalAddress24."""
_NAME_LIMIT = 140


@dataclass(frozen=True, slots=True)
class Account:
    """An account by its IBAN (ISO 13616), with the name of its owner and its address; all of it hidden in print."""

    iban: str = field(repr=False)
    name: str = field(repr=False)
    address: Mapping[str, str] = field(repr=False)
    """`town` and `country` (ISO 3166-1), and where there are any `street`, `building` and `postcode`."""

    @property
    def masked(self) -> str:
        """The account as it may be shown to anyone: its country and its last four characters."""
        return f"{self.iban[:2]}...{self.iban[-4:]}"


def read_account(terms: object) -> Account:
    """Read an account from a document; raises `ContractRefused`, which never repeats the account."""
    found = fields_of(terms, "account", ("iban", "name", "address"))
    iban = found["iban"]
    if not isinstance(iban, str) or not _IBAN.fullmatch(iban) or not _checksum_holds(iban):
        raise ContractRefused("account: iban is written without spaces and must satisfy its check digits (ISO 13616)")
    address = fields_of(found["address"], "account: address", ("town", "country"), ("street", "building", "postcode"))
    country = address["country"]
    if not isinstance(country, str) or not _COUNTRY.fullmatch(country):
        raise ContractRefused("account: address: country is two capital letters (ISO 3166-1)")
    lines = {
        name: line_of_text(address[name], f"account: address: {name}", _LIMITS[name])
        for name in _LIMITS.keys() & address
    }
    return Account(iban, line_of_text(found["name"], "account: name", _NAME_LIMIT), {**lines, "country": country})


def account_digest(document: Mapping[str, Any] | None) -> str:
    """SHA-256, in hexadecimal, that stands for an account where the account itself does not; "" for none."""
    if document is None:
        return ""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"hansa-settlement-account-1\n{text}".encode()).hexdigest()


def _checksum_holds(iban: str) -> bool:
    """ISO 7064 MOD 97-10: the country and check digits moved to the end, letters as numbers from 10 on."""
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    return int(digits) % 97 == 1
