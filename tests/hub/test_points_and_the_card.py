"""Points and the card: a credit on the statement by files, and paying with points at a purchase."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.core.errors import Refused
from hub.services import exchange_rates, statement_credits
from partner_sdk import Client
from partner_sdk.cli import main as hansa_partner
from tests.hub.test_partner_cli import environment_of
from tests.support.coalition import FIRST_DAY
from tests.support.network import Network, broken_rows, earn, sale
from tests.support.raw import RawClient
from tests.support.sdk import client_of

CENTS: dict[str, Any] = {
    "direction": "out", "unit": "CENT", "rate": "1/2", "spread": "0", "minimum": 100, "step": 100, "rounding": "down",
    "quote_seconds": 600,
}  # fmt: skip
Run = Callable[..., Result]


@pytest.fixture
def bank(net: Network) -> RawClient:
    """A new card issuer that credits a cent for two points."""
    joined = net.join(terms={"cards": {}})
    exchange_rates.publish(net.hub, joined.partner, FIRST_DAY, CENTS)
    return joined


@pytest.fixture
def client(net: Network, bank: RawClient) -> Iterator[Client]:
    with client_of(net, bank.partner) as made:
        yield made


@pytest.fixture
def hansa(net: Network, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on the shared hub."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: net.hub)
    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments])


def holder(net: Network, bank: RawClient, points: int) -> str:
    """A member with so many points that can be spent."""
    member = net.member()
    earn(bank, sale(net.fresh("s"), member, points * 100))
    return member


def wanted(net: Network, client: Client, member: str, points: int) -> str:
    """Ask for a credit and return its id."""
    quote = client.quote_exchange(member, "out", "CENT", points)
    return client.exchange(net.fresh("credit"), quote.quote_id, member).exchange_id


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_points_become_credits_on_a_statement_by_files(
    net: Network, bank: RawClient, client: Client, hansa: Run, tmp_path: Path
) -> None:
    member, other = holder(net, bank, 1_000), holder(net, bank, 300)
    link = net.fresh("link")
    client.link_card(link, net.fresh("tok-"), member, "consent-1")
    first, second, third = (wanted(net, client, *one) for one in ((member, 400), (member, 200), (other, 300)))
    out, back, answers = (tmp_path / name for name in ("credits.csv", "results.csv", "answers.csv"))
    shown = hansa("exchange", "credits", bank.partner, out, "--unit", "CENT", "--json")
    assert json.loads(shown.stdout) == {"credits": 3, "points": 900, "amount": 450}
    assert {one["exchange_id"]: (one["card"], one["points"], one["amount"]) for one in rows(out)} == {
        first: (link, "400", "200"), second: (link, "200", "100"), third: ("", "300", "150"),
    }  # fmt: skip
    assert hansa_partner(["verify", "file", str(out)], environment_of(net, bank, tmp_path)) == 0
    back.write_text(
        f"exchange_id,outcome,reason\n{first},credited,\n{second},rejected,account closed\nnone,credited,\n"
    )
    answered = hansa("exchange", "results", bank.partner, back, answers, "--author", "ada", "--json")
    assert json.loads(answered.stdout) == {"done": 2, "unknown_event": 1}
    assert [one["answer"] for one in rows(answers)] == ["done", "done", "unknown_event"]
    assert (client.member(member).available, client.member(other).available) == (600, 0)
    assert client.exchange_state(first).state == "confirmed"
    again = hansa("exchange", "results", bank.partner, back, answers, "--author", "ada", "--json")
    assert json.loads(again.stdout) == {"repeated": 2, "unknown_event": 1}
    back.write_text(f"outcome,exchange_id\nrejected,{first}\n")
    hansa("exchange", "results", bank.partner, back, answers, "--author", "ada")
    assert rows(answers)[0]["answer"] == "exchange_closed", "what was credited is not rejected afterwards"
    shown = hansa("exchange", "credits", bank.partner, out, "--unit", "CENT", "--json")
    assert json.loads(shown.stdout)["credits"] == 1
    assert broken_rows(net.hub) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Line 1"), (b"exchange_id,result\n", "Line 1"), (b"exchange_id,outcome,outcome\n", "Line 1"),
        (b"exchange_id,outcome\nx,paid\n", "Line 2: an outcome"), (b"exchange_id,outcome\nx\n", "Line 2: 2 cells"),
        (b"exchange_id,outcome\nx,credited\nx,rejected\n", "Line 3: x stands"),
        (b"exchange_id,outcome\nx,credited,,\n", "2 cells"), (b"exchange_id,outcome\n\xff,credited\n", "UTF-8"),
        (b'exchange_id,outcome\n"x"y,credited\n', "not CSV"), (b'exchange_id,outcome\n"x,credited\n', "not CSV"),
        (b"exchange_id,outcome\nx\0,credited\n", "Line 2|not CSV"), (b"exchange_id,outcome\n" + b"x" * 501, "cells"),
        (b"exchange_id,outcome,reason\nx,credited,card 4111 1111 1111 1111\n", "Line 2"),
        (b"exchange_id,outcome\n" + b"x" * 200_000 + b",credited\n", "field|cells"),
    ],
    ids=lambda given: str(given)[:40],
)  # fmt: skip
def test_a_file_of_results_that_is_none_is_refused_before_anything_of_it_is_done(
    net: Network, bank: RawClient, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(content)
    with pytest.raises(Refused, match=says) as refused:
        statement_credits.apply(net.hub, bank.partner, path, "ada", tmp_path / "answers.csv")
    assert refused.value.code == "invalid_request"
    assert "4111" not in refused.value.detail
    assert not (tmp_path / "answers.csv").exists()


def test_an_answer_is_no_formula(net: Network, bank: RawClient, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("exchange_id,outcome\n=1+1,credited\n")
    assert statement_credits.apply(net.hub, bank.partner, tmp_path / "results.csv", "ada", tmp_path / "a.csv") == {
        "unknown_event": 1
    }
    assert rows(tmp_path / "a.csv")[0]["exchange_id"] == "'=1+1"


def test_paying_with_points_is_held_at_authorisation_captured_at_clearing_released_on_reversal(
    net: Network, bank: RawClient, client: Client
) -> None:
    member = holder(net, bank, 1_000)
    cleared, undone = net.fresh("auth"), net.fresh("auth")
    client.hold(cleared, member, 600, 7 * 86_400)
    client.hold(undone, member, 300, 7 * 86_400)
    assert client.member(member).available == 100
    client.capture(cleared, 550)
    client.void(undone)
    assert client.member(member).available == 450
    client.reverse(cleared, 50, reversal_id=net.fresh("back"))
    assert client.member(member).available == 500
