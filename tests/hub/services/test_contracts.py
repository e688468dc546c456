"""Contracts: two people, a digest, and no price that was used is ever changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.core.errors import LedgerBroken, Refused
from hub.services import contracts, partners
from hub.services.context import Hub
from settlement import contracts as settled
from tests.support.agreements import ON_ISSUE, PRICES, SPLIT, agree, draft
from tests.support.coalition import FIRST_DAY, NOON, Coalition
from tests.support.services import earn, redeem
from tests.support.threads import at_once

TODAY = NOON.date()
TOMORROW = TODAY + timedelta(days=1)
PLAIN = {"currency": "USD", "dispute_days": 30}
ACCOUNT = {
    "iban": "DE89370400440532013000",
    "name": "Grocer GmbH",
    "address": {"town": "Hamburg", "country": "DE"},
}


@pytest.fixture
def hub(built: Coalition) -> Hub:
    return built.hub


def refused(attempt: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(Refused) as refusal:
        attempt()
    return refusal.value.code, refusal.value.detail


def publish(hub: Hub, made: dict[str, Any], author: str = "peter", **changes: str) -> dict[str, Any]:
    return contracts.publish(hub, made["draft"], changes.get("digest", made["digest"]), author)


def newest(hub: Hub) -> int:
    return max(int(one["version"]) for one in partners.show(hub, "grocer")["contracts"])


def test_what_a_second_person_publishes_is_the_hub_s_and_settlement_s(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN, breakage="coalition")
    assert newest(hub) == 1
    assert publish(hub, made) == {"partner": "grocer", "version": 2, "valid_from": "2017-01-01"}
    shown = contracts.show(hub, "grocer", 2)
    assert shown["terms"] == {"settlement": PLAIN, "breakage": "coalition"}
    assert (shown["drafted_by"], shown["published_by"], shown["in_force"]) == ("olga", "peter", True)
    with hub.database.connect() as connection:
        copy = settled.find(connection, "grocer", 2)
        assert copy is not None
        assert copy.contract.terms.breakage == "coalition"
        assert copy.contract.terms.dispute_days == 30
    assert contracts.show(hub, "grocer", 1)["terms"] == {}
    assert contracts.drafts(hub) == []


def test_one_person_is_not_two_and_a_digest_is_of_what_was_seen(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN, author="Olga  Meyer")
    assert refused(lambda: publish(hub, made, "olga meyer"))[0] == "not_allowed"
    assert refused(lambda: publish(hub, made, digest="00" * 32))[0] == "proposal_changed"
    assert refused(lambda: publish(hub, {"draft": "none", "digest": ""}))[0] == "unknown_proposal"
    assert refused(lambda: publish(hub, made, " "))[0] == "invalid_request"
    assert newest(hub) == 1
    with pytest.raises(IntegrityError, match="contract_draft"), hub.database.connect() as connection:
        connection.execute(text("UPDATE hub.contract_draft SET state = 'published', version = 2, decided_by = author,"
                                " decided_at = now()"))  # fmt: skip


def test_the_same_publication_again_gets_the_first_answer_and_another_does_not(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN)
    first = publish(hub, made)
    assert publish(hub, made) == first | {"duplicate": True}
    assert refused(lambda: publish(hub, made, "paula"))[0] == "proposal_closed"
    assert refused(lambda: contracts.withdraw(hub, made["draft"], "olga"))[0] == "proposal_closed"
    assert newest(hub) == 2


def test_a_draft_is_void_once_another_version_came_between(hub: Hub) -> None:
    stale, other = draft(hub, "grocer", PLAIN), draft(hub, "grocer", PLAIN | {"dispute_days": 31})
    publish(hub, other)
    assert refused(lambda: publish(hub, stale)) == (
        "proposal_changed",
        "Another version was published since; draft this one again.",
    )
    assert contracts.withdraw(hub, stale["draft"], "olga")["state"] == "withdrawn"
    assert refused(lambda: publish(hub, stale))[0] == "proposal_closed"


def test_of_two_publications_at_once_one_counts(hub: Hub) -> None:
    made = [draft(hub, "grocer", PLAIN | {"dispute_days": days}) for days in (31, 32)]

    def outcome(one: dict[str, Any]) -> str:
        try:
            return "published" if publish(hub, one)["version"] == 2 else "other"
        except Refused as refusal:
            return refusal.code

    found = at_once([partial(outcome, one) for one in made])
    assert Counter(found) == {"published": 1, "proposal_changed": 1}
    assert newest(hub) == 2


def test_a_draft_that_was_altered_is_not_published(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN)
    altered = """UPDATE hub.contract_draft SET document = jsonb_set(document, '{terms,settlement,dispute_days}', '3')"""
    hub.database.transact(lambda connection: connection.execute(text(altered)))
    with pytest.raises(LedgerBroken, match=made["draft"]):
        publish(hub, made)


def test_a_version_begins_where_nothing_was_priced(hub: Hub) -> None:
    agree(hub, "grocer", PLAIN)
    earn(hub, "grocer", "e1", "card:1", 5_000)
    redeem(hub, "fuel", "r1", "card:1", 10)
    for partner in ("grocer", "fuel"):
        for day in (FIRST_DAY, TODAY):
            code, detail = refused(partial(draft, hub, partner, PLAIN, day))
            assert (code, f"after {TODAY}" in detail) == ("not_allowed", True)
        assert draft(hub, partner, PLAIN, TOMORROW)["state"] == "open"
    assert draft(hub, "pharmacy", PLAIN)["state"] == "open"


def test_what_is_drafted_in_time_and_published_too_late_is_refused(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN, TODAY)
    earn(hub, "grocer", "e1", "card:1", 5_000)
    assert refused(lambda: publish(hub, made))[0] == "not_allowed"
    assert "was priced" in contracts.show_draft(hub, made["draft"])["would_be_refused"]


def test_how_points_are_paid_for_is_fixed_once_there_is_one(hub: Hub) -> None:
    agree(hub, "grocer", ON_ISSUE)
    agree(hub, "grocer", SPLIT)
    earn(hub, "grocer", "e1", "card:1", 5_000)
    for other in (ON_ISSUE, PLAIN):
        code, detail = refused(partial(draft, hub, "grocer", other, TOMORROW))
        assert (code, "second partner id" in detail) == ("not_allowed", True)
    dearer = SPLIT | {"issue_prices": {"USD": {"base": "1"}}}
    assert agree(hub, "grocer", dearer, TOMORROW)["version"] == 4


def test_another_funding_holds_at_once_so_that_nothing_is_issued_before(hub: Hub) -> None:
    assert refused(lambda: draft(hub, "grocer", ON_ISSUE, TOMORROW))[0] == "not_allowed"
    agree(hub, "grocer", PLAIN, TOMORROW)
    assert refused(lambda: draft(hub, "grocer", ON_ISSUE, TODAY))[0] == "not_allowed"


def test_the_price_of_a_contract_is_the_rate_at_which_its_partner_redeems(hub: Hub) -> None:
    agree(hub, "fuel", PLAIN | {"reimbursement_prices": {"USD": {"base": "0.25"}}})
    earn(hub, "grocer", "e1", "card:1", 5_000)
    assert redeem(hub, "fuel", "r1", "card:1", 40)["value"] == {"minor": 10, "currency": "USD"}
    fraction = {"numerator": 1, "denominator": 1}
    code, detail = refused(lambda: partners.set_rate(hub, "fuel", "reimbursement", TOMORROW, "USD", fraction))
    assert (code, "term of the partner's contract" in detail) == ("not_allowed", True)


def test_terms_about_money_are_not_set_by_one_person(hub: Hub) -> None:
    terms = {"settlement": PLAIN}
    assert refused(lambda: partners.set_contract(hub, "grocer", TOMORROW, terms=terms))[0] == "not_allowed"
    assert refused(lambda: partners.add(hub, "bank", "Bank", FIRST_DAY, 6, True, terms))[0] == "not_allowed"
    agree(hub, "grocer", PLAIN)
    assert refused(lambda: partners.set_contract(hub, "grocer", TOMORROW, life_months=3))[0] == "not_allowed"


@pytest.mark.parametrize(
    "money",
    [
        None,
        [],
        {"currency": "USD", "funding": "on_issue"},
        {"currency": "USD", "issue_prices": PRICES},
        {"currency": "USD", "interest": "1"},
        {"currency": "USD", "fee": {"side": "issued", "percent": 1.5}},
        {"currency": "USD", "account": {**ACCOUNT, "iban": "DE89370400440532013001"}},
        {"currency": "USD", "breakage": "issuer"},
        {"currency": "USD", "reimbursement_prices": {"USD": {"base": "0.0000001"}}},
        {"currency": "USD", "reimbursement_prices": {"USD": {"base": "123.456789"}}},
        {"currency": "USD", "reimbursement_prices": {"USD": {"base": "1", "bonus": "1/2"}}},
    ],
)
def test_hostile_terms_are_refused_with_a_code(hub: Hub, money: Any) -> None:
    assert refused(lambda: draft(hub, "grocer", money))[0] == "not_allowed"


def test_an_account_is_shown_to_who_asks_for_it_only(hub: Hub) -> None:
    made = draft(hub, "grocer", PLAIN | {"account": ACCOUNT})
    publish(hub, made)
    everywhere = [
        made,
        contracts.show_draft(hub, made["draft"]),
        contracts.show(hub, "grocer"),
        contracts.drafts(hub, everything=True),
        partners.show(hub, "grocer"),
        hub.last_moment,
    ]
    for shown in everywhere:
        assert "0532013000" not in repr(shown)
        assert "Grocer GmbH" not in repr(shown)
    asked = contracts.show_draft(hub, made["draft"], account=True), contracts.show(hub, "grocer", account=True)
    assert all(one["terms"]["settlement"]["account"] == ACCOUNT for one in asked)


def test_a_difference_names_each_term_with_both_values(hub: Hub) -> None:
    agree(hub, "grocer", PLAIN)
    made = draft(hub, "grocer", PLAIN | {"dispute_days": 20, "fee": {"side": "issued"}}, TOMORROW)
    assert contracts.diff(hub, made["draft"]) == [
        {"term": "settlement.dispute_days", "before": 30, "after": 20},
        {"term": "settlement.fee.side", "before": None, "after": "issued"},
    ]


def test_rates_of_tax_are_dated_and_only_added(hub: Hub) -> None:
    contracts.add_tax_rate(hub, "DE", FIRST_DAY, "19", "olga")
    contracts.add_tax_rate(hub, "DE", date(2017, 7, 1), "7.5", "olga")
    assert contracts.tax_rates(hub) == [
        {"code": "DE", "valid_from": "2017-01-01", "percent": "19"},
        {"code": "DE", "valid_from": "2017-07-01", "percent": "15/2"},
    ]
    for code, percent in (("DE", "20"), ("", "1"), ("FR", "101"), ("FR", "x")):
        assert refused(partial(contracts.add_tax_rate, hub, code, FIRST_DAY, percent, "olga"))[0] == "not_allowed"


def test_a_document_survives_the_way_into_the_database(hub: Hub) -> None:
    agree(hub, "grocer", ON_ISSUE | {"account": ACCOUNT, "tax_code": "Ä"})
    with hub.database.connect() as connection:
        document, account = connection.execute(text("SELECT terms, account FROM settlement.contract")).one()
    assert account == ACCOUNT
    assert "account" not in json.dumps(document)
    assert document == ON_ISSUE | {"tax_code": "Ä", "breakage": "issuer"}
