"""Lists at the local hub: pages in the order of recording, with cursors that stay good."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from partner_sdk.testing import exchanging, numbers
from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.books import Books, shown
from partner_sdk.testing.gate import Refusal
from partner_sdk.wire import base64url

Query = Mapping[str, Any]


def events(books: Books, query: Query) -> dict[str, Any]:
    """GET /v1/events; with gaps, as `gaps`."""
    if "gaps" in query:
        return gaps(books, query)
    recorded = sorted(books.events.values(), key=lambda event: (event.place, event.event_id))
    return _page("events", recorded, shown, f"events {books.partner}", query)


def gaps(books: Books, query: Query) -> dict[str, Any]:
    """GET /v1/events/gaps."""
    return _page("gaps", numbers.gaps(books), dict, f"gaps {books.partner}", query)


def exchanges(books: Books, query: Query) -> dict[str, Any]:
    """GET /v1/exchanges."""
    state = query.get("state", "")
    found = [one for one in books.exchanges.values() if one.state == (state or one.state)]
    return _page("exchanges", found, exchanging.brief, f"exchanges {books.partner} {state}", query)


def rates(books: Books) -> dict[str, Any]:
    """GET /v1/rates."""
    return {"rates": books.terms.rates()}


def ping(books: Books) -> dict[str, Any]:
    """GET /v1/ping."""
    return {
        "partner": books.partner,
        "keyid": books.caller.keyid,
        "key_state": books.caller.state,
        "server_time": instant(books.asked_at),
        "business_time": instant(books.now),
        "environment": "sandbox",
    }


def statements(books: Books, query: Query) -> dict[str, Any]:
    """GET /v1/statements: the local hub settles nothing, so there are none."""
    return _page("statements", [], dict, f"statements {books.partner}", query)


def statement(books: Books, cycle: str) -> dict[str, Any]:
    """GET /v1/statements/{cycle}."""
    raise Refusal("unknown_cycle", f"There is no published cycle {cycle[:40]!r}.")


def _page(
    name: str, items: Sequence[Any], show: Callable[[Any], dict[str, Any]], scope: str, query: Query
) -> dict[str, Any]:
    start, limit = _place(scope, query.get("cursor", "")), query["limit"]
    page = items[start : start + limit]
    cursor = base64url.encode(f"{scope}|{start + len(page)}".encode())
    return {name: [show(one) for one in page], "next_cursor": cursor, "more": len(items) > start + limit}


def _place(scope: str, cursor: str) -> int:
    try:
        found = re.fullmatch(rf"{re.escape(scope)}\|([0-9]+)", base64url.decode(cursor).decode())
    except ValueError:
        found = None
    if cursor and found is None:
        raise Refusal("cursor_invalid", "The cursor is not one that this list gave out.")
    return int(found[1]) if found else 0
