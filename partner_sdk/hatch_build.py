"""Builds the merchants' wheel small: what nobody calls from outside travels bare, and everything is packed tightly.

What a merchant uses keeps every word. The private names, the modules of `wire`, and what is behind the client, the
commands, the outbox and the test kit, are for those who read the source: whoever builds a hub, or a client in another
language. They travel as programs only, without docstrings and the types of parameters; tracebacks still show each line
as it runs. The test kit, which only tests import, is folded into one file, the commands with the audit into another,
and what only these use of `wire` into a third. The members of the archive are then deflated again by zopfli, which
spends more time on the same format than zlib. This file is no part of the wheel.
"""

import ast
import io
import re
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any, TypeGuard

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from zopfli import zlib

USED = {
    "wire": ("keys.py",),
    "outbox": ("__init__.py", "command.py", "errors.py", "outbox.py", "settling.py", "statistics.py"),
    "testing": ("__init__.py", "faults.py", "fixtures.py", "gate.py", "hub.py", "terms.py"),
}
"""Folders that are for those who read the source, and their modules that a merchant uses nevertheless."""
BEHIND = {
    "the client": (
        "answers.py", "batches.py", "claims.py", "hub_clock.py", "hub_keyring.py", "key_list_memory.py", "transport.py"
    ),
    "the commands": (
        "amounts.py", "command_line.py", "diagnosis.py", "file_command.py", "sales_file.py", "sales_report.py",
        "statement_check.py",
    ),
}  # fmt: skip
"""Modules beside the client and the commands that only these use."""
COMMANDS = ("cli.py", "commands.py", "audit.py", *BEHIND["the commands"])
SELDOM = (
    "claiming.py", "explaining.py", "file_signatures.py", "liability.py", "log.py", "packs.py", "records.py",
    "sandbox_members.py", "webhooks.py",
)  # fmt: skip
FOLDS = {"testing": "the test kit", "": "the commands", "wire": "what only they use of the wire"}
"""Folders some of whose modules are folded: no till imports them."""

FOLDED = "behind.zip"
UNFOLD = f'__path__.append(__path__[0] + "/{FOLDED}")'
"""What lets Python find the folded modules (`zipimport`); only the wheel's packages have it."""


class LeanWheel(BuildHookInterface[Any]):
    """Puts the modules into the wheel, some of them bare, and packs it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell the builder where each module comes from and goes to."""
        self._copies = tempfile.TemporaryDirectory()
        root = Path(self.root)
        for number, module in enumerate(sorted(root.rglob("*.py"))):
            if module.name == Path(__file__).name:
                continue
            internal = module.name not in USED.get(module.parent.name, (module.name,))
            internal |= module.parent == root and any(module.name in names for names in BEHIND.values())
            text = lean(module.read_text(encoding="utf-8"), internal=internal)
            folder = str(module.relative_to(root).parent).strip(".")
            is_front = module.name == "__init__.py"
            if (folder == "testing" and not is_front) or module.name in {"": COMMANDS, "wire": SELDOM}.get(folder, ()):
                fold(self._folded(folder), module.name, text)
                continue
            if folder in FOLDS and is_front:
                text = f"{text}\n{UNFOLD}\n" if folder == "wire" else text.replace("\nfrom ", f"\n{UNFOLD}\nfrom ", 1)
            copy = Path(self._copies.name) / f"{number}.py"
            copy.write_text(text, encoding="utf-8")
            build_data["force_include"][str(copy)] = str(module.relative_to(root))
        for folder in FOLDS:
            build_data["force_include"][str(self._folded(folder))] = str(Path(folder) / FOLDED)

    def _folded(self, folder: str) -> Path:
        return Path(self._copies.name) / f"{folder}{FOLDED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Forget the copies, and pack the wheel."""
        self._copies.cleanup()
        if self.target_name == "wheel":
            wheel = Path(artifact_path)
            wheel.write_bytes(packed(wheel.read_bytes()))


# --- folded modules ---


def fold(archive: Path, name: str, text: str) -> None:
    """Put a module into an archive of folded ones, stored: the wheel deflates all of them as one text."""
    with zipfile.ZipFile(archive, "a") as folded:
        folded.writestr(zipfile.ZipInfo(name), text)


# --- bare modules ---


def lean(source: str, *, internal: bool) -> str:
    """The same program: its private names bare, or with `internal` all of it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if internal or str(getattr(node, "name", "")).startswith("_"):
            _bare(node)
    if not internal:
        return _flat(ast.unparse(tree))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    tree.body = [one for one in tree.body if not isinstance(one, ast.Import | ast.ImportFrom) or _is_used(one, used)]
    return _flat(ast.unparse(tree))


def _flat(text: str) -> str:
    """The same program indented by one space; only docstrings have lines of their own, and keep their shape."""
    return re.sub("^ +", lambda spaces: " " * sum(divmod(len(spaces[0]), 4)), text, flags=re.MULTILINE)


def _bare(node: ast.AST) -> None:
    """Leave out a node's docstrings, and a function's types; those of fields make dataclasses, and stay."""
    body = getattr(node, "body", None)
    if isinstance(body, list):
        kept = [one for one in body if not _is_text(one)]
        node.body = kept or [ast.Expr(ast.Constant(...))]  # type: ignore[attr-defined]
    if isinstance(node, ast.FunctionDef):
        node.returns = None
        for one in ast.walk(node.args):
            if isinstance(one, ast.arg):
                one.annotation = None


def _is_text(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_used(statement: ast.Import | ast.ImportFrom, used: set[str]) -> bool:
    """Whether an import still has names to bring, once those that only types used are left out."""
    statement.names = [one for one in statement.names if (one.asname or one.name.partition(".")[0]) in used]
    return bool(statement.names)


# --- a tight archive ---


def packed(archive: bytes) -> bytes:
    """The same zip archive with its members deflated as far as they go; the same bytes for the same archive.

    Written out here, section 4.3 of PKWARE's APPNOTE, as `zipfile` takes no members that are deflated already.
    """
    members, directory = b"", b""
    with zipfile.ZipFile(io.BytesIO(archive)) as before:
        for info in before.infolist():
            name, content = info.filename.encode(), before.read(info)
            deflated = _deflated(content)
            head = struct.pack("<3H2H3L2H", 20, 0, zipfile.ZIP_DEFLATED, *_dos_time(info.date_time),
                               info.CRC, len(deflated), len(content), len(name), 0)  # fmt: skip
            tail = struct.pack("<3H2L", 0, 0, info.internal_attr, info.external_attr, len(members))
            directory += b"PK\1\2" + struct.pack("<2B", 20, info.create_system) + head + tail + name
            members += b"PK\3\4" + head + name + deflated
        count = len(before.infolist())
    end = struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(members), 0)
    return members + directory + b"PK\5\6" + end


def _deflated(content: bytes) -> bytes:
    """The deflate stream (RFC 1951) of a zlib stream (RFC 1950): without header and checksum."""
    return bytes(zlib.compress(content)[2:-4])


def _dos_time(at: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    """Time and date of a member, in MS-DOS's two numbers."""
    year, month, day, hour, minute, second = at
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
