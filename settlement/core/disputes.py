"""A dispute about lines of a published statement: its stages, its moves, and the money that a decision moves.

    opened --------------> accepted                        the operator's turn; silent: accepted
       `-> rejected                                        the partner's turn; silent: lapsed
              `-> escalated ------> accepted               the operator's turn; silent: accepted
                     `-> rejected_again                    the partner's turn; silent: lapsed
                            `-> arbitration --> decided    the operator's turn; silent: accepted

A partner may withdraw at every stage. What is accepted in part moves that part at once and rejects the rest. Whoever
is silent on the last day of a stage loses it. A dispute asks for money for the partner that opened it: of a line by
which it owes, that it owes so much less; of one by which it is owed, that it is owed so much more, in either case at
most what the line comes to.

Each move carries a digest over itself and the move before, the first one over what is disputed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from settlement.core.lines import Obligation, event_name
from settlement.core.parties import ADJUSTMENT, OPERATOR

OPENED, ESCALATED, ARBITRATION = "opened", "escalated", "arbitration"
REJECTED, REJECTED_AGAIN = "rejected", "rejected_again"
ACCEPTED, DECIDED, LAPSED, WITHDRAWN = "accepted", "decided", "lapsed", "withdrawn"
OPERATORS_TURN = (OPENED, ESCALATED, ARBITRATION)
PARTNERS_TURN = (REJECTED, REJECTED_AGAIN)
UNDECIDED = (*OPERATORS_TURN, *PARTNERS_TURN)
STATES = (*UNDECIDED, ACCEPTED, DECIDED, LAPSED, WITHDRAWN)

REASONS = {
    "not_ours": "the event was none of ours",
    "duplicate": "it is on a statement twice",
    "wrong_amount": "the amount is not what points and price give",
    "wrong_price": "the price is not the one agreed",
    "wrong_party": "somebody else owes it, or is owed it",
    "returned": "it was taken back, and the statement does not say so",
    "fraud": "the member did not do it",
    "other": "something else, which the text says",
}
"""Code of a reason -> what it claims; `other` needs a text."""

WITHHELD, RESERVE = TREATMENTS = ("withheld", "reserve")
"""Whether what is disputed waits until it is decided, or is paid with the right to have it back."""
SILENT = "@deadline"
"""The author of moves that a deadline made; no operator can have the name."""
MAX_LINES = 100
MAX_TEXT = 2_000

LineKey = tuple[str, str, int]


class Rules(NamedTuple):
    """How disputes go that are opened while they hold.

    `answer_days`, `second_days` and `arbitration_days` are the operator's, `escalate_days` the partner's; a stage ends
    with the last of its days. A decision about more than `limit_minor` takes two people.
    """

    version: int = 0
    valid_from: date = date.min
    treatment: str = WITHHELD
    answer_days: int = 14
    escalate_days: int = 14
    second_days: int = 14
    arbitration_days: int = 30
    limit_minor: int = 100_000


USUAL = Rules()


class Claim(NamedTuple):
    """What a partner says at a stage: a code of `REASONS`, words, and names of its own events and receipts."""

    reason: str
    text: str = ""
    evidence: Mapping[str, Any] = {}


class DisputedLine(NamedTuple):
    """A line, by (partner_id, event_id, line), and how much of it is disputed (above zero, in minor units)."""

    partner_id: str
    event_id: str
    line: int
    minor: int

    @property
    def key(self) -> LineKey:
        """The obligation's key."""
        return self.partner_id, self.event_id, self.line


class Dispute(NamedTuple):
    """What is disputed, under an id that the partner chose; `content` is the digest of the whole request."""

    partner: str
    dispute_id: str
    cycle: str
    currency: str
    rules: int
    content: bytes

    @property
    def name(self) -> str:
        """How messages and approvals name it."""
        return f"{self.partner}/{self.dispute_id}"


class DisputeMove(NamedTuple):
    """One move into `state`: by whom and when (with a zone), the last day of the stage, what was said and accepted.

    `accepted` has the minor units of each line that this move accepts, in the order of the lines.
    """

    partner: str
    dispute_id: str
    seq: int
    state: str
    author: str
    maker: str
    at: datetime
    due_on: date | None
    reason: str
    text: str
    evidence: Mapping[str, Any]
    accepted: Sequence[int]
    digest: bytes


