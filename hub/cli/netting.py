"""The commands of `hansa cycle` that say how its dues can be paid, and what if somebody does not pay."""

from __future__ import annotations

import click

from hub import start
from hub.cli.output import json_option, print_table, show
from hub.services import netting, security
from hub.settings import Settings


@click.command()
@click.argument("name", metavar="CYCLE")
@click.option("--direct", is_flag=True, help="From partner to partner, in the fewest payments there can be.")
@json_option
@click.pass_obj
def payments(settings: Settings, name: str, direct: bool, as_json: bool) -> None:
    """List the payments that settle a calculated cycle: through the operator, or with --direct among the partners.

    Among up to 18 partners the direct payments are the fewest possible. Among more they are fewer than the partners,
    and fewer than twice the fewest; the least number that any way needs is printed beside. Nothing is stored or sent.
    """
    ways = netting.payments(start.open_hub(settings), name, direct=direct)
    if as_json:
        show(ways, True, "")
        return
    if not ways:
        click.echo(f"{name}: nothing to pay")
    for way in ways:
        rows = [tuple(one.values()) for one in way["payments"]]
        bound = "the fewest there can be" if way["fewest"] else f"no way takes fewer than {way['at_least']}"
        print_table(f"{name} {way['currency']}", ("payer", "payee", "amount_minor"), rows)
        click.echo(f"{len(rows)} payments, {bound}")


@click.command()
@click.argument("name", metavar="CYCLE")
@click.option("--without", "partner_id", required=True, help="The partner that does not pay.")
@json_option
@click.pass_obj
def simulate(settings: Settings, name: str, partner_id: str, as_json: bool) -> None:
    """Show what becomes of a calculated cycle if a partner does not pay. Nothing is stored.

    Unwound: as if it had taken no part; a change below zero is what another partner loses. Shared: all others are paid
    as they are due, and the waterfall bears the rest, from what was put up until now.
    """
    found = security.simulate(start.open_hub(settings), name, partner_id)
    if as_json:
        show(found, True, "")
        return
    show(found["unwound"], False, f"{name} unwound without {partner_id}")
    for one in found["shared"]:
        show(one["borne"], False, f"{name} {one['currency']} borne by the waterfall")
        click.echo(f"{one['shortfall_minor']} not paid, {one['uncovered_minor']} of it borne by no layer")
