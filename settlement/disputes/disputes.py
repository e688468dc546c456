"""Disputes: a partner opens one about lines of a published statement, and both sides take it to its end.

Every function works in the caller's transaction (READ COMMITTED), holds the dispute, and adds one move. What a decision
accepts is posted as adjustments in the same transaction, so they are in the cycle that is open by commit order. Opening
holds the cycle, so that no two disputes take the same part of a line, and none is opened while a cycle becomes final.
A decision about more than the rules' limit takes two operators: the first one's is a proposal, see
`settlement.approvals`.

Codes of `DisputeRefused`:

    unknown_dispute       the partner has no dispute of that id
    unknown_line          the partner's statement of that cycle has no such line
    not_disputable        the line, or any of the cycle, cannot be disputed (any more); the message says why
    dispute_exceeds_line  more is disputed than is left of the line after other disputes
    dispute_conflict      the id was used before for something else
    dispute_closed        it is not at a stage at which this can be done, or the stage is over
    invalid_dispute       an amount, a reason, a text or evidence that cannot be
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql

from settlement import approvals, intake, limits
from settlement.approvals import Approval
from settlement.core.dispute_claims import why_not_asked, why_not_claimed, why_not_said
from settlement.core.disputes import (
    OPENED,
    OPERATORS_TURN,
    PARTNERS_TURN,
    SILENT,
    UNDECIDED,
    WITHDRAWN,
    Case,
    Claim,
    Dispute,
    DisputedLine,
    DisputeMove,
    adjustments,
    after_decision,
    after_escalation,
    after_silence,
    content_digest,
    due_on,
    move_digest,
    ruling_digest,
)
from settlement.core.lines import Obligation, row_name
from settlement.core.moves import PUBLISHED
from settlement.core.parties import ADJUSTMENT
from settlement.core.people import signature
from settlement.disputes import given_back
from settlement.disputes.dispute_rules import window_ends_on
from settlement.errors import ApprovalRefused, DisputeRefused, SettlementRefused
from settlement.store import disputes as store
from settlement.store.dispute_tables import dispute_ruling
from settlement.store.disputes import find as find
from settlement.store.history import lock_in_state
from settlement.store.tables import obligation
from settlement.store.window import party, window_of, within

RULING = "dispute"
"""The kind of approvals by which two people decide; their subject is the dispute's name."""
_NOTHING_SAID = Claim("")


class Decided(NamedTuple):
    """A dispute after an operator's decision, or with the proposal that a second operator has to approve."""

    case: Case
    proposed: Approval | None = None


def open_dispute(
    connection: Connection,
    partner: str,
    dispute_id: str,
    cycle: str,
    lines: Sequence[DisputedLine],
    claim: Claim,
    at: datetime,
) -> Case:
    """Open a dispute; the same one again is answered with the first as it stands now.

    Raises `DisputeRefused`, and `UnknownCycle` or `NotPublished`.
    """
    _refuse("invalid_dispute", why_not_asked(dispute_id, lines) or why_not_claimed(claim))
    content = content_digest(partner, dispute_id, cycle, lines, claim)
    known = store.find(connection, partner, dispute_id)
    if known is not None:
        return _same(known, content)
    disputed = _disputable(connection, partner, cycle, lines, at)
    day = _day(at)
    rules = store.rules_on(connection, day)
    dispute = Dispute(partner, dispute_id, cycle, disputed[0].currency, rules.version, content)
    move = _move(Case(dispute, lines, []), OPENED, partner, at, due_on(rules, OPENED, day), claim)
    case = Case(dispute, lines, [move])
    if store.add(connection, case, day):
        return case
    return _same(store.hold(connection, partner, dispute_id), content)


def escalate(connection: Connection, partner: str, dispute_id: str, claim: Claim, at: datetime) -> Case:
    """Take a dispute that was rejected to its next stage, for a new reason; raises `DisputeRefused`.

    The very same escalation again, while it is the last move, changes nothing.
    """
    _refuse("invalid_dispute", why_not_claimed(claim))
    case = store.hold(connection, partner, dispute_id)
    last = case.last
    if len(case.moves) > 1 and case.state in OPERATORS_TURN and claim == (last.reason, last.text, last.evidence):
        return case
    _refuse_turn(case, PARTNERS_TURN, at)
    state = after_escalation(case.state)
    rules = store.rules_of(connection, case.dispute.rules)
    return _take(connection, case, _move(case, state, partner, at, due_on(rules, state, _day(at)), claim))


