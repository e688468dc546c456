"""Both sides of the machine, and what must hold after every command."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.core.errors import Refused
from hub.services import business_clock, cycles, history, members, partners, reporting
from hub.services.context import Hub
from hub.services.reporting import Reporter
from tests.hub.machine import reading
from tests.hub.machine.drawing import A_PLACE, CONTRACTS, MEMBERS, PARTNERS
from tests.hub.model import owing
from tests.hub.model.books import START, Books, Outcome
from tests.hub.model.terms import FIRST_DAY, QUALIFYING, Contract, Grant, Partner, places
from tests.support import exchange, services
from tests.support.network import broken_rows

CHECKED_EVERY = 10
"""Commands after which the ledger's own checks are run; they take longer than all else, and run at the end too."""
SMALL = {"minimum": 4, "step": 2}
"""Exchanges of amounts that members have."""
THREE_CONTRACTS = st.lists(CONTRACTS, min_size=3, max_size=3)


class Base(RuleBasedStateMachine):
    """A hub and the model's books, set up alike."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        reading.empty(hub)
        self.hub = Hub(hub.database, hub.keyring)
        self.names = reading.Names(hub, MEMBERS)
        self.books = Books()
        self.numbers, self.looks = itertools.count(1), 0
        self.done: list[Callable[[], None]] = []
        """Every command that carries an id, to be given again."""
        business_clock.move(self.hub, START)

    # setting up

    def join(self, partner: str, contract: Contract) -> None:
        """Let a partner join."""
        terms = contract_terms(contract)
        partners.add(self.hub, partner, partner, FIRST_DAY, 0, enrols_unknown=True, terms=terms)
        self.books.partners[partner] = Partner([(FIRST_DAY, contract)])
        self.set_rate(partner, FIRST_DAY, [Grant(1, 100)])
        self.set_price(partner, FIRST_DAY, Fraction(9, 10))
        for direction in (exchange.OUT, exchange.IN):
            exchange.publish(self.hub, partner, **direction | SMALL)

    def set_contract(self, partner: str, valid_from: date, contract: Contract) -> None:
        partners.set_contract(self.hub, partner, valid_from, 0, True, contract_terms(contract))
        self.books.partners[partner].contracts.append((valid_from, contract))

    def set_rate(self, partner: str, valid_from: date, grants: Sequence[Grant]) -> None:
        terms = [grant_terms(grant) for grant in grants]
        partners.set_rate(self.hub, partner, "earning", valid_from, "USD", terms)
        self.books.partners[partner].rates.append((valid_from, list(grants)))

    def set_price(self, partner: str, valid_from: date, price: Fraction) -> None:
        terms = {"numerator": price.numerator, "denominator": price.denominator}
        partners.set_rate(self.hub, partner, "reimbursement", valid_from, "USD", terms)
        self.books.partners[partner].prices.append((valid_from, price))

    def go_to(self, now: datetime) -> None:
        """Move the clock."""
        self.books.now = now
        business_clock.move(self.hub, now)

    def in_minutes(self, minutes: int) -> datetime:
        """An instant so many minutes ahead."""
        return self.books.now + timedelta(minutes=minutes)

    # giving commands

    def an_id(self, partner: str, prefix: str, reused: int | None) -> str:
        """An id that nobody has used, or one of the partner's that is taken."""
        taken = [event_id for own, event_id in self.books.told if own == partner and "/" not in event_id]
        return f"{prefix}{next(self.numbers)}" if reused is None or not taken else taken[reused % len(taken)]

    def reporter(self, partner: str) -> Reporter:
        """A partner that reports something which has a signed request for its evidence."""
        return reporting.by_partner(services.partner(self.hub, partner), services.evidence())

    def do(self, command: Callable[[], None]) -> None:
        """Give a command, which can then be given again."""
        self.done.append(command)
        command()

    @precondition(lambda self: self.done)
    @rule(place=A_PLACE)
    def again(self, place: int) -> None:
        """A command that was given before, exactly as it was."""
        self.done[-1 - place % len(self.done)]()

    # what must always hold

    @invariant()
    def both_sides_agree(self) -> None:
        """On all there is; one rule, so that what fails is told in few lines."""
        assert reading.lots(self.hub, self.names) == _not_empty(self.books.purses)
        assert reading.debts(self.hub, self.names) == _not_empty(self.books.debts)
        assert reading.holds(self.hub, self.names) == {
            key: (hold.state_at(self.books.now), hold.parts) for key, hold in self.books.holds.items()
        }
        self.obligations_agree()
        for member in self.books.known:
            assert members.view(self.hub, member) == {"member": member} | self._view(member)
        assert reading.issued(self.hub) == self._issued()
        self.looks += 1
        if self.looks % CHECKED_EVERY == 0:
            assert broken_rows(self.hub) == []

    def obligations_agree(self) -> None:
        """Every line that is owed."""
        assert sorted(reading.lines(self.hub)) == sorted(self.books.lines)

    def _view(self, member: str) -> dict[str, Any]:
        """A member as whoever only looks sees it: its debts paid as far as they can be."""
        member = self.books.survivor(member)
        books, spendable = self.books, owing.spendable(self.books, member)
        alive = books.alive(member).items()
        ends: Counter[date] = Counter()
        for lot, points in spendable.items():
            ends[books.last_day(member, lot)] += points
        expiring = [{"expires_on": str(day), "points": ends[day]} for day in sorted(ends)]
        return {
            "available": spendable.total(),
            "pending": sum(p for lot, p in alive if lot.matures_on > books.today and lot.kind != QUALIFYING),
            "held": books.held(member).total(),
            "debt": owing.debts(books, member).total(),
            "qualifying": sum(p for lot, p in alive if lot.kind == QUALIFYING),
            "next_to_expire": expiring[0] if expiring else None,
            "expiring": expiring,
        }

    def _issued(self) -> Counter[str]:
        """Issued = held by members + redeemed and not settled + settled + expired - owed by members."""
        books, found = self.books, Counter[str]()
        for issuer in PARTNERS:
            had = sum(sum(p for lot, p in purse.items() if lot.issuer == issuer) for purse in books.purses.values())
            owed = sum(debts[issuer] for debts in books.debts.values())
            redeemed = sum(line.points for line in books.lines if line.issuer == issuer)
            assert books.issued[issuer] == had + redeemed + books.broken[issuer] - owed
            found[issuer] = books.issued[issuer] - books.settled[issuer]
        return found

    def teardown(self) -> None:
        """The ledger's checks are clean, what was published still holds, and histories are what they were told."""
        assert broken_rows(self.hub) == []
        for cycle in self.books.cycles:
            assert cycles.audit(self.hub, cycle) == []
        for partner in self.books.partners:
            page = history.event_page(self.hub, services.partner(self.hub, partner), "", 1000)
            assert {one["event_id"] for one in page["events"]} == {
                event_id for own, event_id in self.books.told if own == partner
            }


