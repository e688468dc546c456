"""Install the merchants' wheel in an empty environment and prove what it is and what it does not bring.

Run as ``python tests/sdk_check.py FOLDER_OF_THE_WHEEL [PYTHON ...]``; exit code 1 says what is wrong.
"""

from __future__ import annotations

import ast
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import EllipsisType

ROOT = Path(__file__).parents[1]
MAX_BYTES = 150_000
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
DEPENDENCIES = {"cryptography", "marshmallow", "requests"}
UNFOLD = '__path__.append(__path__[0] + "/behind.zip")'
PROOF = """
import importlib.metadata, importlib.resources, importlib.util, pkgutil, platform, re, sys, traceback
import partner_sdk
from partner_sdk import Client
for name in ("flask", "sqlalchemy", "hub", "settlement", "pytest"):
    assert importlib.util.find_spec(name) is None, name + " came with the wheel"
needed = {re.match("[a-z-]+", one)[0] for one in importlib.metadata.requires("hansa-partner-sdk")}
assert needed == DEPENDENCIES, needed
for module in pkgutil.walk_packages(partner_sdk.__path__, "partner_sdk."):
    if module.name != "partner_sdk.testing.fixtures":
        importlib.import_module(module.name)
from partner_sdk.testing import LocalHub
assert Client.redeem.__doc__ and partner_sdk.PrivateKey.from_pem.__doc__, "what a merchant calls lost its words"
with LocalHub().client("grocer") as client:
    assert client.ping().key_state == "active"
    try:
        sys.modules["partner_sdk.testing.books"].spelled(None)
    except AttributeError as error:
        assert "return member.casefold()" in "".join(traceback.format_exception(error)), "tracebacks show no text"
assert (importlib.resources.files("partner_sdk") / "py.typed").is_file(), "py.typed is missing"
print("Python", platform.python_version() + ": ok; it brought", ", ".join(sorted(needed)))
"""


def main(folder: Path, pythons: list[str]) -> None:
    """Check the newest wheel in ``folder`` under each of these interpreters, or under all that are here."""
    wheel = max(folder.glob("hansa_partner_sdk-*.whl"), key=lambda path: path.stat().st_mtime)
    size = wheel.stat().st_size
    if size >= MAX_BYTES:
        sys.exit(f"{wheel.name} has {size} bytes, {MAX_BYTES} are allowed")
    check_modules(wheel)
    for python in pythons or [sys.executable, *others()]:
        install(wheel, python)
    print(f"{wheel.name}: {size} bytes, installs, imports, brings neither Flask nor SQLAlchemy")


def others() -> Iterator[str]:
    """The interpreters of other versions that are here; says which are not."""
    for version in VERSIONS:
        found = shutil.which(f"python{version}")
        if found is None or not works(found):
            print(f"Python {version}: not here, so not tried")
        elif version != f"{sys.version_info.major}.{sys.version_info.minor}":
            yield found


def check_modules(wheel: Path) -> None:
    """Prove that every module is the program of its source, whatever words were left out."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None, "the archive is broken"
        built = modules_of(archive)
        for package in ("partner_sdk", "partner_sdk/testing", "partner_sdk/wire"):
            with zipfile.ZipFile(io.BytesIO(archive.read(f"{package}/behind.zip"))) as behind:
                built |= {f"{package}/{name}": text for name, text in modules_of(behind).items()}
            front = f"{package}/__init__.py"
            built[front] = built[front].replace(UNFOLD, "")
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "partner_sdk").rglob("*.py")}
    del sources["partner_sdk/hatch_build.py"]
    assert built.keys() == sources.keys(), built.keys() ^ sources.keys()
    for name, source in sources.items():
        assert program(built[name]) == program(source), f"{name} is another program than its source"


def modules_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """The modules in an archive."""
    return {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}


def program(source: str) -> str:
    """What a module does, without docstrings, ellipses, imports and the types of parameters and results."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [one for one in body if not is_silent(one)]
    return ast.dump(tree)


def is_silent(statement: ast.stmt) -> bool:
    """Whether a statement only says something; imports are proved by importing each module and using it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return isinstance(statement.value.value, str | EllipsisType)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def works(python: str) -> bool:
    """Tell whether an interpreter runs; the name of one may be there without it."""
    return subprocess.run((python, "--version"), check=False, capture_output=True).returncode == 0


def install(wheel: Path, interpreter: str) -> None:
    """Install the wheel in an empty environment of an interpreter and run the proof there."""
    with tempfile.TemporaryDirectory(prefix="hansa-sdk-") as empty:
        subprocess.run((interpreter, "-m", "venv", empty), check=True)
        python = Path(empty) / "bin" / "python"
        run = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
        subprocess.run(run, check=True)
        subprocess.run((str(python), "-W", "error", "-c", f"{DEPENDENCIES=}{PROOF}"), check=True, cwd=empty)
        subprocess.run((str(Path(empty) / "bin" / "hansa-partner"), "--help"), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
