"""Operators and their roles."""

from __future__ import annotations

import getpass

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import operators
from hub.settings import Settings
from settlement.operators import ROLES

ROLE = click.Choice(tuple(ROLES))


@click.group(epilog="\b\nRoles:\n" + "\n".join(f"  {role}: {meaning}" for role, meaning in ROLES.items()))
def operator() -> None:
    """List the operators who may propose and approve; give and take their roles.

    Publishing a cycle takes two people. In a sandbox any two names will do until the first role is given; a live hub
    asks for operators with roles from the beginning.
    """


@operator.command("list")
@click.option("--all", "everything", is_flag=True, help="Roles that were taken too.")
@json_option
@click.pass_obj
def listing(settings: Settings, everything: bool, as_json: bool) -> None:
    """List who has which role, since when and from whom."""
    show(operators.listing(start.open_hub(settings), everything=everything), as_json, "Operators")


@operator.command()
@click.argument("name")
@click.option("--role", type=ROLE, required=True, help="One person may have both; nobody approves what he proposed.")
@click.option("--author", default=getpass.getuser, help="Who gives it (default: your login).")
@json_option
@click.pass_obj
def add(settings: Settings, name: str, role: str, author: str, as_json: bool) -> None:
    """Give NAME a role."""
    show(operators.add(start.open_hub(settings), name, role, author), as_json, "Operators")


@operator.command()
@click.argument("name")
@click.option("--role", type=ROLE, required=True)
@click.option("--author", default=getpass.getuser, help="Who takes it (default: your login).")
@json_option
@click.pass_obj
def revoke(settings: Settings, name: str, role: str, author: str, as_json: bool) -> None:
    """Take a role from NAME; what is approved under it just now is approved, or refused, before."""
    show(operators.revoke(start.open_hub(settings), name, role, author), as_json, "Operators")
