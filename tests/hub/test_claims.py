"""Retro claims over the wire: a service desk asks, the partner asked or the operator decides, nobody gives twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from hub.cli import main
from hub.core.errors import TermsRefused
from hub.core.scheme import Scheme
from hub.services import business_clock, explaining, retro_claims, schemes
from hub.store import webhooks
from hub.store.checks import first_break
from hub.store.checks_of_claims import CHECKS_OF_CLAIMS
from hub.store.webhooks import Name
from hub.worker import run
from partner_sdk import CardRecord, Client, Conflict, EventConflict, InvalidRequestError, Money, NotFound, Refund
from partner_sdk.cli import main as partner_main
from partner_sdk.errors import HansaError
from tests.hub.test_partner_cli import environment_of
from tests.support import network
from tests.support.network import Network
from tests.support.sdk import client_of, sell

AT = datetime(2017, 1, 10, 9, tzinfo=UTC)
PAID = Money(1_000, "USD")


@pytest.fixture(scope="module")
def net(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network.running(module_postgres_url, tmp_path_factory.mktemp("hub")) as running:
        for partner in ("grocer", "fuel"):
            with running.hub.database.connect() as connection:
                now = running.hub.real_time()
                webhooks.set_webhook(connection, Name(partner, "w"), "https://127.0.0.1/", ["claim.moved"], now)
        yield running
        assert network.broken_rows(running.hub) == []


@pytest.fixture
def grocer(net: Network) -> Iterator[Client]:
    with client_of(net, "grocer") as client:
        yield client


@pytest.fixture
def fuel(net: Network) -> Iterator[Client]:
    with client_of(net, "fuel") as client:
        yield client


@pytest.fixture
def member(net: Network, grocer: Client) -> str:
    return sell(net, grocer, 100, at=AT - timedelta(days=2)).member


def operate(net: Network, *arguments: str) -> Any:
    settings = net.coalition.settings
    options = ["--data", str(settings.data), "--database-url", settings.database_url]
    done = CliRunner().invoke(main, [*options, *arguments, "--json"])
    return json.loads(done.stdout) if done.exit_code == 0 else done.stderr


def test_a_purchase_elsewhere_is_granted_by_who_is_asked_at_the_rate_of_its_day(
    net: Network, grocer: Client, fuel: Client, member: str
) -> None:
    evidence = {"text": "receipt at hand", "sha256": "ab" * 32}
    made = grocer.claim("c1", AT, PAID, member=member, at="fuel", evidence=evidence)
    assert (made.state, made.outcome, str(made.due_on), made.found) == ("open", "declined", "2017-02-09", ())
    assert (made.moves[0].by, made.moves[0].text, made.moves[0].sha256) == ("grocer", *evidence.values())
    assert grocer.claim("c1", AT, PAID, member=member, at="fuel", evidence=evidence) == made
    with pytest.raises(EventConflict):
        grocer.claim("c1", AT, PAID, member=member, at="fuel")
    with pytest.raises(HansaError, match="not_allowed"):
        grocer.move_claim("c1", "grant")
    with pytest.raises(HansaError, match="not_allowed"):
        fuel.move_claim("c1", "withdraw", partner="grocer")
    assert fuel.move_claim("c1", "ask", "which pump?", partner="grocer").state == "needs_more"
    assert grocer.move_claim("c1", "more", "the third").state == "open"
    granted = fuel.move_claim("c1", "grant", partner="grocer")
    assert (granted.state, granted.points, granted.event_id) == ("granted", 5, "claim:grocer:c1")
    assert fuel.move_claim("c1", "grant", partner="grocer") == granted
    told = explaining.explain(net.hub, "fuel/claim:grocer:c1")
    assert "It was granted on the claim grocer/c1." in told["why"]
    with pytest.raises(Conflict, match="claim_closed"):
        grocer.move_claim("c1", "withdraw")
    [back] = fuel.refund([Refund("back-1", "claim:grocer:c1", AT + timedelta(hours=1))])
    assert back.error is None


@pytest.mark.usefixtures("closed_at_last")
def test_what_was_reported_is_found_and_explained_to_who_gave_it(net: Network, grocer: Client, fuel: Client) -> None:
    sold = sell(net, grocer, 1_000, at=AT + timedelta(minutes=20))
    own = grocer.claim("f1", AT, PAID, member=sold.member)
    [event] = own.found
    assert (event.event_id, event.points) == (sold.event_id, 10)
    assert "rule 1 (linear)" in " ".join(event.why)
    other = fuel.claim("f1", AT, PAID, member=sold.member, at="grocer")
    assert other.found[0].why == ("It was reported; why it gave what it gave is for grocer to tell.",)
    with pytest.raises(Conflict, match="already_reported"):
        grocer.move_claim("f1", "grant", partner="fuel")
    assert operate(net, "claim", "grant", "grocer", "f1", "--text", "two loaves", "--another")["points"] == 10
    # Now the second one is reported too, by the claim: nothing is given for it again, not even twice at once.
    assert len(fuel.claim_state("f1").found) == 2
    assert grocer.claim("f2", AT + timedelta(days=-1), PAID, member=sold.member).found == ()
    by_reference = grocer.claim("f3", AT - timedelta(days=3), PAID, member=sold.member, reference=sold.event_id)
    assert [one.event_id for one in by_reference.found] == [sold.event_id]


def test_two_claims_of_one_purchase_at_once_give_once(net: Network, grocer: Client, fuel: Client, member: str) -> None:
    grocer.claim("r1", AT, PAID, member=member, at="pharmacy")
    fuel.claim("r1", AT, PAID, member=member, at="pharmacy")

    def grant(claimant: str) -> str:
        try:
            return str(retro_claims.decide(net.hub, claimant, "r1", "grant", "so be it", "olga")["state"])
        except Exception as error:
            return str(getattr(error, "code", error))

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(grant, ("grocer", "fuel"))) == ["already_reported", "granted"]


def test_a_claim_of_an_own_card_counts_as_its_clearing(net: Network) -> None:
    bank = net.join(terms={"cards": {}}).partner
    with client_of(net, bank) as client:
        member, token = net.member(), net.fresh("PAR-")
        client.enrol([member])
        client.link_card("l1", token, member, "form", linked_at=AT - timedelta(days=5))
        made = client.claim("k1", AT, PAID, "till_failed", card=token, category="5411")
        granted = retro_claims.decide(net.hub, bank, made.claim_id, "grant", "the file was lost", "olga")
        assert (granted["points"], granted["event_id"]) == (10, f"claim:{bank}:k1")
        [back] = client.report_cards(
            [CardRecord("b1", "refund", token, AT, PAID, category="5411", refers_to=granted["event_id"])]
        )
        assert (back.status, back.purchases) == ("posted", (granted["event_id"],))
        with pytest.raises(NotFound, match="unknown_card"):
            client.claim("k2", AT - timedelta(days=6), PAID, card=token)


def test_what_makes_no_sense_is_refused_with_its_code(net: Network, grocer: Client, fuel: Client, member: str) -> None:
    asked: tuple[tuple[str, datetime, Money, dict[str, Any]], ...] = (
        ("unknown_member", AT, PAID, {"member": "card:never"}),
        ("unknown_partner", AT, PAID, {"member": member, "at": "nobody"}),
        ("currency_mismatch", AT, Money(1, "EUR"), {"member": member}),
        ("occurred_in_future", AT + timedelta(days=9), PAID, {"member": member}),
        ("not_claimable", AT - timedelta(days=300), PAID, {"member": member}),
        ("invalid_request", AT, PAID, {}),
        ("invalid_request", AT, Money(0, "USD"), {"member": member}),
        ("invalid_request", AT, PAID, {"member": member, "category": "5411"}),
        ("invalid_request", AT, PAID, {"member": member, "reference": "a/b"}),
    )
    for code, at, paid, named in asked:
        with pytest.raises(HansaError, match=code):
            grocer.claim("bad", at, paid, **named)
    grocer.claim("own", AT, Money(7, "USD"), member=member)
    for call in (fuel.claim_state, lambda name: fuel.move_claim(name, "grant", partner="grocer")):
        with pytest.raises(NotFound, match="unknown_claim"):
            call("own")
    with pytest.raises(InvalidRequestError):
        grocer.move_claim("own", "more")
    with pytest.raises(TermsRefused, match="outcome"):
        Scheme.of(1, date(2017, 1, 1), {"claims": {"outcome": "perhaps"}})


def test_lists_go_on_and_show_both_sides(grocer: Client, fuel: Client, member: str) -> None:
    for name in ("p1", "p2", "p3"):
        grocer.claim(name, AT, Money(3, "USD"), member=member, at="fuel")
    pages = list(fuel.claims(limit=2))
    seen = [(one.partner, one.claim_id) for page in pages for one in page.items]
    assert seen == sorted(seen)
    assert len(pages) > 1
    assert {("grocer", "p1"), ("grocer", "p2"), ("grocer", "p3")} <= {*seen}
    with pytest.raises(InvalidRequestError, match="cursor_invalid"):
        list(grocer.claims(pages[0].next_cursor))


def test_a_purchase_that_is_reported_after_its_grant_is_shown_with_the_claim(
    net: Network, grocer: Client, fuel: Client
) -> None:
    mine = sell(net, grocer, 100, at=AT - timedelta(days=2)).member
    grocer.claim("after", AT, PAID, member=mine, at="fuel")
    assert fuel.move_claim("after", "grant", partner="grocer").found == ()
    late = sell(net, fuel, 1_000, mine, at=AT)
    assert [one.event_id for one in grocer.claim_state("after").found] == [late.event_id]


ALTERED = {
    "a claim granted by hand": "UPDATE hub.claim SET state = 'granted', due_on = NULL, event_id = 'x' WHERE {own}",
    "its earning is gone": "UPDATE hub.event SET details = details - 'claim' WHERE event_id = 'claim:grocer:{id}'",
    "its earning is of another amount": (
        "UPDATE hub.event SET amount_minor = amount_minor + 1 WHERE event_id = 'claim:grocer:{id}'"
    ),
    "the claim is gone": "DELETE FROM hub.claim WHERE {own}",
    "a move is gone": "DELETE FROM hub.claim_move WHERE {own} AND seq = 2",
    "a move says something else": "UPDATE hub.claim_move SET state = 'declined' WHERE {own} AND seq = 2",
}


@pytest.fixture(scope="module")
def granted(net: Network) -> str:
    with client_of(net, "grocer") as grocer, client_of(net, "fuel") as fuel:
        mine = sell(net, grocer, 100, at=AT - timedelta(days=2)).member
        grocer.claim("kept", AT, PAID, member=mine, at="fuel")
        return fuel.move_claim("kept", "grant", partner="grocer").claim_id


@pytest.mark.parametrize("name", ALTERED)
def test_a_row_altered_by_hand_is_named(net: Network, granted: str, name: str) -> None:
    statement = ALTERED[name].format(own=f"claim_id = '{granted}'", id=granted)
    with net.hub.database.connect() as connection:
        connection.execution_options(isolation_level="READ COMMITTED")
        connection.exec_driver_sql("BEGIN")
        assert connection.exec_driver_sql(statement).rowcount
        broken = [found for query in CHECKS_OF_CLAIMS.values() if (found := first_break(connection, query))]
        connection.exec_driver_sql("ROLLBACK")
    assert {row for row, _ in broken} == {"claim grocer/kept"}


@pytest.mark.usefixtures("closed_at_last")
def test_partners_and_operators_do_it_by_command(
    net: Network, member: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = environment_of(net, net.client("grocer"), tmp_path)

    def partner(*arguments: str) -> Any:
        code = partner_main([*arguments, "--json"], environment)
        return json.loads(capsys.readouterr().out) if code == 0 else code

    opened = partner(
        "claim", "open", "o1", "--member", member, "--at", AT.isoformat(), "--minor", "2000", "--currency", "USD",
        "--where", "pharmacy", "--text", "the till was down",
    )  # fmt: skip
    assert opened["state"] == "open"
    assert ("grocer", "o1") in {(one["partner"], one["claim_id"]) for one in operate(net, "claim", "list")}
    assert operate(net, "claim", "ask", "grocer", "o1", "--text", "when?")["state"] == "needs_more"
    assert partner("claim", "more", "o1", "--text", "at nine")["state"] == "open"
    assert partner("claim", "show", "o1")["moves"][-1]["text"] == "at nine"
    assert operate(net, "claim", "decline", "grocer", "o1", "--text", "no")["state"] == "declined"
    assert "The claim is declined" in operate(net, "claim", "grant", "grocer", "o1", "--text", "yes")


def test_silence_means_what_was_said_when_the_claim_was_made(net: Network, grocer: Client, fuel: Client) -> None:
    schemes.amend(net.hub, date(2017, 1, 1), {"claims": {"days": 3, "outcome": "granted"}})
    # The later version moves no deadline that somebody was told.
    mine = sell(net, grocer, 100, at=AT - timedelta(days=2)).member
    made = grocer.claim("s1", AT, PAID, member=mine, at="fuel")
    assert (str(made.due_on), made.outcome) == ("2017-01-13", "granted")
    sold = sell(net, fuel, 1_000, mine, at=AT - timedelta(days=1))
    grocer.claim("s2", AT - timedelta(days=1), PAID, member=mine, at="fuel")
    grocer.claim("s3", AT, Money(40_000, "USD"), member=mine, at="fuel")
    fuel.move_claim("s3", "ask", "which pump?", partner="grocer")
    business_clock.move(net.hub, datetime(2017, 1, 13, 23, tzinfo=UTC))
    run(net.hub, None, lambda _: None)
    assert grocer.claim_state("s1").state == "open"
    business_clock.move(net.hub, datetime(2017, 1, 14, 1, tzinfo=UTC))
    run(net.hub, None, lambda _: None)
    states = {name: grocer.claim_state(name) for name in ("s1", "s2", "s3")}
    assert [one.state for one in states.values()] == ["granted", "declined", "declined"]
    assert states["s1"].moves[-1].by == "@deadline"
    assert sold.event_id in states["s2"].moves[-1].text
    query = text("SELECT DISTINCT partner_id FROM hub.webhook_message WHERE subject = 'grocer/s1 2'")
    with net.hub.database.connect() as connection:
        assert sorted(connection.execute(query).scalars()) == ["fuel", "grocer"]
