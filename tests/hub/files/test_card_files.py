"""A card issuer's daily file: purchases, what comes back of them and what stands again, worth what calls are worth."""

from __future__ import annotations

from typing import Any

from hub.services.context import Hub
from tests.support.bulk import add_template, answers, send
from tests.support.cards import Issuer
from tests.support.network import broken_rows

CARDS: dict[str, Any] = {
    "record": "card-record",
    "format": "csv",
    "names": True,
    "columns": {
        "event_id": {"from": "id"},
        "kind": {"from": "code", "as": [["words", {"05": "clearing", "06": "refund", "15": "chargeback",
                                                    "35": "second_presentment", "10": "fee"}]]},
        "card": {"from": "token"},
        "occurred_at": {"from": "at"},
        "minor": {"from": "amount", "as": [["minor", 2, "."]]},
        "currency": {"value": "USD"},
        "category": {"from": "mcc"},
        "merchant": {"from": "shop"},
        "refers_to": {"from": "of"},
    },
    "bad_percent": 90,
}  # fmt: skip
AT = "2017-01-05T12:00:00Z"
NAMES = "id,code,token,at,amount,mcc,shop,of"


def card_file(*rows: str) -> bytes:
    return "\n".join([NAMES, *rows, ""]).encode()


def test_a_daily_file_of_card_records_is_worth_what_calls_are_worth(hub: Hub) -> None:
    bank = Issuer(hub, {"bonuses": [{"name": "welcome", "points": 500, "spend_minor": 30_000, "days": 90}]})
    bank.link("card:file", "PAR-file")
    add_template(hub, bank.partner_id, CARDS)
    rows = [
        f"a1,05,PAR-file,{AT},250.00,5411,m1,", f"a2,05,PAR-file,{AT},50.00,5411,m2,",
        f"a3,15,PAR-file,{AT},100.00,,,a1", f"a4,35,PAR-file,{AT},100.00,,,a3", f"a5,06,PAR-file,{AT},20.00,,m1,",
        f"a6,10,PAR-file,{AT},9.00,,,", f"a7,05,PAR-nobody,{AT},9.00,5411,,", f"a8,06,PAR-file,{AT},900.00,,,a1",
    ]  # fmt: skip
    seen = send(hub, bank.partner_id, "day-1", card_file(*rows))
    assert seen["state"] == "posted", seen
    told = {one["record"]: (one["status"], one["points"]) for one in answers(hub, bank.partner_id, "day-1")}
    assert told == {
        "a1": ("posted", 250), "a2": ("posted", 50), "a3": ("posted", 100), "a4": ("posted", 100),
        "a5": ("posted", 20), "a6": ("posted", 0), "a7": ("rejected", 0), "a8": ("rejected", 0),
    }  # fmt: skip
    # The chargeback undid the bonus, the second presentment brought it back, and the refund undid it for good.
    assert bank.points("card:file") == 280
    second = card_file(*rows[:4], f"b1,05,PAR-file,{AT},1.00,5411,m1,")
    assert send(hub, bank.partner_id, "day-2", second)["state"] == "posted"
    again = [one["status"] for one in answers(hub, bank.partner_id, "day-2")]
    assert (again, bank.points("card:file")) == (["duplicate"] * 4 + ["posted"], 281)
    assert broken_rows(hub) == []


def test_a_card_number_in_a_file_is_kept_nowhere(hub: Hub) -> None:
    bank, number = Issuer(hub, {}), "5555555555554444"
    bank.link("card:file2", "PAR-file2")
    add_template(hub, bank.partner_id, CARDS)
    rows = [f"c1,05,{number},{AT},1.00,5411,m1,", f"c2,05,PAR-file2,{AT},1.00,5411,{number},",
            f"c3,05,PAR-file2,{AT},1.00,5411,m1,"]  # fmt: skip
    send(hub, bank.partner_id, "numbers", card_file(*rows))
    with hub.database.connect() as connection:
        for table in ("hub.event", "hub.card_purchase", "hub.file", "hub.file_chunk"):
            shown = connection.exec_driver_sql(f"SELECT one::text FROM {table} AS one").scalars().all()
            assert not any(number in row for row in shown)
