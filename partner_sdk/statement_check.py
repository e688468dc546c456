"""Checking a statement alone: that its lines, positions, nets and digests say the same (docs/protocol.md, section 14).

Whether each line is a sealed event of the hub's log is a question of proofs, which this page does not ask.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from partner_sdk.model import Position, Statement, StatementLine

Key = tuple[str, str, str]


def check(statement: Statement, lines: Sequence[StatementLine]) -> list[str]:
    """What does not fit, in sentences; empty when everything does."""
    return [
        *_lines(lines),
        *_positions(statement, lines),
        *_cycle(statement),
        *_nets(statement),
        *_balances(statement, lines),
    ]


def canonical(line: StatementLine) -> str:
    """The text that a line's digest is over."""
    price = (line.price.version, line.price.numerator, line.price.denominator)
    fields = (line.partner, line.event_id, line.line, line.issuer, line.redeemer, line.points, line.minor,
              line.currency, *price, line.business_date.isoformat())  # fmt: skip
    usual = line.kind == "reimbursement" and not line.points_of
    more = ((line.origin,) if line.origin else ()) if usual else (line.origin, line.kind, line.points_of)
    return "\n".join(map(str, (*fields, *more)))


def _digest(line: StatementLine) -> bytes:
    return hashlib.sha256(canonical(line).encode()).digest()


def _lines(lines: Sequence[StatementLine]) -> Iterator[str]:
    for line in lines:
        if _digest(line).hex() != line.digest:
            yield f"line {line.line} of {line.partner}/{line.event_id}: its digest is of another line"


def _positions(statement: Statement, lines: Sequence[StatementLine]) -> Iterator[str]:
    below: dict[Key, list[StatementLine]] = defaultdict(list)
    for line in lines:
        below[line.issuer, line.redeemer, line.currency].append(line)
    pairs = {(pair.issuer, pair.redeemer, pair.currency): pair.digest for pair in statement.pairs_of_cycle}
    for position in statement.positions:
        key = (position.issuer, position.redeemer, position.currency)
        yield from _position(position, below.pop(key, []))
        if pairs.get(key) != position.digest:
            yield f"{_name(key)}: the cycle has another digest for it"
    for key in below:
        yield f"{_name(key)}: there are lines of it, but no position"


def _position(position: Position, lines: Sequence[StatementLine]) -> Iterator[str]:
    name = _name((position.issuer, position.redeemer, position.currency))
    for what, said, found in (
        ("lines", position.lines, len(lines)),
        ("points", position.points, sum(line.points for line in lines)),
        ("minor units", position.minor, sum(line.minor for line in lines)),
    ):
        if said != found:
            yield f"{name}: it says {said} {what}, and its lines add up to {found}"
    if hashlib.sha256(b"".join(map(_digest, lines))).hexdigest() != position.digest:
        yield f"{name}: its digest is of other lines"


def _cycle(statement: Statement) -> Iterator[str]:
    pairs = ("\n".join((pair.issuer, pair.redeemer, pair.currency, pair.digest)) for pair in statement.pairs_of_cycle)
    if hashlib.sha256("\n\n".join(pairs).encode()).hexdigest() != statement.digest:
        yield "the digest of the cycle is of other pairs"


def _nets(statement: Statement) -> Iterator[str]:
    positions = [one for one in statement.positions if one.issuer != one.redeemer]
    for currency in {one.currency for one in positions} - {net.currency for net in statement.nets}:
        yield f"{currency}: there are positions in it, but no net"
    for net in statement.nets:
        own = [one for one in positions if one.currency == net.currency]
        receive = sum(one.minor for one in own if one.redeemer == statement.partner)
        pay = sum(one.minor for one in own if one.issuer == statement.partner)
        for what, said, found in (
            ("receive", net.receive_minor, receive),
            ("pay", net.pay_minor, pay),
            ("net", net.net_minor, receive - pay),
        ):
            if said != found:
                yield f"{net.currency}: {what} is said to be {said}, and its positions add up to {found}"


def _balances(statement: Statement, lines: Sequence[StatementLine]) -> Iterator[str]:
    """Each balance leads from its opening to its closing, over the net of the lines and the statement's charges."""
    nets = {net.currency: net.net_minor for net in statement.nets}
    for one in statement.balances:
        moved = sum(movement.receive_minor - movement.pay_minor for movement in one.movements)
        charged = sum(charge.amount_minor for charge in one.charges)
        own = [line for line in lines if line.currency == one.currency]
        for what, said, found in (
            ("movements", moved, nets.get(one.currency, 0)),
            ("lines", sum(movement.lines for movement in one.movements), len(own)),
            ("charges", charged, sum(c.amount_minor for c in statement.charges if c.currency == one.currency)),
            ("closing balance", one.closing_minor, one.opening_minor + moved - charged),
            ("due and carried amounts", one.due_minor + one.carried_minor, one.closing_minor),
        ):
            if said != found:
                yield f"{one.currency}: the {what} of the balance come to {said}, and not to {found}"


def _name(key: Key) -> str:
    return f"{key[0]} to {key[1]} in {key[2]}"
