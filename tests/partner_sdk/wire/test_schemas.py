"""The schemas: what passes, what is refused, where the pointer points; OpenAPI says the same."""

import copy
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema

from partner_sdk.wire import disputing, schemas, strict_json
from partner_sdk.wire.fields import WireSchema
from partner_sdk.wire.schemas import (
    EarningsRequest,
    EventsQuery,
    InvalidRequest,
    KeyRegistration,
    MemberAnswer,
    MembersRequest,
    NetSchema,
    PositionSchema,
    ProblemSchema,
    QuoteRequest,
    RedemptionRequest,
    StatementLineSchema,
    validate,
)

EARNING: dict[str, Any] = {
    "event_id": "27601281299-grocer",
    "member": "card:1",
    "occurred_at": "2017-01-01T11:53:26Z",
    "amount": {"minor": 1250, "currency": "USD"},
    "store": "330",
    "terminal": "till 4",
    "channel": "shop",
    "items": [{"sku": "1095275", "category": "GROCERY", "quantity": 1, "minor": 50}],
    "points": 12,
}
REDEMPTION: dict[str, Any] = {"redemption_id": "r-1", "member": "card:1", "points": 1}


def _errors(schema: Any, value: object) -> list[dict[str, str]]:
    with pytest.raises(InvalidRequest) as refusal:
        validate(schema, value)
    assert 1 <= len(refusal.value.errors) <= 50
    assert all(set(error) == {"pointer", "detail"} for error in refusal.value.errors)
    return refusal.value.errors


def _pointers(schema: Any, value: object) -> list[str]:
    return [error["pointer"] for error in _errors(schema, value)]


