"""Events, explained."""

from __future__ import annotations

from typing import Any

import click

from hub import start
from hub.cli.output import json_option, show
from hub.services import explaining
from hub.settings import Settings

SECTIONS = {"why": "Why", "moved": "What it moved", "owed": "What is owed for it", "later": "What came of it later"}


@click.group()
def event() -> None:
    """Explain what was posted."""


@event.command()
@click.argument("name", metavar="PARTNER/EVENT_ID")
@json_option
@click.pass_obj
def explain(settings: Settings, name: str, as_json: bool) -> None:
    """Say which rule version, arithmetic and rounding gave an event its points, from which lots, and who owes whom.

    \b
    hansa event explain grocer/till-1-0001
    hansa event explain coalition/adjustment-4711
    """
    found = explaining.explain(start.open_hub(settings), name)
    if as_json:
        show(found, True, "")
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    show({name: value for name, value in found.items() if name not in SECTIONS and value is not None}, False, "Event")
    for section, title in SECTIONS.items():
        if found[section]:
            click.echo(f"\n{title}")
            for sentence in found[section]:
                click.echo(f"  {sentence}")