class Case(NamedTuple):
    """A dispute with its lines and its moves, in order."""

    dispute: Dispute
    lines: Sequence[DisputedLine]
    moves: Sequence[DisputeMove]

    @property
    def last(self) -> DisputeMove:
        """The last move, which says where it stands."""
        return self.moves[-1]

    @property
    def state(self) -> str:
        """Where it stands."""
        return self.last.state

    @property
    def accepted(self) -> list[int]:
        """What was accepted of each line so far."""
        return [sum(move.accepted[place] for move in self.moves) for place in range(len(self.lines))]

    @property
    def left(self) -> list[int]:
        """What is not accepted of each line, decided or not."""
        return [line.minor - minor for line, minor in zip(self.lines, self.accepted, strict=True)]

    @property
    def taken(self) -> list[int]:
        """What no other dispute can be about: all that was disputed, of a withdrawn one what was accepted."""
        return self.accepted if self.state == WITHDRAWN else [line.minor for line in self.lines]


def content_digest(partner: str, dispute_id: str, cycle: str, lines: Sequence[DisputedLine], claim: Claim) -> bytes:
    """SHA-256 over everything that a partner asks for when it opens a dispute."""
    return _digest("hansa-settlement-dispute-1", [partner, dispute_id, cycle, [*map(list, lines)], *claim])


def move_digest(before: bytes, move: DisputeMove) -> bytes:
    """SHA-256 that binds a move to the one before, the first to the dispute's content."""
    moment = move.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = (move.reason, move.text, move.evidence, list(move.accepted))
    stage = (move.author, move.maker, moment, str(move.due_on))
    return _digest(
        "hansa-settlement-dispute-move-1",
        [before.hex(), move.partner, move.dispute_id, move.seq, move.state, *stage, *said],
    )


def ruling_digest(case: Case, accepted: Sequence[int], text: str) -> bytes:
    """SHA-256 of what is to be decided, on what the dispute is now: the subject of two people's approval."""
    return _digest("hansa-settlement-dispute-ruling-1", [case.last.digest.hex(), list(accepted), text])


def due_on(rules: Rules, state: str, day: date) -> date | None:
    """The last day of a stage that begins on a day; None where nobody's turn it is."""
    days = {
        OPENED: rules.answer_days,
        REJECTED: rules.escalate_days,
        ESCALATED: rules.second_days,
        REJECTED_AGAIN: rules.escalate_days,
        ARBITRATION: rules.arbitration_days,
    }
    return day + timedelta(days[state]) if state in days else None


def after_decision(state: str, left: Sequence[int], accepted: Sequence[int]) -> str:
    """Where a decision leads that accepts so much of what is left."""
    if state == ARBITRATION:
        return DECIDED
    if list(left) == list(accepted):
        return ACCEPTED
    return REJECTED if state == OPENED else REJECTED_AGAIN


def after_escalation(state: str) -> str:
    """Where a partner takes a dispute that was rejected."""
    return ESCALATED if state == REJECTED else ARBITRATION


def after_silence(case: Case) -> tuple[str, Sequence[int]]:
    """Where a dispute goes when its stage ended without a word, and what that accepts."""
    if case.state in PARTNERS_TURN:
        return LAPSED, [0] * len(case.lines)
    return (DECIDED if case.state == ARBITRATION else ACCEPTED), case.left


def favoured(line: Obligation, partner: str, minor: int) -> int:
    """What the issuer owes more when this much of a line is accepted for a party to it; below zero, less."""
    return -minor if partner == line.issuer else minor


def adjustment_event(move: DisputeMove) -> str:
    """The event id under which a decision's adjustments stand, as the operator's: at most 108 characters."""
    return f"dispute:{move.partner}:{move.dispute_id}:{move.seq}"


def adjustments(move: DisputeMove, lines: Sequence[Obligation], day: date) -> list[Obligation]:
    """The obligations that a decision posts, where something is accepted: money with the line's pair and price."""
    return [
        line._replace(
            partner_id=OPERATOR,
            event_id=adjustment_event(move),
            line=place,
            points=0,
            amount_minor=favoured(line, move.partner, minor),
            business_date=day,
            origin=event_name(line.partner_id, line.event_id),
            kind=ADJUSTMENT,
        )
        for place, (line, minor) in enumerate(zip(lines, move.accepted, strict=True))
        if minor
    ]


def broken_chain(case: Case) -> int | None:
    """The number of the first move that does not fit its digest or its place, or None; 0 for the dispute itself."""
    first, before = case.moves[0] if case.moves else None, case.dispute.content
    if first is None:
        return 0
    claim = Claim(first.reason, first.text, first.evidence)
    if content_digest(*case.dispute[:3], case.lines, claim) != case.dispute.content:
        return 0
    for seq, move in enumerate(case.moves, 1):
        if move.seq != seq or move.digest != move_digest(before, move):
            return seq
        before = move.digest
    return None


def _digest(kind: str, fields: Sequence[object]) -> bytes:
    text = json.dumps([kind, *fields], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