def withdraw(connection: Connection, partner: str, dispute_id: str, at: datetime) -> Case:
    """Give up what is left of a dispute; once it is withdrawn, nothing changes. Raises `DisputeRefused`."""
    case = store.hold(connection, partner, dispute_id)
    if case.state == WITHDRAWN:
        return case
    _refuse_turn(case, UNDECIDED, at)
    return _take(connection, case, _move(case, WITHDRAWN, partner, at))


def decide(
    connection: Connection,
    partner: str,
    dispute_id: str,
    accepted: Sequence[int] | None,
    text: str,
    *,
    author: str,
    at: datetime,
    registered: bool = False,
) -> Decided:
    """Accept so many minor units of each line, all that is left (None) or nothing, and say why.

    Above the limit of the rules it is proposed, and `approve` decides. Raises `DisputeRefused` and `ApprovalRefused`.
    """
    case = store.hold(connection, partner, dispute_id)
    _refuse_turn(case, OPERATORS_TURN, at)
    ruled = case.left if accepted is None else list(accepted)
    if len(ruled) != len(case.left) or any(not 0 <= one <= left for one, left in zip(ruled, case.left, strict=True)):
        raise DisputeRefused("invalid_dispute", f"between 0 and {case.left} can be accepted, an amount for each line")
    _refuse("invalid_dispute", why_not_said(text) or ("" if text else "say why"))
    if sum(case.left) <= store.rules_of(connection, case.dispute.rules).limit_minor:
        return Decided(_rule(connection, case, ruled, text, author, "", at))
    digest = ruling_digest(case, ruled, text)
    values = {"digest": digest, "partner": partner, "dispute_id": dispute_id, "accepted": ruled, "text": text}
    connection.execute(postgresql.insert(dispute_ruling).on_conflict_do_nothing(), values)
    proposed = approvals.propose(
        connection, RULING, case.dispute.name, digest, maker=author, at=at, registered=registered
    )  # fmt: skip
    return Decided(case, proposed)


def approve(
    connection: Connection,
    partner: str,
    dispute_id: str,
    digest: bytes,
    *,
    author: str,
    at: datetime,
    registered: bool = False,
) -> Decided:
    """Make the decision that another operator proposed with this digest; raises as `decide` does."""
    case = store.hold(connection, partner, dispute_id)
    mine = (dispute_ruling.c.partner == partner, dispute_ruling.c.dispute_id == dispute_id)
    row = connection.execute(select(dispute_ruling).where(dispute_ruling.c.digest == digest, *mine)).first()
    if row is None:
        raise ApprovalRefused("nothing_proposed", f"no decision of dispute {case.dispute.name} has this digest")
    _refuse_turn(case, OPERATORS_TURN, at)
    approved = approvals.approve(
        connection,
        RULING,
        case.dispute.name,
        stated=digest,
        present=ruling_digest(case, row.accepted, row.text),
        approver=author,
        at=at,
        registered=registered,
    )
    return Decided(_rule(connection, case, row.accepted, row.text, author, approved.maker, at))


def expire(connection: Connection, at: datetime, limit: int = 100) -> list[Case]:
    """Let at most so many disputes go where silence takes them whose stage ended before today; the moved ones."""
    over = store.cases(connection, store.in_states(UNDECIDED, over_on=_day(at)), limit=limit)
    held = (store.hold(connection, *case.dispute[:2]) for case in over)
    return [_silent(connection, case, at) for case in held if _is_over(case, at)]


def _silent(connection: Connection, case: Case, at: datetime) -> Case:
    state, accepted = after_silence(case)
    return _take(connection, case, _move(case, state, SILENT, at, accepted=accepted))


