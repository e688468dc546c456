"""Quotes at the local hub: what an earning, a redemption or an exchange would give."""

from collections.abc import Mapping
from typing import Any

from partner_sdk.testing import exchanging, sales, spending
from partner_sdk.testing.books import Books, spelled
from partner_sdk.testing.gate import Refusal

Asked = Mapping[str, Any]


def quote(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/quotes."""
    [(kind, wanted)] = asked.items()
    return {kind: _QUOTES[kind](books, wanted)}


def _earning(books: Books, sale: Asked) -> dict[str, Any]:
    points = sales.priced(books, sale)
    if not books.terms.enrols_unknown and spelled(sale["member"]) not in books.members:
        raise Refusal("unknown_member", "No member has this identifier.")
    return sales.promised(books, sale, points) | {"rate_version": 1}


def _redemption(books: Books, asked: Asked) -> dict[str, Any]:
    points = asked["points"]
    available, lots = spending.paying(books, asked)
    found = {"points": points, "available": available, "enough": available >= points}
    if available < points:
        return found
    return spending.priced(books.terms, lots) | found


_QUOTES = {"earning": _earning, "redemption": _redemption, "exchange": exchanging.quote}
