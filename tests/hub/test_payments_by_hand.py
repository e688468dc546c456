"""Paying partners by the command ``hansa payment``, from a published cycle to what the bank answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.services import business_clock
from settlement.core.bank_accounts import BankAccount, account_content
from settlement.core.payment_ids import PAY, RECEIVE
from tests.settlement.formats.test_pain002 import batch, document
from tests.settlement.payments import DINER, OPERATOR
from tests.support.coalition import Coalition
from tests.support.services import earn, redeem

Run = Callable[..., Result]
ADA, BEN = ("--author", "ada"), ("--author", "ben")
RELEASE = ("payment", "release", "USD", "--execute-on", "2017-03-07")


@pytest.fixture
def hansa(built: Coalition, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of ``hansa`` on a coalition in which grocer owes fuel 0.20 USD for January, which is final."""
    monkeypatch.setattr("hub.start.open_hub", lambda settings: built.hub)
    earn(built.hub, "grocer", "e1", "card:1", 5_000)
    redeem(built.hub, "fuel", "r1", "card:1", 20)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    digest = found(run("cycle", "close", "2017-01", *ADA, "--json"))["proposal"]["digest"]
    found(run("cycle", "publish", "2017-01", "--digest", digest, *BEN, "--json"))
    business_clock.move(built.hub, datetime(2017, 3, 6, tzinfo=UTC))
    found(run("cycle", "advance", "2017-01", "final", *BEN, "--json"))
    return run


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.stderr


def record(hansa: Run, folder: Path, party: str, account: BankAccount, **more: Any) -> dict[str, Any]:
    path = folder / "account.json"
    path.write_text(json.dumps({"account": account_content(account), **more}))
    made = found(hansa("payment", "account", "set", party, "USD", str(path), *ADA, "--json"))
    approve = ("payment", "account", "approve", party, "USD", "--digest", made["digest"])
    assert "same_person" in refusal(hansa(*approve, *ADA))
    return dict(found(hansa(*approve, *BEN, "--json")))


def books_of(hansa: Run) -> dict[str, int]:
    """The balances of the operator's books, which hold."""
    balance = found(hansa("books", "trial-balance", "--json"))
    assert balance["findings"] == []
    return {one["account"]: one["balance_minor"] for one in balance["accounts"]}


def released(hansa: Run, folder: Path) -> dict[str, Any]:
    found(hansa("payment", "prepare", "2017-01", *ADA, "--json"))
    record(hansa, folder, "@operator", OPERATOR, habits={"message": "pain.001.001.03"})
    record(hansa, folder, "fuel", DINER)
    made = found(hansa(*RELEASE, *ADA, "--json"))
    approve = ("payment", "approve", made["release"], "--digest", made["digest"])
    assert "same_person" in refusal(hansa(*approve, *ADA))
    assert found(hansa(*approve, *BEN, "--json"))["decided_by"] == "ben"
    return dict(made)


def test_from_a_published_cycle_to_a_payment_that_came_back(hansa: Run, tmp_path: Path) -> None:
    made = released(hansa, tmp_path)
    assert (made["total"], made["count"], made["from"]) == ("0.20", 1, OPERATOR.iban)
    assert made["payments"][0]["account"] == "000123456789 at USABA 021000021"
    file, again = tmp_path / "pay.xml", tmp_path / "again.xml"
    for path in (file, again):
        assert hansa("payment", "file", made["release"], str(path), *BEN).exit_code == 0
    assert again.read_bytes() == file.read_bytes()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == made["digest"]
    [sent] = found(hansa("payment", "list", "--state", "sent", "--json"))
    assert (sent["partner"], sent["direction"], sent["amount"]) == ("fuel", PAY, "0.20")

    answer = tmp_path / "answer.xml"
    name = made["payments"][0]["end_to_end_id"]
    tx = (
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>"
    )
    group = f"<OrgnlGrpInfAndSts><OrgnlMsgId>{made['release']}</OrgnlMsgId></OrgnlGrpInfAndSts>"
    answer.write_text(document(group + batch(tx)))
    taken = found(hansa("payment", "import", str(answer), *ADA, "--json"))
    assert [(one["outcome"], one["reason"]) for one in taken["payments"]] == [
        ("applied", "AC04 (the account is closed)")
    ]
    assert found(hansa("payment", "import", str(answer), *ADA, "--json"))["repeated"]
    shown = found(hansa("payment", "show", sent["payment"], "--json"))
    assert [move["state"] for move in shown["moves"]][-3:] == ["sent", "rejected", "payable"]
    assert (shown["state"], shown["attempt"]) == ("payable", 2)
    assert "record other bank details of fuel" in refusal(hansa(*RELEASE, *ADA))
    assert books_of(hansa)["payable:fuel"] == -20, "payable again"


