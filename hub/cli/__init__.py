"""The command line of an operator: ``hansa``. Each group is a file here, loaded only when it is asked for.

Exit codes: 0 done, 1 refused with a reason, 2 wrong usage.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from hub.core.errors import HubError
from hub.settings import Settings

COMMANDS = {
    "init": "hub.cli.init",
    "serve": "hub.cli.run",
    "worker": "hub.cli.run",
    "demo": "hub.cli.demo",
    "partner": "hub.cli.partner",
    "contract": "hub.cli.contract",
    "rate": "hub.cli.rate",
    "points": "hub.cli.points",
    "scheme": "hub.cli.scheme",
    "member": "hub.cli.member",
    "adjust": "hub.cli.adjust",
    "proposal": "hub.cli.proposal",
    "review": "hub.cli.review",
    "event": "hub.cli.event",
    "exchange": "hub.cli.exchange",
    "file": "hub.cli.file",
    "cycle": "hub.cli.cycle",
    "reconcile": "hub.cli.reconcile",
    "payment": "hub.cli.payment",
    "dispute": "hub.cli.dispute",
    "claim": "hub.cli.claim",
    "security": "hub.cli.security",
    "default": "hub.cli.default",
    "books": "hub.cli.books",
    "pack": "hub.cli.pack",
    "operator": "hub.cli.operator",
    "ledger": "hub.cli.ledger",
    "log": "hub.cli.log",
    "key": "hub.cli.key",
    "webhook": "hub.cli.webhook",
    "clock": "hub.cli.clock",
    "openapi": "hub.cli.run",
}
"""Command -> module that defines it under its own name."""


class Commands(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None for a name that is not in the table."""
        module = COMMANDS.get(cmd_name)
        return _taking_place(getattr(_imported(module), cmd_name)) if module else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence of each, read from its source, so that help imports none."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name, room)) for name in COMMANDS])

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a refusal becomes one line on standard error and exit code 1."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            return _refuse(error)
        except Exception as error:
            if type(error).__module__ != "settlement.errors":
                raise
            return _refuse(error)


def _imported(name: str) -> ModuleType:
    """Import a module while Python's collector rests: modules stay, so it would look through them for nothing."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _summary(name: str, room: int) -> str:
    """Return the first sentence of a command's docstring, shortened as click would."""
    found = find_spec(COMMANDS[name])
    source = Path(found.origin).read_text("utf-8") if found and found.origin else ""
    _, _, behind = source.partition(f"\ndef {name}(")
    return click.Command(name, help=behind.split('"""', 2)[1]).get_short_help_str(room)


def _taking_place(command: click.Command) -> click.Command:
    """Let ``--data`` and ``--database-url`` stand after a command too; those before it are the defaults."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _taking_place(inner)
    elif "database_url" not in {parameter.name for parameter in command.params}:
        for name, kind in (("data", click.Path(path_type=Path)), ("database_url", click.STRING)):
            flag = "--" + name.replace("_", "-")
            option = click.Option([flag], type=kind, expose_value=False, callback=_put, help="As before the command.")
            command.params.append(option)
    return command


def _put(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and parameter.name:
        ctx.obj = replace(ctx.obj, **{parameter.name: value})


def _refuse(error: Exception) -> None:
    click.echo(f"refused: {error}", err=True)
    sys.exit(1)


@click.command(
    cls=Commands,
    context_settings={
        "auto_envvar_prefix": "HANSA",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
    },
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="HANSA_DATA",
    default=Path("hansa-data"),
    show_default=True,
    help="Folder of the hub's secrets and of the embedded PostgreSQL.",
)
@click.option(
    "--database-url",
    envvar="HANSA_DATABASE_URL",
    default="",
    help="A PostgreSQL 15 or newer to use instead of the embedded one: postgresql://user:password@host/name.",
)
@click.version_option(package_name="hansa")
@click.pass_context
def main(ctx: click.Context, data: Path, database_url: str) -> None:
    """Run a coalition loyalty network: hub, partners, rates and settlement.

    Start with `hansa demo` to see a year of real purchases settle, or with `hansa init` for a hub of your own.
    Every option can be given as an environment variable: HANSA_DATA, HANSA_DATABASE_URL, HANSA_SERVE_PORT and
    so on (HANSA_<COMMAND>_<OPTION>).
    """
    ctx.obj = replace(Settings.from_environment(), data=data, database_url=database_url)
