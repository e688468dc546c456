"""Statements: what one partner sees of a published cycle.

A statement says what the partner receives and pays in each currency, the positions it takes part in, and every line
below them with its digest. Nothing is shown of a cycle that is not published. The dictionaries have the shape of the
API's answers, so the hub hands them on as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from settlement.core.currency import decimals
from settlement.core.dues import Due
from settlement.core.lines import Obligation
from settlement.core.moves import PUBLISHED, Move
from settlement.core.netting import Net
from settlement.core.positions import Position
from settlement.core.statement_balances import (
    Balance,
    Charged,
    Movement,
    MovementTally,
    balances,
    expect_same,
    unproved_balances,
)
from settlement.core.verification import Claims
from settlement.disputes.dispute_views import on_statement, withheld
from settlement.errors import NotPublished, UnknownCycle
from settlement.formats import statement_format
from settlement.formats.statement_words import ENGLISH
from settlement.store.history import moves_of
from settlement.store.movements import ask_movements
from settlement.store.origins import stated_lines_of
from settlement.store.results import StatedLine, fetch_stated_lines, load_claims, stream_stated_lines
from settlement.store.tables import cycle as cycle_table
from settlement.store.tables import cycle_move, cycle_result, net, obligation
from settlement.store.window import KEY, after_key, party, window_of

Document = dict[str, Any]


def summary(connection: Connection, cycle: str, partner: str) -> Document:
    """The statement without its lines: nets by currency, positions of the partner, pair digests of the cycle, balances.

    A partner without a line has an empty statement. One that does not add up is shown as it is, so that the partner
    can see where; no file is made of it. Raises `UnknownCycle` and `NotPublished`.
    """
    return _summary(connection, cycle, partner, unproved_balances(*_kept(connection, cycle, partner)))


def _summary(connection: Connection, cycle: str, partner: str, stated: Sequence[Balance]) -> Document:
    waits = withheld(connection, cycle)
    state, published, claims = load_published(connection, cycle)
    return {
        "cycle": cycle,
        "partner": partner,
        "state": state,
        "digest": claims.digest.hex(),
        "published_at": rfc3339(published.at),
        "nets": [_net(row) for row in claims.nets if row.partner == partner],
        "positions": [_position(row) for row in claims.positions if partner in row[:2]],
        "pairs_of_cycle": [_pair(row) for row in claims.positions],
        **_disputed(connection, cycle, partner),
        **_charges(claims, partner),
        "balances": [_balance(one, -waits.get((partner, one.currency), 0)) for one in stated],
    }


def lines(
    connection: Connection, cycle: str, partner: str, after: tuple[str, str, int] | None, limit: int
) -> list[Document]:
    """At most `limit` lines of a statement, in the order of (partner, event_id, line), those after `after`.

    The key of the last line is the `after` of the next page. Raises `UnknownCycle` and `NotPublished`.
    """
    load_published(connection, cycle)
    query = stated_lines_of(window_of(connection, cycle), party(partner), *([after_key(after)] if after else []))
    return [_line(row) for row in fetch_stated_lines(connection, query.limit(limit))]


def of_partner(connection: Connection, partner: str, after: tuple[str, str] | None, limit: int) -> list[Document]:
    """A partner's statements, a row for each cycle and currency, those after (cycle, currency); the oldest first."""
    published = (cycle_move.c.cycle == net.c.cycle) & (cycle_move.c.state == PUBLISHED)
    joined = net.join(cycle_move, published).join(cycle_result, cycle_result.c.cycle == net.c.cycle)
    joined = joined.join(cycle_table, cycle_table.c.cycle == net.c.cycle)
    query = select(net, cycle_move.c.at, cycle_result.c.digest).select_from(joined)
    query = query.where(net.c.partner == partner).order_by(cycle_table.c.number, net.c.currency).limit(limit)
    if after:
        number = select(cycle_table.c.number).where(cycle_table.c.cycle == after[0]).scalar_subquery()
        query = query.where(tuple_(cycle_table.c.number, net.c.currency) > tuple_(func.coalesce(number, 0), after[1]))
    return [
        {
            "cycle": row.cycle,
            "state": moves_of(connection, row.cycle)[-1].state,
            "currency": row.currency,
            "net_minor": row.net_minor,
            "published_at": rfc3339(row.at),
            "digest": row.digest.hex(),
        }
        for row in connection.execute(query).all()
    ]


def write(connection: Connection, cycle: str, partner: str, path: Path, language: str = ENGLISH) -> None:
    """Write a statement with its balances and all its lines, in the format of the file's suffix; it is streamed.

    Raises `UnknownCycle`, `NotPublished`, `FileRefused` for a suffix without a format or a language that it has not,
    and `NotBalanced` when opening balance, movements and charges do not give the closing balance, or the lines not
    the movements; there is no file then.
    """
    known = statement_format(path)
    writer = known.in_language(language)
    stated = balances_of(connection, cycle, partner)
    document = _summary(connection, cycle, partner, stated)
    writer(path, document, _all_lines(connection, cycle, partner, stated, known.by_currency))


def balances_of(connection: Connection, cycle: str, partner: str) -> list[Balance]:
    """A statement's balances by currency; raises `UnknownCycle`, `NotPublished` and `NotBalanced`."""
    return balances(*_kept(connection, cycle, partner))


