"""A cycle recomputed in the plainest way, line by line; `settlement.recomputation` must find the same, set-based."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from settlement.core.agreements import Agreements
from settlement.core.charges import FUNDED, Bases, Basis, Charge, Side, charges_of
from settlement.core.contracts import ISSUED, REDEEMED
from settlement.core.digests import cycle_digest
from settlement.core.event_lines import check_event
from settlement.core.findings import Finding, Findings
from settlement.core.lines import Obligation, line_digest, row_name
from settlement.core.netting import multilateral_nets
from settlement.core.parties import FUND, ISSUE, REIMBURSEMENT
from settlement.core.positions import Pair, Position, Tally
from settlement.core.totals import totals_of
from settlement.core.verification import Claims, compare_charges, compare_results


class BasisTally:
    """Adds lines up by side as they come in, the lines of an event one after the other."""

    def __init__(self, agreements: Agreements) -> None:
        self._agreements = agreements
        self._charged = agreements.charged
        self._sums: defaultdict[Side, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._last: dict[Side, tuple[str, str]] = {}

    def add(self, line: Obligation) -> None:
        """Take in one line."""
        if not self._charged or line.issuer == line.redeemer:
            return
        issuer = line.points_of or line.issuer
        if line.kind == ISSUE and line.redeemer == FUND:
            self._add(issuer, FUNDED, line, (line.price_numerator, line.price_denominator))
        elif line.kind == REIMBURSEMENT and issuer != line.redeemer:
            self._add(issuer, ISSUED, line)
            self._add(line.redeemer, REDEEMED, line)

    def bases(self) -> Bases:
        """The sums so far."""
        return {side: Basis(*sums) for side, sums in self._sums.items()}

    def _add(self, partner: str, name: str, line: Obligation, price: tuple[int, int] = (0, 1)) -> None:
        agreed = self._agreements.on(partner, line.business_date) if partner in self._charged else None
        if agreed is None:
            return
        side = Side(partner, agreed.version, name, line.currency, *price)
        sums, event = self._sums[side], (line.partner_id, line.event_id)
        if name == FUNDED:
            sums[0] += 1
        elif not line.origin and self._last.get(side) != event:
            self._last[side] = event
            sums[0] += 1
        sums[1] += line.points
        sums[2] += line.amount_minor


class PlainCycle:
    """Takes in a cycle's lines one by one, then says what it found."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.findings = Findings()
        self._agreements = Agreements(claims.contracts)
        self._bases = BasisTally(self._agreements)
        self._last: tuple[str, str, int] = ("", "", -1)
        self._event: list[Obligation] = []
        self._tallies: defaultdict[Pair, Tally] = defaultdict(Tally)

    def add(self, line: Obligation, stated_digest: bytes) -> None:
        """Take in the next line with the digest it came with."""
        self._follow(line)
        digest = line_digest(line)
        if digest != stated_digest:
            self._note("line digest", line, f"its fields give {digest.hex()}, stated is {stated_digest.hex()}")
        if line.business_date > self.claims.ends_on:
            self._note("cycle", line, f"business date {line.business_date} is after {self.claims.ends_on}")
        self._tallies[line.issuer, line.redeemer, line.currency].add(line.points, line.amount_minor, stated_digest)
        self._bases.add(line)

    def charges(self) -> list[Charge]:
        """The charges that the lines so far give under the contracts that are claimed."""
        return charges_of(self._bases.bases(), self._agreements, self.claims.tax_rates, self.claims.ends_on)

    def positions(self) -> list[Position]:
        """The positions that the lines give so far, sorted."""
        return sorted(tally.position(pair) for pair, tally in self._tallies.items())

    def finish(self) -> list[Finding]:
        """Compare the whole with the claims; call once, after the last line."""
        self._close_event()
        found = self.positions()
        lines = sum(position.lines for position in found)
        if lines != self.claims.lines:
            detail = f"{self.claims.lines} lines stated, {lines} found"
            self.findings.add("count", f"cycle {self.claims.cycle}", detail)
        self.findings.extend(self._agreements.findings)
        self.findings.extend(compare_results(self.claims, found))
        self.findings.extend(compare_charges(self.claims.charges, self.charges()))
        return self.findings.listed()

    def _note(self, check: str, line: Obligation, detail: str) -> None:
        self.findings.add(check, row_name(*line[:3]), detail)

    def _follow(self, line: Obligation) -> None:
        key, last = line[:3], self._last
        if key <= last:
            self._note("order", line, "appears twice" if key == last else f"comes after {row_name(*last)}")
        if key[:2] != last[:2]:
            self._close_event()
        self._last = key
        self._event.append(line)

    def _close_event(self) -> None:
        lines, self._event = self._event, []
        if lines:
            self.findings.extend(check_event(lines, self._agreements.share))


NOTHING = Claims("2017-01", date(2017, 1, 31), 0, cycle_digest([]), [], [], [])


def claims_of(lines: Sequence[Obligation], known: Claims = NOTHING) -> Claims:
    """Claims that are true of these lines, with the contracts and rates of tax of others."""
    adding = PlainCycle(known)
    for line in lines:
        adding.add(line, line_digest(line))
    found = adding.positions()
    nets, totals = multilateral_nets(found), totals_of(found)
    of_lines = known._replace(lines=len(lines), digest=cycle_digest(found), positions=found)
    return of_lines._replace(nets=nets, totals=totals, charges=adding.charges())


def plain_findings(
    lines: Sequence[Obligation], claims: Claims, digests: Sequence[bytes] | None = None
) -> list[Finding]:
    """What is found line by line."""
    cycle = PlainCycle(claims)
    for line, digest in zip(lines, digests or map(line_digest, lines), strict=True):
        cycle.add(line, digest)
    return cycle.finish()


def rows(found: Sequence[Finding], check: str) -> list[str]:
    """The rows that findings of a check name."""
    return [finding.row for finding in found if finding.check == check]
