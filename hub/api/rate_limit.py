"""The header fields that tell a caller where it stands (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from hub.services.rate_limits import Standing


def fields(standing: Standing) -> dict[str, str]:
    """Return ``RateLimit-Policy`` and ``RateLimit``; how much is left is an estimate of one process of several."""
    limit = standing.limit
    return {
        "RateLimit-Policy": f'"{limit.name}";q={limit.a_second};w=1',
        "RateLimit": f'"{limit.name}";r={standing.left};t={standing.whole_wait_s}',
    }
