"""Collateral, shares of the default fund, prepaid balances and the operator's capital."""

from __future__ import annotations

import getpass
from typing import Any

import click

from hub import start
from hub.cli.output import Command, json_option, show
from hub.services import security as service
from hub.settings import Settings

KINDS = ("collateral", "fund", "prepaid", "assessment", "capital", "gathered")


def author_option(command: Command) -> Command:
    """Add ``--author`` to a command."""
    return click.option("--author", default=getpass.getuser, help="Who does it (default: your login).")(command)


@click.group()
def security() -> None:
    """Book what partners and the operator put up, so that the others are paid when one fails.

    One operator orders a deposit or a withdrawal, a second one approves it by its digest; only then it is booked.
    """


@security.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List the balance of every account; each currency adds up to zero, the bank included."""
    show(service.balances(start.open_hub(settings)), as_json, "Security")


@security.command()
@json_option
@click.pass_obj
def orders(settings: Settings, as_json: bool) -> None:
    """List all orders with their states and digests."""
    show(service.orders(start.open_hub(settings)), as_json, "Orders")


def _moves(kind: str, text: str) -> click.Command:
    """The command for one kind of order."""

    @click.command(kind, help=text)
    @click.argument("account", type=click.Choice(KINDS))
    @click.argument("currency")
    @click.argument("amount_minor", type=click.IntRange(min=1))
    @click.option("--partner", "partner_id", default="", help="Whose account; needed for all but the capital.")
    @click.option("--id", "order_id", help="An id of your choice: the same order again is then the same.")
    @author_option
    @json_option
    @click.pass_obj
    def command(
        settings: Settings,
        account: str,
        currency: str,
        amount_minor: int,
        partner_id: str,
        order_id: str | None,
        author: str,
        as_json: bool,
    ) -> None:
        hub, amount = start.open_hub(settings), (currency, amount_minor)
        show(service.move(hub, kind, (account, partner_id), amount, author, order_id), as_json, "Order")

    return command


security.add_command(_moves("deposit", "Order that AMOUNT_MINOR of CURRENCY was paid in to an account."))
security.add_command(
    _moves("withdrawal", "Order that AMOUNT_MINOR of CURRENCY is paid back, or used, from an account.")
)


@security.command()
@click.argument("order_id")
@click.option("--digest", required=True, help="The digest of the order that you looked at.")
@author_option
@json_option
@click.pass_obj
def approve(settings: Settings, order_id: str, digest: str, author: str, as_json: bool) -> None:
    """Approve somebody else's order, a default's too, and book it."""
    booked: dict[str, Any] = service.approve(start.open_hub(settings), order_id, digest, author)
    show(booked, as_json, "Order")