def _disputable(
    connection: Connection, partner: str, cycle: str, lines: Sequence[DisputedLine], at: datetime
) -> list[Obligation]:
    """The disputed obligations; holds the cycle."""
    last = window_ends_on(connection, cycle, partner)
    try:
        lock_in_state(connection, cycle, PUBLISHED)
    except SettlementRefused as past:
        raise DisputeRefused("not_disputable", str(past)) from past
    if _day(at) > last:
        raise DisputeRefused("not_disputable", f"lines of cycle {cycle} could be disputed up to {last}")
    window = window_of(connection, cycle)
    keys = [line.key for line in lines]
    found = store.lines_by_key(connection, keys, party(partner), within(obligation, window))
    for missing in sorted({*keys} - {one[:3] for one in found}):
        raise DisputeRefused("unknown_line", f"the statement of {cycle} has no line {row_name(*missing)}")
    if len({one.currency for one in found}) > 1:
        raise DisputeRefused("not_disputable", "the lines are in several currencies; open a dispute for each")
    taken = _taken(connection, keys)
    for asked, line in zip(lines, found, strict=True):
        _refuse_line(asked, line, taken[asked.key])
    return found


def _refuse_line(asked: DisputedLine, line: Obligation, taken_minor: int) -> None:
    name = row_name(*asked.key)
    if line.kind == ADJUSTMENT:
        raise DisputeRefused("not_disputable", f"{name} is what a decision came to")
    if line.issuer == line.redeemer:
        raise DisputeRefused("not_disputable", f"{name} is between you and yourself; no money moves for it")
    left = abs(line.amount_minor) - taken_minor
    if asked.minor > left:
        raise DisputeRefused("dispute_exceeds_line", f"{left} of {name} can be disputed, not {asked.minor}")


def _taken(connection: Connection, keys: Sequence[tuple[str, str, int]]) -> Counter[tuple[str, str, int]]:
    taken: Counter[tuple[str, str, int]] = Counter()
    for case in store.cases(connection, store.about(keys)):
        for line, minor in zip(case.lines, case.taken, strict=True):
            taken[line.key] += minor
    return taken


def _rule(
    connection: Connection, case: Case, accepted: Sequence[int], text: str, author: str, maker: str, at: datetime
) -> Case:
    state = after_decision(case.state, case.left, accepted)
    last = due_on(store.rules_of(connection, case.dispute.rules), state, _day(at))
    ruling = Claim("", text)
    return _take(
        connection, case, _move(case, state, signature(author), at, last, ruling, accepted, maker)
    )  # fmt: skip


def _take(connection: Connection, case: Case, move: DisputeMove) -> Case:
    """Add a move and post what it accepts."""
    day = _day(move.at)
    store.add_move(connection, move, day)
    if any(move.accepted):
        keys = [line.key for line in case.lines]
        given_back.hold(connection, keys)
        posted = adjustments(move, store.lines_by_key(connection, keys), day)
        intake.record(connection, posted)
        posted += given_back.settle(connection, keys, day)
        limits.count(connection, posted, limits.watched(connection), authorise=False)
    return case._replace(moves=[*case.moves, move])


def _move(
    case: Case,
    state: str,
    author: str,
    at: datetime,
    last: date | None = None,
    claim: Claim = _NOTHING_SAID,
    accepted: Sequence[int] = (),
    maker: str = "",
) -> DisputeMove:
    before = case.last.digest if case.moves else case.dispute.content
    seq, minors = len(case.moves) + 1, [*accepted] or [0] * len(case.lines)
    partner, dispute_id = case.dispute[:2]
    made = (partner, dispute_id, seq, state, author, maker, at, last, claim.reason, claim.text, claim.evidence)
    move = DisputeMove(*made, minors, b"")
    return move._replace(digest=move_digest(before, move))


def _same(case: Case, content: bytes) -> Case:
    if case.dispute.content != content:
        raise DisputeRefused("dispute_conflict", f"{case.dispute.name} was opened with other content")
    return case


def _refuse_turn(case: Case, states: Sequence[str], at: datetime) -> None:
    if case.state not in states:
        raise DisputeRefused("dispute_closed", f"dispute {case.dispute.name} is {case.state} since {case.last.at:%F}")
    if _is_over(case, at):
        reason = f"dispute {case.dispute.name} was {case.state} up to {case.last.due_on}, which is over"
        raise DisputeRefused("dispute_closed", reason)


def _is_over(case: Case, at: datetime) -> bool:
    last = case.last.due_on
    return last is not None and _day(at) > last


def _refuse(code: str, reason: str) -> None:
    if reason:
        raise DisputeRefused(code, reason)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
