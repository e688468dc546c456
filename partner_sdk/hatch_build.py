"""Builds the merchants' wheel small: what nobody calls from outside travels without its docstrings.

What a merchant uses keeps every word. The private names, the modules of `wire`, and what is behind the outbox and the
test kit, are for those who read the source: whoever builds a hub, or a client in another language. Each line stays
where it is, so that a traceback names the line of the source. This file is no part of the wheel.
"""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

USED = {
    "wire": ("keys.py",),
    "outbox": ("__init__.py", "command.py", "errors.py", "outbox.py", "settling.py", "statistics.py"),
    "testing": ("__init__.py", "faults.py", "fixtures.py", "gate.py", "hub.py", "terms.py"),
}
"""Folders that are for those who read the source, and their modules that a merchant uses nevertheless."""
BEHIND_THE_CLIENT = ("answers.py", "batches.py", "hub_clock.py", "hub_keyring.py", "key_list_memory.py", "transport.py")
"""Modules beside the client that only it uses."""


class LeanWheel(BuildHookInterface[Any]):
    """Puts the modules into the wheel, some of their docstrings left out."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell the builder where each module comes from and goes to."""
        self._copies = tempfile.TemporaryDirectory()
        root = Path(self.root)
        for number, module in enumerate(sorted(root.rglob("*.py"))):
            if module.name == Path(__file__).name:
                continue
            internal = module.name not in USED.get(module.parent.name, (module.name,))
            internal |= module.parent == root and module.name in BEHIND_THE_CLIENT
            copy = Path(self._copies.name) / f"{number}.py"
            copy.write_text(lean(module.read_text(encoding="utf-8"), internal=internal), encoding="utf-8")
            build_data["force_include"][str(copy)] = str(module.relative_to(root))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Forget the copies."""
        self._copies.cleanup()


def lean(source: str, *, internal: bool) -> str:
    """The same program on the same lines, without the docstrings of private names, or without any if `internal`."""
    lines = source.splitlines(keepends=True)
    for text, alone in _docstrings(ast.parse(source), internal):
        first = f"{' ' * text.col_offset}...\n" if alone else "\n"
        last = text.end_lineno or text.lineno
        lines[text.lineno - 1 : last] = [first, *["\n"] * (last - text.lineno)]
    return "".join(lines)


def _docstrings(tree: ast.AST, internal: bool) -> Iterator[tuple[ast.Expr, bool]]:
    """Every docstring to leave out, and whether it is all that there is in its place."""
    for node in ast.walk(tree):
        body, name = getattr(node, "body", None), getattr(node, "name", None) or ""
        if isinstance(body, list) and (internal or name.startswith("_")):
            yield from ((one, len(body) == 1 and name != "") for one in body if _is_text(one))


def _is_text(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
