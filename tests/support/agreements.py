"""Contracts about money, agreed on by two people."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.services import contracts
from hub.services.context import Hub
from tests.support.coalition import FIRST_DAY

PRICES = {"USD": {"base": "9/10"}}
ON_ISSUE = {"currency": "USD", "funding": "on_issue", "issue_prices": PRICES}
SPLIT = ON_ISSUE | {"funding": {"on_issue": "30", "on_redemption": "70"}}


def draft(
    hub: Hub, partner: str, money: dict[str, Any], valid_from: date = FIRST_DAY, author: str = "olga", **terms: Any
) -> dict[str, Any]:
    """Draft a version with these terms about money, and others."""
    return contracts.draft(hub, partner, valid_from, {**terms, "settlement": money}, author)


def agree(hub: Hub, partner: str, money: dict[str, Any], valid_from: date = FIRST_DAY, **terms: Any) -> dict[str, Any]:
    """Draft a version and publish it."""
    made = draft(hub, partner, money, valid_from, **terms)
    return contracts.publish(hub, made["draft"], made["digest"], "peter")
