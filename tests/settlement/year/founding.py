"""The coalition of a plan in a real hub: partners, rates, contracts by two operators, bank details, what is put up."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from hub import setup
from hub.services import bank_details, business_clock, contracts, partners, security
from hub.services.context import Hub
from hub.settings import Settings
from settlement.core.bank_accounts import Address, BankAccount, account_content
from settlement.core.parties import OPERATOR
from tests.settlement.payments import OPERATOR as OPERATORS_ACCOUNT
from tests.settlement.year.plan import CURRENCIES, FIRST_DAY, MID_YEAR, TAXES, Business, Plan, document

MAKER, APPROVER = "olga", "peter"
CAPITAL_MINOR = 3_000
SHARE_MINOR, COLLATERAL_MINOR = 20_000, 500


def found(plan: Plan, database_url: str, folder: Path) -> Hub:
    """Set a hub up for a plan, on its first day."""
    hub = setup.initialise(Settings(data=folder, database_url=database_url), f"Seed {plan.seed}", "sandbox")
    business_clock.move(hub, datetime.combine(FIRST_DAY, time(6), UTC))
    for code, rates in TAXES.items():
        for day, percent in zip((FIRST_DAY, MID_YEAR), rates, strict=True):
            contracts.add_tax_rate(hub, code, day, percent, MAKER)
    for business in plan.businesses.values():
        partners.add(
            hub, business.name, business.name.title(), FIRST_DAY, business.life_months, True, _others(business)
        )
        partners.set_rate(hub, business.name, "earning", FIRST_DAY, business.currency, _rules(business))
    for currency in CURRENCIES:
        habits = {"message": "pain.001.001.03"} if currency == "USD" else {}
        record_account(hub, OPERATOR, currency, OPERATORS_ACCOUNT, habits)
    _put_up(hub, plan)
    # Those with limits come last: whenever something is agreed, what they may owe is counted anew.
    for business in sorted(plan.businesses.values(), key=lambda one: bool(one.versions[0].credit)):
        _agree(hub, plan, business)
    return hub


def _others(business: Business) -> dict[str, Any]:
    """What a contract says beside money."""
    late = {"late_days": business.late_days} if business.late_days else {}
    return {"breakage": business.breakage, "refunds": business.refunds, **late}


def _rules(business: Business) -> list[dict[str, Any]]:
    points, per_minor = business.base
    rules: list[dict[str, Any]] = [{"rule": "linear", "points": points, "per_minor": per_minor}]
    if business.bonus:
        points, per_minor = business.bonus
        rules.append({"rule": "linear", "points": points, "per_minor": per_minor, "gives": {"kind": "bonus"}})
    return rules


def _agree(hub: Hub, plan: Plan, business: Business) -> None:
    """Draft and publish all versions, with the account for the partner's own currency."""
    own = account_of(plan.names.index(business.name))
    account = {
        "iban": own.iban,
        "name": own.holder,
        "address": {"town": "Berlin", "postcode": "10115", "country": "DE"},
    }
    for version in business.versions:
        money = {**document(business, version), "account": account}
        made = contracts.draft(
            hub, business.name, version.valid_from, {**_others(business), "settlement": money}, MAKER
        )
        contracts.publish(hub, made["draft"], made["digest"], APPROVER)


def record_account(
    hub: Hub, party: str, currency: str, account: BankAccount, habits: dict[str, Any] | None = None
) -> None:
    """Put bank details on record, by two people."""
    content: dict[str, Any] = {"account": account_content(account)} | ({"habits": habits} if habits else {})
    made = bank_details.propose(hub, party, currency, content, MAKER)
    bank_details.approve(hub, party, currency, made["digest"], APPROVER)


def account_of(number: int) -> BankAccount:
    """An account of its own for each number, with a checksum that is right."""
    domestic = f"37040044{number:010}"
    check = 98 - int(f"{domestic}131400") % 97
    return BankAccount(f"Holder {number}", Address("DE", "Berlin", "10115"), iban=f"DE{check:02}{domestic}")


def _put_up(hub: Hub, plan: Plan) -> None:
    for currency in CURRENCIES:
        deposit(hub, ("capital", ""), currency, CAPITAL_MINOR)
        deposit(hub, ("collateral", plan.failing), currency, COLLATERAL_MINOR)
        for name in plan.names[::6]:
            deposit(hub, ("fund", name), currency, SHARE_MINOR)
    for name, business in plan.businesses.items():
        if business.versions[0].credit == "prepaid":
            deposit(hub, ("prepaid", name), business.currency, business.versions[0].limit_minor)


def deposit(hub: Hub, account: tuple[str, str], currency: str, minor: int) -> None:
    """Book a deposit, by two people."""
    order = security.move(hub, "deposit", account, (currency, minor), MAKER)
    security.approve(hub, order["order"], order["digest"], APPROVER)