def _with(path: str, value: Any) -> dict[str, Any]:
    """The example earning with one value put in, or taken out for ..., at a JSON pointer."""
    earning: Any = copy.deepcopy(EARNING)
    *parents, last = path.strip("/").split("/")
    target = earning
    for name in parents:
        target = target[int(name) if name.isdigit() else name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return {"earnings": [earning]}


def test_a_full_earning_passes_and_its_time_becomes_an_instant() -> None:
    loaded = validate(EarningsRequest, {"earnings": [EARNING]})["earnings"][0]
    assert loaded == {**EARNING, "occurred_at": datetime(2017, 1, 1, 11, 53, 26, tzinfo=UTC)}
    assert loaded["occurred_at"].tzinfo is UTC


REQUIRED = ["event_id", "member", "occurred_at", "amount", "amount/minor", "amount/currency", "items/0/sku",
            "items/0/category", "items/0/quantity", "items/0/minor"]  # fmt: skip
OPTIONAL = ["store", "terminal", "channel", "items", "points"]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_required_member_must_be_there(path: str) -> None:
    assert _errors(EarningsRequest, _with(path, ...)) == [
        {"pointer": f"/earnings/0/{path}", "detail": "this member is required"}
    ]


@pytest.mark.parametrize("path", OPTIONAL)
def test_an_optional_member_may_be_absent(path: str) -> None:
    validate(EarningsRequest, _with(path, ...))


@pytest.mark.parametrize("path", REQUIRED + OPTIONAL)
@pytest.mark.parametrize("value", [None, True, {}, 1.5, [[]]], ids=repr)
def test_no_member_takes_null_or_another_type(path: str, value: Any) -> None:
    assert all(p.startswith(f"/earnings/0/{path}") for p in _pointers(EarningsRequest, _with(path, value)))


IDS = ["", "a" * 101, "a b", "é", "a/b", "a\n", "a\0", 1]
MEMBERS = [
    "", "card", "card:", ":1", "Card:1", "1card:1", "card:" + "x" * 201, "a" * 17 + ":1", "card:a b", "card:\t",
    "card:a\n", "card:\u00a0", "card:\u2028", "card:\x7f", "card:\u200b", "card:\ue000", 1,
]  # fmt: skip
TIMES = [
    "2017-01-01", "2017-01-01T10:00Z", "2017-01-01T10:00:00", "2017-01-01 10:00:00Z", "2017-01-01t10:00:00z",
    "2017-01-01T10:00:00+01", "2017-01-01T10:00:00+0100", "2017-01-01T10:00:00.Z", "2017-01-01T10:00:00,5Z",
    "2017-01-01T10:00:00.1234567Z", "2017-02-29T10:00:00Z", "2017-13-01T10:00:00Z", "2017-01-01T24:00:00Z",
    "2017-01-01T23:59:60Z", "2017-01-01T10:60:00Z", "1999-12-31T23:59:59Z", "9999-01-01T00:00:00Z",
    "2017-W01-1T10:00:00Z", "20170101T100000Z", "2017-01-01T10:00:00+24:00", "2017-01-01T10:00:00Z\n",
    "\uff12017-01-01T10:00:00Z", " 2017-01-01T10:00:00Z", 1483264800, "",
]  # fmt: skip
LABELS = ["", "a" * 65, "a\n", "\x7f", "a\u2028b", 1]
BAD: list[tuple[str, Any]] = [
    *(("event_id", value) for value in IDS),
    *(("member", value) for value in MEMBERS),
    *(("occurred_at", value) for value in TIMES),
    *((path, value) for path in ("store", "terminal", "channel", "items/0/sku") for value in LABELS),
    *(("amount/currency", value) for value in ("", "usd", "US", "USDT", "USD\n", "ÜSD", 840)),
    *(("amount/minor", value) for value in (-1, 10**12 + 1, "1", 10**18)),
    *(("points", value) for value in (-1, 10**9 + 1, "1")),
    *(("items/0/quantity", value) for value in (0, -1, 10**6 + 1, "1")),
    *(("items/0/minor", value) for value in (-1, 10**12 + 1)),
    ("items", [EARNING["items"][0]] * 501),
    ("items", {}),
    ("amount", 5),
]


@pytest.mark.parametrize(("path", "value"), BAD, ids=lambda part: repr(part)[:40])
def test_a_value_out_of_its_limits_is_pointed_at(path: str, value: Any) -> None:
    assert _pointers(EarningsRequest, _with(path, value)) == [f"/earnings/0/{path}"]


GOOD: list[tuple[str, Any]] = [
    ("event_id", "A.z_9~:-"),
    ("event_id", "a" * 100),
    ("member", "a:x"),
    ("member", "token_2:\u4e2d\u6587@!~"),
    ("member", "card:" + "x" * 200),
    ("occurred_at", "2000-01-01T00:00:00Z"),
    ("occurred_at", "9998-12-31T23:59:59.999999-23:59"),
    ("occurred_at", "2016-02-29T23:59:59.1+05:45"),
    ("occurred_at", "2017-01-01T10:00:00-00:00"),
    ("amount/minor", 0),
    ("amount/minor", 10**12),
    ("points", 0),
    ("points", 10**9),
    ("items", []),
    ("items", [EARNING["items"][0]] * 500),
    ("store", "Łódź 4"),
    ("store", "\u5e97" * 64),
]


@pytest.mark.parametrize(("path", "value"), GOOD, ids=lambda part: repr(part)[:40])
def test_a_value_at_its_limits_passes(path: str, value: Any) -> None:
    validate(EarningsRequest, _with(path, value))


def test_times_with_offsets_become_utc() -> None:
    earning = validate(EarningsRequest, _with("occurred_at", "2017-01-01T10:00:00.25+05:45"))["earnings"][0]
    assert earning["occurred_at"].isoformat() == "2017-01-01T04:15:00.250000+00:00"


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        (None, [""]),
        ([], [""]),
        ("x", [""]),
        (1, [""]),
        ({}, ["/earnings"]),
        ({"earnings": []}, ["/earnings"]),
        ({"earnings": {}}, ["/earnings"]),
        ({"earnings": [EARNING] * 1001}, ["/earnings"]),
        ({"earnings": [EARNING], "x": 1}, ["/x"]),
        ({"earnings": [{**EARNING, "a/b~c": 1}]}, ["/earnings/0/a~1b~0c"]),
        ({"earnings": [EARNING, None, EARNING, []]}, ["/earnings/1", "/earnings/3"]),
        ({"earnings": [{**EARNING, "x" * 10_000: 1}]}, [("/earnings/0/" + "x" * 10_000)[:200]]),
    ],
)
def test_the_shape_is_held_too(value: Any, pointers: list[str]) -> None:
    assert _pointers(EarningsRequest, value) == pointers


