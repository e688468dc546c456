"""Payments to and from partners, and the operator's bank."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli.bank_details import APPROVER, AUTHOR, DIGEST, account
from hub.cli.output import json_option, show
from hub.services import payments
from hub.settings import Settings
from settlement.core.payment_ids import PAY, RECEIVE
from settlement.core.payment_moves import STATES

RELEASE = click.argument("name", metavar="RELEASE")


@click.group()
def payment() -> None:
    """Pay partners what a cycle owes them, and follow each payment until the bank has settled it.

    prepare CYCLE, release CURRENCY, approve RELEASE (a second person), file RELEASE, import what the bank answers.
    """


payment.add_command(account)


@payment.command("list")
@click.option("--cycle", metavar="CYCLE", help="Of this cycle.")
@click.option("--partner", metavar="PARTNER", help="Of this partner.")
@click.option("--currency", metavar="CODE", help="In this currency.")
@click.option("--direction", type=click.Choice([PAY, RECEIVE]), help="To partners (out) or from them (in).")
@click.option("--state", type=click.Choice(STATES), help="Which stand at this state.")
@json_option
@click.pass_obj
def listing(settings: Settings, /, as_json: bool, **asked: str | None) -> None:
    """List payments and where each stands."""
    show(payments.listing(start.open_hub(settings), **asked), as_json, "Payments")


@payment.command("show")
@click.argument("name", metavar="PAYMENT")
@json_option
@click.pass_obj
def show_one(settings: Settings, name: str, as_json: bool) -> None:
    """Show a payment with every move: who or which message moved it, when and why."""
    found = payments.show(start.open_hub(settings), name)
    if as_json:
        show(found, True, "")
        return
    moves = found.pop("moves")
    show(found, False, name)
    show(moves, False, "Moves")


@payment.command()
@click.argument("cycle", metavar="CYCLE")
@AUTHOR
@json_option
@click.pass_obj
def prepare(settings: Settings, cycle: str, author: str, as_json: bool) -> None:
    """Make the payments of a final cycle from its dues. Doing it again makes none."""
    show(payments.prepare(start.open_hub(settings), cycle, author), as_json, f"Payments of {cycle}")


@payment.command()
@click.argument("currency")
@click.option("--execute-on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day the bank should pay.")
@AUTHOR
@json_option
@click.pass_obj
def release(settings: Settings, currency: str, execute_on: datetime, author: str, as_json: bool) -> None:
    """Propose to pay everything that is payable in CURRENCY; somebody else approves it by the digest."""
    made = payments.propose(start.open_hub(settings), currency, execute_on.date(), author)
    _print(made, as_json, f"Release {made['release']}")


@payment.command()
@json_option
@click.pass_obj
def releases(settings: Settings, as_json: bool) -> None:
    """List the releases, oldest first."""
    show(payments.releases(start.open_hub(settings)), as_json, "Releases")


@payment.command("show-release")
@RELEASE
@json_option
@click.pass_obj
def show_release(settings: Settings, name: str, as_json: bool) -> None:
    """Show a release: every payment in it, to which account, and the digest by which it is approved."""
    _print(payments.show_release(start.open_hub(settings), name), as_json, f"Release {name}")


@payment.command()
@RELEASE
@DIGEST
@APPROVER
@json_option
@click.pass_obj
def approve(settings: Settings, name: str, digest: str, author: str, as_json: bool) -> None:
    """Approve a release that you have seen. Refused if anything in it changed since it was proposed."""
    _print(payments.approve(start.open_hub(settings), name, digest, author), as_json, f"Release {name}")


@payment.command()
@RELEASE
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@AUTHOR
@json_option
@click.pass_obj
def file(settings: Settings, name: str, path: Path, author: str, as_json: bool) -> None:
    """Write the pain.001 file of an approved release to PATH, for the bank.

    The first time its payments count as sent. Written again, it is the same to the byte: the SHA-256 of the file is the
    digest that was approved.
    """
    _print(payments.write_file(start.open_hub(settings), name, path, author), as_json, f"Release {name}")


@payment.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@AUTHOR
@json_option
@click.pass_obj
def take(settings: Settings, path: Path, author: str, as_json: bool) -> None:
    """Take in what the bank says: a status report (pain.002) or account report (camt.054, camt.053).

    Exit code 1 if something has to be looked at: what contradicts earlier words, another amount, a payment that is not
    known.
    """
    taken = payments.take(start.open_hub(settings), path, author)
    _print(taken, as_json, str(path))
    sys.exit(bool(taken["to_be_looked_at"]))


@payment.command()
@click.argument("name", metavar="PAYMENT")
@click.option("--amount", required=True, help="What came in, such as 50.13.")
@click.option("--source", required=True, help="Where it was seen: the bank statement and its entry.")
@AUTHOR
@json_option
@click.pass_obj
def received(settings: Settings, name: str, amount: str, source: str, author: str, as_json: bool) -> None:
    """Note that a partner paid in what it owed, where it did not quote the payment's name.

    `import` notes by itself what came in with the name in its reference.
    """
    show(payments.received(start.open_hub(settings), name, amount, source, author), as_json, name)


def _print(found: dict[str, Any], as_json: bool, title: str) -> None:
    """A record, and below it the payments in it."""
    if as_json:
        show(found, True, "")
        return
    rows = found.pop("payments")
    show(found, False, title)
    show(rows, False, "Payments")
