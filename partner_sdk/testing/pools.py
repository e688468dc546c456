"""Household pools at the local hub: members put their points together, and some may spend from all."""

from collections.abc import Mapping
from typing import Any

from partner_sdk.testing.accounts import Account
from partner_sdk.testing.books import Books, Event, Place
from partner_sdk.testing.gate import Refusal

Asked = Mapping[str, Any]


def post(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/pools."""
    event_id, pool_id, places = asked["event_id"], (books.partner, asked["pool_id"]), books.coalition.places
    if first := books.first_answer(event_id, "pool", asked):
        return first
    joining = [(books.find(one["member"]), Place(pool_id, one["share"], one["may_spend"])) for one in asked["members"]]
    accounts = [account for account, _ in joining]
    if len(set(map(id, accounts))) < len(accounts):
        raise Refusal("same_member", "Two of the identifiers are of one member.")
    if any(account in places and places[account].pool_id != pool_id for account in accounts):
        raise Refusal("in_another_pool", "One of the members is in another pool; it has to leave that first.")
    for account in [one for one, place in places.items() if place.pool_id == pool_id]:
        del places[account]
    places.update(joining)
    answer = {"event_id": event_id, "pool_id": asked["pool_id"], "status": "posted", "members": len(accounts)}
    return books.record(Event(event_id, "pool", Account(), 0, asked, answer))


def payers(books: Books, account: Account) -> list[tuple[Account, int]]:
    """Who pays what a member spends from its pool, with their shares; refuses not_in_pool."""
    places = books.coalition.places
    own = places.get(account)
    if own is None or not own.may_spend:
        raise Refusal("not_in_pool", "The member is in no pool that it may spend from.")
    known = dict.fromkeys(books.members.values())
    return [(one, places[one].share) for one in known if one in places and places[one].pool_id == own.pool_id]
