"""Points about to expire, and what the operator can do about them."""

from __future__ import annotations

import getpass
import secrets
from datetime import datetime

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.services import expiring as expiring_points
from hub.services import extensions, members, reinstatements, reporting
from hub.services.extensions import Group
from hub.services.reinstatements import Asked
from hub.settings import Settings

author_option = click.option("--author", default=getpass.getuser, help="Who does it (default: your login).")
reason_option = click.option("--reason", required=True, help="Why; it is kept with the event.")


@click.group()
def points() -> None:
    """List points about to expire, extend them for a group of members, or give expired ones back."""


@points.command()
@click.option("--until", type=DATE, required=True, help="The last day to look at; the first is today.")
@click.option("--issuer", help="Only points of this partner.")
@json_option
@click.pass_obj
def expiring(settings: Settings, until: datetime, issuer: str | None, as_json: bool) -> None:
    """List what ends soon, by day, issuer and kind."""
    show(expiring_points.listing(start.open_hub(settings), until.date(), issuer), as_json, "Points about to expire")


@points.command()
@click.argument("issuer")
@click.option("--ending-from", type=DATE, required=True, help="First last day of the points that are meant.")
@click.option("--ending-to", type=DATE, required=True, help="Last last day of the points that are meant.")
@click.option("--until", type=DATE, required=True, help="The day on which they shall end instead.")
@click.option("--jurisdiction", help="Only members whose law is this country's (ISO 3166-1), for instance DE.")
@click.option("--member", "named", multiple=True, help="Only this member (scheme:value); can be given many times.")
@click.option("--id", "extension_id", help="A name of your own: run again under it, an extension goes on.")
@reason_option
@author_option
@json_option
@click.pass_obj
def extend(
    settings: Settings,
    issuer: str,
    ending_from: datetime,
    ending_to: datetime,
    until: datetime,
    jurisdiction: str | None,
    named: tuple[str, ...],
    extension_id: str | None,
    reason: str,
    author: str,
    as_json: bool,
) -> None:
    """Let ISSUER's points of a group of members live longer.

    \b
    hansa points extend grocer --ending-from 2017-07-01 --ending-to 2017-07-31 --until 2017-09-30 --reason "storm"
    """
    hub = start.open_hub(settings)
    ids = members.ids(hub, named) if named else None
    group = Group(issuer, ending_from.date(), ending_to.date(), jurisdiction, ids)
    name = reporting.name(extension_id or f"extension-{secrets.token_hex(4)}")
    seen = 0

    def progress(more: int) -> None:
        nonlocal seen
        seen += more
        click.echo(f"{name}: {seen} members", err=True)

    done = extensions.extend(hub, reporting.by_operator(author, reason), name, group, until.date(), progress)
    show({"extension": name, **done._asdict()}, as_json, "Extended")


@points.command()
@click.argument("expiry_id")
@click.option("--points", "how_many", type=click.IntRange(1), help="So many of them (default: all that are left).")
@click.option("--id", "reinstatement_id", help="A name of your own, which makes a repetition harmless.")
@reason_option
@author_option
@json_option
@click.pass_obj
def reinstate(
    settings: Settings,
    expiry_id: str,
    how_many: int | None,
    reinstatement_id: str | None,
    reason: str,
    author: str,
    as_json: bool,
) -> None:
    """Give the points of an expiry back to its member, with a new life under their issuer's contract.

    EXPIRY_ID is the event's id without "coalition/", as `hansa member show` prints it.
    """
    name = reporting.name(reinstatement_id or f"reinstatement-{secrets.token_hex(4)}")
    asked = Asked(name, expiry_id.removeprefix("coalition/"), how_many)
    done = reinstatements.reinstate(start.open_hub(settings), reporting.by_operator(author, reason), asked)
    show(done, as_json, "Reinstated")
