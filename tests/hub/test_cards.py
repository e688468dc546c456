"""Linked cards: one member's at a time, with the instants from which that counts, and no token in any row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hub.services import cards as service
from hub.services import explaining, members
from partner_sdk import Client
from partner_sdk.cli import main
from partner_sdk.errors import Conflict, EventConflict, NotAllowed, NotFound
from tests.support.network import Network, broken_rows
from tests.support.sdk import Join, joining
from tests.support.threads import at_once

DAY = datetime(2017, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def join(net: Network) -> Iterator[Join]:
    with joining(net) as made:
        yield made


@pytest.fixture(scope="module")
def bank(join: Join) -> Client:
    return join(terms={"cards": {}})


def _member(net: Network, client: Client) -> str:
    member = net.member()
    client.enrol([member])
    return member


def _token(net: Network) -> str:
    return net.fresh("PAR-")


def _holder(net: Network, bank: Client, token: str, at: datetime) -> int | None:
    with net.hub.database.connect() as connection:
        [found] = service.holders(net.hub, connection, bank.partner_id, [(token, at)])
    return found.member_id if found else None


def _id_of(net: Network, bank: Client, member: str) -> int:
    with net.hub.database.connect() as connection:
        return members.require(net.hub, connection, member, net.hub.moment(connection))


def test_a_late_record_finds_who_held_the_card_then(net: Network, bank: Client) -> None:
    first, second, token, renewed = _member(net, bank), _member(net, bank), _token(net), _token(net)
    a, b, c = net.fresh("l"), net.fresh("l"), net.fresh("l")
    bank.link_card(a, token, first, "form 1", product="silver", linked_at=DAY)
    bank.replace_card(a, b, renewed, "upgraded", product="gold", at=DAY + timedelta(days=2))
    bank.unlink_card(b, "member", DAY + timedelta(days=3))
    bank.link_card(c, renewed, second, "form 2", linked_at=DAY + timedelta(days=4))
    one, other = _id_of(net, bank, first), _id_of(net, bank, second)
    days = [_holder(net, bank, token, DAY + timedelta(days=day, seconds=-1)) for day in range(6)]
    assert days == [None, one, one, None, None, None]
    days = [_holder(net, bank, renewed, DAY + timedelta(days=day)) for day in range(6)]
    assert days == [None, None, one, None, other, other]
    listed = [(card.event_id, card.product, card.replaced_by) for card in bank.cards(first)]
    assert listed == [(a, "silver", b), (b, "gold", None)]
    assert [card.unlinked_at for card in bank.cards(second)] == [None]


def test_a_card_is_one_members_at_a_time(net: Network, bank: Client) -> None:
    first, second, token, link = _member(net, bank), _member(net, bank), _token(net), net.fresh("l")
    linked = bank.link_card(link, token, first, "form 1", linked_at=DAY)
    assert bank.link_card(link, token, first, "form 1", linked_at=DAY).duplicate
    assert linked.linked_at == DAY
    with pytest.raises(Conflict, match="card_linked"):
        bank.link_card(net.fresh("l"), token, second, "form 2")
    with pytest.raises(EventConflict):
        bank.link_card(link, token, second, "form 1", linked_at=DAY)
    bank.unlink_card(link, "closed", DAY + timedelta(days=5))
    assert bank.unlink_card(link, "closed", DAY + timedelta(days=5)).duplicate
    with pytest.raises(Conflict, match="card_linked"):
        bank.link_card(net.fresh("l"), token, second, "form 2", linked_at=DAY + timedelta(days=4))
    with pytest.raises(Conflict, match="card_unlinked"):
        bank.replace_card(link, net.fresh("l"), _token(net), "lost")
    with pytest.raises(NotFound):
        bank.unlink_card(net.fresh("l"), "lost")


def test_two_issuers_may_have_the_same_token(net: Network, bank: Client, join: Join) -> None:
    other, token = join(terms={"cards": {}}), _token(net)
    first, second = _member(net, bank), _member(net, other)
    bank.link_card(net.fresh("l"), token, first, "form", linked_at=DAY)
    other.link_card(net.fresh("l"), token, second, "form", linked_at=DAY)
    assert _holder(net, bank, token, DAY) == _id_of(net, bank, first)
    assert _holder(net, other, token, DAY) == _id_of(net, bank, second)


def test_who_issues_no_cards_links_none(net: Network, join: Join) -> None:
    shop = join()
    with pytest.raises(NotAllowed):
        shop.link_card(net.fresh("l"), _token(net), _member(net, shop), "form")


def test_one_of_many_at_the_same_moment_gets_the_card(net: Network, bank: Client) -> None:
    token, rivals = _token(net), [_member(net, bank) for _ in range(6)]

    def attempt(member: str) -> str:
        try:
            bank.link_card(net.fresh("l"), token, member, "form")
        except Conflict as refused:
            return str(refused.code)
        return "linked"

    outcomes = at_once([partial(attempt, member) for member in rivals])
    assert sorted(outcomes) == ["card_linked"] * 5 + ["linked"]


def test_chance_agrees_with_a_plain_list_of_holdings(net: Network, bank: Client, seed: int) -> None:
    """Random links, replacements and ends; a list of (token, member, from, until) says who held what when."""
    draw, tokens = Random(seed), [_token(net) for _ in range(4)]
    names = [_member(net, bank) for _ in range(3)]
    ids = {member: _id_of(net, bank, member) for member in names}
    open_, holdings = dict[str, tuple[str, str, datetime]](), list[tuple[str, int, datetime, datetime | None]]()
    for step in range(1, 25):
        at, token = DAY + timedelta(hours=step), draw.choice(tokens)
        if token not in open_:
            link, member = net.fresh("l"), draw.choice(names)
            bank.link_card(link, token, member, "form", linked_at=at)
            open_[token] = (link, member, at)
            continue
        link, member, since = open_[token]
        free = [one for one in tokens if one not in open_]
        if free and draw.random() < 0.5:
            new, other = net.fresh("l"), draw.choice(free)
            bank.replace_card(link, new, other, "renewed", at=at)
            open_[other] = (new, member, at)
        else:
            bank.unlink_card(link, "member", at)
        del open_[token]
        holdings.append((token, ids[member], since, at))
    holdings += [(token, ids[member], since, None) for token, (_, member, since) in open_.items()]
    for token in tokens:
        for half in range(52):
            at = DAY + timedelta(minutes=30 * half)
            told = [
                who for own, who, since, until in holdings if own == token and since <= at and (not until or at < until)
            ]
            assert _holder(net, bank, token, at) == (told[0] if told else None), seed


def test_no_token_is_in_any_row_and_each_change_is_explained(net: Network, bank: Client) -> None:
    member, token, link, other = _member(net, bank), "SecretToken-77", net.fresh("l"), net.fresh("l")
    bank.link_card(link, token, member, "form 7")
    bank.replace_card(link, other, "SecretToken-78", "lost")
    bank.unlink_card(other, "closed")
    with net.hub.database.connect() as connection:
        for table in ("hub.event", "hub.card_change", "hub.member_identifier"):
            rows = connection.exec_driver_sql(f"SELECT one::text FROM {table} AS one").scalars()
            assert not any("SecretToken" in row for row in rows)
        bases = connection.exec_driver_sql("SELECT signature_base FROM hub.evidence").scalars()
        assert not any(b"SecretToken" in bytes(base) for base in bases)
    told = [explaining.explain(net.hub, f"{bank.partner_id}/{one}")["why"] for one in (link, other, f"{other}/unlink")]
    assert ["form 7" in told[0][1], "lost" in told[1][1], "closed" in told[2][1]] == [True] * 3
    assert broken_rows(net.hub) == []


def test_the_command_links_lists_and_replaces(
    net: Network, bank: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(net.coalition.keys[bank.partner_id].to_pem())
    key.chmod(0o600)
    environment = {
        "HANSA_HUB": net.server.url, "HANSA_PARTNER_ID": bank.partner_id, "HANSA_PARTNER_KEY": str(key),
        "HANSA_ROOT_KEY": net.hub.keyring.root.public.text(), "HANSA_PARTNER_JSON": "1",
    }  # fmt: skip

    def run(*words: str) -> tuple[int, Any]:
        code = main(["card", *words], environment)
        out = capsys.readouterr().out
        return code, [json.loads(line) for line in out.splitlines()]

    member, a, b = _member(net, bank), net.fresh("l"), net.fresh("l")
    assert run("link", a, _token(net), member, "--consent", "form", "--at", DAY.isoformat())[0] == 0
    assert run("replace", a, b, _token(net), "--reason", "renewed")[0] == 0
    assert run("link", net.fresh("l"), "4111111111111111", member, "--consent", "form")[0] == 1
    code, listed = run("list", member)
    assert (code, [one["event_id"] for one in listed]) == (0, [a, b])
    record = {
        "event_id": net.fresh("c"), "kind": "clearing", "card": "PAR-nobody", "occurred_at": DAY.isoformat(),
        "amount": {"minor": 100, "currency": "USD"}, "category": "5411",
    }  # fmt: skip
    (tmp_path / "records").write_text(json.dumps(record))
    code, [result] = run("report", str(tmp_path / "records"))
    assert (code, result["error"]["code"]) == (1, "unknown_card")
    assert run("unlink", b, "--reason", "member")[0] == 0
    with pytest.raises(SystemExit):
        run("unlink", b)
