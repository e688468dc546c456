"""Earning rules: a table of plain functions, one file each.

A dated rate of a partner holds a list of rule terms, each ``{"rule": <name in RULES>, ...}``; the points of a
sale are the sum over them. A term may say what kind of points it ``gives``, who issues them and how long they
live; without it they are base points of the reporter.

To add a rule (a condition, a cap, a bonus): write one file like ``linear.py``, with what it does and how it explains
that, and add one line to ``RULES``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import TermsRefused
from hub.core.expiry_rules import Expiry, compile_expiry
from hub.core.ledger import PARTNER_ID
from hub.core.point_kinds import BASE, CLASSES, PROMOTIONAL, is_spendable, kind_of, spend_at
from hub.core.rules import at_partner, category, linear
from hub.core.rules.category import Cap

NOTHING: Mapping[str, int] = MappingProxyType({})


class Sale(NamedTuple):
    """What an earning rule may look at: the sale, in minor units of the rate's currency.

    The last ones say which part of a purchase it is; `hub.core.granting` goes by them, and rules see only the amount.
    """

    amount_minor: int
    category: str | None = None
    """The merchant's category code (ISO 18245), of a purchase with a card."""
    partner: str | None = None
    """The partner of the coalition at which that was."""
    spent: Mapping[str, int] = NOTHING
    """What was spent before in the periods of caps, by their names."""
    above_minor: int = 0
    """What of the purchase lies below this part of it."""
    withheld: int = 0
    """Points to spend that this part gives less, since they were not taken back when it was."""
    withheld_qualifying: int = 0
    """The same of points that count for status."""
    credited_minor: int = 0
    """What the purchase makes good of a refund that had none to be taken from."""
    bonus: int = 0
    """The points of a bonus, instead of what rules give."""
    foreign: Mapping[str, Any] | None = None
    """The rate of its currency, if that is not the rate's: ``into``, ``numerator``, ``denominator``, ``version``."""


Rule = Callable[[Sale], int]


class EarningRule(NamedTuple):
    """One line of the table of rules."""

    compile: Callable[[Mapping[str, Any]], Callable[[Any], int]]
    """Turns a term into the function that gives a sale's points; refuses what does not fit."""
    explain: Callable[[Mapping[str, Any], Any], str]
    """Says by which arithmetic a term gave a sale its points."""


RULES: Mapping[str, EarningRule] = MappingProxyType(
    {
        "linear": EarningRule(linear.compile_rule, linear.explain),
        "category": EarningRule(category.compile_rule, category.explain),
        "at_partner": EarningRule(at_partner.compile_rule, at_partner.explain),
    }
)


class Grant(NamedTuple):
    """Points of one kind that a sale gives. None stands for what is usual: the reporter, its contract's life."""

    points: int
    kind: str = BASE
    issuer: str | None = None
    expiry: Expiry | None = None


Grants = Callable[[Sale], list[Grant]]


def compile_grants(terms: Sequence[Mapping[str, Any]]) -> Grants:
    """Turn the terms of one rate version into the function that gives a sale's points by kind, issuer and life.

    Terms that give the same are one grant. Points that can be spent come first, so the first grant says how long
    the points of a sale live.

    Raises:
        TermsRefused: there is no term, one names no rule, or its fields do not fit the rule.
    """
    if not terms:
        raise TermsRefused("an earning rate needs at least one rule")
    spendable_first = sorted(terms, key=lambda term: not is_spendable(_gives(term).kind))
    same = {json.dumps(term.get("gives"), sort_keys=True): _gives(term)[1:] for term in spendable_first}
    rules = [(json.dumps(term.get("gives"), sort_keys=True), _compile_one(term)) for term in terms]
    if len(rules) == 1:
        [given], [(_, only)] = same.values(), rules
        return lambda sale: [Grant(only(sale), *given)]

    def grants(sale: Sale) -> list[Grant]:
        sums = dict.fromkeys(same, 0)
        for what, rule in rules:
            sums[what] += rule(sale)
        return [Grant(sums[what], *given) for what, given in same.items()]

    return grants


def named_partners(terms: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the partners that terms name: whose points are given, and where they are spent."""
    grants = [_gives(term) for term in terms]
    return (
        {issuer for grant in grants if (issuer := grant.issuer)}
        | {partner for grant in grants for partner in spend_at(grant.kind)}
        | {term["partner"] for term in terms if term.get("rule") == "at_partner"}
    )


class Counted(NamedTuple):
    """A cap, and which sales count towards it."""

    cap: Cap
    applies: Callable[[Sale], bool]


def caps_of(terms: Sequence[Mapping[str, Any]]) -> tuple[Counted, ...]:
    """Return the caps of a rate version.

    Raises:
        TermsRefused: two of them have the same name.
    """
    found = [Counted(cap, category.matcher(term)) for term in terms if (cap := category.cap_of(term))]
    if len({one.cap.name for one in found}) < len(found):
        raise TermsRefused("two caps have the same name")
    return tuple(found)


class Explained(NamedTuple):
    """How one term came to its points."""

    rule: str
    grant: Grant
    arithmetic: str


def explain_rules(terms: Sequence[Mapping[str, Any]], sale: Sale) -> list[Explained]:
    """Return how each term of a rate version, in order, came to the points of a sale."""
    return [
        Explained(
            term["rule"],
            _gives(term)._replace(points=_compile_one(term)(sale)),
            RULES[term["rule"]].explain(_without_gives(term), sale),
        )
        for term in terms
    ]


def _compile_one(term: Mapping[str, Any]) -> Rule:
    name = term.get("rule") if isinstance(term, Mapping) else None
    if not isinstance(name, str) or name not in RULES:
        raise TermsRefused(f"there is no earning rule {name!r}; there are: {', '.join(sorted(RULES))}")
    return RULES[name].compile(_without_gives(term))


def _without_gives(term: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in term.items() if field != "gives"}


def _gives(term: Mapping[str, Any]) -> Grant:
    """Read what a term gives: ``{"kind"?, "spend_at"?, "issuer"?, "expiry"?}``; base points where it says nothing."""
    gives = term.get("gives", {})
    if not isinstance(gives, Mapping) or not _GIVES.issuperset(gives):
        raise TermsRefused(f"'gives' is an object with any of {', '.join(sorted(_GIVES))}")
    point_class, partners, issuer = gives.get("kind", BASE), gives.get("spend_at", []), gives.get("issuer")
    if point_class not in CLASSES:
        raise TermsRefused(f"a kind of points is one of {', '.join(CLASSES)}")
    if not isinstance(partners, list) or not all(_is_partner(one) for one in partners):
        raise TermsRefused("'spend_at' is a list of partner ids")
    if partners and point_class != PROMOTIONAL:
        raise TermsRefused("only promotional points are restricted to partners")
    if issuer is not None and not _is_partner(issuer):
        raise TermsRefused("'issuer' is a partner id")
    expiry = compile_expiry(gives["expiry"]) if "expiry" in gives else None
    return Grant(0, kind_of(point_class, partners), issuer, expiry)


def _is_partner(value: object) -> bool:
    return isinstance(value, str) and PARTNER_ID.fullmatch(value) is not None


_GIVES = frozenset({"kind", "spend_at", "issuer", "expiry"})
