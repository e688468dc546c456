"""Settlement's copy of contracts: written by the hub in the transaction that publishes one, and never changed.

Here are also the dated rates of tax, which many contracts name by code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, insert, select

from settlement.core.accounts import account_digest
from settlement.core.contracts import Contract, contract_of, parted, read_terms
from settlement.core.findings import Finding
from settlement.core.parties import RESERVED
from settlement.core.term_fields import exact, line_of_text
from settlement.errors import ContractRefused
from settlement.store import tables
from settlement.store.tables import contract, tax_rate

__all__ = ["Published", "Signatures", "account_digest", "add", "add_tax_rate", "find", "tax_rates", "versions"]


class Signatures(NamedTuple):
    """Who drafted and who published a version, two people, and when (with a zone)."""

    drafted_by: str
    drafted_at: datetime
    published_by: str
    published_at: datetime


class Published(NamedTuple):
    """A version with who answers for it."""

    contract: Contract
    signed: Signatures


def add(
    connection: Connection,
    partner: str,
    version: int,
    valid_from: date,
    document: Mapping[str, Any],
    signed: Signatures,
) -> Contract:
    """Add a version in the caller's transaction; raises `ContractRefused` when the document makes no sense."""
    read_terms(document)
    if partner in RESERVED or version < 1 or signed.drafted_by == signed.published_by:
        raise ContractRefused("a version is of a partner, from 1 up, and drafted and published by two people")
    terms, account = parted(document)
    added = contract_of(partner, version, valid_from, terms, account_digest(account))
    values = {"partner": partner, "version": version, "valid_from": valid_from, "terms": terms, "digest": added.digest}
    if account is not None:
        values["account"] = account
    connection.execute(insert(contract), values | signed._asdict())
    return added


def find(connection: Connection, partner: str, version: int) -> Published | None:
    """A version by its number, or None."""
    query = select(contract).where(contract.c.partner == partner, contract.c.version == version)
    row = connection.execute(query).first()
    return _published(row) if row else None


def versions(connection: Connection) -> list[Contract]:
    """Every version, by partner and number, with the digests that are stored."""
    rows = connection.execute(select(contract).order_by(contract.c.partner, contract.c.version))
    return [_published(row).contract for row in rows]


def _published(row: Row[Any]) -> Published:
    key = (row.partner, row.version, row.valid_from)
    found = Contract(*key, row.terms, account_digest(row.account), bytes(row.digest))
    return Published(found, Signatures(row.drafted_by, row.drafted_at, row.published_by, row.published_at))


def add_tax_rate(connection: Connection, code: str, valid_from: date, percent: str, author: str, at: datetime) -> None:
    """Add the rate of a code from a day on; a rate in force is never edited.

    Raises `ContractRefused` when the code or the rate makes no sense, there is one of that day, or a cycle up to that
    day was cut off.
    """
    line_of_text(code, "tax code", 32)
    line_of_text(author, "author", 200)
    share = exact(percent, "percent", 100) / 100
    closed = connection.execute(select(func.max(tables.cycle.c.ends_on))).scalar()
    if closed is not None and valid_from <= closed:
        raise ContractRefused(f"a rate of tax begins after {closed}, up to which cycles were cut off")
    if (code, valid_from) in {(known, day) for known, day, _ in tax_rates(connection)}:
        raise ContractRefused(f"there is a rate of {code} from {valid_from} already")
    values = {"code": code, "valid_from": valid_from, "added_by": author, "added_at": at}
    connection.execute(
        insert(tax_rate), values | {"numerator": share.numerator, "denominator": share.denominator}
    )  # fmt: skip


def tax_rates(connection: Connection) -> list[tuple[str, date, Fraction]]:
    """Every rate, by code and first day: the share of a fee that is tax."""
    rows = connection.execute(select(tax_rate).order_by(tax_rate.c.code, tax_rate.c.valid_from))
    return [(row.code, row.valid_from, Fraction(row.numerator, row.denominator)) for row in rows]


def differences(connection: Connection, source: Select[Any]) -> list[Finding]:
    """Findings for each version that is not what its digest was taken over, or not what its source has.

    `source` selects partner, version, valid_from and document (with the account) of all contracts that concern money.
    """
    ours = {(one.partner, one.version): one for one in versions(connection)}
    theirs = {(row.partner, row.version): row for row in connection.execute(source)}
    found = []
    for partner, version in sorted({*ours, *theirs}):
        reason = _difference(ours.get((partner, version)), theirs.get((partner, version)))
        if reason:
            found.append(Finding("contract", f"{partner} version {version}", reason))
    return found


def _difference(ours: Contract | None, theirs: Row[Any] | None) -> str:
    if ours is None:
        return "published, and settlement has no copy of it"
    if contract_of(*ours[:-1]).digest != ours.digest:
        return "its fields do not give the digest it was published with"
    if theirs is None:
        return "settlement's copy is of a version that was not published"
    terms, account = parted(theirs.document)
    same = contract_of(ours.partner, ours.version, theirs.valid_from, terms, account_digest(account))
    return "" if same.digest == ours.digest else "settlement's copy is not what was published"
