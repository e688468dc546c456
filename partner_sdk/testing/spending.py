"""Redemptions at the local hub: spent at once or held first, captured, voided, reversed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from partner_sdk.testing import pools
from partner_sdk.testing.accounts import Account, Hold, Lot, burn, first_of, points_of
from partner_sdk.testing.arithmetic import instant, months_end, split_points, value_minor
from partner_sdk.testing.books import Books, Event
from partner_sdk.testing.gate import Refusal
from partner_sdk.testing.terms import Terms

Asked = Mapping[str, Any]


def paying(books: Books, asked: Asked) -> tuple[int, list[Lot]]:
    """What a redemption or its quote could spend, and the lots that it takes if that suffices.

    Refuses unknown_member, not_in_pool and debts.
    """
    account, points = books.find(asked["member"]), asked["points"]
    payers = pools.payers(books, account) if asked.get("pool") else [(account, 1)]
    purses = []
    for payer, _ in payers:
        payer.settle(books.now)
        check_debts(payer)
        purses.append(payer.spendable(books.now))
    caps = [points_of(purse) for purse in purses]
    if sum(caps) < points:
        return sum(caps), []
    parts = split_points(points, [share for _, share in payers], caps)
    return sum(caps), [lot for purse, part in zip(purses, parts, strict=True) for lot in first_of(purse, part)]


def check_debts(account: Account) -> None:
    """Refuse (member_in_debt) a member that owes points."""
    if account.debts:
        raise Refusal("member_in_debt", "The member owes points; what it earns next pays them first.")


def priced(terms: Terms, lots: list[Lot], minors: list[int] | None = None) -> dict[str, Any]:
    """What lots are worth, as answers show it."""
    worth = terms.valued([lot.points for lot in lots]) if minors is None else minors
    return {
        "points": points_of(lots),
        "value": {"minor": sum(worth), "currency": terms.currency},
        "lots": [
            {"issuer": lot.key.issuer, "points": lot.points, "minor": minor}
            for lot, minor in zip(lots, worth, strict=True)
        ],
    }


def redeem(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/redemptions."""
    redemption_id, kind = asked["redemption_id"], "hold" if "hold" in asked else "redemption"
    account = books.find(asked["member"])
    if first := books.first_answer(redemption_id, kind, asked):
        if first["status"] == "declined":
            raise _declined(redemption_id, duplicate=True)
        return first
    _, lots = paying(books, asked)
    if not lots:
        _record_declined(books, asked, kind, account)
        raise _declined(redemption_id)
    return _hold(books, asked, account, lots) if kind == "hold" else _spend(books, asked, account, lots)


def _declined(redemption_id: str, **members: Any) -> Refusal:
    detail = "The member has too few available points; nothing was changed."
    return Refusal("insufficient_points", detail, redemption_id=redemption_id, **members)


def _record_declined(books: Books, asked: Asked, kind: str, account: Account) -> None:
    shown = {"error": {"code": "insufficient_points", "detail": "Refused when it was reported."}}
    answer = {"status": "declined"}
    books.record(
        Event(asked["redemption_id"], kind, account, asked["points"], asked, answer, shown, status="rejected")
    )  # fmt: skip


def _spend(books: Books, asked: Asked, account: Account, lots: list[Lot]) -> dict[str, Any]:
    burn(lots)
    return books.record(_burnt(books, asked["redemption_id"], "redemption", account, asked, lots, "posted"))


def _burnt(
    books: Books, event_id: str, kind: str, account: Account, content: Asked, lots: list[Lot], status: str
) -> Event:
    worth = priced(books.terms, lots)
    answer = {"redemption_id": event_id, "status": status, **worth}
    minors = [lot["minor"] for lot in worth["lots"]]
    shown = {"value": worth["value"]}
    return Event(event_id, kind, account, worth["points"], content, answer, shown, lots=lots, minors=minors)


def _hold(books: Books, asked: Asked, account: Account, lots: list[Lot]) -> dict[str, Any]:
    event = _burnt(books, asked["redemption_id"], "hold", account, asked, lots, "pending")
    until = books.now + timedelta(seconds=asked["hold"])
    books.holds[event.event_id] = hold = Hold(lots, event.minors, until)
    for payer in {id(lot.owner): lot.owner for lot in lots}.values():
        payer.holds.append(hold)
    event.answer["held_until"] = instant(until)
    return books.record(event)


# --- what becomes of a hold ---


