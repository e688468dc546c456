"""Rates between a partner's own currency and coalition points: publishing them, and which is in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.core.errors import Refused, TermsRefused
from hub.core.exchange import ExchangeRate
from hub.services import gains
from hub.services.context import Hub, Partner
from hub.store import configuration
from hub.store.database import Connection


def publish(hub: Hub, partner_id: str, valid_from: date | None, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Add a version of an exchange rate, in force from ``valid_from`` or today on, and return it as `shown` does.

    Directions and units are versioned apart. What was quoted under an earlier version can still be taken for its
    time.

    Raises:
        Refused: ``unknown_partner``, or ``not_allowed`` when the terms make no sense or somebody could gain by
            them; the detail then shows the cycle.
    """

    def work(connection: Connection) -> ExchangeRate:
        configuration.lock(connection)
        moment = hub.moment(connection)
        partner = moment.configuration.partner(partner_id)
        rate = _read(partner, valid_from or moment.day, terms)
        now = hub.real_time()
        gains.refuse(connection, moment, now, partner_id, rate)
        kind = gains.line_of(partner_id, rate).kind
        configuration.add_rate(connection, partner_id, kind, rate.valid_from, rate.currency, rate.terms(), now)
        return rate

    return shown(hub.database.transact(work))


def _read(partner: Partner, valid_from: date, terms: Mapping[str, Any]) -> ExchangeRate:
    direction = terms.get("direction")
    versions = [
        one.version
        for (towards, _), dated in partner.exchanges.items()
        if towards == direction
        for one in dated.versions
    ]
    try:
        return ExchangeRate.of(max(versions, default=0) + 1, valid_from, partner.partner_id, terms)
    except TermsRefused as error:
        raise Refused("not_allowed", f"{error}.") from error


def rate_on(partner: Partner, day: date, direction: str, unit: str) -> ExchangeRate:
    """Return the rate in force on a day.

    Raises:
        Refused: ``no_rate``.
    """
    timeline = partner.exchanges.get((direction, unit))
    rate = timeline.on(day) if timeline else None
    if rate is None:
        raise Refused("no_rate", f"The partner has no rate in force on {day} to exchange {unit} {direction}.")
    return rate


def listing(partner: Partner) -> list[dict[str, Any]]:
    """Return every version of a partner's exchange rates."""
    return [shown(one) for _, timeline in sorted(partner.exchanges.items()) for one in timeline.versions]


def shown(rate: ExchangeRate) -> dict[str, Any]:
    """Return a version as it goes out: ``exchange`` holds its terms."""
    dated = {"kind": "exchange", "version": rate.version, "valid_from": str(rate.valid_from)}
    return {**dated, "exchange": rate.terms()}
