"""The whole machine in a coalition where points are paid for at issue: the model, which knows nothing of it, holds.

No point moves otherwise, and whoever redeems gets the same, whoever pays it. What comes on top is held by itself: for
each partner that pays at issue, the lines that follow points in and out of accounts leave exactly those there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from hub.services import contracts
from tests.hub.machine import reading
from tests.hub.machine.base import contract_terms
from tests.hub.machine.drawing import PARTNERS
from tests.hub.machine.whole import Machine
from tests.hub.model.books import COALITION, Line, Outcome
from tests.hub.model.terms import FIRST_DAY, Contract

FUNDING = dict(zip(PARTNERS, ("on_issue", {"on_issue": "30", "on_redemption": "70"}), strict=False))
"""How the first two of the partners pay; the others pay at redemption."""
ISSUE_PRICE = Fraction(9, 10)
_LINES = """
    SELECT * FROM settlement.obligation WHERE kind = 'reimbursement' OR kind = 'breakage' AND points_of <> redeemer
"""
_COVERED = """
    SELECT coalesce(nullif(points_of, ''), issuer) AS issuer,
           sum(CASE kind WHEN 'issue' THEN points ELSE -points END) AS points
    FROM settlement.obligation WHERE kind <> 'pack' GROUP BY 1
"""
_HELD = "SELECT issuer, sum(points) AS points FROM hub.lot WHERE kind <> 'qualifying' GROUP BY issuer"


class Funded(Machine):
    """The machine with contracts about money."""

    def join(self, partner: str, contract: Contract) -> None:
        super().join(partner, contract)
        self._agree(partner, FIRST_DAY, contract)

    def set_contract(self, partner: str, valid_from: date, contract: Contract) -> None:
        if partner not in FUNDING:
            super().set_contract(partner, valid_from, contract)
            return
        self._agree(partner, valid_from, contract)
        self.books.partners[partner].contracts.append((valid_from, contract))

    def _agree(self, partner: str, valid_from: date, contract: Contract) -> None:
        if partner in FUNDING:
            terms = {**contract_terms(contract), "settlement": self.money(partner)}
            made = contracts.draft(self.hub, partner, valid_from, terms, "olga", 0, enrols_unknown=True)
            contracts.publish(self.hub, made["draft"], made["digest"], "peter")

    def money(self, partner: str) -> dict[str, Any]:
        """What a partner's contracts say about money."""
        return {"currency": "USD", "funding": FUNDING[partner], "issue_prices": {"USD": {"base": str(ISSUE_PRICE)}}}

    def covered(self) -> Counter[str]:
        """By issuer, the points that lines follow in, less those that they follow out."""
        return Counter({row.issuer: int(row.points) for row in reading.rows(self.hub, _COVERED)})

    def obligations_agree(self) -> None:
        """Whoever redeems is owed what the model says, within a unit a line for a part that is given back.

        What expires for the coalition and comes back is worth what was paid at issue, of which the model knows nothing.
        """
        ours, theirs = _summed(self._whole_lines()), _summed(self.books.lines)
        assert ours.keys() == theirs.keys()
        for key, (points, minor, _) in theirs.items():
            assert ours[key][0] == points
            if key.issuer in FUNDING and "expiry" in {key.event_id, key.origin.removeprefix(f"{COALITION}/")}:
                minor = round(points * ISSUE_PRICE)
            exact = key.redeemer != COALITION and not key.origin
            assert abs(ours[key][1] - minor) <= (0 if exact else sum(one[2] for one in (ours[key], theirs[key])))
        self._fund_holds_what_members_have()

    def _whole_lines(self) -> list[Line]:
        """The lines with the issuer named whose points they are, whoever owes."""
        both = zip(reading.lines(self.hub, _LINES), reading.rows(self.hub, _LINES), strict=True)
        return [line._replace(line=line.line % 65_536, issuer=row.points_of or line.issuer) for line, row in both]

    def agree_on_a_part(self, found: Outcome, due: Outcome) -> bool:
        """Two units a lot may be out: what is given back of the fund's and of the issuer's share is rounded each."""
        out = abs(found.get("minor", 0) - due.get("minor", 0))
        return _unvalued(found) == _unvalued(due) and out <= 2 * len(due.get("lots", ()))

    def _fund_holds_what_members_have(self) -> None:
        covered = self.covered()
        held = Counter({row.issuer: int(row.points) for row in reading.rows(self.hub, _HELD)})
        for issuer in FUNDING:
            assert covered[issuer] == held[issuer]

    def compare_cycle(self, cycle: str, shown: dict[str, Any]) -> None:
        """The nets of all parties add up to nothing."""
        assert sum(one["net_minor"] for one in shown["nets"]) == 0


def _unvalued(answer: Outcome) -> Outcome:
    """An answer without what points are worth."""
    lots = [lot[:-1] for lot in answer.get("lots", ())]
    return {name: value for name, value in answer.items() if name != "minor"} | {"lots": lots}


def _summed(lines: Iterable[Line]) -> dict[Line, tuple[int, int, int]]:
    """Points, minor units and number of the lines that differ in nothing else; expiries of a day have one name."""
    found: defaultdict[Line, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in lines:
        sums = found[line._replace(points=0, minor=0)]
        sums[:] = sums[0] + line.points, sums[1] + line.minor, sums[2] + 1
    return {key: (points, minor, count) for key, (points, minor, count) in found.items()}
