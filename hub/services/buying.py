"""Points that members buy: an exchange whose source is money, at a dated rate with limits, paid by a named payment.

The partner takes the payment and says how it went, as for any exchange: it confirms, or lets the exchange fail. What
is open counts against the limits, what failed or was reversed does not.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from hub.core.errors import Refused
from hub.core.exchange import ExchangeRate
from hub.services.context import Moment, Partner
from hub.services.exchange_quotes import Quote
from hub.store import accounts, exchanges
from hub.store.database import Connection


def check(
    connection: Connection, moment: Moment, partner: Partner, member_id: int, quote: Quote, payment: str | None
) -> None:
    """Refuse to take a quote without a payment where one is needed, or beyond what a member may give; under its lock.

    Raises:
        Refused: ``payment_missing`` or ``limit_exceeded``.
    """
    rate = _rate_of(partner, quote)
    if rate.payment and payment is None:
        raise Refused("payment_missing", f"At this rate {quote.unit} come by a payment; name it.")
    if rate.most_a_day is None and rate.most_a_year is None:
        return
    family = accounts.family(connection, member_id)
    day = datetime.combine(moment.day, time(), UTC)
    sums = exchanges.given(connection, partner.partner_id, family, quote.unit, day, day.replace(month=1, day=1))
    for words, most, before in zip(("day", "year"), (rate.most_a_day, rate.most_a_year), sums, strict=True):
        if most is not None and before + quote.source > most:
            raise Refused(
                "limit_exceeded", f"A member gives at most {most} {quote.unit} in a {words}, and gave {before} before."
            )


def _rate_of(partner: Partner, quote: Quote) -> ExchangeRate:
    versions = partner.exchanges[quote.direction, quote.unit].versions
    return next(one for one in versions if one.version == quote.rate_version)
