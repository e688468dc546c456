"""No card number comes in: planted in every text of every endpoint, it is refused by its place and found nowhere after.

What is found nowhere: no row of any table, no body kept as evidence, no line of the log, no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hub.api.routes import SIGNED
from hub.core.errors import Refused
from hub.services.card_guard import refuse_in_body
from partner_sdk import Money, Outbox
from partner_sdk.wire import strict_json
from tests.hub.test_hostile_bodies import FOLLOWING, GOOD, WRITES, _changed, _places, _pointer
from tests.support.network import Network, earn, sale
from tests.support.raw import Answer, RawClient
from tests.support.sdk import business_time, client_of

PLANTED = "4111111111111111"
WAYS = (PLANTED, "5555 5555 5555 4444", "3782-822463-10005", "6011000990139424999"[:16], "4222222222222")


@pytest.fixture(scope="module")
def client(net: Network) -> RawClient:
    return net.join(terms={"merges": True})


@pytest.fixture(scope="module", autouse=True)
def _kept_nowhere(net: Network) -> Iterator[None]:
    """After all tests of this file the numbers are looked for in all that the hub keeps and writes."""
    yield
    kept = "\n".join([*_rows(net), *_evidence(net), Path(net.server.log).read_text()])
    for number in WAYS:
        assert number not in kept
        assert "".join(number.split("-")) not in kept


def _rows(net: Network) -> Iterator[str]:
    listed = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('hub', 'settlement')"
    with net.hub.database.connect() as connection:
        for (table,) in connection.exec_driver_sql(listed).all():
            for (row,) in connection.exec_driver_sql(f"SELECT one::text FROM {table} AS one").all():
                yield row


def _evidence(net: Network) -> Iterator[str]:
    with net.hub.database.connect() as connection:
        for base, sealed in connection.exec_driver_sql("SELECT signature_base, sealed_body FROM hub.evidence"):
            yield bytes(base).decode() + net.hub.keyring.unseal(bytes(sealed)).decode()


def _refused(answer: Answer, place: str) -> None:
    assert (answer.status, answer.code, answer.signed) == (422, "card_number", True), answer.body
    assert not any(number.encode() in answer.body for number in WAYS)
    assert [one["pointer"] for one in answer.json.get("errors", [])] == ([place] if place else [])


@pytest.mark.parametrize("path", WRITES + FOLLOWING)
def test_a_number_in_any_text_of_a_body_is_refused_by_its_place(client: RawClient, path: str) -> None:
    document, turn = GOOD[path], 0
    for steps, value in _places(document):
        if isinstance(value, str):
            planted = f"{value}:{WAYS[turn % len(WAYS)]}"
            turn += 1
            _refused(client.call("POST", path, _changed(document, steps, planted)), _pointer(*steps))
        if isinstance(value, dict):
            named = value | {PLANTED: "x"}
            answer = client.call("POST", path, _changed(document, steps, named))
            assert answer.code == "card_number"
            assert PLANTED.encode() not in answer.body


@pytest.mark.parametrize(
    "endpoint", [one for one in SIGNED if one.request is not None], ids=lambda one: f"{one.method} {one.path}"
)
def test_a_number_is_refused_before_the_schema_is_read(client: RawClient, endpoint: Any) -> None:
    path = re.sub(r"\{\w+\}", "1", endpoint.path)
    _refused(client.call(endpoint.method, path, {"x": [{"y": WAYS[1]}]}), "/x/0/y")


def test_every_endpoint_with_a_body_is_among_them() -> None:
    bodies = {one.path for one in SIGNED if one.request is not None and "{" not in one.path}
    assert bodies - {"/v1/keys/rotate"} <= set(WRITES)


@pytest.mark.parametrize(
    "endpoint", [one for one in SIGNED if "{" in one.path], ids=lambda one: f"{one.method} {one.path}"
)
def test_a_number_in_a_path_is_refused(client: RawClient, endpoint: Any) -> None:
    before, _, rest = endpoint.path.partition("{")
    name, _, after = rest.partition("}")
    text = f"card:{PLANTED}" if name == "member" else PLANTED
    path = f"{before}{quote(text)}{after}".replace("{cycle}", "2016-01").replace("{line}", "1")
    body: Any = {} if endpoint.request is not None else None
    _refused(client.call(endpoint.method, path, GOOD.get(path, body)), "")


def test_a_number_in_a_query_is_refused(client: RawClient) -> None:
    _refused(client.call("GET", f"/v1/events?cursor={PLANTED}"), "")
    _refused(client.call("GET", f"/v1/events?{PLANTED}=1"), "")


def test_a_number_that_is_spelled_otherwise_is_found(client: RawClient) -> None:
    one = '{"redemption_id":"r","points":1,"member":"card:%s"}'
    wide = "".join(chr(0xFF10 + int(digit)) for digit in PLANTED)
    spelled = (
        "\\u0034" + PLANTED[1:],
        "\uff14" + PLANTED[1:],
        "4111\u00a01111\u00a01111\u00a01111",
        wide,
    )
    for text in spelled:
        _refused(client.send("POST", "/v1/redemptions", (one % text).encode()), "/member")


def test_one_number_refuses_a_batch_and_the_next_batch_is_fine(client: RawClient, net: Network) -> None:
    good, bad = sale(net.fresh("e"), net.member()), sale(net.fresh("e"), f"card:{PLANTED}")
    _refused(earn(client, good, bad), "/earnings/1/member")
    [result] = earn(client, good).json["results"]
    assert result["status"] == "posted"
    assert "duplicate" not in result


@pytest.mark.parametrize("text", ["4111111111111112", "2017011009000000123456", "2017-01-10T09:00:00Z", "123456789012"])
def test_what_is_no_card_number_passes(text: str) -> None:
    body = strict_json.dumps({"event_id": text})
    refuse_in_body(body, strict_json.loads(body))


def test_the_top_of_a_body_has_a_place_too() -> None:
    body = strict_json.dumps(PLANTED)
    with pytest.raises(Refused) as refused:
        refuse_in_body(body, PLANTED)
    assert refused.value.code == "card_number"
    assert PLANTED not in refused.value.detail


def test_an_outbox_singles_out_the_event_that_looks_like_a_card_number(net: Network, tmp_path: Path) -> None:
    """A till whose own numbers are digits alone: the one in ten that looks like a card blocks none of the others."""
    with client_of(net, "grocer") as till, Outbox(tmp_path / "outbox.db", till, deliver=False) as outbox:
        for number in range(40):
            own_id = PLANTED if number == 17 else None
            outbox.record_earning(net.member(), Money(100, "USD"), occurred_at=business_time(net), event_id=own_id)
        while outbox.step() is not None:
            pass
        [aside] = outbox.set_aside()
        assert (aside.code, outbox.stats().delivered) == ("card_number", 39)
        assert PLANTED not in aside.detail
