"""A process's share of an allowance: portions, credit, and when to ask again."""

from __future__ import annotations

import pytest

from hub.core.rate_limits import Limit, RateLimited, Share


def _taken(share: Share, limit: Limit, now: float, attempts: int) -> int:
    """How many requests are let through before the share wants to draw."""
    for number in range(attempts):
        if share.take(limit, now) is None:
            return number
    return attempts


def test_a_share_counts_down_what_was_drawn() -> None:
    share, limit = Share(), Limit("partner", 100)
    assert share.take(limit, 0) is None
    share.add(limit, 5, 95, 0)
    assert [standing.left for standing in (share.take(limit, 0) for _ in range(5)) if standing] == [99, 98, 97, 96, 95]
    assert share.take(limit, 0) is None


def test_too_little_is_not_asked_for_again_before_there_is_a_portion() -> None:
    share, limit = Share(), Limit("partner", 100)
    share.add(limit, 2, 0.5, 10)
    assert _taken(share, limit, 10, 2) == 2
    assert not share.has_to_draw(10)
    with pytest.raises(RateLimited) as refused:
        share.take(limit, 10)
    assert refused.value.standing.wait_s == pytest.approx(0.045)
    assert refused.value.standing.whole_wait_s == 1
    assert share.has_to_draw(10.05)
    assert share.take(limit, 10.05) is None


def test_who_comes_seldom_has_credit() -> None:
    share, limit = Share(), Limit("address", 100, on_credit=True)
    assert _taken(share, limit, 0, 50) == 5
    assert share.take(limit, 0.9) is None
    assert _taken(share, limit, 1, 50) == 5


def test_a_partner_has_none() -> None:
    assert Share().take(Limit("partner", 100), 0) is None


def test_a_small_limit_is_drawn_one_by_one() -> None:
    assert [Limit("partner", a_second).portion for a_second in (1, 19, 40, 10_000)] == [1, 1, 2, 500]