def _open_hold(books: Books, redemption_id: str, ending: str, content: Asked) -> tuple[Hold, dict[str, Any] | None]:
    """A hold, with the answer to a repetition of its ending."""
    if redemption_id not in books.holds:
        raise Refusal("unknown_event", "There is no hold with this id; a redemption without hold is final.")
    hold = books.holds[redemption_id]
    first = books.first_answer(f"{redemption_id}/{ending}", ending, content)
    state = hold.state_at(books.now)
    if first is None and state != "open":
        raise Refusal("hold_closed", f"The hold is {state}.", state=state)
    return hold, first


def capture(books: Books, asked: Asked, redemption_id: str) -> dict[str, Any]:
    """POST /v1/redemptions/{redemption_id}/capture."""
    held = points_of(books.holds[redemption_id].lots) if redemption_id in books.holds else 0
    points = asked.get("points", held)
    content = {"redemption_id": redemption_id, "points": points}
    hold, first = _open_hold(books, redemption_id, "capture", content)
    if first:
        return first
    if points > held:
        raise Refusal("exceeds_original", f"The hold is of {held} points.")
    account, lots = books.events[redemption_id].account, first_of(hold.lots, points)
    hold.state = "captured"
    burn(lots)
    captured = f"{redemption_id}/capture"
    event = _burnt(books, captured, "capture", account, content, lots, "posted")
    event.answer |= {"redemption_id": redemption_id, "released": held - points}
    event.refers_to = redemption_id
    return books.record(event)


def void(books: Books, asked: Asked, redemption_id: str) -> dict[str, Any]:
    """POST /v1/redemptions/{redemption_id}/void."""
    hold, first = _open_hold(books, redemption_id, "void", content := {"redemption_id": redemption_id})
    if first:
        return first
    hold.state = "voided"
    answer = {"redemption_id": redemption_id, "status": "voided", "points": points_of(hold.lots)}
    account = books.events[redemption_id].account
    voided = Event(
        f"{redemption_id}/void", "void", account, points_of(hold.lots), content, answer, refers_to=redemption_id
    )  # fmt: skip
    return books.record(voided)


# --- reversals ---


def reverse(books: Books, asked: Asked, redemption_id: str) -> dict[str, Any]:
    """POST /v1/redemptions/{redemption_id}/reverse."""
    original = _original(books, redemption_id)
    reversal_id = asked.get("reversal_id") or f"{redemption_id}/reverse"
    content = {**asked, "reversal_id": reversal_id, "redemption_id": redemption_id}
    if first := books.first_answer(reversal_id, "reversal", content):
        return first
    before = sum(one.points for one in books.following(original.event_id, "reversal"))
    left = original.points - before
    points = asked.get("points", left)
    if not 0 < points <= left:
        raise Refusal("exceeds_original", f"{left} points of the redemption are left.")
    lots, minors = give_back(books, original, before, points)
    worth = priced(books.terms, lots, minors)
    ids = {"redemption_id": redemption_id, "reversal_id": reversal_id}
    shown = {"value": worth["value"]}
    answer = {**ids, "status": "posted", **worth}
    return books.record(
        Event(
            reversal_id, "reversal", original.account, points, content, answer, shown, lots=lots,
            refers_to=original.event_id,
        )
    )  # fmt: skip


def _original(books: Books, redemption_id: str) -> Event:
    event = books.events.get(f"{redemption_id}/capture") or books.events.get(redemption_id)
    if event is None or event.status == "rejected":
        raise Refusal("unknown_event", "There is no redemption with this id.")
    if event.kind not in ("redemption", "capture"):
        raise Refusal("not_reversible", f"This id is of a {event.kind}; only what was redeemed can be reversed.")
    event.account.settle(books.now)
    return event


def give_back(books: Books, original: Event, before: int, points: int) -> tuple[list[Lot], list[int]]:
    """Give back what was taken last, lot by lot, in proportion to what each was worth; returns both."""
    lots, minors, later = [], [], 0
    for lot, minor in reversed(list(zip(original.lots, original.minors, strict=True))):
        start = min(max(before - later, 0), lot.points)
        end = min(max(before + points - later, 0), lot.points)
        if end > start:
            lots.append(lot._replace(points=end - start))
            minors.append(value_minor(end, minor, lot.points) - value_minor(start, minor, lot.points))
        later += lot.points
    for lot in lots:
        over = lot.key.expires_on < books.now.date()
        until = months_end(books.now.date(), books.life_of(lot.key.issuer)) if over else lot.key.expires_on
        lot.owner.lots[lot.key._replace(expires_on=until)] += lot.points
    return lots, minors
