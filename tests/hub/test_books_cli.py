"""The books through the command ``hansa books``: tables, JSON, files, and the exit code when they do not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from hub.cli import main
from hub.services import cycles
from tests.support.coalition import Coalition
from tests.support.services import earn, redeem

Run = Callable[..., Result]


@pytest.fixture
def hansa(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on a coalition with a published cycle in which grocer owes fuel."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: built.hub)
    earn(built.hub, "grocer", "e1", "card:1", 50_000)
    redeem(built.hub, "fuel", "r1", "card:1", 200)
    cycles.close_and_publish(built.hub, "2017-01", "olga", "peter")
    return lambda *arguments: CliRunner().invoke(main, ("books", *arguments))


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_trial_balance_and_the_journal(hansa: Run) -> None:
    balance = found(hansa("trial-balance", "--json"))
    assert balance["findings"] == []
    assert {one["account"]: one["balance_minor"] for one in balance["accounts"]} == {
        "receivable:grocer": 200, "payable:fuel": -200, "points": -200, "redemptions": 200,
    }  # fmt: skip
    assert len(found(hansa("journal", "--json"))) == 2
    assert found(hansa("journal", "--until", "2017-01-30", "--json")) == []
    assert "receivable:grocer" in hansa("trial-balance").output


@pytest.mark.parametrize(("kind", "holds"), [("csv", "lines/"), ("trial-balance", "Assets"), ("beancount", "open ")])
def test_files(hansa: Run, tmp_path: Path, kind: str, holds: str) -> None:
    path = tmp_path / "books"
    assert found(hansa("export", str(path), "--format", kind, "--json"))["entries"] == 1
    assert holds in path.read_text()


def test_where_nothing_can_be_written_is_said_and_nothing_is_left_half(hansa: Run, tmp_path: Path) -> None:
    result = hansa("export", str(tmp_path / "none" / "books"))
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr
    assert hansa("export", str(tmp_path / "books")).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["books"]


def test_books_that_do_not_hold_end_with_1(hansa: Run, built: Coalition) -> None:
    built.hub.database.transact(
        lambda connection: connection.execute(text("UPDATE settlement.due SET net_minor = net_minor + 1"))
    )
    result = hansa("trial-balance", "--json")
    assert result.exit_code == 1
    assert "[books] 2017-01 fuel" in result.stderr


def test_wrong_usage_is_2(hansa: Run, tmp_path: Path) -> None:
    for arguments in (("export", str(tmp_path / "x"), "--format", "xls"), ("journal", "--until", "soon"), ("export",)):
        assert hansa(*arguments).exit_code == 2
