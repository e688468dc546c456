"""Install the merchants' wheel in an empty environment and prove what it is and what it does not bring.

Run as ``python tests/sdk_check.py FOLDER_OF_THE_WHEEL``; exit code 1 says what is wrong.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

MAX_BYTES = 150_000
DEPENDENCIES = {"cryptography", "marshmallow", "requests"}
PROOF = """
import importlib.metadata, importlib.resources, importlib.util, pkgutil, re
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
with LocalHub().client("grocer") as client:
    assert client.ping().key_state == "active"
assert (importlib.resources.files("partner_sdk") / "py.typed").is_file(), "py.typed is missing"
print("import partner_sdk: ok; brought:", ", ".join(sorted(partner_sdk.__all__)[:6]), "...")
"""


def main(folder: Path) -> None:
    """Check the newest wheel in ``folder``."""
    wheel = max(folder.glob("hansa_partner_sdk-*.whl"), key=lambda path: path.stat().st_mtime)
    size = wheel.stat().st_size
    if size >= MAX_BYTES:
        sys.exit(f"{wheel.name} has {size} bytes, {MAX_BYTES} are allowed")
    with tempfile.TemporaryDirectory(prefix="hansa-sdk-") as empty:
        venv.create(empty, with_pip=True)
        python = Path(empty) / "bin" / "python"
        run = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
        subprocess.run(run, check=True)
        subprocess.run((str(python), "-c", f"{DEPENDENCIES=}{PROOF}"), check=True, cwd=empty)
        subprocess.run((str(Path(empty) / "bin" / "hansa-partner"), "--help"), check=True, stdout=subprocess.DEVNULL)
    print(f"{wheel.name}: {size} bytes, installs, imports, brings neither Flask nor SQLAlchemy")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
