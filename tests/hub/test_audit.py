"""A partner's audit: honest hubs pass, and each way of cheating is found, by a real client with its own receipts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.services import cycles, sealing
from partner_sdk import Client, Earning, InsufficientPoints, Money, Refund
from partner_sdk.audit import Audit
from partner_sdk.cli import main
from partner_sdk.errors import ReceiptNotKept
from partner_sdk.receipts import Receipt, Receipts
from tests.support import coalition, network
from tests.support.coalition import NOON
from tests.support.exchange import IN, OUT, publish
from tests.support.network import Network


@dataclass
class Shop:
    """A partner that keeps its receipts."""

    net: Network
    partner: str
    receipts: Receipts
    client: Client

    @property
    def audit(self) -> Audit:
        return Audit(self.client, self.receipts)

    def faults(self) -> list[str]:
        sealing.seal(self.net.hub)
        return self.audit.receipts().faults


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    built = coalition.build(module_postgres_url, tmp_path_factory.mktemp("hub"))
    with network.running_of(built) as running:
        yield running


@pytest.fixture
def shop_of(net: Network, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    with ExitStack() as stack:

        def shop(**terms: Any) -> Shop:
            partner = net.join(**terms).partner
            receipts = Receipts(tmp_path / partner)
            client = Client(
                net.server.url, partner, net.coalition.keys[partner], root_key=net.hub.keyring.root.public,
                receipts=receipts,
            )  # fmt: skip
            return Shop(net, partner, receipts, stack.enter_context(client))

        yield shop


@pytest.fixture
def shop(shop_of: Callable[..., Shop]) -> Shop:
    return shop_of()


def sell(shop: Shop, event_id: str, member: str, minor: int = 10_000) -> None:
    [result] = shop.client.earn([Earning(event_id, member, NOON, Money(minor, "USD"), store="Łódź 3")])
    assert result.error is None, result


def alter(net: Network, statement: str) -> None:
    with net.hub.database.connect() as connection:
        assert connection.execute(text(statement)).rowcount


def everything(shop: Shop, member: str, other: str) -> int:
    """Let everything happen that a partner can report; return how many events that is."""
    till, p = shop.client, shop.partner
    sell(shop, f"{p}-e1", member, 90_000)
    sell(shop, f"{p}-e1", member, 90_000)
    till.refund([Refund(f"{p}-f1", f"{p}-e1", NOON, Money(1_000, "USD")), Refund(f"{p}-f2", "no-sale", NOON)])
    till.redeem(f"{p}-r1", member, 10)
    with pytest.raises(InsufficientPoints):
        till.redeem(f"{p}-r2", member, 100_000)
    till.reverse(f"{p}-r1", 3, reversal_id=f"{p}-v1")
    till.reverse(f"{p}-r1")
    till.hold(f"{p}-h1", member, 8, 600)
    till.capture(f"{p}-h1", 5)
    till.hold(f"{p}-h2", member, 8, 600)
    till.void(f"{p}-h2")
    till.hold(f"{p}-h3", member, 2, 600)
    till.capture(f"{p}-h3")
    till.transfer(f"{p}-t1", member, other, 1)
    till.transfer(f"{p}-t2", member, other, 1, kind="gift")
    for name, direction in ((f"{p}-x1", "out"), (f"{p}-x2", "in")):
        quote = till.quote_exchange(member, direction, "MILES", 100)
        till.exchange(name, quote.quote_id, member)
    till.fail_exchange(f"{p}-x1")
    till.confirm_exchange(f"{p}-x2")
    till.merge(f"{p}-m1", other, member, "one person")
    till.undo_merge(f"{p}-m1")
    return 20


def test_all_that_a_partner_can_report_is_proved_from_its_receipts(net: Network, shop_of: Callable[..., Shop]) -> None:
    shop = shop_of(terms={"merges": True})
    publish(net.hub, shop.partner, **OUT)
    publish(net.hub, shop.partner, **IN)
    sell(shop, f"{shop.partner}-e0", other := net.member(), 90_000)
    count = everything(shop, net.member(), other)
    outcome = shop.audit.receipts()
    assert outcome.faults == []
    assert outcome.checked == count + 1
    with net.hub.database.connect() as connection:
        query = text("SELECT count(*) FROM hub.event WHERE partner_id = :partner")
        assert connection.execute(query, {"partner": shop.partner}).scalar_one() == outcome.checked
    assert shop.receipts.checkpoint() is not None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("points = points + 1", "the hub answered points 100, and the log has 101"),
        ("kind = 'gift'", "the hub answered kind earning, and the log has gift"),
        ("content = sha256('x')", "with other content than was reported"),
        ("event_id = event_id || 'x'", "the hub says that it has no such event"),
    ],
)
def test_a_hub_that_recorded_something_else_is_found_out(net: Network, shop: Shop, change: str, fault: str) -> None:
    event_id = net.fresh("e")
    with net.hub.database._transactional.begin() as connection:
        # Nothing is sealed meanwhile: the hub seals what it then says was reported.
        connection.execute(text("INSERT INTO hub.log_progress (size, seen) VALUES (0, '1:1:')"
                                " ON CONFLICT (only_row) DO UPDATE SET only_row = true"))  # fmt: skip
        sell(shop, event_id, net.member())
        assert connection.execute(text(f"UPDATE hub.event SET {change} WHERE event_id = '{event_id}'")).rowcount
    [found] = shop.faults()
    assert found.startswith(f"event {event_id}: ")
    assert fault in found


def test_an_event_that_is_changed_after_it_was_sealed_has_no_proof(net: Network, shop: Shop) -> None:
    event_id = net.fresh("e")
    sell(shop, event_id, net.member())
    assert shop.faults() == []
    alter(net, f"UPDATE hub.event SET points = points + 1 WHERE event_id = '{event_id}'")
    assert "the proof leads to another root" in shop.faults()[0]
    alter(net, f"UPDATE hub.event SET points = points - 1 WHERE event_id = '{event_id}'")
    assert shop.faults() == []


def test_receipts_that_were_altered_or_torn_are_named_and_the_others_still_count(net: Network, shop: Shop) -> None:
    for number in range(3):
        sell(shop, f"{shop.partner}-{number}", net.member())
    path = shop.receipts.folder / "receipts.jsonl"
    empty, first, second, third = path.read_text().split("\n")
    forged = json.loads(second)
    forged["answer"] = forged["answer"].replace('"points":100', '"points":999')
    path.write_text("\n".join((empty, first[: len(first) // 2], json.dumps(forged), third)))
    outcome = shop.audit.receipts()
    assert outcome.checked == 1
    assert [one.split(":")[0] for one in outcome.faults] == ["receipts", "receipt of POST /v1/earnings"]
    reported = json.loads(third)
    reported["body"] = reported["body"].replace("10000", "10001")
    path.write_text("\n" + json.dumps(reported))
    assert len(shop.audit.receipts().faults) == 1


def test_a_hub_that_rewrote_its_log_is_found_out_and_both_checkpoints_are_kept(net: Network, shop: Shop) -> None:
    sell(shop, net.fresh("e"), net.member())
    assert shop.faults() == []
    kept = shop.receipts.checkpoint()
    with net.hub.database._transactional.begin() as connection:
        size, root = connection.execute(text("SELECT size, root FROM hub.log_head ORDER BY size DESC LIMIT 1")).one()
        connection.execute(text("UPDATE hub.log_head SET root = sha256(root) WHERE size = :size"), {"size": size})
    [fault] = shop.audit.log().faults
    assert "the roots of one size differ" in fault
    assert shop.receipts.checkpoint() == kept
    contradiction = (shop.receipts.folder / "checkpoint.contradicts").read_text(encoding="utf-8")
    assert contradiction.split("\n")[1] == str(kept).split("\n")[1]
    with net.hub.database._transactional.begin() as connection:
        connection.execute(
            text("UPDATE hub.log_head SET root = :root WHERE size = :size"), {"size": size, "root": root}
        )
    assert shop.audit.log().faults == []


def test_a_receipt_that_cannot_be_kept_is_no_success_and_comes_again(
    net: Network, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id, member = net.fresh("e"), net.member()
    full = [OSError(28, "No space left on device")] * 5
    keep = Receipts.keep

    def failing(receipts: Receipts, receipt: Receipt) -> None:
        if full:
            raise full.pop()
        keep(receipts, receipt)

    monkeypatch.setattr(Receipts, "keep", failing)
    shop.client._transport._patience = shop.client._transport._patience.__class__(3, 30, 5, lambda _: None)
    with pytest.raises(ReceiptNotKept):
        sell(shop, event_id, member)
    sell(shop, event_id, member)
    assert shop.faults() == []
    assert shop.audit.receipts([event_id]).checked == 1
    assert shop.audit.receipts(["never-sold"]).faults == ["event never-sold: there is no receipt of it"]


def test_a_statement_is_sealed_events_and_all_of_them(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = coalition.build(postgres_url, tmp_path / "hub")
    with network.running_of(built) as net:
        folders = {partner: tmp_path / partner for partner in ("grocer", "fuel")}
        environments = {partner: environment_of(net, partner, folders[partner]) for partner in folders}
        shops = {partner: shop_from(net, partner, folders[partner]) for partner in folders}
        sell(shops["grocer"], "e1", "card:1", 50_000)
        sell(shops["fuel"], "e2", "card:1", 50_000)
        for number in range(4):
            shops["fuel"].client.redeem(f"r{number}", "card:1", 100 + number)
        shops["grocer"].client.hold("h1", "card:1", 20, 600)
        shops["grocer"].client.capture("h1")
        cycles.close_and_publish(net.hub, "2017-01", "ada", "second ada")
        for partner, environment in environments.items():
            assert main(["verify", "statement", "2017-01"], environment) == 0, (partner, capsys.readouterr())
            assert main(["verify", "receipt"], environment) == 0
            assert main(["verify", "log"], environment) == 0
        dropped = "DELETE FROM settlement.obligation WHERE event_id = 'r2'"
        alter(net, dropped)
        faults = shops["fuel"].audit.statement("2017-01").faults
        assert "event r2: is in no statement, though the hub signed what is owed for it" in faults
        assert main(["verify", "statement", "2017-01"], environments["fuel"]) == 1
        assert "r2" in capsys.readouterr().err
        alter(net, "UPDATE hub.event SET points = points + 1 WHERE event_id = 'r3'")
        faults = shops["grocer"].audit.statement("2017-01").faults
        assert any(one.startswith("event fuel/r3: the proof leads to another root") for one in faults)
        for shop in shops.values():
            shop.client.close()


def environment_of(net: Network, partner: str, folder: Path) -> dict[str, str]:
    key = folder.with_suffix(".pem")
    key.write_bytes(net.coalition.keys[partner].to_pem())
    key.chmod(0o600)
    return {
        "HANSA_HUB": net.server.url,
        "HANSA_PARTNER_ID": partner,
        "HANSA_PARTNER_KEY": str(key),
        "HANSA_ROOT_KEY": net.hub.keyring.root.public.text(),
        "HANSA_PARTNER_RECEIPTS": str(folder),
    }


def shop_from(net: Network, partner: str, folder: Path) -> Shop:
    receipts = Receipts(folder)
    client = Client(
        net.server.url, partner, net.coalition.keys[partner], root_key=net.hub.keyring.root.public, receipts=receipts
    )
    return Shop(net, partner, receipts, client)


@pytest.mark.parametrize("arguments", [["statement"], ["log", "x"], ["everything"], []])
def test_wrong_usage_of_verify(net: Network, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["verify", *arguments], environment_of(net, "grocer", tmp_path / "grocer"))
    assert stop.value.code == 2