def test_at_most_fifty_faults_are_listed() -> None:
    assert len(_errors(EarningsRequest, {"earnings": [{}] * 1000})) == 50
    assert len(_errors(EarningsRequest, {"earnings": [{**EARNING, "store": ""}] * 1000})) == 50
    assert len(_errors(EarningsRequest, {f"m{i}": 1 for i in range(1000)})) == 50


def test_a_batch_of_a_thousand_passes() -> None:
    assert len(validate(EarningsRequest, {"earnings": [EARNING] * 1000})["earnings"]) == 1000


@pytest.mark.parametrize(
    ("schema", "value", "pointers"),
    [
        (RedemptionRequest, {**REDEMPTION, "points": 0}, ["/points"]),
        (RedemptionRequest, {**REDEMPTION, "points": True}, ["/points"]),
        *(
            (RedemptionRequest, {**REDEMPTION, "hold": wrong}, ["/hold"])
            for wrong in (0, -1, 30 * 86_400 + 1, "60", None)
        ),
        (RedemptionRequest, {**REDEMPTION, "pool": 1}, ["/pool"]),
        (QuoteRequest, {}, [""]),
        (QuoteRequest, {"redemption": {"member": "card:1", "points": 1}, "earning": None}, ["/earning"]),
        (QuoteRequest, {"redemption": REDEMPTION}, ["/redemption/redemption_id"]),
        (QuoteRequest, {"earning": EARNING}, ["/earning/event_id"]),
        (MembersRequest, {"members": [{"member": "card:1", "identifiers": []}]}, ["/members/0/identifiers"]),
        (
            MembersRequest,
            {"members": [{"member": "card:1", "identifiers": ["x"]}]},
            ["/members/0/identifiers/0"],
        ),
        (MembersRequest, {"members": ["card:1"]}, ["/members/0"]),
        (
            KeyRegistration,
            {"partner": "g", "public_key": {}, "proof": ""},
            ["/partner", "/public_key/kty", "/public_key/crv", "/public_key/x", "/proof"],
        ),
        (EventsQuery, {"limit": "0"}, ["/limit"]),
        (EventsQuery, {"limit": "1001"}, ["/limit"]),
        (EventsQuery, {"limit": 7}, ["/limit"]),
        (EventsQuery, {"limit": "-1"}, ["/limit"]),
        (EventsQuery, {"limit": "\u0661"}, ["/limit"]),
        (EventsQuery, {"limit": "9" * 5000}, ["/limit"]),
        (EventsQuery, {"cursor": "a b"}, ["/cursor"]),
        (EventsQuery, {"page": "1"}, ["/page"]),
    ],
)
def test_other_requests_are_held_likewise(schema: type[Schema], value: Any, pointers: list[str]) -> None:
    assert _pointers(schema, value) == pointers


def test_both_quotes_at_once_are_refused() -> None:
    quote = {
        "earning": {name: value for name, value in EARNING.items() if name != "event_id"},
        "redemption": {"member": "card:1", "points": 1},
    }
    assert _errors(QuoteRequest, quote)[0]["detail"] == "exactly one of earning, redemption and exchange is expected"


def test_a_query_has_a_usual_page() -> None:
    assert validate(EventsQuery, {}) == {"limit": 100}
    assert validate(EventsQuery, {"limit": "7", "cursor": "abc"}) == {"limit": 7, "cursor": "abc"}


def test_null_passes_only_where_the_contract_says_so() -> None:
    sums = {"available": 1, "pending": 0, "held": 0, "debt": 0, "qualifying": 0}
    answer: dict[str, Any] = {"member": "card:1", **sums, "next_to_expire": None, "expiring": []}
    assert validate(MemberAnswer, answer) == answer
    assert _pointers(MemberAnswer, {**answer, "pending": None}) == ["/pending"]


LINE: dict[str, Any] = {
    "partner": "fuel",
    "event_id": "r-1/reversal",
    "line": 1,
    "issuer": "bank",
    "redeemer": "fuel",
    "points": -250,
    "minor": -250,
    "currency": "USD",
    "price": {"version": 1, "numerator": 1, "denominator": 1},
    "business_date": "2017-01-20",
    "origin": {"partner": "fuel", "event_id": "r-1/capture"},
    "digest": "0" * 64,
}


