"""Credit lines: never exceeded by those who authorise, whoever races, and equal to a new count of the lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import count
from random import Random

import pytest
from sqlalchemy import Engine, create_engine, text

from settlement import limits
from settlement.core.exposure import CreditLine
from settlement.core.lines import Obligation
from settlement.errors import LimitReached
from settlement.intake import record
from settlement.limits import Promised
from tests.settlement.agreed import agree
from tests.settlement.sample import AT, close, correction, post, redemption

DAY = date(2017, 1, 15)
LATER = AT + timedelta(days=400)
BANK = ("bank", "USD")
_ids = count()


def limit(engine: Engine, minor: int, alert_minor: int | None = None) -> Mapping[tuple[str, str], CreditLine]:
    """Give bank a limit and return the credit lines."""
    alert = {} if alert_minor is None else {"alert_minor": alert_minor}
    with engine.begin() as connection:
        agree(connection, "bank", {"credit": {"form": "postpaid", "limit_minor": minor, **alert}})
        limits.renew(connection, DAY, AT)
        return limits.watched(connection)


def burn(points: int, issuer: str = "bank", redeemer: str = "fuel") -> list[Obligation]:
    return redemption(f"r{next(_ids)}", redeemer, {issuer: points})


def authorise(engine: Engine, lines: Sequence[Obligation], known: Mapping[tuple[str, str], CreditLine]) -> bool:
    """Post as a redemption is posted; False when the limit declines it."""
    try:
        with engine.begin() as connection:
            record(connection, lines)
            limits.count(connection, lines, known, authorise=True)
    except LimitReached:
        return False
    return True


def standing(engine: Engine) -> limits.LineView:
    with engine.connect() as connection:
        (view,) = limits.view(connection)
        return view


def recounted(engine: Engine, now: datetime = AT) -> limits.LineView:
    with engine.begin() as connection:
        limits.recount(connection, limits.watched(connection).values(), now)
    return standing(engine)


def test_a_line_is_used_up_to_the_last_unit_and_no_further(engine: Engine) -> None:
    known = limit(engine, 100, alert_minor=90)
    assert authorise(engine, burn(89), known)
    assert standing(engine)[3:5] == (89, 11)
    assert standing(engine).state == "open"
    assert authorise(engine, burn(1), known)
    assert standing(engine).state == "alert"
    assert not authorise(engine, burn(11), known)
    assert authorise(engine, burn(10), known)
    assert (standing(engine).left_minor, standing(engine).state) == (0, "stopped")
    assert not authorise(engine, burn(1), known)
    assert authorise(engine, burn(40, issuer="grocer", redeemer="bank"), known), "what bank is owed makes room"
    assert authorise(engine, burn(40), known)
    assert recounted(engine) == standing(engine)


def test_a_partner_without_a_limit_is_asked_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        agree(connection, "bank", {"credit": {"form": "postpaid"}})
        assert limits.renew(connection, DAY, AT) is False
        limits.count(connection, burn(10**9), {}, authorise=True)
        assert limits.view(connection) == []


def test_32_writers_never_exceed_a_line_and_leave_nothing_unused(engine: Engine) -> None:
    """Amounts of 1 to 9 against 2,000: what was accepted comes to the limit, less than one amount short of it."""
    known = limit(engine, 2_000)
    pool = create_engine(engine.url, pool_size=32, max_overflow=0)

    def write(seed: int) -> int:
        random, accepted = Random(seed), 0
        for _ in range(15):
            lines = burn(random.randint(1, 9))
            accepted += lines[0].amount_minor if authorise(pool, lines, known) else 0
        return accepted

    with ThreadPoolExecutor(32) as threads:
        accepted = sum(threads.map(write, range(32)))
    pool.dispose()
    view = standing(engine)
    assert 2_000 - 9 < accepted <= 2_000
    assert (view.exposure_minor, view.left_minor) == (accepted, 2_000 - accepted)
    assert recounted(engine) == view


def test_what_cannot_be_declined_is_counted_past_the_limit(engine: Engine) -> None:
    known = limit(engine, 100)
    lines = burn(130)
    with engine.begin() as connection:
        record(connection, lines)
        limits.count(connection, lines, known, authorise=False)
    assert standing(engine).left_minor == -30
    assert not authorise(engine, burn(1), known)
    back = correction("back", lines, 40)
    with engine.begin() as connection:
        record(connection, back)
        limits.count(connection, back, known, authorise=False)
    assert standing(engine).left_minor == 10
    assert authorise(engine, burn(10), known)
    assert recounted(engine).left_minor == 0


def test_a_hold_reserves_and_its_capture_or_end_gives_back(engine: Engine) -> None:
    known = limit(engine, 100)
    held = [burn(60), burn(30)]
    for place, lines in enumerate(held):
        with engine.begin() as connection:
            limits.reserve(connection, [Promised(("fuel", f"hold-{place}"), lines, AT + timedelta(hours=1))], known)
    assert standing(engine).left_minor == 10
    with engine.connect() as connection, pytest.raises(LimitReached):
        limits.reserve(connection, [Promised(("fuel", "third"), burn(11), LATER)], known)
    with engine.begin() as connection:
        captured = burn(50)
        record(connection, captured)
        reserved = limits.release(connection, [("fuel", "hold-0")])
        limits.count(connection, captured, known, authorise=False, reserved=reserved)
    assert standing(engine).left_minor == 20
    assert recounted(engine).left_minor == 20, "the other hold is still reserved"
    assert recounted(engine, LATER).left_minor == 50, "it has lapsed"


def test_a_limit_that_is_lowered_or_taken_away(engine: Engine) -> None:
    known = limit(engine, 100)
    assert authorise(engine, burn(80), known)
    known = limit(engine, 50)
    assert standing(engine)[2:5] == (50, 80, -30)
    assert not authorise(engine, burn(1), known)
    known = limit(engine, 200)
    assert authorise(engine, burn(120), known)
    with engine.begin() as connection:
        agree(connection, "bank", {"credit": {"form": "postpaid"}})
        assert limits.renew(connection, DAY, AT) is True
        assert limits.renew(connection, DAY, AT) is False
        assert limits.view(connection) == []


def test_what_was_posted_before_the_limit_and_what_is_paid(engine: Engine) -> None:
    """January is published and not paid: it still counts. Once it is paid in, only what came later does."""
    with engine.begin() as connection:
        post(connection, burn(70))
    with engine.begin() as connection:
        close(connection)
        post(connection, redemption("later", "fuel", {"bank": 5}, date(2017, 2, 3)))
    known = limit(engine, 100)
    assert standing(engine).exposure_minor == 75
    with engine.begin() as connection:
        connection.execute(text("UPDATE settlement.due SET charges_minor = -3 WHERE party = 'bank'"))
    assert recounted(engine).exposure_minor == 78, "with what the operator charges it"
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO settlement.cycle_move VALUES ('2017-01', 4, 'paid_in', 'ada', now(), '', '')")
        )
    assert recounted(engine).exposure_minor == 5
    assert authorise(engine, burn(95), known)
