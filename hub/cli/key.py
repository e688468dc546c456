"""The hub's own signing key: which there are, and how one follows another."""

from __future__ import annotations

from datetime import timedelta

import click

from hub import keyring, start
from hub.cli.output import json_option, show
from hub.services import published_keys
from hub.settings import Settings
from partner_sdk.wire.keys import PrivateKey


@click.group()
def key() -> None:
    """List and change the keys with which the hub signs. Partners pin the root key only, which stays."""


@key.command("list")
@json_option
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List the hub's keys, and which one is in its file."""
    show(published_keys.listing(start.open_hub(settings)), as_json, "Keys of the hub")


@key.command()
@click.option(
    "--overlap-days",
    default=published_keys.OVERLAP.days,
    show_default=True,
    type=click.IntRange(1, 365),
    help="How long the former key is good beside the new one. Restart all processes of the hub before.",
)
@json_option
@click.pass_obj
def rotate(settings: Settings, overlap_days: int, as_json: bool) -> None:
    """Make a new signing key, then restart `hansa serve` and `hansa worker`: they sign with it from then on.

    Partners learn of it from the key list, which the root key signs, when they first meet it.
    """
    hub = start.open_hub(settings)
    new = PrivateKey.generate()
    keyid = published_keys.change(hub, new, timedelta(days=overlap_days))
    keyring.replace_signing(settings.data / start.SECRETS, new)
    show({"keyid": keyid, "former": hub.keyring.keyid, "overlap_days": overlap_days}, as_json, "Key of the hub")
