"""The figures of a run, in the one shape that any independent calculation can be compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.demo.coalition import PARTNERS
from hub.demo.replay import Totals


def figures(totals: Totals, outstanding_points: int, cycles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures; points and minor units are integers, ``net`` is positive when a partner receives."""
    return {
        "earnings": {
            "count": totals.earnings,
            "points": sum(totals.earned.values()),
            "by_partner": {partner: totals.earned[partner] for partner in sorted(PARTNERS)},
        },
        "redemptions": {
            "accepted": totals.accepted,
            "declined": totals.declined,
            "points": totals.redeemed_points,
            "minor": totals.redeemed_minor,
        },
        "expired_points": totals.expired_points,
        "outstanding_points": outstanding_points,
        "cycles": [_cycle(one) for one in cycles],
    }


def _cycle(cycle: Mapping[str, Any]) -> dict[str, Any]:
    positions = sorted(cycle["positions"], key=lambda one: (one["issuer"], one["redeemer"]))
    nets = {one["partner"]: one["net_minor"] for one in cycle["nets"]}
    return {
        "cycle": cycle["cycle"],
        "matrix": [
            {
                "issuer": one["issuer"],
                "redeemer": one["redeemer"],
                "points": one["points"],
                "minor": one["amount_minor"],
            }
            for one in positions
        ],
        "net": {partner: nets.get(partner, 0) for partner in sorted(PARTNERS)},
    }
