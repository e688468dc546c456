"""Packs: points that partners buy in advance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.cli.security import author_option
from hub.services import pack_sales as service
from hub.settings import Settings

BRIEF = ("pack", "partner", "state", "points", "left_points", "valid_until")


@click.group()
def pack() -> None:
    """Sell points to partners in advance, and see what is left of them.

    \b
    The contract of the partner has what holds for all its packs, beside
    "funding": "on_issue" in its terms about money:
      "packs": {"when_empty": "stop" | "postpaid",
                "rest": "expires" | "returns",
                "order": "earliest_end" | "agreed"}

    One operator sells a pack, a second one approves it by its digest; then its price is owed, and stands on the next
    statement as a line of the kind "pack". Its points cover what the partner would otherwise owe for each point.
    """


@pack.command()
@click.argument("partner_id")
@click.argument("pack_id")
@click.option("--offer", "offer_file", type=json_file.JSON_FILE, required=True, metavar="FILE.json", help="See above.")
@author_option
@json_option
@click.pass_obj
def sell(settings: Settings, partner_id: str, pack_id: str, offer_file: Path, author: str, as_json: bool) -> None:
    """Offer the pack PACK_ID, a name of your choice, to a partner; somebody else has to approve it.

    \b
    FILE.json says what is sold. The first five are needed:
      {"currency": "EUR", "points": 1000000, "amount_minor": 900000,
       "valid_from": "2027-01-01", "valid_until": "2027-12-31",
       "products": ["travel"],        only sales all of whose items are of these categories
       "classes": ["bonus"],          only points of these classes: base, bonus, promotional
       "place": 1,                    its place, where the order is as agreed
       "low_points": 100000,          the partner is told (webhook pack.low) below so many
       "reserve_points": 50000,       kept back until `hansa pack open`
       "refill": {"points": 500000, "below_points": 50000, "most": 3}}

    A pack is refilled at its own price, once fewer than below_points are left or too few for what is to be given out.
    """
    offer = json_file.read(offer_file, dict)
    show(service.sell(start.open_hub(settings), partner_id, pack_id, offer, author), as_json, "Pack")


@pack.command()
@click.argument("pack_id")
@click.option("--digest", required=True, help="The digest that `hansa pack show` printed.")
@author_option
@json_option
@click.pass_obj
def approve(settings: Settings, pack_id: str, digest: str, author: str, as_json: bool) -> None:
    """Approve a pack that somebody else offered; its price is owed from now on."""
    show(service.approve(start.open_hub(settings), pack_id, digest, author), as_json, "Pack")


@pack.command("list")
@click.option("--partner", "partner_id", help="Only those of one partner.")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str | None, as_json: bool) -> None:
    """List the packs with what is left of them."""
    found = service.listing(start.open_hub(settings), partner_id)
    show(found if as_json else [_brief(one) for one in found], as_json, "Packs")


@pack.command("show")
@click.argument("pack_id")
@json_option
@click.pass_obj
def show_pack(settings: Settings, pack_id: str, as_json: bool) -> None:
    """Show a pack, with all that was bought, kept back, refilled and ended of it."""
    show(service.show(start.open_hub(settings), pack_id), as_json, "Pack")


@pack.command("open")
@click.argument("pack_id")
@author_option
@json_option
@click.pass_obj
def open_reserve(settings: Settings, pack_id: str, author: str, as_json: bool) -> None:
    """Let the points that a pack keeps back be given out too."""
    show(service.open_reserve(start.open_hub(settings), pack_id, author), as_json, "Pack")


@pack.command("return")
@click.argument("pack_id")
@click.option("--digest", help="Approve what somebody else proposed, by the digest that it printed.")
@author_option
@json_option
@click.pass_obj
def take_back(settings: Settings, pack_id: str, digest: str | None, author: str, as_json: bool) -> None:
    """Close a pack before its end and pay its rest back, where the contract gives that back; two operators agree.

    Without --digest it is proposed. At its end a pack closes by itself: `hansa worker` does that.
    """
    show(service.take_back(start.open_hub(settings), pack_id, author, digest), as_json, "Pack")


def _brief(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in BRIEF}
