"""Earning rules: a table of plain functions, one file each.

A dated rate of a partner holds a list of rule terms, each ``{"rule": <name in RULES>, ...}``; the points of a
sale are the sum over them. To add a rule (a condition, a cap, a bonus): write one file with ``parse`` and
``points`` like ``linear.py`` and add one line to ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import TermsRefused
from hub.core.rules import linear


class Sale(NamedTuple):
    """What an earning rule may look at: the sale, in minor units of the rate's currency."""

    amount_minor: int


Rule = Callable[[Sale], int]
RULES: Mapping[str, Callable[[Mapping[str, Any]], Callable[[Any], int]]] = MappingProxyType(
    {"linear": linear.compile_rule}
)


def compile_rules(terms: Sequence[Mapping[str, Any]]) -> Rule:
    """Turn the terms of one rate version into the function that gives a sale's points.

    Raises:
        TermsRefused: a term names no rule, or its fields do not fit the rule.
    """
    rules = [_compile_one(term) for term in terms]
    if not rules:
        raise TermsRefused("an earning rate needs at least one rule")
    if len(rules) == 1:
        return rules[0]
    return lambda sale: sum(rule(sale) for rule in rules)


def _compile_one(term: Mapping[str, Any]) -> Rule:
    name = term.get("rule")
    if not isinstance(name, str) or name not in RULES:
        raise TermsRefused(f"there is no earning rule {name!r}; there are: {', '.join(sorted(RULES))}")
    return RULES[name](term)
