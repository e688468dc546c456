"""Payments against a bank that others wrote: it takes our files, and we take its answers, until all is paid.

The bank is the package `mock-bank`, in this process; its clock is moved by hand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mockbank.server import Config, make_server
from sqlalchemy import Engine

from settlement.core.bank_accounts import BankAccount
from settlement.core.payment_ids import end_to_end_id
from settlement.core.payment_moves import ACCEPTED, APPLIED, PAYABLE, REPEATED, RETURNED, SENT, SETTLED
from settlement.errors import FileRefused, SettlementRefused
from settlement.payments import bank_messages, payment_releases, payments
from settlement.payments.bank_messages import Taken
from settlement.payments.payment_releases import Release
from tests.settlement.paying import AT, BAKERY_PAID, GROCER_PAID, approve, fetch, propose, record, sent, states
from tests.settlement.payments import GROCER, OPERATOR

OTHER_ACCOUNT = GROCER._replace(iban="NL91ABNA0417164300", bic="")


class Bank:
    """What an operator does with its bank: hand in a file, collect messages; and let days go by."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        """Ask the bank; 422 is how it refuses a file, and an answer like any other."""
        answer = requests.request(method, self.url + path, data=body, headers={"Content-Type": kind}, timeout=30)
        assert answer.ok or answer.status_code == 422, answer.text
        return answer.json()

    def holds(self, name: str, account: BankAccount, **more: Any) -> None:
        what = {"id": name, "name": name, "iban": account.iban, "currency": "EUR", **more}
        self.ask("POST", "/_mock/accounts", json.dumps(what).encode())

    def returns(self, name: str) -> None:
        """Let one payment come back on the day after it settled."""
        how = {"days": 1, "reason": "AC04", "end_to_end_id": name}
        change = {"behaviour": "return-later", "parameters": how}
        self.ask("PATCH", "/_mock/accounts/HANSA", json.dumps(change).encode())

    def collect(self, folder: Path, kind: str) -> list[Path]:
        """The operator's messages of a kind that were not collected before, as files."""
        paths = []
        for message in self.ask("GET", f"/_mock/mailbox?type={kind}"):
            path = folder / f"{message['id']}.xml"
            path.write_text(message["body"], encoding="utf-8")
            paths += [path] if OPERATOR.iban in message["body"] or kind == "pain.002" else []
        return paths


