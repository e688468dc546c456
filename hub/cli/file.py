"""Bulk files: those of issuers, and the templates by which they are read."""

from __future__ import annotations

from pathlib import Path

import click

from hub import file_worker, start
from hub.cli.json_file import JSON_FILE, read
from hub.cli.output import json_option, show
from hub.cli.points import author_option
from hub.services.files import decisions, drop_folder, results, templates
from hub.settings import Settings
from hub.store.files import STATES

NAME = click.argument("name", metavar="PARTNER/FILE")


@click.group()
def file() -> None:
    """List, show, release, refuse, reverse and take in bulk files of records, and say how they are written.

    A file waits when too many of its rows are bad or files before it are missing. One operator proposes its release,
    or the reversal of one that was posted, and is given a digest; a second one gives that to `approve`.
    """


@file.command("list")
@click.option("--partner", "partner_id", default="", help="Only those of this partner.")
@click.option("--state", default="", type=click.Choice(("", *STATES)), help="Only those in this state.")
@click.option("--most", default=100, type=click.IntRange(1, 10_000), show_default=True, help="How many, newest first.")
@json_option
@click.pass_obj
def listing(settings: Settings, partner_id: str, state: str, most: int, as_json: bool) -> None:
    """List files and how far they are, the newest first."""
    show(decisions.listing(start.open_hub(settings), partner_id, state, most), as_json, "Files")


@file.command("show")
@NAME
@json_option
@click.pass_obj
def show_one(settings: Settings, name: str, as_json: bool) -> None:
    """Show a file: what was found in it, its first bad rows, what became of its records."""
    show(decisions.show(start.open_hub(settings), name), as_json, name)


@file.command("results")
@NAME
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def result_file(settings: Settings, name: str, path: Path, as_json: bool) -> None:
    """Write what became of each line of a file to PATH (CSV)."""
    show(results.write(start.open_hub(settings), name, path), as_json, name)


@file.command()
@NAME
@author_option
@json_option
@click.pass_obj
def release(settings: Settings, name: str, author: str, as_json: bool) -> None:
    """Propose to post a file that waits."""
    show(decisions.propose(start.open_hub(settings), name, decisions.RELEASE, author), as_json, name)


@file.command()
@NAME
@author_option
@json_option
@click.pass_obj
def reverse(settings: Settings, name: str, author: str, as_json: bool) -> None:
    """Propose to take a posted file back, every sale of it."""
    show(decisions.propose(start.open_hub(settings), name, decisions.REVERSAL, author), as_json, name)


@file.command()
@NAME
@click.option("--digest", required=True, help="The digest that the proposal printed.")
@author_option
@json_option
@click.pass_obj
def approve(settings: Settings, name: str, digest: str, author: str, as_json: bool) -> None:
    """Approve a release or a reversal that somebody else proposed."""
    show(decisions.approve(start.open_hub(settings), name, digest, author), as_json, name)


@file.command()
@NAME
@author_option
@click.option("--reason", required=True, help="Why; the partner is told.")
@json_option
@click.pass_obj
def refuse(settings: Settings, name: str, author: str, reason: str, as_json: bool) -> None:
    """Refuse a file that waits; what it held is erased."""
    show(decisions.refuse(start.open_hub(settings), name, author, reason), as_json, name)


@file.command()
@click.argument("partner_id", metavar="PARTNER")
@click.argument("template")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@author_option
@json_option
@click.pass_obj
def take(settings: Settings, partner_id: str, template: str, folder: Path, author: str, as_json: bool) -> None:
    """Take in all files of FOLDER, a partner's drop folder, and post them.

    The file's name is its id. A file that was taken in moves to FOLDER/taken, and beside it is written what became of
    its lines; one that waits or is refused is told of here.
    """
    hub = start.open_hub(settings)
    taken = drop_folder.take(hub, partner_id, template, folder, author)
    file_worker.work_off(hub)
    show([drop_folder.put_away(hub, partner_id, path) for path in taken], as_json, "Files")


@file.command()
@json_option
@click.pass_obj
def work(settings: Settings, as_json: bool) -> None:
    """Look through and post what waits for it now, beside `hansa serve` and `hansa worker`, and end."""
    hub = start.open_hub(settings)
    file_worker.work_off(hub)
    show(decisions.listing(hub), as_json, "Files")


@file.group("template")
def template_group() -> None:
    """Put templates on record, and list them."""


@template_group.command("add")
@click.argument("partner_id", metavar="PARTNER")
@click.argument("name", metavar="TEMPLATE")
@click.argument("terms", type=JSON_FILE, metavar="JSON_FILE")
@author_option
@json_option
@click.pass_obj
def add_template(settings: Settings, partner_id: str, name: str, terms: Path, author: str, as_json: bool) -> None:
    """Put the next version of a template on record; docs/files.md says what it consists of."""
    show(templates.add(start.open_hub(settings), partner_id, name, read(terms, dict), author), as_json, name)


@template_group.command("list")
@click.option("--partner", "partner_id", default="", help="Only those of this partner.")
@json_option
@click.pass_obj
def list_templates(settings: Settings, partner_id: str, as_json: bool) -> None:
    """List all versions of templates."""
    show(templates.listing(start.open_hub(settings), partner_id), as_json, "Templates")
