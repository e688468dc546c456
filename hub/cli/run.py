"""Running: serve, worker, openapi."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from hub import start
from hub.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--threads",
    default=16,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Requests a worker works on at once; it holds as many database connections, and six more.",
)
@click.option(
    "--public-url",
    default="",
    help="How partners reach this hub, for instance https://points.example. Their signatures cover its authority.",
)
@click.option(
    "--rate-limit",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="Requests a second of one partner, whichever worker they reach; `hansa partner limit` sets another for one.",
)
@click.option(
    "--address-rate-limit",
    envvar="HANSA_ADDRESS_RATE_LIMIT",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="Requests a second from one address, before it is known who asks.",
)
@click.option(
    "--member-rate-limit",
    envvar="HANSA_MEMBER_RATE_LIMIT",
    default=1_000,
    show_default=True,
    type=click.IntRange(1),
    help="Requests a second about one member; reports of sales and refunds are not counted.",
)
@click.option(
    "--trusted-proxies",
    envvar="HANSA_TRUSTED_PROXIES",
    default="",
    help="Networks of your proxies, like 10.0.0.0/8,127.0.0.1; only what they write into X-Forwarded-For is believed.",
)
@click.pass_obj
def serve(settings: Settings, /, **chosen: Any) -> None:
    """Serve the API until interrupted."""
    from hub import serve as serving

    serving.serve(replace(settings, **chosen), lambda text: click.echo(text, err=True))


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and stop, for a scheduler.")
@click.option("--interval", default=60, show_default=True, type=click.IntRange(1), help="Seconds between two looks.")
@click.pass_obj
def worker(settings: Settings, once: bool, interval: int) -> None:
    """Do what is due in the background: at the end of each business day, expire points."""
    from hub import worker as background

    hub = start.open_hub(settings)
    start.check_environment(hub, settings)
    background.run(hub, None if once else interval, click.echo)


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the API."""
    from hub.api.openapi import document
    from hub.api.routes import SIGNED

    click.echo(json.dumps(document(SIGNED), indent=2))
