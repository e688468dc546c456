"""Which requests take the express lane, and that strange paths mean the same in it and beside it."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

from hub.api import lanes
from hub.api.express import MOST_BYTES
from tests.support.network import Network, earn, sale


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/v1/members/card:1", "card:1"),
        ("/v1/members/card%3A1", "card:1"),
        ("/v1/members/card%253A1", "card%3A1"),
        ("/v1/members/..", ".."),
        ("/v1/members/card%2F1", None),
        ("/v1/members/card%001", None),
        ("/v1/members/card%E9", None),
        ("/v1/members/card%20", None),
        ("/v1/members/a/b", None),
        ("/v1/members/", None),
        ("/v1/m%65mbers/card:1", None),
        ("/v1//members/card:1", None),
    ],
)
def test_a_path_that_could_mean_two_things_takes_no_lane(path: str, member: str | None) -> None:
    found = lanes.find("GET", path)
    assert (dict(found.path) if found else None) == (None if member is None else {"member": member})


@pytest.mark.parametrize(
    ("spelled", "status"),
    [
        ("card:{0}", 200), ("card%3A{0}", 200), ("card%253A{0}", 404), ("card%2F{0}", 404), ("card%00{0}", 404),
        ("card%E9{0}", 404), ("..", 404), ("card:{0}?x=1", 400), ("4111111111111111", 422),
    ],
)  # fmt: skip
def test_every_spelling_is_answered_signed(net: Network, spelled: str, status: int) -> None:
    member = net.fresh("m")
    client = net.client("grocer")
    assert earn(client, sale(net.fresh("e"), f"card:{member}")).status == 200
    answer = client.call("GET", f"/v1/members/{spelled.format(member)}")
    assert (answer.status, answer.signed) == (status, True)


def test_an_unknown_member_is_told_in_the_lane_as_beside_it(net: Network) -> None:
    """A body that is too long for the lane says the same; nothing is kept of it, so it can be asked again."""
    client, nobody = net.client("grocer"), f"card:{net.fresh('nobody')}"
    asked = {"redemption_id": net.fresh("r"), "member": nobody, "points": 1}
    body = json.dumps(asked).encode()
    answers = [
        client.call("GET", f"/v1/members/{nobody}"),
        client.send("POST", "/v1/redemptions", body),
        client.send("POST", "/v1/redemptions", body + b" " * MOST_BYTES),
    ]
    assert [(one.status, one.code, one.signed) for one in answers] == [(404, "unknown_member", True)] * 3
    assert answers[0].json == answers[1].json == answers[2].json
    assert len({frozenset(name.lower() for name in one.headers) for one in answers}) == 1
    assert earn(client, sale(net.fresh("e"), nobody)).status == 200
    assert client.send("POST", "/v1/redemptions", body).status == 200


@pytest.mark.parametrize("more", [{}, {"hold": 60}], ids=["redemption", "hold"])
def test_a_declined_redemption_is_told_in_the_lane_as_beside_it(net: Network, more: dict[str, int]) -> None:
    """A body that is too long for the lane says the same; answers, header fields, figures and log are alike."""
    client, member = net.client("grocer"), net.member()
    assert earn(client, sale(net.fresh("e"), member)).status == 200
    answers, counted = [], [_declined(net)]
    for blanks in (0, MOST_BYTES):
        asked = {"redemption_id": net.fresh("r"), "member": member, "points": 11, **more}
        body = json.dumps(asked).encode() + b" " * blanks
        answers.append((asked, client.send("POST", "/v1/redemptions", body)))
        counted.append(_declined(net))
    assert [two - one for one, two in pairwise(counted)] == [1, 1]
    for asked, answer in answers:
        assert (answer.status, answer.code, answer.signed) == (409, "insufficient_points", True)
        assert answer.json["redemption_id"] == asked["redemption_id"]
    (own, in_lane), (other, beside) = answers
    assert in_lane.json | {"redemption_id": other["redemption_id"]} == beside.json
    assert {name.lower() for name in in_lane.headers} == {name.lower() for name in beside.headers}
    assert in_lane.headers["Content-Type"] == beside.headers["Content-Type"]
    again = client.send("POST", "/v1/redemptions", json.dumps(own).encode())
    assert (again.status, again.json, again.signed) == (409, in_lane.json | {"duplicate": True}, True)


def _declined(net: Network) -> int:
    """How many redemptions were refused so far, by the figures of all workers."""
    text = net.client("grocer").exchange("GET", "/metrics", {}, None).body.decode()
    found = re.findall(r'^hansa_requests_total\{.*"POST /v1/redemptions".*"409"\} (\S+)$', text, re.MULTILINE)
    return int(sum(map(float, found)))
