"""What a key signed as of a time at which it was not its holder's: quarantined, frozen, and released or taken back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner

from hub import worker
from hub.cli import main
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services import (
    business_clock,
    earnings,
    end_of_day,
    explaining,
    members,
    merges,
    partners,
    reporting,
    reviews,
)
from hub.services.context import Hub
from hub.store import suspects as suspect_rows
from partner_sdk import Client, Earning, HansaError, InsufficientPoints, Money, PrivateKey, Refund
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.support import coalition, network
from tests.support.coalition import Coalition
from tests.support.network import Network, broken_rows
from tests.support.sdk import business_time, client_of, joining, sell
from tests.support.services import partner

SAID = ("ada", "The key was stolen on Monday")


class Theft:
    """A till whose key is stolen at an instant; another till, honest, at which points are spent."""

    def __init__(self, net: Network, till: Client, other: Client) -> None:
        self.net, self.till, self.other, self.hub = net, till, other, net.hub
        self.since = net.hub.real_time()

    def revoke(self) -> dict[str, Any]:
        return partners.revoke_key(self.hub, self.till.partner_id, self.till.keyid, self.since)

    def name(self, event_id: str) -> str:
        return f"{self.till.partner_id}/{event_id}"

    def points(self, member: str) -> tuple[int, int]:
        seen = members.view(self.hub, member, self.other.partner_id)
        return int(seen["available"]), int(seen["held"])

    def waiting(self) -> list[str]:
        return [one["report"] for one in reviews.listing(self.hub, self.till.partner_id)]

    def statuses(self) -> dict[str, str]:
        """What the partner sees of its events, with a key of its own that is good."""
        key = PrivateKey.generate()
        coalition.add_key(self.hub, self.till.partner_id, key)
        with client_of(self.net, self.till.partner_id, key) as again:
            return {one.event_id: one.status for page in again.events() for one in page.items}


@pytest.fixture
def theft(net: Network) -> Iterator[Theft]:
    with joining(net) as join:
        till, other = join(), join()
        yield Theft(net, till, other)
    assert broken_rows(net.hub) == []


def code(act: Callable[[], object]) -> str:
    with pytest.raises((HansaError, Refused)) as refusal:
        act()
    return str(getattr(refusal.value, "code", ""))


def test_what_was_signed_since_waits_and_what_is_left_of_it_cannot_be_spent(net: Network, theft: Theft) -> None:
    before = sell(net, theft.till, 1_000)
    theft.since = net.hub.real_time()
    stolen = sell(net, theft.till, 5_000, before.member)
    theft.other.redeem(net.fresh("r"), before.member, 25)
    assert theft.revoke()["events_since"] == 1
    assert theft.waiting() == [theft.name(stolen.event_id)]
    assert theft.points(before.member) == (0, 35)
    with pytest.raises(InsufficientPoints):
        theft.other.redeem(net.fresh("r"), before.member, 1)
    shown = reviews.show(theft.hub, theft.name(stolen.event_id))
    assert (shown["cause"], shown["points"], shown["frozen"], shown["gone"]) == ("revoked", 50, 35, 15)
    assert shown["reported"]["event_id"] == stolen.event_id
    seen = theft.statuses()
    assert (seen[before.event_id], seen[stolen.event_id]) == ("posted", "quarantined")
    explained = explaining.explain(theft.hub, theft.name(stolen.event_id))
    assert explained["status"] == "quarantined"
    told = explaining.explain(theft.hub, theft.name(f"{stolen.event_id}/quarantine"))
    assert "revoked" in told["why"][0]
    assert any(line.startswith("Frozen: 35 base points") for line in told["why"])


def test_a_release_gives_back_exactly_what_was_frozen(net: Network, theft: Theft) -> None:
    stolen = sell(net, theft.till, 5_000)
    lots = members_lots(theft, stolen.member)
    theft.revoke()
    assert theft.points(stolen.member) == (0, 50)
    released = reviews.release(theft.hub, theft.name(stolen.event_id), *SAID)
    assert (released["state"], released["result"]) == ("released", {"freed": 50})
    assert members_lots(theft, stolen.member) == lots
    assert theft.points(stolen.member) == (50, 0)
    assert "result" not in reviews.release(theft.hub, theft.name(stolen.event_id), *SAID), "once only"
    assert code(lambda: reviews.reject(theft.hub, theft.name(stolen.event_id), *SAID)) == "not_allowed"
    assert theft.statuses()[stolen.event_id] == "posted"
    told = explaining.explain(theft.hub, theft.name(f"{stolen.event_id}/quarantine/release"))
    assert told["why"] == [f"50 points are free again, by {SAID[0]}: {SAID[1]}"]


def members_lots(theft: Theft, member: str) -> list[Any]:
    with theft.hub.database.connect() as connection:
        moment = theft.hub.moment(connection)
        found = members.require(theft.hub, connection, member, moment)
        query = "SELECT * FROM hub.lot WHERE member_id = %s ORDER BY 1, 2, 3, 4, 5"
        return list(connection.exec_driver_sql(query, (found,)).all())


@pytest.mark.parametrize(("policy", "sums"), [("within_balance", (30, 0, 20)), ("debt", (30, 20, 0))])
def test_a_rejection_refunds_the_sale_and_what_is_spent_follows_the_contract(
    net: Network, policy: str, sums: tuple[int, int, int]
) -> None:
    with joining(net) as join:
        theft = Theft(net, join(terms={"refunds": policy}), join())
        stolen = sell(net, theft.till, 5_000)
        theft.other.redeem(net.fresh("r"), stolen.member, 20)
        theft.revoke()
        result = reviews.reject(theft.hub, theft.name(stolen.event_id), *SAID)["result"]
        assert (result["taken"], result["owed"], result["borne"], result["freed"]) == (*sums, 30)
        assert theft.points(stolen.member) == (0, 0)
        assert "result" not in reviews.reject(theft.hub, theft.name(stolen.event_id), *SAID)
        assert theft.waiting() == []


def test_what_is_held_stays_promised_and_is_not_free_when_the_hold_ends(net: Network, theft: Theft) -> None:
    stolen = sell(net, theft.till, 5_000)
    kept, captured = net.fresh("h"), net.fresh("h")
    theft.other.hold(kept, stolen.member, 10, 600)
    theft.other.hold(captured, stolen.member, 5, 600)
    theft.revoke()
    theft.other.void(kept)
    assert theft.points(stolen.member)[0] == 0
    theft.other.capture(captured)
    assert theft.points(stolen.member)[0] == 0
    reviews.reject(theft.hub, theft.name(stolen.event_id), *SAID)
    assert theft.points(stolen.member) == (0, 0)


def test_what_is_frozen_goes_with_a_merge_and_comes_back_from_it(net: Network, theft: Theft) -> None:
    stolen, survivor = sell(net, theft.till, 5_000), sell(net, theft.other, 1_000)
    theft.revoke()
    desk = reporting.by_operator("ada", "one person")
    asked = {"event_id": net.fresh("m"), "member": stolen.member, "into": survivor.member, "reason": "one person"}
    merges.merge(theft.hub, desk, asked)
    assert theft.points(survivor.member) == (10, 50)
    merges.undo(theft.hub, desk, asked["event_id"])
    assert theft.points(survivor.member) == (10, 0)
    assert theft.points(stolen.member) == (0, 50)
    reviews.release(theft.hub, theft.name(stolen.event_id), *SAID)
    assert theft.points(stolen.member) == (50, 0)


def test_the_partner_cannot_go_on_with_a_sale_that_waits(net: Network, theft: Theft) -> None:
    stolen = sell(net, theft.till, 5_000)
    theft.revoke()
    key = PrivateKey.generate()
    coalition.add_key(theft.hub, theft.till.partner_id, key)
    with client_of(net, theft.till.partner_id, key) as again:
        [refused] = again.refund([Refund(net.fresh("f"), stolen.event_id, business_time(net))])
        assert refused.error is not None
        assert refused.error.code == "not_reversible"
        assert code(lambda: again.confirm(stolen.event_id)) == "not_reversible"


def test_what_took_points_is_listed_and_taken_back_by_its_own_reversal(net: Network, theft: Theft) -> None:
    honest = sell(net, theft.other, 10_000)
    spent, held, voided = (net.fresh("r") for _ in range(3))
    theft.till.redeem(spent, honest.member, 40)
    theft.till.hold(held, honest.member, 30, 600)
    theft.till.hold(voided, honest.member, 10, 600)
    theft.till.void(voided)
    theft.revoke()
    assert theft.waiting() == [theft.name(one) for one in (spent, held, voided, f"{voided}/void")]
    for name in (spent, held, voided):
        reviews.reject(theft.hub, theft.name(name), *SAID)
    assert theft.points(honest.member) == (100, 0)
    assert code(lambda: reviews.reject(theft.hub, theft.name(f"{voided}/void"), *SAID)) == "not_allowed"
    assert reviews.show(theft.hub, theft.name(f"{voided}/void"))["state"] == "open"
    reviews.release(theft.hub, theft.name(f"{voided}/void"), *SAID)
    assert theft.waiting() == []


def test_the_operator_does_it_from_the_command_line(
    net: Network, theft: Theft, monkeypatch: pytest.MonkeyPatch, closed_at_last: None
) -> None:
    stolen = sell(net, theft.till, 5_000)
    monkeypatch.setenv("HANSA_DATA", str(net.coalition.settings.data))
    monkeypatch.setenv("HANSA_DATABASE_URL", net.coalition.settings.database_url)

    def hansa(*words: str) -> Any:
        result = CliRunner().invoke(main, [*words, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    key = ("partner", "key", "revoke", theft.till.partner_id, theft.till.keyid, "--since", theft.since.isoformat())
    assert hansa(*key)["events_since"] == 1
    [listed] = hansa("review", "list", "--partner", theft.till.partner_id)
    assert (listed["cause"], listed["report"]) == ("revoked", theft.name(stolen.event_id))
    assert hansa("review", "show", listed["report"])["frozen"] == 50
    assert hansa("member", "show", stolen.member)["events"][-1]["note"] == (
        "50 frozen; reason: signed by a key that was revoked as of an earlier time"
    )
    released = hansa("review", "release", listed["report"], "--author", SAID[0], "--reason", SAID[1])
    assert released["result"] == {"freed": 50}


def test_nothing_is_missed_while_the_stolen_key_posts_and_members_spend(net: Network, theft: Theft) -> None:
    """Each thread goes on until it is refused; then all that was answered is on the list, and nothing can be spent."""
    stopped, names = Event(), [net.member() for _ in range(8)]
    posted: list[str] = []
    failures: list[BaseException] = []

    def until_refused(act: Callable[[int], None]) -> None:
        try:
            for turn in range(100_000):
                if stopped.is_set():
                    return
                act(turn)
        except HansaError as refusal:
            if getattr(refusal, "code", "") != "key_revoked":
                failures.append(refusal)

    def steal(turn: int) -> None:
        """A request that was on its way when the key was revoked is answered too: nothing of it was posted."""
        sale = Earning(net.fresh("e"), names[turn % 8], business_time(net), Money(1_000, "USD"))
        [result] = theft.till.earn([sale])
        if result.error is None:
            posted.append(sale.event_id)
        else:
            assert result.error.code == "key_revoked"

    def spend(turn: int) -> None:
        try:
            theft.other.redeem(net.fresh("r"), names[turn % 8], 3)
        except InsufficientPoints:
            return
        except HansaError as refusal:
            if getattr(refusal, "code", "") != "unknown_member":
                raise

    threads = [Thread(target=until_refused, args=(act,)) for act in (steal, steal, steal, spend, spend)]
    for thread in threads:
        thread.start()
    while len(posted) < 30:
        assert not failures, failures
    theft.revoke()
    listed = theft.waiting()
    frozen = {name: theft.points(name)[0] for name in names}
    for thread in threads[:3]:
        thread.join()
    stopped.set()
    for thread in threads[3:]:
        thread.join()
    assert not failures, failures
    assert frozen == dict.fromkeys(names, 0)
    assert sorted(listed) == sorted(theft.name(one) for one in posted)
    assert theft.waiting() == listed, "nothing came after the revocation"


@pytest.fixture
def booth(built: Coalition) -> tuple[Coalition, str, datetime]:
    """A coalition of its own, to be killed; 450 sales of a stolen key, and the instant of the theft."""
    since = built.hub.real_time()
    keyid = built.keyid("grocer")
    for batch in range(45):
        received = since + timedelta(seconds=batch)
        _report(built.hub, keyid, received, [f"s{batch}-{number}" for number in range(10)])
    built.hub.real_time = lambda: since + timedelta(minutes=5)
    return built, keyid, since


def _report(hub: Hub, keyid: str, received_at: datetime, names: list[str]) -> None:
    sales = [network.sale(name, f"card:{number}") for number, name in enumerate(names)]
    loaded = validate(EarningsRequest, {"earnings": sales})["earnings"]
    proof = Evidence(os.urandom(16), keyid, received_at, b"base", b"signature", hub.keyring.seal(b"{}"))
    earnings.post(hub, partner(hub, "grocer"), proof, loaded)


_REVOKE = """
import os, signal, sys
from datetime import datetime
from hub import start
from hub.services import partners
from hub.settings import Settings

