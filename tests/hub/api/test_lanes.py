"""Which requests take the express lane, and that strange paths mean the same in it and beside it."""

from __future__ import annotations

import pytest

from hub.api import lanes
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
