"""The client against a peer that answers over a real socket: what it sends, what it believes, when it asks again."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

import partner_sdk
from partner_sdk import (
    Client,
    Conflict,
    Earning,
    EarningResult,
    Enrolment,
    EventConflict,
    Expiring,
    Failure,
    HubUnavailable,
    InsufficientPoints,
    InvalidRequestError,
    Item,
    Money,
    NoAnswer,
    NotAllowed,
    NotFound,
    PrivateKey,
    RateLimited,
    Refused,
    TransportError,
    Unauthenticated,
    UntrustedAnswer,
)
from partner_sdk.wire import schemas
from partner_sdk.wire.codes import CODES, problem
from partner_sdk.wire.keys import key_id, verify_registration
from partner_sdk.wire.schemas import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.partner_sdk.conftest import Peer, Reply, Seen

NOW = 1_750_000_000.0
EARNING = Earning("e-1", "card:1", datetime(2017, 1, 1, 10, tzinfo=UTC), Money(1250, "USD"), store="330")
RESULT = {"event_id": "e-1", "status": "posted", "points": 12}
REDEEMED = {
    "redemption_id": "r-1",
    "status": "posted",
    "points": 5,
    "value": {"minor": 5, "currency": "USD"},
    "lots": [{"issuer": "bank", "points": 5, "minor": 5}],
}
MEMBER = {"member": "card:1", "available": 7, "pending": 0, "next_to_expire": None}


def _always(value: Any, status: int = 200) -> Callable[[Seen], tuple[int, Any]]:
    return lambda seen: (status, value)


def _in_turn(*answers: tuple[int, Any]) -> Callable[[Seen], tuple[int, Any]]:
    remaining = list(answers)
    return lambda seen: remaining.pop(0)


# --- what it sends and returns ---


def test_earn_reports_and_returns_results(client: Client, peer: Peer) -> None:
    answer = {
        **RESULT,
        "available_at": "2017-01-02T00:00:00Z",
        "expires_on": "2017-07-31",
        "duplicate": True,
        "error": {"code": "no_rate", "detail": "none"},
        "from_a_newer_hub": 1,
    }
    peer.handle = _always({"results": [answer]})
    full = replace(EARNING, terminal="4", channel="shop", items=(Item("s", "c", 1, 50),), points=12)
    (result,) = client.earn([full])
    assert result == EarningResult(
        "e-1", "posted", 12, datetime(2017, 1, 2, tzinfo=UTC), date(2017, 7, 31), True, Failure("no_rate", "none")
    )
    loaded = validate(schemas.EarningsRequest, peer.seen[0].json())["earnings"][0]
    assert loaded["items"] == [{"sku": "s", "category": "c", "quantity": 1, "minor": 50}]
    assert (loaded["store"], loaded["terminal"], loaded["channel"], loaded["points"]) == ("330", "4", "shop", 12)
    assert loaded["occurred_at"] == EARNING.occurred_at


def test_earn_sends_the_least_that_was_given(client: Client, peer: Peer) -> None:
    peer.handle = _always({"results": [RESULT]})
    assert client.earn([replace(EARNING, store=None)]) == [EarningResult("e-1", "posted", 12)]
    assert set(peer.seen[0].json()["earnings"][0]) == {"event_id", "member", "occurred_at", "amount"}


def test_a_till_without_a_time_zone_is_told_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Earning("e", "card:1", datetime(2017, 1, 1, tzinfo=UTC).replace(tzinfo=None), Money(1, "USD"))


def _post_all(seen: Seen) -> tuple[int, Any]:
    earnings = seen.json()["earnings"]
    return 200, {"results": [{**RESULT, "event_id": e["event_id"]} for e in earnings]}


def test_many_earnings_go_in_requests_of_a_thousand(client: Client, peer: Peer) -> None:
    peer.handle = _post_all
    results = client.earn(replace(EARNING, event_id=f"e-{i}") for i in range(2500))
    assert [len(seen.json()["earnings"]) for seen in peer.seen] == [1000, 1000, 500]
    assert [result.event_id for result in results] == [f"e-{i}" for i in range(2500)]


def test_large_earnings_go_in_requests_of_some_900_kb(client: Client, peer: Peer) -> None:
    peer.handle = _post_all
    items = tuple(Item("s" * 64, "c" * 64, 1, 1) for _ in range(500))
    client.earn([replace(EARNING, event_id=f"e-{i}", items=items) for i in range(30)])
    assert len(peer.seen) == 3
    assert all(len(seen.body) <= 900_020 for seen in peer.seen)
    assert sum(len(seen.json()["earnings"]) for seen in peer.seen) == 30


def test_no_earnings_need_no_request(client: Client, peer: Peer) -> None:
    assert client.earn([]) == []
    assert client.enrol([]) == []
    assert peer.seen == []


def test_redeem_returns_value_and_lots(client: Client, peer: Peer) -> None:
    peer.handle = _always({**REDEEMED, "duplicate": True})
    redemption = client.redeem("r-1", "card:1", 5)
    assert redemption.value == Money(5, "USD")
    assert [(lot.issuer, lot.points, lot.minor) for lot in redemption.lots] == [("bank", 5, 5)]
    assert redemption.duplicate
    assert validate(schemas.RedemptionRequest, peer.seen[0].json())["points"] == 5


def test_quotes_ask_for_one_thing(client: Client, peer: Peer) -> None:
    quoted = {"points": 3, "available_at": "2017-01-02T00:00:00Z", "expires_on": "2017-07-31", "rate_version": 2}
    peer.handle = _always({"earning": quoted})
    assert client.quote_earning(EARNING).rate_version == 2
    peer.handle = _always({"redemption": {"points": 3, "available": 2, "enough": False}})
    assert client.quote_redemption("card:1", 3).value is None
    peer.handle = _always(
        {"redemption": {"points": 3, "available": 3, "enough": True, "value": REDEEMED["value"], "lots": []}}
    )
    assert client.quote_redemption("card:1", 3).value == Money(5, "USD")
    for seen in peer.seen:
        validate(schemas.QuoteRequest, seen.json())


def test_enrol_takes_names_and_enrolments(client: Client, peer: Peer) -> None:
    peer.handle = _always(
        {
            "results": [
                {"member": "card:1", "status": "enrolled"},
                {"member": "card:2", "status": "rejected", "error": {"code": "identifier_taken", "detail": "x"}},
            ]
        }
    )
    first, second = client.enrol(["card:1", Enrolment("card:2", ("phone:+49",))])
    assert (first.status, second.error) == ("enrolled", Failure("identifier_taken", "x"))
    loaded = validate(schemas.MembersRequest, peer.seen[0].json())
    assert loaded["members"] == [{"member": "card:1"}, {"member": "card:2", "identifiers": ["phone:+49"]}]


@pytest.mark.parametrize("member", ["card:1", "email:a+b@c.example/x?y#z", "name:\u4e2d%41", "path:..", "x:~a."])
def test_a_member_is_escaped_in_the_path(member: str, client: Client, peer: Peer) -> None:
    peer.handle = _always({**MEMBER, "member": member, "next_to_expire": {"points": 1, "expires_on": "2017-01-31"}})
    assert client.member(member).next_to_expire == Expiring(1, date(2017, 1, 31))
    path = peer.seen[0].target.path
    assert unquote(path.removeprefix("/v1/members/")) == member
    assert path.count("/") == 3
    assert peer.seen[0].target.query == "?"


def test_ping_and_rates(client: Client, peer: Peer) -> None:
    peer.handle = _always(
        {
            "partner": "grocer",
            "keyid": "grocer.x",
            "key_state": "active",
            "server_time": "2025-06-15T15:06:40Z",
            "business_time": "2017-01-01T00:00:00Z",
            "environment": "sandbox",
        }
    )
    assert client.ping().business_time == datetime(2017, 1, 1, tzinfo=UTC)
    earning = {"kind": "earning", "version": 1, "valid_from": "2017-01-01", "currency": "USD"}
    peer.handle = _always(
        {
            "rates": [
                {**earning, "rules": [{"rule": "linear", "points": 1, "per_minor": 100}]},
                {**earning, "kind": "reimbursement", "price": {"numerator": 9, "denominator": 10}},
            ]
        }
    )
    first, second = client.rates()
    assert first.rules[0].per_minor == 100
    assert second.price is not None
    assert (second.price.numerator, second.price.denominator) == (9, 10)


def test_a_key_registers_itself(client: Client, peer: Peer, partner_key: PrivateKey) -> None:
    keyid = key_id("grocer", partner_key.public)
    peer.handle = _always(
        {"partner": "grocer", "keyid": keyid, "state": "pending", "thumbprint": partner_key.public.thumbprint()}
    )
    assert client.register_key().state == "pending"
    assert verify_registration(peer.seen[0].json()) == partner_key.public
    assert peer.seen[0].signature.keyid == keyid


def _event(number: int) -> dict[str, Any]:
    moment = "2017-01-01T00:00:00Z"
    event = {"event_id": f"e-{number}", "kind": "earning", "status": "posted", "points": 1}
    return {**event, "occurred_at": moment, "posted_at": moment, "amount": {"minor": 1, "currency": "USD"}}


def test_a_list_is_read_page_by_page(client: Client, peer: Peer) -> None:
    peer.handle = _in_turn(
        (200, {"events": [_event(1), _event(2)], "next_cursor": "b", "more": True}),
        (200, {"events": [_event(3)], "next_cursor": "c", "more": False}),
    )
    pages = list(client.events(limit=2))
    assert [[event.event_id for event in page.items] for page in pages] == [["e-1", "e-2"], ["e-3"]]
    assert [seen.target.query for seen in peer.seen] == ["?limit=2", "?cursor=b&limit=2"]
    assert pages[-1].next_cursor == "c"


def test_a_list_goes_on_from_a_cursor(client: Client, peer: Peer) -> None:
    peer.handle = _always({"events": [], "next_cursor": "c", "more": False})
    assert [page.items for page in client.events("c")] == [()]
    assert peer.seen[0].target.query == "?cursor=c&limit=1000"


def test_a_list_that_does_not_go_on_is_no_endless_loop(client: Client, peer: Peer) -> None:
    peer.handle = _always({"events": [], "next_cursor": "c", "more": True})
    with pytest.raises(UntrustedAnswer, match="go on"):
        list(client.events())
    assert len(peer.seen) == 2


def test_statements_are_read(client: Client, peer: Peer) -> None:
    moment, digest = "2017-02-01T00:00:00Z", "0" * 64
    head = {"cycle": "2017-01", "state": "published", "digest": digest, "published_at": moment}
    pair = {"issuer": "bank", "redeemer": "grocer", "currency": "USD", "digest": digest}
    peer.handle = _in_turn(
        (200, {"statements": [{**head, "currency": "USD", "net_minor": -5}], "next_cursor": "c", "more": False}),
        (
            200,
            {
                **head,
                "partner": "grocer",
                "nets": [{"currency": "USD", "receive_minor": 1, "pay_minor": 6, "net_minor": -5}],
                "positions": [{**pair, "lines": 1, "points": 1, "minor": 1}],
                "pairs_of_cycle": [pair],
            },
        ),
        (
            200,
            {
                "lines": [
                    {
                        **pair,
                        "partner": "grocer",
                        "event_id": "r-1",
                        "line": 0,
                        "points": 1,
                        "minor": 1,
                        "price": {"version": 1, "numerator": 9, "denominator": 10},
                        "business_date": "2017-01-31",
                    },
                    {
                        **pair,
                        "partner": "grocer",
                        "event_id": "r-1/reversal",
                        "line": 0,
                        "points": -1,
                        "minor": -1,
                        "price": {"version": 1, "numerator": 9, "denominator": 10},
                        "business_date": "2017-01-31",
                        "origin": {"partner": "grocer", "event_id": "r-1/capture"},
                    },
                ],
                "next_cursor": "c",
                "more": False,
            },
        ),
    )
    (page,) = client.statements()
    assert page.items[0].net_minor == -5
    statement = client.statement("2017-01")
    assert (statement.nets[0].pay_minor, statement.positions[0].lines) == (6, 1)
    assert statement.pairs_of_cycle[0].digest == digest
    (lines,) = client.statement_lines("2017-01")
    assert (lines.items[0].price.version, lines.items[0].business_date) == (1, date(2017, 1, 31))
    assert [(line.points, line.minor, line.origin) for line in lines.items] == [
        (1, 1, ""),
        (-1, -1, "grocer/r-1/capture"),
    ]
    assert [seen.target.path for seen in peer.seen] == [
        "/v1/statements",
        "/v1/statements/2017-01",
        "/v1/statements/2017-01/lines",
    ]


# --- refusals ---


@pytest.mark.parametrize("code", [code for code, known in CODES.items() if not known.retryable])
def test_a_refusal_is_raised_once_with_all_it_says(code: str, client: Client, peer: Peer) -> None:
    peer.handle = _always(problem(code, "because", hint=1), CODES[code].status)
    with pytest.raises(Refused) as caught:
        client.member("card:1")
    error = caught.value
    assert (error.code, error.status, error.problem["hint"]) == (code, CODES[code].status, 1)
    assert error.request_id == peer.seen[0].signature.nonce
    assert not error.retryable
    assert "because" in str(error)
    assert len(peer.seen) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("malformed_json", InvalidRequestError),
        ("invalid_request", InvalidRequestError),
        ("unknown_key", Unauthenticated),
        ("partner_suspended", NotAllowed),
        ("unknown_member", NotFound),
        ("identifier_taken", Conflict),
        ("event_conflict", EventConflict),
        ("insufficient_points", InsufficientPoints),
        ("rate_limited", RateLimited),
        ("internal_error", HubUnavailable),
        ("unavailable", HubUnavailable),
    ],
)
def test_a_refusal_has_its_own_kind(code: str, kind: type[Refused], client: Client, peer: Peer) -> None:
    peer.handle = _always(problem(code, "because"), CODES[code].status)
    with pytest.raises(Refused) as caught:
        client.redeem("r-1", "card:1", 5)
    assert type(caught.value) is kind


def test_faults_of_a_body_are_listed(client: Client, peer: Peer) -> None:
    errors = [{"pointer": "/points", "detail": "too few"}]
    peer.handle = _always(problem("invalid_request", "no", errors=errors), 422)
    with pytest.raises(InvalidRequestError) as caught:
        client.redeem("r-1", "card:1", 0)
    assert caught.value.errors == errors


def test_a_declined_redemption_says_whether_it_is_the_first_refusal_again(client: Client, peer: Peer) -> None:
    for duplicate in (False, True):
        peer.handle = _always(problem("insufficient_points", "too few", duplicate=duplicate), 409)
        with pytest.raises(InsufficientPoints) as caught:
            client.redeem("r-1", "card:1", 5)
        assert caught.value.duplicate is duplicate


def test_a_code_of_a_newer_hub_is_judged_by_its_status(client: Client, peer: Peer) -> None:
    for status, retryable, requests in ((409, False, 1), (500, True, 5)):
        peer.seen.clear()
        peer.handle = _always({"code": "brand_new", "detail": "x"}, status)
        with pytest.raises(Refused) as caught:
            client.member("card:1")
        assert caught.value.retryable is retryable
        assert len(peer.seen) == requests


# --- trying again ---


@pytest.mark.parametrize("code", ["rate_limited", "internal_error", "unavailable"])
def test_what_may_pass_is_tried_again_signed_afresh(code: str, client: Client, peer: Peer, pauses: list[float]) -> None:
    refusal = (CODES[code].status, problem(code, "later"))
    peer.handle = _in_turn(refusal, refusal, (200, REDEEMED))
    assert client.redeem("r-1", "card:1", 5).points == 5
    assert len({seen.signature.nonce for seen in peer.seen}) == 3
    assert len({seen.body for seen in peer.seen}) == 1
    assert len(pauses) == 2
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, (0.25, 0.5), strict=True))


def test_trying_again_has_an_end(client: Client, peer: Peer, pauses: list[float]) -> None:
    peer.handle = _always(problem("unavailable", "later"), 503)
    with pytest.raises(HubUnavailable):
        client.member("card:1")
    assert len(peer.seen) == 5
    assert len(pauses) == 4


def test_the_wait_that_the_hub_asks_for_is_kept(client: Client, peer: Peer, pauses: list[float]) -> None:
    peer.extra_headers = {"Retry-After": "7"}
    peer.handle = _in_turn((429, problem("rate_limited", "slow down")), (200, MEMBER))
    client.member("card:1")
    assert 7 <= pauses[0] <= 7.25


def test_a_long_wait_is_the_callers_to_decide(client: Client, peer: Peer, pauses: list[float]) -> None:
    peer.extra_headers = {"Retry-After": "61"}
    peer.handle = _always(problem("rate_limited", "slow down"), 429)
    with pytest.raises(RateLimited) as caught:
        client.member("card:1")
    assert caught.value.retry_after_s == 61
    assert (len(peer.seen), pauses) == (1, [])


@pytest.mark.parametrize("value", ["soon", "", "-1", "9" * 50, "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_wait_that_cannot_be_read_is_none(value: str, client: Client, peer: Peer, pauses: list[float]) -> None:
    peer.extra_headers = {"Retry-After": value}
    peer.handle = _in_turn((429, problem("rate_limited", "slow down")), (200, MEMBER))
    client.member("card:1")
    assert pauses[0] <= 0.25


# --- the clock ---


def _client_at(now: float, peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, pauses: list[float]) -> Client:
    return Client(
        peer.url, "grocer", partner_key, root_key=root_key.public.text(), clock=lambda: now, sleep=pauses.append
    )


@pytest.mark.parametrize("wrong_s", [-40_000_000, -3600, 31, 3600, 40_000_000])
def test_a_wrong_clock_is_corrected_once_and_for_all(
    wrong_s: int, peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, pauses: list[float]
) -> None:
    peer.handle = _always(MEMBER)
    with _client_at(NOW + wrong_s, peer, partner_key, root_key, pauses) as client:
        client.member("card:1")
        client.member("card:1")
    assert [seen.signature.created for seen in peer.seen] == [NOW + wrong_s, NOW, NOW]
    assert pauses == []


def test_a_clock_that_cannot_be_corrected_is_a_refusal(client: Client, peer: Peer) -> None:
    peer.handle = _always(problem("clock_skew", "no", server_time="2025-06-15T15:06:40+00:00"), 401)
    with pytest.raises(Unauthenticated):
        client.member("card:1")
    assert len(peer.seen) == 2


@pytest.mark.parametrize("server_time", [None, 5, "soon", "2025-06-15T15:06:40"])
def test_a_server_time_that_is_none_corrects_nothing(server_time: Any, client: Client, peer: Peer) -> None:
    peer.handle = _always(problem("clock_skew", "no", server_time=server_time), 401)
    with pytest.raises(Unauthenticated):
        client.member("card:1")
    assert len(peer.seen) == 1


# --- what it does not believe ---


def _headers(reply: Reply, **changes: str | None) -> Reply:
    merged = {**reply.headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return replace(reply, headers={name: value for name, value in merged.items() if value is not None})


HOSTILE: dict[str, Callable[[Peer, Reply], Reply]] = {
    "unsigned": lambda peer, reply: _headers(reply, Signature=None, Signature_Input=None),
    "no digest": lambda peer, reply: _headers(reply, Content_Digest=None),
    "proxy's page": lambda peer, reply: replace(
        reply, status=502, body=b"<h1>Bad gateway</h1>", headers={"Content-Type": "text/html"}
    ),
    "altered status": lambda peer, reply: replace(reply, status=409),
    "altered body": lambda peer, reply: replace(reply, body=reply.body.replace(b"5", b"6")),
    "altered body and digest": lambda peer, reply: _headers(
        replace(reply, body=b"{}"), Content_Digest="sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"
    ),
    "altered type": lambda peer, reply: _headers(reply, Content_Type="text/plain"),
    "cut short": lambda peer, reply: replace(reply, body=reply.body[:-1]),
    "other nonce": lambda peer, reply: peer.resign(reply, nonce="A" * 22),
    "no nonce": lambda peer, reply: peer.resign(reply, nonce=None),
    "for another path": lambda peer, reply: peer.resign(reply, target=replace(peer.seen[-1].target, path="/v1/quotes")),
    "for another body": lambda peer, reply: peer.resign(
        reply, target=replace(peer.seen[-1].target, content_digest="sha-256=:AAAA:")
    ),
    "redirect": lambda peer, reply: _headers(replace(reply, status=302), Location="/v1/elsewhere"),
    "signed redirect": lambda peer, reply: _headers(peer.resign(reply, status=307), Location="/v1/elsewhere"),
    "signed 201": lambda peer, reply: peer.resign(reply, status=201),
    "signed refusal without a code": lambda peer, reply: peer.resign(reply, status=409),
    "signed, no object": lambda peer, reply: peer.resign(reply, body=b"[1]"),
    "signed, about another": lambda peer, reply: peer.resign(reply, body=reply.body.replace(b"r-1", b"r-2")),
    "signed, lacking a member": lambda peer, reply: peer.resign(reply, body=b'{"redemption_id":"r-1"}'),
    "signed, of another type": lambda peer, reply: peer.resign(reply, body=b'{"redemption_id":"r-1","lots":1}'),
    "hung up": lambda peer, reply: replace(reply, close=True),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_is_not_the_hubs_word_is_no_outcome(
    spoil: Callable[[Peer, Reply], Reply], client: Client, peer: Peer
) -> None:
    peer.handle = _always(REDEEMED)
    peer.spoils = [lambda reply: spoil(peer, reply)] * 5
    with pytest.raises(TransportError) as caught:
        client.redeem("r-1", "card:1", 5)
    assert caught.value.retryable
    assert all(seen.target.path == "/v1/redemptions" for seen in peer.seen)


@pytest.mark.parametrize("spoil", [HOSTILE["proxy's page"], HOSTILE["hung up"], HOSTILE["redirect"]])
def test_after_a_bad_answer_the_good_one_counts(
    spoil: Callable[[Peer, Reply], Reply], client: Client, peer: Peer
) -> None:
    peer.handle = _always(REDEEMED)
    peer.spoils = [lambda reply: spoil(peer, reply)] * 2
    assert client.redeem("r-1", "card:1", 5).points == 5
    assert len(peer.seen) == 3


def test_the_answer_to_an_earlier_attempt_is_refused(client: Client, peer: Peer) -> None:
    kept: list[Reply] = []

    def replay(reply: Reply) -> Reply:
        kept.append(reply)
        return kept[0]

    peer.handle = _always(MEMBER)
    peer.spoils = [replay] * 6
    client.member("card:1")
    with pytest.raises(UntrustedAnswer, match="nonce"):
        client.member("card:1")


def test_an_old_answer_is_refused(client: Client, peer: Peer) -> None:
    def age(reply: Reply) -> Reply:
        peer.now = NOW - 331
        aged = peer.resign(reply)
        peer.now = NOW
        return aged

    peer.handle = _always(MEMBER)
    peer.spoils = [age] * 5
    with pytest.raises(UntrustedAnswer, match="another time"):
        client.member("card:1")


def test_an_answer_by_another_key_is_refused(client: Client, peer: Peer, stranger_key: PrivateKey) -> None:
    peer.key = stranger_key
    with pytest.raises(UntrustedAnswer, match="no key"):
        client.member("card:1")
    assert peer.key_list_fetches == 5


def test_an_endless_answer_is_cut_off(client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_sdk.transport.MAX_ANSWER_BYTES", 10)
    peer.handle = _always(MEMBER)
    with pytest.raises(UntrustedAnswer, match="more than"):
        client.member("card:1")


# --- the hub's keys ---


def test_the_key_list_is_fetched_once(client: Client, peer: Peer) -> None:
    peer.handle = _always(MEMBER)
    client.member("card:1")
    client.member("card:1")
    assert peer.key_list_fetches == 1


def test_a_new_hub_key_is_learnt(client: Client, peer: Peer, stranger_key: PrivateKey) -> None:
    peer.handle = _always(MEMBER)
    client.member("card:1")
    peer.key, peer.key_list = stranger_key, peer.list_of(stranger_key, version=2)
    client.member("card:1")
    assert peer.key_list_fetches == 2


def test_an_older_list_does_not_come_back(client: Client, peer: Peer, stranger_key: PrivateKey) -> None:
    peer.key_list = peer.list_of(peer.key, version=2)
    peer.handle = _always(MEMBER)
    client.member("card:1")
    peer.key, peer.key_list = stranger_key, peer.list_of(stranger_key, version=1)
    with pytest.raises(UntrustedAnswer, match="older"):
        client.member("card:1")


def test_a_list_by_another_root_is_refused(client: Client, peer: Peer, stranger_key: PrivateKey) -> None:
    peer.root = stranger_key
    with pytest.raises(UntrustedAnswer, match="root"):
        client.member("card:1")


def test_an_ended_key_stays_ended_on_a_machine_with_a_late_clock(
    peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, pauses: list[float]
) -> None:
    """The list's own date is the least time that it can be."""
    assert peer.key_list is not None
    ended = replace(peer.key_list.keys[0], not_before=0, not_after=int(NOW) - 2000)
    peer.key_list = replace(peer.key_list, keys=(ended,))
    peer.handle = _always(MEMBER)
    peer.now = NOW - 3000
    with _client_at(NOW - 3000, peer, partner_key, root_key, pauses) as client, pytest.raises(UntrustedAnswer):
        client.member("card:1")


