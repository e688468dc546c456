"""Whatever is asked, right or wrong, is answered in the express lane as it is beside it.

Each request is made by two partners that are alike, for members who have lived alike: by the one as it is, by the other
with so many blanks after its body that it goes the usual way. What is said to the one is said to the other.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random
from typing import Any

from hub.api.express import MOST_BYTES
from tests.support.network import Network, broken_rows
from tests.support.raw import Answer, RawClient

REQUESTS, SOAK_REQUESTS = 300, 10_000
SIDES = ("inside", "beside")
ODD: list[Any] = [
    None, True, 0, -1, 1.0, 1.5, 2**63, 10**40, "", " ", "1", "\u0000", "é", "x" * 300, [], {}, [1], {"minor": 1},
    "card:", "4111111111111111", "card:4111111111111111", "2017-01-10T11:00:00Z", "2017-13-01T00:00:00Z",
    "2099-01-01T00:00:00Z",
]  # fmt: skip


class Both:
    """The requests of one run."""

    def __init__(self, clients: tuple[RawClient, RawClient], draw: Random, name: str) -> None:
        self.clients, self.draw, self.name = clients, draw, name
        self.ids: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.seen: Counter[str] = Counter()

    def one(self) -> None:
        """Ask something of both sides, and compare."""
        path, text = self.draw.choice(self.asked) if self.asked and self.draw.random() < 0.15 else self.a_request()
        self.asked.append((path, text))
        answers = [
            client.send(
                "POST", path, (text.replace("SIDE", side) + blanks * bool(text)).encode("utf-8", "surrogatepass")
            )
            for client, side, blanks in zip(self.clients, SIDES, ("", " " * MOST_BYTES), strict=True)
        ]
        self.compare(f"POST {path} {text}", answers)
        looks = [
            client.call("GET", f"/v1/members/card:{self.name}-{side}-1")
            for client, side in zip(self.clients, SIDES, strict=True)
        ]
        self.compare(f"GET after {path} {text}", looks)

    def a_request(self) -> tuple[str, str]:
        """A path and a body, often with something wrong in it."""
        path, asked = self.draw.choice((self.report, self.redeem, self.redeem, self.capture))()
        return path, "" if asked is None else self.spoilt(json.dumps(asked))

    def compare(self, what: str, answers: list[Answer]) -> None:
        """Hold two answers against each other."""
        said = [
            (one.status, one.signed, _without(one.body.decode(), side, client.partner))
            for client, side, one in zip(self.clients, SIDES, answers, strict=True)
        ]
        assert said[0] == said[1], what
        assert answers[0].signed, what
        assert answers[0].status < 500, what
        self.seen[f"{answers[0].status} {answers[0].json.get('code', '')}"] += 1

    def new_id(self, prefix: str) -> str:
        """A new id, or one that is taken."""
        if self.ids and self.draw.random() < 0.15:
            return self.draw.choice(self.ids)
        self.ids.append(f"{prefix}{len(self.ids)}")
        return self.ids[-1]

    def a_member(self) -> str:
        return f"card:{self.name}-SIDE-{self.draw.choice((1, 1, 1, 2, 9))}"

    def report(self) -> tuple[str, Any]:
        sale: dict[str, Any] = {
            "event_id": self.new_id("e"),
            "member": self.a_member(),
            "occurred_at": f"2017-01-{self.draw.randint(1, 10):02}T10:00:00Z",
            "amount": {
                "minor": self.draw.choice((0, 99, 1_000, 12_345)),
                "currency": self.draw.choice(("USD", "USD", "EUR")),
            },
        }
        more: dict[str, Any] = {
            "store": "12",
            "terminal": "3",
            "channel": "till",
            "points": 10,
            "items": [],
            "sequence": 1,
        }
        sale |= {name: more[name] for name in more if self.draw.random() < 0.1}
        return "/v1/earnings", {"earnings": self.some_of(sale)}

    def redeem(self) -> tuple[str, Any]:
        holds = self.draw.random() < 0.5
        more: dict[str, Any] = {"hold": self.draw.choice((1, 600, 600, 600, 10**9))} if holds else {}
        more |= {"pool": True} if self.draw.random() < 0.1 else {}
        points = self.draw.choice((1, 5, 20, 10**6))
        return "/v1/redemptions", {
            "redemption_id": self.new_id("h" if holds else "r"), "member": self.a_member(), "points": points, **more,
        }  # fmt: skip

    def capture(self) -> tuple[str, Any]:
        ids = [one for one in self.ids if one.startswith("h")][-20:] or ["none"]
        asked = self.draw.choice((None, {}, {}, {"points": 1}, {"points": 5}, {"points": 10**6}))
        return f"/v1/redemptions/{self.draw.choice(ids)}/{self.draw.choice(('capture', 'capture', 'void'))}", asked

    def some_of(self, sale: dict[str, Any]) -> list[Any]:
        return self.draw.choice(([sale], [sale], [sale], [sale, sale], [sale, {**sale, "store": "13"}], []))

    def spoilt(self, text: str) -> str:
        """The text as it is, or with something wrong in it."""
        how = self.draw.random()
        if how < 0.6:
            return text
        if how < 0.75:
            values = re.findall(r'(?<=: )("[^"]*"|-?\d+|true)', text)
            return text.replace(self.draw.choice(values), json.dumps(self.draw.choice(ODD)), 1) if values else text
        if how < 0.85:
            names = re.findall(r'"\w+"(?=:)', text)
            other = self.draw.choice(('"unknown"', '"points"', '"member"', '""'))
            return text.replace(self.draw.choice(names), other, 1) if names else text
        place = self.draw.randrange(len(text) + 1)
        cut = self.draw.choice((0, 0, 1, 3))
        return (
            text[:place]
            + self.draw.choice(("", ",", "}", '"', "\ufeff", "NaN", "\ud800", "1e3", "//"))
            + text[place + cut :]
        )


def _without(text: str, side: str, partner: str) -> Any:
    """What was said, without what differs of itself."""
    text = re.sub(r"column \d+", "column N", text)
    return json.loads(text.replace(side, "SIDE").replace(f'"{partner}"', '"PARTNER"'))


def test_the_lane_answers_as_the_usual_way_does(net: Network, soaking: bool, seed: int) -> None:
    both = Both((net.join(), net.join()), Random(seed), net.fresh("both"))
    for _ in range(SOAK_REQUESTS if soaking else REQUESTS):
        both.one()
    assert broken_rows(net.hub) == []
    assert {"200 ", "400 malformed_json", "404 unknown_event", "409 insufficient_points", "422 invalid_request"} <= set(
        both.seen
    )
