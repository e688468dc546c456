"""The contracts that a cycle rests on, looked up by partner and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from settlement.core.contracts import Contract, Terms, contract_of, in_force
from settlement.core.findings import Finding
from settlement.errors import ContractRefused


class Agreed(NamedTuple):
    """A version and what it says."""

    version: int
    terms: Terms


class Agreements:
    """Contracts of any partners; those that cannot be read, or are not what they say, are findings and left out."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.findings: list[Finding] = []
        self._versions: defaultdict[str, list[Contract]] = defaultdict(list)
        self._terms: dict[tuple[str, int], Terms] = {}
        for one in contracts:
            self._take(one)
        self.on = cache(self._on)

    def _take(self, one: Contract) -> None:
        name = f"{one.partner} version {one.version}"
        if contract_of(*one[:-1]).digest != one.digest:
            self.findings.append(Finding("contract", name, "its fields do not give its digest"))
        try:
            self._terms[one.partner, one.version] = one.terms
        except ContractRefused as refused:
            self.findings.append(Finding("contract", name, f"cannot be read: {refused}"))
            return
        self._versions[one.partner].append(one)

    @property
    def partners(self) -> list[str]:
        """The partners that have a contract, sorted."""
        return sorted(self._versions)

    def versions(self, partner: str) -> list[Contract]:
        """The versions of a partner in the order in which they come into force."""
        return sorted(self._versions.get(partner, ()), key=lambda one: (one.valid_from, one.version))

    @property
    def funded(self) -> frozenset[str]:
        """The partners that pay for their points at issue, wholly or in part."""
        return frozenset(partner for (partner, _), terms in self._terms.items() if terms.issue_share)

    @property
    def charged(self) -> frozenset[str]:
        """The partners some version of whose contract lets charges follow from lines."""
        return frozenset(
            partner
            for (partner, _), terms in self._terms.items()
            if terms.issue_share or terms.billing_share != 1 or terms.fee.is_any
        )

    def _on(self, partner: str, day: date) -> Agreed | None:
        found = in_force(self._versions.get(partner, ()), day)
        return Agreed(found.version, self._terms[partner, found.version]) if found else None

    def terms_on(self, partner: str, day: date) -> Terms | None:
        """The terms of a partner on a day, if it has any."""
        agreed = self.on(partner, day)
        return agreed.terms if agreed else None

    def of(self, partner: str, version: int) -> Terms:
        """The terms of a version that is there."""
        return self._terms[partner, version]

    def share(self, issuer: str, day: date) -> Fraction:
        """The share of what is owed for an issuer's points that the fund owes on a day."""
        agreed = self.on(issuer, day) if issuer in self._versions else None
        return agreed.terms.issue_share if agreed else Fraction(0)
