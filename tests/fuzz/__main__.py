"""``python -m tests.fuzz``: let atheris look for bytes that a reader fails on, each reader for some minutes.

It starts from the corpora beside this file. What it finds worth keeping goes to ``build/fuzz``, and an input
that fails there too: add that to the corpus, which also runs with the ordinary tests, and mend the reader.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz import CORPORA

FOUND = Path("build") / "fuzz"
MAX_BYTES = 4_096


def main() -> int:
    """Fuzz the chosen readers, one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("readers", nargs="*", help="which (default: all)")
    parser.add_argument("--seconds", type=int, default=600, help="for each (default: 600)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        return _fuzz(chosen.readers[0], chosen.seconds)
    failed = [name for name in chosen.readers or sorted(CORPORA) if not _run(name, chosen.seconds)]
    print(f"findings in: {', '.join(failed)}; see {FOUND}" if failed else "no findings")
    return 1 if failed else 0


def _run(name: str, seconds: int) -> bool:
    print(f"{name}: {seconds} s", flush=True)
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds), "--inside"]
    return subprocess.run(command, check=False).returncode == 0


def _fuzz(name: str, seconds: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["partner_sdk", "hub", "json"]):
        from tests.fuzz.targets import TARGETS
    fresh = FOUND / name
    fresh.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", f"-artifact_prefix={fresh}-", "-verbosity=0"]
    atheris.Setup(["fuzz", *options, "-print_final_stats=1", str(fresh), str(CORPORA[name])], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
