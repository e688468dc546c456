"""Members of a sandbox that force an outcome, so that an integrator sees each one without waiting for it.

Both hubs that are no live ones, a sandbox and the test kit's, ask `play` before they answer. What is forced is
not recorded; all else goes its usual way. A live hub never asks: there these are names like any other.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

PREFIX = "token:sandbox-"
INSUFFICIENT = PREFIX + "insufficient"
"""Has too few points for whatever it is to spend or give."""
BLOCKED = PREFIX + "blocked"
"""Is refused as member_blocked; its sales are rejected so."""
QUARANTINED = PREFIX + "quarantined"
"""Its sales are set aside for the operator to look at."""
SLOW = PREFIX + "slow"
"""Its request is done as usual and answered SLOW_S later."""
ERROR = PREFIX + "error"
"""The hub fails: internal_error, and nothing is done."""
SLOW_S = 5.0

Body = Mapping[str, Any]
Answer = dict[str, Any]
Refuse = Callable[..., Exception]
_BLOCKED_DETAIL = "The operator has blocked the member."
_LATE_DETAIL = "It came later than the contract allows; the operator decides whether it counts."
_FEW_DETAIL = "The member has too few available points; nothing was changed."


def named(body: Body, path: Mapping[str, str] | None = None) -> frozenset[str]:
    """The members of this page that a request names, in its body or as the member of its path."""
    return frozenset(one for one in (*_members(body), (path or {}).get("member", "")) if one.startswith(PREFIX))


def play(
    body: Body,
    forced: frozenset[str],
    usual: Callable[[Body], Answer],
    refuse: Refuse,
    wait: Callable[[float], None],
) -> Answer:
    """The answer to a request that names these members.

    `usual` answers what is not forced, `refuse` makes the error that a code and a detail are refused with, and
    `wait` lets so many seconds pass.
    """
    if ERROR in forced:
        raise refuse("internal_error", "The hub failed, as it was asked to.")
    answer = _reported(body, usual) if "earnings" in body else _asked(body, forced, usual, refuse)
    if SLOW in forced:
        wait(SLOW_S)
    return answer


def _members(value: Any) -> Iterator[str]:
    """Every member that a body names, as itself or as the one who is given to."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name in ("member", "to") and isinstance(part, str):
                yield part
            yield from _members(part)
    elif isinstance(value, list):
        for part in value:
            yield from _members(part)


def _reported(body: Body, usual: Callable[[Body], Answer]) -> Answer:
    """Force the sales of some members and post the others; the results keep their order."""
    results = [_result(sale) for sale in body["earnings"]]
    others = [sale for sale, result in zip(body["earnings"], results, strict=True) if result is None]
    posted = iter(usual({**body, "earnings": others})["results"] if others else ())
    return {"results": [result or next(posted) for result in results]}


def _result(sale: Body) -> Answer | None:
    if sale["member"] == QUARANTINED:
        return quarantined(sale["event_id"])
    if sale["member"] == BLOCKED:
        return result(sale["event_id"], "rejected", "member_blocked", _BLOCKED_DETAIL)
    return None


def quarantined(event_id: str) -> Answer:
    """The result of a report that is quarantined, because it came too late."""
    return result(event_id, "quarantined", "too_late", _LATE_DETAIL)


def result(event_id: str, status: str, code: str, detail: str) -> Answer:
    """The result of a report that was not posted."""
    return {"event_id": event_id, "status": status, "points": 0, "error": {"code": code, "detail": detail}}


def _asked(body: Body, forced: frozenset[str], usual: Callable[[Body], Answer], refuse: Refuse) -> Answer:
    if BLOCKED in forced and "members" not in body:
        raise refuse("member_blocked", _BLOCKED_DETAIL)
    quoted = body.get("redemption")
    if quoted is not None and quoted["member"] == INSUFFICIENT:
        return {"redemption": {"points": quoted["points"], "available": 0, "enough": False}}
    if body.get("member") == INSUFFICIENT and "points" in body:
        raise refuse("insufficient_points", _FEW_DETAIL, **_id_of(body))
    return usual(body)


def _id_of(body: Body) -> dict[str, Any]:
    return {"redemption_id": body["redemption_id"]} if "redemption_id" in body else {}