def _kept(
    connection: Connection, cycle: str, partner: str
) -> tuple[list[Net], list[Due], list[Movement], list[Charged]]:
    """What a statement's balances are drawn up from."""
    _, _, claims = load_published(connection, cycle)
    return (
        [row for row in claims.nets if row.partner == partner],
        [row for row in claims.dues if row.party == partner],
        ask_movements(connection, window_of(connection, cycle), partner),
        [
            Charged(row.currency, row.kind, row.contract_version, row.amount_minor)
            for row in claims.charges
            if row.partner == partner
        ],
    )


def load_published(connection: Connection, cycle: str) -> tuple[str, Move, Claims]:
    """A cycle's state, its move into `published`, and its figures; raises `UnknownCycle` and `NotPublished`."""
    moves = moves_of(connection, cycle)
    if not moves:
        raise UnknownCycle(f"there is no cycle {cycle[:40]!r}")
    published = next((move for move in moves if move.state == PUBLISHED), None)
    if published is None:
        raise NotPublished(f"cycle {cycle} is not published")
    return moves[-1].state, published, load_claims(connection, window_of(connection, cycle))


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as RFC 3339 writes it, to the microsecond if it has any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _all_lines(
    connection: Connection, cycle: str, partner: str, stated: Sequence[Balance], by_currency: bool
) -> Iterator[Document]:
    """All lines; after the last one it is refused that they do not come to what is stated."""
    query = stated_lines_of(window_of(connection, cycle), party(partner))
    if by_currency:
        query = query.order_by(None).order_by(obligation.c.currency, *KEY)
    tally = MovementTally(partner)
    for stated_line in stream_stated_lines(connection, query):
        tally.add(stated_line.line)
        yield _line(stated_line)
    expect_same(stated, tally.movements())


def _balance(row: Balance, withheld_minor: int) -> Document:
    """A balance as it is shown; of what is due, `withheld_minor` waits until disputes are decided."""
    return {
        "currency": row.currency,
        "decimals": decimals(row.currency),
        "opening_minor": row.opening_minor,
        "movements": [_in_currency(one) for one in row.movements],
        "charges": [_in_currency(one) for one in row.charges],
        "closing_minor": row.closing_minor,
        "due_minor": row.due_minor,
        "withheld_minor": withheld_minor,
        "carried_minor": row.carried_minor,
    }


def _in_currency(row: Movement | Charged) -> Document:
    return {name: value for name, value in row._asdict().items() if name != "currency"}


def _disputed(connection: Connection, cycle: str, partner: str) -> Document:
    """The disputes that concern a statement, and what of its dues waits for them; nothing where there are none."""
    disputes = on_statement(connection, cycle, partner)
    waits = [
        {"currency": currency, "minor": minor}
        for (party_, currency), minor in (withheld(connection, cycle).items() if disputes else ())
        if party_ == partner
    ]
    return ({"disputes": disputes} if disputes else {}) | ({"withheld": waits} if waits else {})


def _charges(claims: Claims, partner: str) -> Document:
    """What the partner is charged by its contract; nothing where it is charged nothing."""
    own = [row._asdict() for row in claims.charges if row.partner == partner]
    return {"charges": [{name: row[name] for name in row if name != "partner"} for row in own]} if own else {}


def _net(row: Net) -> Document:
    minors = {"receive_minor": row.receive_minor, "pay_minor": row.pay_minor, "net_minor": row.net_minor}
    return {"currency": row.currency, **minors}


def _pair(row: Position) -> Document:
    pair = {"issuer": row.issuer, "redeemer": row.redeemer, "currency": row.currency}
    return {**pair, "digest": row.digest.hex()}


def _position(row: Position) -> Document:
    pair = {"issuer": row.issuer, "redeemer": row.redeemer, "currency": row.currency}
    return {
        **pair,
        "lines": row.lines,
        "points": row.points,
        "minor": row.amount_minor,
        "digest": row.digest.hex(),
    }


def _line(stated: StatedLine) -> Document:
    line = stated.line
    price = (line.price_version, line.price_numerator, line.price_denominator)
    return {
        "partner": line.partner_id,
        "event_id": line.event_id,
        "line": line.line,
        "issuer": line.issuer,
        "redeemer": line.redeemer,
        "points": line.points,
        "minor": line.amount_minor,
        "currency": line.currency,
        "price": dict(zip(("version", "numerator", "denominator"), price, strict=True)),
        "business_date": line.business_date.isoformat(),
        **_origin(stated),
        **_unusual(line),
        "digest": stated.digest.hex(),
    }


def _unusual(line: Obligation) -> Document:
    """For what a line is owed and whose points the fund pays for; nothing for an issuer's reimbursement."""
    return {} if line.usual else {"kind": line.kind} | ({"points_of": line.points_of} if line.points_of else {})


def _origin(stated: StatedLine) -> Document:
    """The event that a correction corrects, and the cycle that has its lines; nothing for a line that corrects none."""
    partner, _, event_id = stated.line.origin.partition("/")
    cycle = {"cycle": stated.origin_cycle} if stated.origin_cycle else {}
    return {"origin": {"partner": partner, "event_id": event_id, **cycle}} if partner else {}