def outcome(call: Callable[[], dict[str, Any]], said: Callable[[dict[str, Any]], Outcome]) -> Outcome:
    """What an answer says in the model's words, or the code of the refusal."""
    try:
        found = call()
    except Refused as refused:
        return {"error": refused.code} | flag(refused.members)
    return said(found) | flag(found)


def stated(**asked: Any) -> dict[str, Any]:
    """What is said of a request, without what is left out."""
    return {name: value for name, value in asked.items() if value is not None}


def flag(answer: dict[str, Any]) -> Outcome:
    """What an answer says of being a second one."""
    return {"duplicate": True} if "duplicate" in answer else {}


def valued(found: dict[str, Any]) -> Outcome:
    """What an answer says that points are worth, and of whom they are."""
    lots = [(lot["issuer"], lot["points"], lot["minor"]) for lot in found["lots"]]
    return {"minor": found["value"]["minor"], "lots": lots}


def contract_terms(contract: Contract) -> dict[str, Any]:
    """A contract as the operator writes it."""
    days = contract.pending_days
    countries = {"jurisdictions": dict(contract.by_country)} if contract.by_country else {}
    return {
        "expiry": dict(contract.life) | countries,
        "maturity": {"confirmed": True} if days is None else {"days": days},
        "refunds": contract.refunds,
        "breakage": contract.breakage,
        "cards": {},
    }


def grant_terms(grant: Grant) -> dict[str, Any]:
    """A grant as the operator writes it."""
    gives = {
        "kind": grant.kind.partition("@")[0],
        "spend_at": places(grant.kind),
        "issuer": grant.issuer,
        "expiry": grant.life,
    }
    said = {name: value for name, value in gives.items() if value and value != "base"}
    rule_terms: dict[str, Any] = {"rule": "linear", "points": grant.points, "per_minor": grant.per_minor}
    if grant.cap_minor is not None:
        cap = {"name": "bought", "minor": grant.cap_minor, "period": "year", "then": grant.points // 2}
        rule_terms |= {"rule": "category", "other_than": [], "cap": cap}
    return rule_terms | ({"gives": said} if said else {})


def _not_empty(counters: dict[str, Counter[Any]]) -> dict[str, Counter[Any]]:
    return {member: +counts for member, counts in counters.items() if +counts}
