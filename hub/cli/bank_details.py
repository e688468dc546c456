"""Bank details, as the group `hansa payment account`."""

from __future__ import annotations

from pathlib import Path

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.services import bank_details
from hub.settings import Settings

AUTHOR = click.option("--author", required=True, help="Who you are.")
APPROVER = click.option("--author", required=True, help="Who you are; not the one who proposed it.")
DIGEST = click.option("--digest", required=True, metavar="HEX", help="The digest that was shown.")


@click.group()
def account() -> None:
    """Bank details, which two people put on record: of partners, and the operator's own (@operator)."""


@account.command("list")
@json_option
@click.pass_obj
def list_accounts(settings: Settings, as_json: bool) -> None:
    """List all bank details on record, and which are used."""
    show(bank_details.listing(start.open_hub(settings)), as_json, "Bank details")


@account.command("set")
@click.argument("party")
@click.argument("currency")
@click.argument("path", metavar="FILE.json", type=json_file.JSON_FILE)
@AUTHOR
@json_option
@click.pass_obj
def set_account(settings: Settings, party: str, currency: str, path: Path, author: str, as_json: bool) -> None:
    """Propose bank details of PARTY in CURRENCY; somebody else approves them by the digest.

    The file holds {"account": {"holder", "address": {"country", "town", "post_code", "street", "building"}, "iban"}},
    or "number" with "bic" (or "clearing" and "member") in place of "iban". For @operator also "habits": the message
    (pain.001.001.09 or pain.001.001.03), latin, service_level, charge_bearer, batch.
    """
    document = json_file.read(path, dict)
    made = bank_details.propose(start.open_hub(settings), party, currency, document, author)
    show(made, as_json, f"Bank details of {party}")


@account.command("approve")
@click.argument("party")
@click.argument("currency")
@DIGEST
@APPROVER
@json_option
@click.pass_obj
def approve_account(settings: Settings, party: str, currency: str, digest: str, author: str, as_json: bool) -> None:
    """Approve bank details that you have checked with their owner."""
    made = bank_details.approve(start.open_hub(settings), party, currency, digest, author)
    show(made, as_json, f"Bank details of {party}")