def test_a_hub_that_is_not_there_gives_no_answer(
    partner_key: PrivateKey, root_key: PrivateKey, pauses: list[float]
) -> None:
    with (
        Client(
            "http://127.0.0.1:1", "grocer", partner_key, root_key=root_key.public, attempts=2, sleep=pauses.append
        ) as client,
        pytest.raises(NoAnswer) as caught,
    ):
        client.ping()
    assert caught.value.request_id is not None
    assert len(pauses) == 1


# --- the client itself ---


@pytest.mark.parametrize("hub", ["", "hub.example", "ftp://hub.example", "https://", "https://hub.example/?x"])
def test_the_hub_is_a_url(hub: str, partner_key: PrivateKey, root_key: PrivateKey) -> None:
    with pytest.raises(ValueError, match="URL"):
        Client(hub, "grocer", partner_key, root_key=root_key.public)


def test_a_hub_may_live_below_a_path(peer: Peer, partner_key: PrivateKey, root_key: PrivateKey, client: Client) -> None:
    """The path is signed as it is sent, prefix and all."""
    assert client.partner_id == "grocer"
    with Client(f"{peer.url}/", "grocer", partner_key, root_key=root_key.public, clock=lambda: NOW) as slashed:
        peer.handle = _always(MEMBER)
        slashed.member("card:1")
    assert peer.seen[0].target.path == "/v1/members/card%3A1"


def test_the_environment_sets_no_proxy(client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    peer.handle = _always(MEMBER)
    client.member("card:1")


def test_no_cookie_is_kept(client: Client, peer: Peer) -> None:
    peer.extra_headers = {"Set-Cookie": "a=b"}
    peer.handle = _always(MEMBER)
    client.member("card:1")
    assert not client._transport._session.cookies


def test_threads_share_a_client(client: Client, peer: Peer) -> None:
    peer.handle = lambda seen: (200, {**REDEEMED, "redemption_id": seen.json()["redemption_id"]})
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda i=i: results.append(client.redeem(f"r-{i}", "card:1", 5).redemption_id))
        for i in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(f"r-{i}" for i in range(24))
    assert peer.key_list_fetches == 1


def test_requests_live_for_no_more_than_the_wire_allows(client: Client, peer: Peer) -> None:
    peer.handle = _always(MEMBER)
    client.member("card:1")
    signature = peer.seen[0].signature
    assert timedelta(seconds=signature.expires - signature.created) == timedelta(minutes=5)


def test_every_public_name_is_there() -> None:
    for name in partner_sdk.__all__:
        assert getattr(partner_sdk, name)
    assert not hasattr(partner_sdk, "nothing")
