"""The hub's own signing keys: which there are, and how one follows another, with the root key here or elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from hub import keyring, start
from hub.cli import json_file
from hub.cli.output import json_option, show
from hub.core.content import instant
from hub.core.errors import Refused
from hub.services import published_keys
from hub.services.context import Hub
from hub.settings import Settings
from partner_sdk.wire import strict_json
from partner_sdk.wire.hub_keys import KeyListRefused, parse_key_list, sign_key_list, write_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey

OVERLAP = click.option(
    "--overlap-days",
    default=published_keys.OVERLAP.days,
    show_default=True,
    type=click.IntRange(0, 365),
    help="How long the former key is good beside the new one; 0 when it was stolen.",
)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def key() -> None:
    """List and change the keys with which the hub signs. Partners pin the root key only, which stays."""


@key.command("list")
@json_option
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List the hub's keys, and which one signs."""
    show(published_keys.listing(start.open_hub(settings)), as_json, "Keys of the hub")


@key.command()
@OVERLAP
@json_option
@click.pass_obj
def rotate(settings: Settings, overlap_days: int, as_json: bool) -> None:
    """Make a new signing key; running processes of the hub sign with it as soon as it is on the published list.

    With root.pem at hand that is at once. Without it the key waits: export the list, sign it, import it.
    """
    hub = start.open_hub(settings)
    new = _waiting(hub, settings)
    if hub.keyring.root.private is None:
        steps = "hansa key export > list.json; hansa key sign-list where root.pem is; hansa key import"
        show({"keyid": keyring.name_of(new), "state": "waiting", "next": steps}, as_json, "Key of the hub")
        return
    former = hub.find_signer()
    published_keys.change(hub, [new], timedelta(days=overlap_days))
    told = {
        "keyid": keyring.name_of(new),
        "state": "listed",
        "former": former and former.keyid,
        "overlap_days": overlap_days,
    }
    show(told, as_json, "Key of the hub")


def _waiting(hub: Hub, settings: Settings) -> PublicKey:
    """Return the key that waits to be listed, such as one that an interrupted rotation left, or a new one."""
    waiting = published_keys.unlisted(hub)
    if waiting:
        return waiting[0]
    new = PrivateKey.generate()
    keyring.add_signer(settings.data / start.SECRETS, new)
    return new.public


@key.command()
@OVERLAP
@click.pass_obj
def export(settings: Settings, overlap_days: int) -> None:
    """Print the list that follows the published one, with the keys that wait, for the root key to sign."""
    hub = start.open_hub(settings)
    click.echo(write_key_list(published_keys.write(hub, published_keys.unlisted(hub), timedelta(days=overlap_days))))


@key.command("sign-list")
@click.option("--root", required=True, type=FILE, help="The root key's private half, root.pem.")
@click.argument("unsigned", metavar="LIST", type=FILE)
def sign_list(root: Path, unsigned: Path) -> None:
    """Sign an exported list, and print it signed. Needs neither a hub nor its database.

    What is signed is shown on standard error: look at it before you carry it back.
    """
    try:
        listed = parse_key_list(unsigned.read_bytes())
    except KeyListRefused as error:
        raise Refused("invalid_request", f"{unsigned} is no list of 'hansa key export': {error.detail}.") from error
    click.echo(f"version {listed.version}, {listed.environment}", err=True)
    for one in listed.keys:
        end = "further notice" if one.not_after is None else _written(one.not_after)
        click.echo(f"{one.keyid}: from {_written(one.not_before)} until {end}", err=True)
    click.echo(strict_json.dumps(sign_key_list(listed, keyring.signer(root))))


def _written(at_s: int) -> str:
    """Write epoch seconds as an instant; a list may say any, also such as no calendar has."""
    try:
        return instant(datetime.fromtimestamp(at_s, UTC))
    except (OverflowError, ValueError):
        return f"{at_s} s"


@key.command("import")
@click.argument("signed", metavar="SIGNED", type=FILE)
@json_option
@click.pass_obj
def import_list(settings: Settings, signed: Path, as_json: bool) -> None:
    """Publish a list that the root key signed.

    Where the hub runs on several machines, copy the file of its new key there before.
    """
    hub = start.open_hub(settings)
    document: dict[str, Any] = json_file.read(signed, dict)
    listed = published_keys.publish(hub, document)
    with hub.database.connect() as connection:
        hub.moment(connection)
    show({"version": listed.version, "signs": hub.signer().keyid}, as_json, "List of the hub's keys")
