"""What an issuer's points come to: what members still hold, until when its packs last, and what a cycle cost.

Points are valued at what the issuer pays for them: its issue price where it pays at issue, otherwise the price that it
is itself reimbursed at. The value of what others will be paid on redemption is known only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import NEVER_EXPIRES
from hub.services import pack_sales
from hub.services.context import Hub, Moment
from hub.store import liability
from settlement.core.contracts import price_of_kind
from settlement.core.periods import period
from settlement.core.pricing import value_minor
from settlement.errors import UnknownCycle

FORECAST_DAYS = 30
"""Days whose rate of giving points out foretells when a pack is empty."""

Value = Callable[[int, str], int]
Sums = dict[str, Any]


def of_partner(hub: Hub, partner_id: str) -> dict[str, Any]:
    """Return what members hold of an issuer's points, valued, and a forecast of its packs.

    Raises:
        Refused: ``unknown_partner``.
    """
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        currency, value = _valuing(moment, partner_id, moment.day)
        rows, owed = liability.held(connection, partner_id), liability.debt(connection, partner_id)
        since = moment.day - timedelta(days=FORECAST_DAYS - 1)
        drawn = liability.drawn(connection, partner_id, since, moment.day)
    held = [
        ({} if row.month.year == NEVER_EXPIRES.year else {"month": f"{row.month:%Y-%m}"})
        | {"kind": row.kind, "points": row.points}
        | _money("value", value(row.points, row.kind), currency)
        for row in rows
    ]
    whole = sum(value(row.points, row.kind) for row in rows)
    return {
        "as_of": str(moment.day),
        "points": sum(row.points for row in rows),
        "debt_points": owed,
        **_money("value", whole, currency),
        "held": held,
        "packs": [_forecast(pack, drawn.get(pack["pack"], 0)) for pack in _open(hub, partner_id)],
    }


def accruals(hub: Hub, partner_id: str, cycle: str) -> dict[str, Any]:
    """Return what an issuer's points of a cycle's days came to, by reporter, card product and category.

    Raises:
        Refused: ``unknown_cycle``, ``unknown_partner``.
    """
    try:
        days = period(cycle)
    except UnknownCycle as error:
        raise Refused("unknown_cycle", f"{error}.") from error
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        currency, value = _valuing(moment, partner_id, min(days.last_day, moment.day))
        rows = liability.accrued(connection, partner_id, days.first_day, days.last_day)
    sums: dict[tuple[str, str | None, str | None], Sums] = {}
    totals = _nothing()
    for row in rows:
        own = sums.setdefault((row.reporter, row.product, row.category), _nothing())
        for one in (own, totals):
            _add(one, row, value)
    named = [(dict(zip(("reporter", "product", "category"), key, strict=True)), one) for key, one in sums.items()]
    return {
        "cycle": cycle,
        "first_day": str(days.first_day),
        "last_day": str(days.last_day),
        "accruals": [
            {name: text for name, text in key.items() if text is not None} | _shown(one, currency) for key, one in named
        ],
        "totals": _shown(totals, currency),
    }


def _nothing() -> Sums:
    return {"given_points": 0, "taken_points": 0, "covered_points": 0, "value": 0, "owed": {}}


def _add(sums: Sums, row: Any, value: Value) -> None:
    sums["given_points"] += row.given
    sums["taken_points"] += row.taken
    sums["covered_points"] += row.covered
    sums["value"] += value(row.given - row.taken, row.kind)
    if row.currency is not None:
        sums["owed"][row.currency] = sums["owed"].get(row.currency, 0) + row.minor


def _shown(sums: Sums, currency: str | None) -> dict[str, Any]:
    owed = [{"minor": minor, "currency": name} for name, minor in sorted(sums["owed"].items())]
    counted = {name: number for name, number in sums.items() if name not in ("owed", "value")}
    return counted | _money("value", sums["value"], currency) | {"owed": owed}


def _valuing(moment: Moment, partner_id: str, day: date) -> tuple[str | None, Value]:
    """Return in which currency points of an issuer are valued, and how; by nothing where it has no price."""
    partner = moment.configuration.partner(partner_id)
    contract = partner.contracts.on(day)
    terms = partner.money.get(contract.version) if contract else None
    if terms and terms.issue_share:
        prices = terms.issue_prices[terms.currency]

        def at_issue(points: int, kind: str) -> int:
            price = price_of_kind(prices, kind)
            return value_minor(points, price.numerator, price.denominator)

        return terms.currency, at_issue
    own = partner.prices.on(day)
    if own is None:
        return None, lambda points, kind: 0
    return own.currency, lambda points, kind: value_minor(points, own.numerator, own.denominator)


def _money(name: str, minor: int, currency: str | None) -> dict[str, Any]:
    return {name: {"minor": minor, "currency": currency}} if currency else {}


def _open(hub: Hub, partner_id: str) -> list[dict[str, Any]]:
    return [pack for pack in pack_sales.of_partner(hub, partner_id) if pack["state"] == "open"]


def _forecast(pack: Mapping[str, Any], drawn: int) -> dict[str, Any]:
    """Return when a pack is empty if as much is given out as in the last days; never, if nothing was."""
    days = {"days_left": pack["left_points"] * FORECAST_DAYS // drawn} if drawn > 0 else {}
    shown = {name: pack[name] for name in ("pack", "left_points", "valid_until")}
    return shown | {"drawn_points": drawn} | days