@pytest.fixture
def bank() -> Iterator[Bank]:
    """Yield a bank with the operator's account, on the day of the release."""
    server = make_server(Config(port=0, quiet=True, clock="2017-02-03T09:30"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bank = Bank(f"http://127.0.0.1:{server.server_address[1]}")
    bank.holds("HANSA", OPERATOR, balance=100_000)
    yield bank
    server.shutdown()
    thread.join()
    server.server_close()


def send(engine: Engine) -> tuple[Release, bytes]:
    with engine.begin() as connection:
        return sent(connection)


def take(engine: Engine, *paths: Path) -> list[Taken]:
    taken = []
    for path in paths:
        with engine.begin() as connection:
            taken.append(bank_messages.take(connection, path, author="Ada", at=AT))
    return taken


def outcomes(taken: list[Taken]) -> list[tuple[str, str]]:
    return [(one.payment, one.outcome) for message in taken for one in message.heard]


def release(engine: Engine) -> bytes:
    with engine.begin() as connection:
        made = propose(connection)
        approve(connection, made)
        return fetch(connection, made)


def standing(engine: Engine) -> tuple[str, str]:
    with engine.begin() as connection:
        now = states(connection)
        return now[BAKERY_PAID], now[GROCER_PAID]


def test_until_all_is_paid(engine: Engine, bank: Bank, tmp_path: Path) -> None:
    """One payment is rejected for its account, another settles and comes back; both are paid in the end."""
    bank.returns(end_to_end_id(BAKERY_PAID, 1))
    bank.holds("GROCER", GROCER, behaviour="closed-account")
    _, file = send(engine)
    bank.ask("POST", "/payments", file, "application/xml")
    report = bank.collect(tmp_path, "pain.002")
    assert sorted(outcomes(take(engine, *report))) == sorted([(BAKERY_PAID, APPLIED), (GROCER_PAID, APPLIED)])
    assert standing(engine) == (ACCEPTED, PAYABLE)

    with engine.begin() as connection:
        with pytest.raises(SettlementRefused, match=r"came back: AC04 \(the account is closed\); .* of grocer"):
            propose(connection)
        assert payments.show(connection, GROCER_PAID).moves[-2].reason == "AC04"
    with engine.begin() as connection:
        record(connection, "grocer", OTHER_ACCOUNT)
    bank.ask("POST", "/payments", release(engine), "application/xml")
    take(engine, *bank.collect(tmp_path, "pain.002"))
    assert standing(engine) == (ACCEPTED, ACCEPTED)

    bank.ask("POST", "/_mock/advance?to=2017-02-06")
    assert {outcome for _, outcome in outcomes(take(engine, *bank.collect(tmp_path, "camt.054")))} == {APPLIED}
    assert standing(engine) == (SETTLED, SETTLED)
    bank.ask("POST", "/_mock/advance?to=2017-02-08")
    assert outcomes(take(engine, *bank.collect(tmp_path, "camt.054"))) == [(BAKERY_PAID, APPLIED)]
    assert standing(engine) == (PAYABLE, SETTLED)
    statements = take(engine, *bank.collect(tmp_path, "camt.053"))
    assert {outcome for _, outcome in outcomes(statements)} <= {REPEATED, "late"}
    assert standing(engine) == (PAYABLE, SETTLED)

    with engine.begin() as connection:
        moves = [(move.attempt, move.state) for move in payments.show(connection, BAKERY_PAID).moves]
        assert moves[2:] == [(1, SENT), (1, ACCEPTED), (1, SETTLED), (1, RETURNED), (2, PAYABLE)]
        record(connection, "bakery", OTHER_ACCOUNT)
    bank.ask("POST", "/payments", release(engine), "application/xml")
    bank.ask("POST", "/_mock/advance?to=2017-02-09")
    take(engine, *bank.collect(tmp_path, "pain.002"), *bank.collect(tmp_path, "camt.054"))
    assert standing(engine) == (SETTLED, SETTLED)
    with engine.begin() as connection:
        assert [text.split()[-1] for text in payments.not_paid_out(connection, "2017-01")] == ["payable"]
        assert [one.payment.currency for one in payments.listing(connection, state=PAYABLE)] == ["EUR", "JPY"]


def test_a_message_is_taken_once(engine: Engine, bank: Bank, tmp_path: Path) -> None:
    _, file = send(engine)
    bank.ask("POST", "/payments", file, "application/xml")
    (report,) = bank.collect(tmp_path, "pain.002")
    (first,) = take(engine, report)
    (again,) = take(engine, report)
    assert not first.repeated
    assert again.repeated
    assert outcomes([again]) == outcomes([first])
    with engine.begin() as connection:
        assert len(payments.show(connection, BAKERY_PAID).moves) == 4


def test_a_file_that_was_sent_twice_by_mistake(engine: Engine, bank: Bank, tmp_path: Path) -> None:
    """The bank's refusal of the second is taken in before its word about the first, and nothing becomes payable."""
    _, file = send(engine)
    for _ in range(2):
        bank.ask("POST", "/payments", file, "application/xml")
    first, second = bank.collect(tmp_path, "pain.002")
    assert {outcome for _, outcome in outcomes(take(engine, second))} == {"contradicts"}
    assert standing(engine) == (SENT, SENT)
    take(engine, first)
    assert standing(engine) == (ACCEPTED, ACCEPTED)


def test_the_bank_knows_a_file_that_it_gets_again(engine: Engine, bank: Bank, tmp_path: Path) -> None:
    """The regenerated file has the same name, so the bank does not pay twice; its refusal contradicts what it said."""
    made, file = send(engine)
    bank.ask("POST", "/payments", file, "application/xml")
    take(engine, *bank.collect(tmp_path, "pain.002"))
    with engine.begin() as connection:
        again = payment_releases.file(connection, made.release, author="Ada", at=AT)
    assert again == file
    bank.ask("POST", "/_mock/advance?to=2017-02-06")
    take(engine, *bank.collect(tmp_path, "camt.054"))
    bank.ask("POST", "/payments", again, "application/xml")
    (refused,) = take(engine, *bank.collect(tmp_path, "pain.002"))
    assert {(one.outcome, one.word.reason, one.detail) for one in refused.heard} == {
        ("contradicts", "DUPL", "attempt 1 was settled before")
    }
    assert standing(engine) == (SETTLED, SETTLED)


def test_an_answer_about_somebody_else_s_file(engine: Engine, bank: Bank, tmp_path: Path) -> None:
    bank.ask(
        "POST", "/payments", (Path(__file__).parent / "golden/pain.001.001.03-1.xml").read_bytes(), "application/xml"
    )
    (report,) = bank.collect(tmp_path, "pain.002")
    with pytest.raises(FileRefused, match="no file from here has that name"):
        take(engine, report)
