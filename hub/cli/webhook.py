"""Partners' webhooks, for the operator: how they do, and what to do about them."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.services import webhooks
from hub.settings import Settings


@click.group()
def webhook() -> None:
    """See where partners are told of what happens, pause and resume, send messages again. `hansa worker` delivers."""


@webhook.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List all webhooks: state, circuit, messages that wait or were given up, and the last outcome."""
    show(webhooks.of_all(start.open_hub(settings)), as_json, "Webhooks")


@webhook.command()
@click.argument("partner_id")
@click.argument("webhook_id")
@json_option
@click.pass_obj
def dead(settings: Settings, partner_id: str, webhook_id: str, as_json: bool) -> None:
    """List the messages of a webhook that were tried ten times and given up."""
    show(webhooks.dead_letters(start.open_hub(settings), partner_id, webhook_id), as_json, "Dead letters")


@webhook.command()
@click.argument("partner_id")
@click.argument("webhook_id")
@click.option("--since", type=DATE, help="Also what was delivered of what happened from this day on (UTC).")
@json_option
@click.pass_obj
def replay(settings: Settings, partner_id: str, webhook_id: str, since: datetime | None, as_json: bool) -> None:
    """Send again what was given up; the webhook is tried at once."""
    instant = since and since.replace(tzinfo=UTC)
    count = webhooks.replay(start.open_hub(settings), partner_id, webhook_id, instant)
    show({"webhook": webhook_id, "replayed": count}, as_json, "Replayed")


@webhook.command()
@click.argument("partner_id")
@click.argument("webhook_id")
@click.pass_obj
def pause(settings: Settings, partner_id: str, webhook_id: str) -> None:
    """Let a webhook's messages wait."""
    webhooks.pause(start.open_hub(settings), partner_id, webhook_id)


@webhook.command()
@click.argument("partner_id")
@click.argument("webhook_id")
@click.pass_obj
def resume(settings: Settings, partner_id: str, webhook_id: str) -> None:
    """Send what waits, at once, also after a pause or after the server said that it is gone."""
    webhooks.resume(start.open_hub(settings), partner_id, webhook_id)
