"""The moves of a cycle, and the chain of digests that makes them one history.

    open -> cut_off -> calculated -> published -> final -> paid_in -> paid_out -> closed

A cycle that nobody has touched is open and has no row. Each move says what it established by a digest (its subject)
and carries a digest over itself and the move before, so no move, cut-off or result can be changed later without the
chain saying so. A cycle may be calculated again until it is published. Publication takes two people: the move then has
the maker who proposed it beside the author who approved it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from settlement.core.verification import Claims

OPEN, CUT_OFF, CALCULATED, PUBLISHED = "open", "cut_off", "calculated", "published"
FINAL, PAID_IN, PAID_OUT, CLOSED = "final", "paid_in", "paid_out", "closed"
STATES = (OPEN, CUT_OFF, CALCULATED, PUBLISHED, FINAL, PAID_IN, PAID_OUT, CLOSED)
"""In order. While a cycle is published, its lines may be disputed; from `final` on they may not."""
SETTLED = STATES[4:]
"""The states after publication, which rest on it and on nothing new."""
PUBLICATION = "publication"
"""The kind of approvals by which cycles are published; their subject is the cycle."""


class Move(NamedTuple):
    """One move: `author` took `cycle` to `state` at the moment `at` (business time, with a zone).

    `maker` is who proposed it, where it took two people.
    """

    cycle: str
    seq: int
    state: str
    author: str
    at: datetime
    subject: bytes
    digest: bytes
    maker: str = ""


def may_follow(state: str, before: str) -> bool:
    """Whether a cycle moves from one state to another: to the next one, or from calculated to calculated again."""
    if state == before:
        return state == CALCULATED
    return state in STATES[1:] and STATES[STATES.index(state) - 1] == before


def is_public(state: str) -> bool:
    """Whether a cycle in this state was published."""
    return state in (PUBLISHED, *SETTLED)


def next_move(
    before: Move | None, cycle: str, state: str, author: str, at: datetime, subject: bytes, maker: str = ""
) -> Move:
    """The move into `state` that follows `before`, with its place in the chain."""
    assert may_follow(state, before.state if before else OPEN)
    move = Move(cycle, before.seq + 1 if before else 1, state, author, at, subject, b"", maker)
    return move._replace(digest=move_digest(before.digest if before else b"", move))


def move_digest(digest_before: bytes, move: Move) -> bytes:
    """SHA-256 that binds a move to the digest of the move before (empty for the first)."""
    moment = move.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (digest_before.hex(), move.cycle, move.seq, move.state, move.author, moment, move.subject.hex())
    return _sha256("hansa-settlement-move-1", (*fields, move.maker) if move.maker else fields)


def cut_off_subject(cycle: str, number: int, ends_on: date, snapshot: str) -> bytes:
    """What a cut-off establishes: which cycle it is, its last business date, and what had been committed."""
    return _sha256("hansa-settlement-cut-off-1", (cycle, number, ends_on, snapshot))


def result_subject(claims: Claims) -> bytes:
    """What a calculation establishes: cycle digest, number of lines, each position, net, statement total and due.

    Where there are contracts also each charge, and by what it was found: contracts by their digests, rates of tax.
    """
    positions = ((*row[:-1], row.digest.hex()) for row in claims.positions)
    charges = (("charge", *row) for row in claims.charges)
    contracts = (("contract", row.partner, row.version, row.digest.hex()) for row in claims.contracts)
    taxes = (("tax", *row) for row in claims.tax_rates)
    known = (*positions, *claims.nets, *claims.totals, *claims.dues, *charges, *contracts, *taxes)
    rows = sorted(" ".join(map(str, row)) for row in known)
    return _sha256("hansa-settlement-result-1", (claims.digest.hex(), claims.lines, *rows))


def publication_digest(cycle: str, calculated: Move, result: bytes, days: Iterable[int]) -> bytes:
    """What two people agree to publish: the chain up to the calculation, the result as it stands, and the days that
    each step after publication has. `result` is `result_subject` of what is stored now."""
    return _sha256("hansa-settlement-publication-1", (cycle, calculated.digest.hex(), result.hex(), *days))


def published_subject(cycle_digest: bytes, approved: bytes, deadlines: Mapping[str, date]) -> bytes:
    """What a publication establishes: the cycle digest, what two people approved, and the deadlines of what follows.

    A cycle that was published before it took two people established its digest alone.
    """
    if not approved and not deadlines:
        return cycle_digest
    days = [f"{step} {due_on}" for step, due_on in sorted(deadlines.items())]
    return _sha256("hansa-settlement-published-1", (cycle_digest.hex(), approved.hex(), *days))


def settled_subject(state: str, published: bytes) -> bytes:
    """What a move after publication establishes: that the cycle published with this subject is in a further state."""
    return _sha256("hansa-settlement-settled-1", (state, published.hex()))


def _sha256(kind: str, fields: Iterable[object]) -> bytes:
    return hashlib.sha256("\n".join([kind, *map(str, fields)]).encode()).digest()
