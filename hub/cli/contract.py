"""Contracts: drafted by one operator, published by another."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.services import contracts
from hub.settings import Settings

BRIEF = ("draft", "state", "partner", "valid_from", "author", "drafted_at")


@click.group()
def contract() -> None:
    """Draft, compare and publish contracts: what a partner agreed to, money included."""


@contract.command()
@click.argument("partner_id")
@click.option("--from", "valid_from", type=DATE, required=True, help="First day of the new version.")
@click.option("--terms", "terms_file", type=json_file.JSON_FILE, required=True, metavar="FILE.json", help="See above.")
@click.option("--author", required=True, help="Who you are; somebody else has to publish it.")
@click.option("--life-months", type=click.IntRange(0, 1200), help="As in `hansa partner contract`; else as in force.")
@click.option("--enrol-unknown/--no-enrol-unknown", default=None, help="Likewise.")
@json_option
@click.pass_obj
def draft(
    settings: Settings,
    partner_id: str,
    valid_from: datetime,
    terms_file: Path,
    author: str,
    life_months: int | None,
    enrol_unknown: bool | None,
    as_json: bool,
) -> None:
    """Write down the next version of a partner's contract, for somebody else to publish.

    \b
    FILE.json has all terms: those of `hansa partner contract`, and under
    "settlement" what concerns money. Only the currency is needed:
      {"breakage": "issuer",
       "settlement": {
         "currency": "EUR",
         "funding": {"on_issue": "30", "on_redemption": "70"},
         "issue_prices": {"EUR": {"base": "1/2", "bonus": "0.25"}},
         "reimbursement_prices": {"EUR": {"base": "9/20"}},
         "fee": {"side": "redeemed", "per_point": "1/100", "per_transaction": "5",
                 "percent": "1.5", "minimum_minor": 2000},
         "billing_percent": "100",
         "tax_code": "DE-standard",
         "role": "principal",
         "credit": {"form": "postpaid", "limit_minor": 500000, "alert_minor": 400000},
         "cycle": "monthly", "dispute_days": 14, "rounding": "half_even",
         "minimum_payment_minor": 1000,
         "account": {"iban": "DE89370400440532013000", "name": "Grocer GmbH",
                     "address": {"street": "Hafenstrasse", "building": "7",
                                 "postcode": "20457", "town": "Hamburg", "country": "DE"}}}}
    \b
    funding    on_redemption (usual), on_issue, or a share of each in percent; fixed
               once the partner has issued a point
    prices     minor units a point, exact, by currency and class of points
    fee        on what was redeemed at the partner (redeemed), or of its points (issued)
    credit     postpaid with a limit and an alert, or
               {"form": "prepaid", "balance_minor": 1, "low_minor": 1, "hard_stop": true}
    rounding   half_even, half_up, down or up; of fees and tax
    cycle      monthly, weekly, half_monthly or forty_eight
    """
    hub = start.open_hub(settings)
    terms = json_file.read(terms_file, dict)
    made = contracts.draft(hub, partner_id, valid_from.date(), terms, author, life_months, enrol_unknown)
    show(made, as_json, f"Draft {made['draft']}")


@contract.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were published or withdrawn too.")
@json_option
@click.pass_obj
def listing(settings: Settings, everything: bool, as_json: bool) -> None:
    """List the drafts that wait for somebody to publish them."""
    found = contracts.drafts(start.open_hub(settings), everything=everything)
    brief = [{name: one[name] for name in BRIEF} for one in found]
    show(found if as_json else brief, as_json, "Drafts")


@contract.command("show")
@click.argument("partner_id", required=False)
@click.option("--version", type=click.IntRange(1), help="A version (default: the one in force today).")
@click.option("--draft", "draft_id", metavar="DRAFT", help="A draft instead, with the digest by which it is published.")
@click.option("--account", is_flag=True, help="Where the partner is paid too, which is hidden otherwise.")
@json_option
@click.pass_obj
def show_one(
    settings: Settings, partner_id: str | None, version: int | None, draft_id: str | None, account: bool, as_json: bool
) -> None:
    """Show a version of a partner's contract, or a draft.

    A line of a statement names the version that priced it: that of the contract where points are paid for at issue.
    """
    if (partner_id is None) == (draft_id is None):
        raise click.UsageError("Name a partner, or a draft with --draft.")
    hub = start.open_hub(settings)
    if draft_id is not None:
        show(contracts.show_draft(hub, draft_id, account=account), as_json, f"Draft {draft_id}")
    else:
        assert partner_id is not None
        found = contracts.show(hub, partner_id, version, account=account)
        show(found, as_json, f"Contract {found['version']} of {partner_id}")


@contract.command()
@click.argument("draft_id", metavar="DRAFT")
@json_option
@click.pass_obj
def diff(settings: Settings, draft_id: str, as_json: bool) -> None:
    """Show what a draft changes of the version in force on its first day."""
    show(contracts.diff(start.open_hub(settings), draft_id), as_json, f"Changes by draft {draft_id}")


@contract.command()
@click.argument("draft_id", metavar="DRAFT")
@click.option("--digest", required=True, metavar="HEX", help="The digest that `hansa contract show --draft` printed.")
@click.option("--author", required=True, help="Who you are; not the one who drafted it.")
@json_option
@click.pass_obj
def publish(settings: Settings, draft_id: str, digest: str, author: str, as_json: bool) -> None:
    """Publish a draft that you have seen, as the next version of the contract."""
    show(contracts.publish(start.open_hub(settings), draft_id, digest, author), as_json, "Contract")


@contract.command()
@click.argument("draft_id", metavar="DRAFT")
@click.option("--author", required=True, help="Who you are.")
@json_option
@click.pass_obj
def withdraw(settings: Settings, draft_id: str, author: str, as_json: bool) -> None:
    """Take a draft back for good."""
    show(contracts.withdraw(start.open_hub(settings), draft_id, author), as_json, f"Draft {draft_id}")


@contract.command()
@click.argument("code", required=False)
@click.option("--from", "valid_from", type=DATE, help="First day of the rate.")
@click.option("--percent", help="Of the fee, such as 19 or 7.7.")
@click.option("--author", help="Who you are.")
@json_option
@click.pass_obj
def tax(
    settings: Settings,
    code: str | None,
    valid_from: datetime | None,
    percent: str | None,
    author: str | None,
    as_json: bool,
) -> None:
    """List the rates of tax by code, or add the rate of CODE from a day on, which contracts name as tax_code."""
    hub = start.open_hub(settings)
    if code is not None:
        if valid_from is None or percent is None or author is None:
            raise click.UsageError("Say --from, --percent and --author.")
        contracts.add_tax_rate(hub, code, valid_from.date(), percent, author)
    show(contracts.tax_rates(hub), as_json, "Rates of tax")
