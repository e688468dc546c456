"""Payments to and from partners: those of a cycle, releases to the bank, and what the bank answers.

All of it lives in the package `settlement`; the hub adds business time, and whether operators must be registered.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services.context import Hub
from settlement.core.bank_codes import in_words
from settlement.core.bank_text import is_text
from settlement.core.currency import in_minor, written
from settlement.core.payment_moves import TO_BE_LOOKED_AT, PaymentMove, Standing
from settlement.formats.files import whole_file
from settlement.payments import bank_messages, payment_releases, payments
from settlement.payments.bank_messages import Taken
from settlement.payments.payment_releases import Release


def listing(hub: Hub, **asked: str | None) -> list[dict[str, Any]]:
    """Return payments by cycle, partner, currency, direction and state, as the settlement lists them."""
    with hub.database.snapshot() as connection:
        return [_brief(one) for one in payments.listing(connection, **asked)]


def show(hub: Hub, payment: str) -> dict[str, Any]:
    """Return a payment with all its moves."""
    with hub.database.snapshot() as connection:
        found = payments.show(connection, payment)
    return _brief(found) | {"moves": [_move(move) for move in found.moves]}


def prepare(hub: Hub, cycle: str, author: str) -> list[dict[str, Any]]:
    """Make the payments of a cycle from its dues; return them."""
    made = hub.database.transact(
        lambda connection: payments.prepare(connection, cycle, author=author, at=hub.moment(connection).now)
    )
    return [_brief(one) for one in made]


def propose(hub: Hub, currency: str, execute_on: date, author: str) -> dict[str, Any]:
    """Propose to pay all that is payable in a currency; return the release, with the digest to approve it by."""
    made = hub.database.transact(
        lambda connection: payment_releases.propose(
            connection, currency, execute_on, author=author, **now_of(hub, connection)
        )
    )
    return _release(made)


def approve(hub: Hub, release: str, digest: str, author: str) -> dict[str, Any]:
    """Release payments that somebody else proposed, by the digest of their file in hexadecimal."""
    stated = digest_of(digest)
    decided = hub.database.transact(
        lambda connection: payment_releases.approve(
            connection, release, stated, approver=author, **now_of(hub, connection)
        )
    )
    return _release(decided)


def releases(hub: Hub) -> list[dict[str, Any]]:
    """Return all releases, oldest first, without what is in them."""
    with hub.database.snapshot() as connection:
        found = [_release(one) for one in payment_releases.listing(connection)]
    return [{name: value for name, value in one.items() if name != "payments"} for one in found]


def show_release(hub: Hub, release: str) -> dict[str, Any]:
    """Return a release with every payment in it, and to which account."""
    with hub.database.snapshot() as connection:
        return _release(payment_releases.show(connection, release))


def write_file(hub: Hub, release: str, path: Path, author: str) -> dict[str, Any]:
    """Write the file of an approved release to `path`; the first time its payments count as sent."""
    file = hub.database.transact(
        lambda connection: payment_releases.file(connection, release, author=author, at=hub.moment(connection).now)
    )
    with whole_file(path) as beside:
        beside.write_bytes(file)
    return show_release(hub, release)


def take(hub: Hub, path: Path, author: str) -> dict[str, Any]:
    """Take a bank's message in; return what it said of each payment and what became of it."""
    return _taken(
        hub.database.transact(
            lambda connection: bank_messages.take(connection, path, author=author, at=hub.moment(connection).now)
        )
    )


def received(hub: Hub, payment: str, amount: str, source: str, author: str) -> dict[str, Any]:
    """Note by hand that a partner paid in what it owed; `amount` is written like 50.13 in the payment's currency.

    Raises:
        Refused: ``invalid_request`` for an amount that is none, or a source that is not 1 to 200 printable characters.
    """
    if not is_text(source, 200):
        raise Refused("invalid_request", "A source is 1 to 200 printable characters, such as the statement's entry.")

    def work(connection: Any) -> Standing:
        currency = payments.show(connection, payment).payment.currency
        at = hub.moment(connection).now
        minor = _minor(amount, currency)
        return payments.received(connection, payment, minor, currency, author=author, at=at, source=source)

    return _brief(hub.database.transact(work))


def now_of(hub: Hub, connection: Any) -> dict[str, Any]:
    """Return business time, and whether operators must be registered, as decisions of two people ask for them."""
    moment = hub.moment(connection)
    return {"at": moment.now, "registered": moment.environment == "live"}


def digest_of(stated: str) -> bytes:
    """Read a digest as it was shown.

    Raises:
        Refused: ``invalid_request``.
    """
    try:
        return bytes.fromhex(stated)
    except ValueError as error:
        raise Refused("invalid_request", "A digest is 64 hexadecimal digits, as it was shown.") from error


def _minor(amount: str, currency: str) -> int:
    try:
        return in_minor(amount, currency)
    except ValueError as error:
        raise Refused("invalid_request", f"The amount: {error}.") from error


def _brief(standing: Standing) -> dict[str, Any]:
    payment = standing.payment
    return {
        **payment._asdict(),
        "amount": written(payment.amount_minor, payment.currency),
        "state": standing.state,
        "attempt": standing.last.attempt,
        "since": instant(standing.last.at),
        "last_reason": next((in_words(move.reason) for move in reversed(standing.moves) if move.reason), ""),
    }


def _move(move: PaymentMove) -> dict[str, Any]:
    row = {"attempt": move.attempt, "state": move.state, "author": move.author, "at": instant(move.at)}
    return row | {"source": move.source, "reason": in_words(move.reason)}


def _release(release: Release) -> dict[str, Any]:
    order, decided = release.order, release.approval
    return {
        "release": release.release,
        "state": release.state,
        "currency": order.currency,
        "count": len(order.transfers),
        "total_minor": order.total_minor,
        "total": written(order.total_minor, order.currency),
        "execute_on": order.execute_on.isoformat(),
        "from": order.debtor.written,
        "message": order.habits.message,
        "proposed_by": decided.maker,
        "decided_by": decided.decided_by,
        "digest": release.file_digest.hex(),
        "payments": [
            {
                "end_to_end_id": one.end_to_end_id,
                "amount": written(one.amount_minor, order.currency),
                "holder": one.to.holder,
                "account": one.to.written,
            }
            for one in order.transfers
        ],
    }


def _taken(taken: Taken) -> dict[str, Any]:
    return {
        "message": taken.message,
        "message_id": taken.message_id,
        "repeated": taken.repeated,
        "to_be_looked_at": sum(one.outcome in TO_BE_LOOKED_AT for one in taken.heard),
        "payments": [
            {
                "end_to_end_id": one.word.end_to_end_id,
                "said": one.word.says or one.word.code,
                "reason": in_words(one.word.reason),
                "outcome": one.outcome,
                "detail": one.detail,
            }
            for one in taken.heard
        ],
    }
