"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json`` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(command)


def show(content: Any, as_json: bool, title: str) -> None:
    """Print a list of records as a table, one record as a two-column table, or either as JSON."""
    if as_json:
        click.echo(json.dumps(content, indent=2, default=str))
    elif isinstance(content, Mapping):
        print_table(title, ("", ""), [(name, _cell(value)) for name, value in content.items()])
    elif content:
        columns = tuple(dict.fromkeys(name for one in content for name in one))
        print_table(title, columns, [tuple(_cell(one.get(name, "")) for name in columns) for one in content])
    else:
        click.echo(f"{title}: none")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers are set to the right with thousands separated."""
    table = Table(title=title, title_justify="left", show_header=any(columns))
    for place, name in enumerate(columns):
        numeric = bool(rows) and all(type(row[place]) is int for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,}" if type(cell) is int else str(cell) for cell in row))
    Console().print(table)


def _cell(value: Any) -> Any:
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_cell(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(str(_cell(inner)) for inner in value)
    return value if type(value) is int else str(value)
