"""The command `hansa partner wind-down`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import winding_down as service
from hub.settings import Settings


class Share(click.ParamType[Fraction]):
    """An exact number such as 0.7 or 9/10."""

    name = "number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Read it, or say how it is written."""
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is no number such as 0.7 or 9/10.", param, ctx)


@click.command("wind-down")
@click.argument("partner_id")
@click.option("--redeemable/--not-redeemable", default=None, help="Freeze issuing; may what is out there be spent?")
@click.option("--price", type=Share(), default="1", show_default=True, help="Minor units that a point costs.")
@click.option("--expected", type=Share(), default="1", show_default=True, help="Share expected to be redeemed.")
@click.option("--export", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write all about it there.")
@json_option
@click.pass_obj
def wind_down(
    settings: Settings,
    partner_id: str,
    redeemable: bool | None,
    price: Fraction,
    expected: Fraction,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Let a partner leave: its points are given out no more from now on.

    Without --redeemable or --not-redeemable nothing changes. Prints the outstanding points and the reserve for them:
    points times --price times --expected. --export writes its terms, points, security and statements with all lines to
    a new folder. `hansa partner suspend PARTNER --undo` takes the partner back.
    """
    hub = start.open_hub(settings)
    if redeemable is not None:
        service.begin(hub, partner_id, redeemable=redeemable)
    found = service.reserve(hub, partner_id, price, expected)
    if folder:
        found["files"] = service.export(hub, partner_id, folder)
    show(found, as_json, f"Partner {partner_id}")