hub = start.open_hub(Settings.from_environment())
hub.real_time = lambda: datetime.fromisoformat(sys.argv[3])
since = datetime.fromisoformat(sys.argv[2])
partners.revoke_key(hub, "grocer", sys.argv[1], since, lambda left: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_kill_half_way_loses_nothing(booth: tuple[Coalition, str, datetime]) -> None:
    """All is on the list with the revocation, and the worker freezes what is left."""
    built, keyid, since = booth
    words = [sys.executable, "-c", _REVOKE, keyid, since.isoformat(), built.hub.real_time().isoformat()]
    assert subprocess.run(words, env=os.environ | built.settings.to_environment()).returncode == -signal.SIGKILL
    assert len(reviews.listing(built.hub, "grocer")) == 450
    with built.hub.database.connect() as connection:
        assert 0 < suspect_rows.left(connection, "grocer") < 450
    worker.run(built.hub, None, lambda said: None)
    with built.hub.database.connect() as connection:
        assert (suspect_rows.left(connection, "grocer"), suspect_rows.unswept(connection)) == (0, [])
    assert [members.view(built.hub, f"card:{number}")["available"] for number in range(10)] == [0] * 10
    assert broken_rows(built.hub) == []


def test_what_expires_meanwhile_is_given_a_new_life_when_it_is_released(booth: tuple[Coalition, str, datetime]) -> None:
    built, keyid, since = booth
    partners.revoke_key(built.hub, "grocer", keyid, since)
    later = coalition.NOON + timedelta(days=400)
    business_clock.move(built.hub, later)
    assert end_of_day.run(built.hub, (later - timedelta(days=1)).date()) == 0
    reviews.release(built.hub, "grocer/s0-1", *SAID)
    seen = members.view(built.hub, "card:1")
    assert (seen["available"], seen["held"]) == (10, 440)
    assert seen["expiring"] == [{"points": 10, "expires_on": "2018-08-31"}]
    assert reviews.reject(built.hub, "grocer/s1-1", *SAID)["result"]["expired"] == 10
    assert broken_rows(built.hub) == []
