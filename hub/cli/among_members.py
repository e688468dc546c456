"""What the operator does among members by hand, as a part of `hansa member`: merge, part, move points, pool."""

from __future__ import annotations

import secrets

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.points import author_option, reason_option
from hub.core.ledger import COALITION
from hub.services import gifts, household_pools, merges, reporting
from hub.settings import Settings
from partner_sdk.wire.between import MAX_SHARE

id_option = click.option("--id", "event_id", help="A name of your own, which makes a repetition harmless.")


@click.command()
@click.argument("member")
@click.argument("into")
@id_option
@reason_option
@author_option
@json_option
@click.pass_obj
def merge(
    settings: Settings, member: str, into: str, event_id: str | None, reason: str, author: str, as_json: bool
) -> None:
    """Let MEMBER be the member INTO from now on, with all its points, debts and holds.

    \b
    hansa member merge card:17 card:42 --reason "one person, two cards"
    """
    reporter = reporting.by_operator(author, reason)
    asked = {"event_id": _named(event_id, "merge"), "member": member, "into": into, "reason": reason}
    show(merges.merge(start.open_hub(settings), reporter, asked), as_json, "Merged")


@click.command()
@click.argument("event")
@reason_option
@author_option
@json_option
@click.pass_obj
def unmerge(settings: Settings, event: str, reason: str, author: str, as_json: bool) -> None:
    """Undo a merge: the member gets back what was its own and is still there.

    EVENT is the merge as `hansa member show` prints it: coalition/ID, or PARTNER/ID where a partner merged.
    """
    partner_id, _, event_id = event.rpartition("/")
    reporter = reporting.by_operator(author, reason, partner_id or COALITION)
    show(merges.undo(start.open_hub(settings), reporter, event_id), as_json, "Parted")


@click.command()
@click.argument("member")
@click.argument("to")
@click.argument("points", type=click.IntRange(1))
@click.option("--kind", type=click.Choice(gifts.KINDS), default=gifts.KINDS[0], show_default=True, help="What it is.")
@id_option
@reason_option
@author_option
@json_option
@click.pass_obj
def transfer(
    settings: Settings,
    member: str,
    to: str,
    points: int,
    kind: str,
    event_id: str | None,
    reason: str,
    author: str,
    as_json: bool,
) -> None:
    """Move POINTS of MEMBER to another one; each keeps its issuer, kind and last day."""
    reporter = reporting.by_operator(author, reason)
    asked = {"transfer_id": _named(event_id, kind), "member": member, "to": to, "points": points, "kind": kind}
    show(gifts.give(start.open_hub(settings), reporter, asked), as_json, "Moved")


@click.command()
@click.argument("pool_id")
@click.option("--payer", "payers", multiple=True, help="A member with its share: card:1=2; many times.")
@click.option("--spender", "spenders", multiple=True, help="A member with its share that may also spend; many times.")
@id_option
@reason_option
@author_option
@json_option
@click.pass_obj
def pool(
    settings: Settings,
    pool_id: str,
    payers: tuple[str, ...],
    spenders: tuple[str, ...],
    event_id: str | None,
    reason: str,
    author: str,
    as_json: bool,
) -> None:
    """Let the operator's pool POOL_ID consist of these members from now on; of none, to dissolve it.

    \b
    hansa member pool family-7 --spender card:1=2 --spender card:2=1 --payer card:3=1 --reason "asked at the desk"
    """
    members = [_share(one, may_spend=True) for one in spenders] + [_share(one, may_spend=False) for one in payers]
    asked = {"event_id": _named(event_id, "pool"), "pool_id": reporting.name(pool_id), "members": members}
    reporter = reporting.by_operator(author, reason)
    show(household_pools.set_members(start.open_hub(settings), reporter, asked), as_json, "Pool")


def _named(event_id: str | None, what: str) -> str:
    return reporting.name(event_id or f"{what}-{secrets.token_hex(4)}")


def _share(text: str, *, may_spend: bool) -> dict[str, object]:
    member, _, share = text.rpartition("=")
    if not member or not share.isdecimal() or not 1 <= int(share) <= MAX_SHARE:
        raise click.UsageError(f"{text!r} is not like card:1=2, a member and its share")
    return {"member": member, "share": int(share), "may_spend": may_spend}


COMMANDS = (merge, unmerge, transfer, pool)
