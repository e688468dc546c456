"""The ledger beside a plain model of it: Hypothesis drives both and holds them equal after every command.

After each command every member's lots, holds, debts and pending points, the answer, every obligation and the identity
of each issuer agree, and every check of the ledger is clean. `make soak` runs the same for longer.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from hub import setup
from hub.settings import Settings
from tests.hub.machine import whole
from tests.hub.machine.grouped import Grouped, GroupedFunded
from tests.hub.machine.packed import Packed
from tests.hub.machine.whole import Machine

EXAMPLES, FUNDED_EXAMPLES, SOAK_EXAMPLES, STEPS = 25, 4, 600, 40


def test_the_ledger_and_a_plain_model_agree(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory, soaking: bool, seed: int
) -> None:
    """One request after another, and several at the same moment, which groups answer."""
    hub = setup.initialise(
        Settings(data=tmp_path_factory.mktemp("model"), database_url=postgres_url), "Model", "sandbox"
    )
    sys.stdout.write(f"--seed {seed}\n")
    whole.run(hub, SOAK_EXAMPLES if soaking else EXAMPLES, STEPS, seed, Grouped)
    hub.database.dispose()


@pytest.mark.parametrize("machine", [Packed, GroupedFunded])
def test_funding_at_issue_moves_no_point_and_the_fund_always_holds_what_members_have(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory, soaking: bool, seed: int, machine: type[Machine]
) -> None:
    """The same commands where two partners pay at issue, one with packs: the same points, and values of redemptions."""
    hub = setup.initialise(
        Settings(data=tmp_path_factory.mktemp("model"), database_url=postgres_url), "Model", "sandbox"
    )
    sys.stdout.write(f"--seed {seed}\n")
    whole.run(hub, SOAK_EXAMPLES if soaking else FUNDED_EXAMPLES, STEPS, seed, machine)
    hub.database.dispose()


def test_the_model_knows_nothing_of_what_it_is_held_against() -> None:
    files = list((Path(__file__).parent / "model").glob("*.py"))
    trees = [ast.parse(path.read_text()) for path in files]
    froms = {node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert files
    assert not any(name.partition(".")[0] in {"hub", "settlement", "partner_sdk"} for name in froms)
