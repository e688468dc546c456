"""What an issuer reports of cards is proved from its receipts, and a hub that recorded something else is found out."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from hub.services import sealing
from partner_sdk import CardRecord, Client, Money
from partner_sdk.audit import Audit
from partner_sdk.receipts import Receipts
from tests.support.coalition import NOON
from tests.support.network import Network

KINDS = ["card-record", "earning", "earning", "refund", "earning", None, "card-record", "card-record"]


def test_each_record_and_each_change_of_a_card_is_proved(net: Network, tmp_path: Path) -> None:
    p, usd = net.join(terms={"cards": {}, "refunds": "debt"}).partner, Money(5_000, "USD")
    receipts, root = Receipts(tmp_path / p), net.hub.keyring.root.public
    with Client(net.server.url, p, net.coalition.keys[p], root_key=root, receipts=receipts) as bank:
        bank.enrol([f"card:{p}"])
        bank.link_card(f"{p}-l1", f"PAR-{p}-1", f"card:{p}", "form", linked_at=NOON)
        bank.replace_card(f"{p}-l1", f"{p}-l2", f"PAR-{p}-2", "renewed", at=NOON)

        def record(name: str, kind: str, refers_to: str | None = None, amount: Money = usd) -> CardRecord:
            named = f"{p}-{refers_to}" if refers_to else None
            return CardRecord(f"{p}-{name}", kind, f"PAR-{p}-2", NOON, amount, "5411", "m1", refers_to=named)

        results = bank.report_cards([
            record("k1", "authorisation"), record("k2", "clearing"), record("k3", "clearing"),
            record("k4", "chargeback", "k2"), record("k5", "second_presentment", "k4"), record("k6", "refund", "none"),
            record("k7", "refund", amount=Money(7_000, "USD")), record("k8", "fee"),
        ])  # fmt: skip
        bank.unlink_card(f"{p}-l2", "member")
        assert [one.recorded for one in results] == KINDS
        sealing.seal(net.hub)
        assert Audit(bank, receipts).receipts().faults == []
        for kind, named in (("card-record", True), ("earning", False)):
            with net.hub.database.connect() as connection:
                change = "UPDATE hub.event SET kind = :kind WHERE event_id = :event_id"
                connection.execute(text(change), {"kind": kind, "event_id": f"{p}-k3"})
            faults = Audit(bank, receipts).receipts().faults
            assert any(f"{p}-k3" in fault for fault in faults) == named, faults