def test_a_correction_names_its_origin_and_may_be_below_zero() -> None:
    usual = {name: value for name, value in LINE.items() if name != "origin"}
    for line in (LINE, usual):
        assert validate(StatementLineSchema, line) == line
    assert _pointers(StatementLineSchema, {**LINE, "origin": None}) == ["/origin"]
    assert _pointers(StatementLineSchema, {**LINE, "origin": {"partner": "fuel"}}) == ["/origin/event_id"]


def test_positions_and_sums_may_be_below_zero_but_not_their_lines() -> None:
    pair = {name: LINE[name] for name in ("issuer", "redeemer", "currency", "digest")}
    position = {**pair, "lines": 1, "points": -250, "minor": -250}
    net = {"currency": "USD", "receive_minor": -2, "pay_minor": -3, "net_minor": 1}
    assert (validate(PositionSchema, position), validate(NetSchema, net)) == (position, net)
    assert _pointers(PositionSchema, {**position, "lines": -1}) == ["/lines"]


@pytest.mark.parametrize(("event_id", "passes"), [("r-1/capture", True), ("a" * 120, True), ("a" * 121, False)])
def test_a_recorded_event_has_an_id_that_no_request_can_have(event_id: str, passes: bool) -> None:
    """So nobody can take the id that the hub is going to give."""
    due = [] if passes else ["/event_id"]
    assert [pointer for pointer in _pointers(StatementLineSchema, {"event_id": event_id}) if "event" in pointer] == due
    assert _pointers(EarningsRequest, {"earnings": [{**EARNING, "event_id": event_id}]}) == ["/earnings/0/event_id"]


def test_a_problem_may_have_members_that_are_not_known() -> None:
    """RFC 9457 section 3.2: clients ignore extensions that they do not know."""
    validate(ProblemSchema, {"type": "urn:x", "title": "t", "status": 409, "code": "c", "detail": "d", "x": 1})


def test_an_instance_serves_as_well_as_its_class() -> None:
    assert validate(RedemptionRequest(), REDEMPTION) == validate(RedemptionRequest, REDEMPTION)


# --- whatever arrives ---

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, st.sampled_from([*EARNING, "amount/minor", "items/0/sku", "x"]))
def test_any_value_anywhere_passes_or_is_refused(value: Any, path: str) -> None:
    for body in (value, {"earnings": value}, {"earnings": [value]}, _with(path, value)):
        try:
            validate(EarningsRequest, body)
        except InvalidRequest as refusal:
            strict_json.dumps(refusal.errors)


_INSTANTS = st.builds(
    lambda microseconds, minutes: (datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(
        timezone(timedelta(minutes=minutes))
    ),
    st.integers(0, 7998 * 365 * 86_400 * 10**6),
    st.integers(-1439, 1439),
)


@given(_INSTANTS)
def test_an_instant_is_the_same_after_the_wire(instant: datetime) -> None:
    loaded = validate(EarningsRequest, _with("occurred_at", instant.isoformat()))["earnings"][0]
    assert loaded["occurred_at"] == instant


# --- the OpenAPI document ---


def _all_schemas() -> set[type[WireSchema]]:
    return {
        found
        for found in {**vars(schemas), **vars(disputing)}.values()
        if isinstance(found, type) and issubclass(found, WireSchema) and found is not WireSchema
    }


def test_every_schema_says_its_limits_in_openapi() -> None:
    spec = APISpec("t", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    for schema in _all_schemas():
        if re.sub(r"Schema$", "", schema.__name__) not in spec.components.schemas:
            spec.components.schema(re.sub(r"Schema$", "", schema.__name__), schema=schema)
    written = spec.to_dict()["components"]["schemas"]
    assert written["Earning"]["additionalProperties"] is False
    assert written["Earning"]["properties"]["points"] == {"type": "integer", "minimum": 0, "maximum": 10**9}
    assert written["Earning"]["properties"]["event_id"]["pattern"] == "^(?:[A-Za-z0-9._~:-]{1,100})$"
    assert written["Earning"]["properties"]["occurred_at"]["format"] == "date-time"
    assert written["EarningsRequest"]["properties"]["earnings"]["maxItems"] == 1000
    assert written["EarningResult"]["properties"]["status"]["enum"][0] == "posted"
    assert set(written["Money"]["required"]) == {"minor", "currency"}
    assert len(written) == len(_all_schemas())


def test_every_schema_has_a_sentence_about_itself() -> None:
    assert all(schema.__doc__ for schema in _all_schemas())