def test_what_has_to_be_looked_at_is_exit_code_1(hansa: Run, tmp_path: Path) -> None:
    made = released(hansa, tmp_path)
    answer = tmp_path / "answer.xml"
    group = f"<OrgnlGrpInfAndSts><OrgnlMsgId>{made['release']}</OrgnlMsgId><GrpSts>ACSC</GrpSts></OrgnlGrpInfAndSts>"
    answer.write_text(document(group))
    result = hansa("payment", "import", str(answer), *ADA)
    assert result.exit_code == 1
    assert "contradicts" in result.output


def test_lists_for_people(hansa: Run, tmp_path: Path) -> None:
    made = released(hansa, tmp_path)
    payment = found(hansa("payment", "list", "--json"))[0]["payment"]
    for arguments in (
        ("list",),
        ("show", payment),
        ("releases",),
        ("show-release", made["release"]),
        ("account", "list"),
        ("prepare", "2017-01", *ADA),
    ):
        assert hansa("payment", *arguments).exit_code == 0
    assert [one["direction"] for one in found(hansa("payment", "list", "--partner", "grocer", "--json"))] == [RECEIVE]
    accounts = found(hansa("payment", "account", "list", "--json"))
    assert [(one["party"], one["used"]) for one in accounts] == [("@operator", True), ("fuel", True)]
    assert accounts[0]["habits"]["message"] == "pain.001.001.03"


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("prepare", "2017-02", *ADA), "2017-02"),
    (("prepare", "January", *ADA), "January"),
    (("show", "none"), "no payment none"),
    (("show-release", "none"), "no release none"),
    (("file", "none", "x.xml", *ADA), "no release none"),
    (("approve", "none", "--digest", "00" * 32, *ADA), "no release none"),
    (("approve", "none", "--digest", "zz", *ADA), "64 hexadecimal digits"),
    (("received", "none", "--amount", "1", "--source", "x", *ADA), "no payment none"),
    (("release", "USD", "--execute-on", "2017-03-07", *ADA), "nothing is payable in USD"),
    (("release", "USD", "--execute-on", "2016-02-06", *ADA), "is past"),
    (("account", "approve", "fuel", "USD", "--digest", "00" * 32, *ADA), "nobody proposed"),
]
NO_DETAILS = [
    ("{}", "an object with account"),
    ("[]", "must hold an object"),
    ('{"account": {}, "more": 1}', "an object with account"),
    ('{"account": {}}', "bank details are holder"),
    ('{"account": []}', "bank details are holder"),
    ('{"account": {"holder": "F"}, "habits": []}', "bank details are holder"),
]


def test_what_a_partner_paid_in(hansa: Run) -> None:
    found(hansa("payment", "prepare", "2017-01", *ADA, "--json"))
    [owed] = found(hansa("payment", "list", "--direction", "in", "--json"))
    received = ("payment", "received", owed["payment"], "--source", "statement 7, entry 3", *ADA, "--amount")
    assert "0.20 USD, and not 0.30 USD" in refusal(hansa(*received, "0.30"))
    assert "is no amount" in refusal(hansa(*received, "1,50"))
    advance = ("cycle", "advance", "2017-01")
    assert f"{owed['payment']}: 0.20 USD from grocer is payable" in refusal(hansa(*advance, "paid_in", *BEN))
    for _ in range(2):
        assert found(hansa(*received, "0.20", "--json"))["state"] == "settled"
    assert found(hansa(*advance, "paid_in", *BEN, "--json"))["state"] == "paid_in"
    assert "to fuel is payable" in refusal(hansa(*advance, "paid_out", *BEN))
    assert (books_of(hansa)["receivable:grocer"], books_of(hansa)["bank"]) == (0, 20)


def test_a_refusal_is_1_and_says_why(hansa: Run) -> None:
    for arguments, reason in REFUSED:
        assert reason in refusal(hansa("payment", *arguments)), arguments


def test_bank_details_that_are_none(hansa: Run, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    for text, reason in NO_DETAILS:
        path.write_text(text)
        assert reason in refusal(hansa("payment", "account", "set", "fuel", "USD", str(path), *ADA)), text


def test_bank_details_of_a_partner_that_there_is_not(hansa: Run, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"account": account_content(DINER)}))
    assert "no partner 'nobody'" in refusal(hansa("payment", "account", "set", "nobody", "USD", str(path), *ADA))
