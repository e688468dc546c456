"""Books that are there before anything is measured: members with 30 lots each, and a cycle full of obligations.

They are written by the hub's own services and its one posting function, some thousand rows at a time on all
cores, so every row, digest and sum is what it would be had each come in by itself. Its evidence is a signed
request too.
"""

from __future__ import annotations

import json
import secrets
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import cycle, pairwise
from multiprocessing import get_context
from random import Random
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.burning import burn
from hub.core.content import content_digest, instant
from hub.core.ledger import Event, Evidence, Lot, Posting, Transfer
from hub.services import accounts, earnings, reimbursement
from hub.services.authentication import Request, authenticate
from hub.services.context import Hub, Moment, Partner
from hub.settings import Settings
from hub.start import open_hub
from hub.store import posting
from hub.store.database import Connection
from partner_sdk.wire import signatures
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import RequestTarget
from settlement import intake
from settlement.intake import Obligation
from tests.bench.bodies import BATCH, FAITHFUL, LOT_POINTS
from tests.bench.stage import FIRST_DAY, LONG_AGO, PARTNERS, WORKERS, Stage

MONTHS = range(2, 7)
"""Months of 2017 in which each partner issued one lot to each spender: six partners, five months, 30 lots."""
LOTS_A_MEMBER = len(PARTNERS) * len(MONTHS)
LINES_A_MEMBER = 100
"""Obligations of a member who redeems everything in 71 parts: each but the last ends inside a lot, which gives two."""
MEMBERS_A_TASK = 200
MEMBERS_A_POSTING = 10
FAITHFUL_EARNINGS = 10_000
AUTHORITY = "127.0.0.1:1"
JSON_TYPE = "application/json"

Member = tuple[str, int]
"""Identifier and id."""


class Task(NamedTuple):
    """Some members whose rows one process writes; ``keys`` are the partners' private keys (PEM)."""

    settings: Settings
    keys: Mapping[str, str]
    members: Sequence[Member]
    seed: int


def fund(tasks: Sequence[Task]) -> Iterator[int]:
    """Give each member 30 lots; yield how many members more are done."""
    return _on_all_cores(_fund_some, tasks)


def redeem_all(tasks: Sequence[Task]) -> Iterator[int]:
    """Let each member redeem everything in 71 redemptions, 100 lines; yield how many members more are done."""
    return _on_all_cores(_redeem_some, tasks)


def tasks(stage: Stage, members: Sequence[Member], seed: int) -> list[Task]:
    """Share members out."""
    pem = {partner: key.to_pem().decode() for partner, key in stage.keys.items()}
    return [
        Task(stage.settings, pem, members[start : start + MEMBERS_A_TASK], seed + start)
        for start in range(0, len(members), MEMBERS_A_TASK)
    ]


def _on_all_cores(work: Callable[[Task], int], some: Sequence[Task]) -> Iterator[int]:
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        for done in as_completed([pool.submit(work, task) for task in some]):
            yield done.result()


# --- earnings ---


def _fund_some(task: Task) -> int:
    hub, draw = open_hub(task.settings), Random(task.seed)
    for partner in PARTNERS:
        reported = [
            _sale(draw, partner, name, month, f"funding-{member_id}-{month}")
            for name, member_id in task.members
            for month in MONTHS
        ]
        author, evidence = _signed(hub, task, partner, "/v1/earnings", {"earnings": reported})
        results = earnings.post(hub, author, evidence, reported)
        assert all(result["status"] == "posted" for result in results)
    hub.database.dispose()
    return len(task.members)


def _sale(draw: Random, partner: str, name: str, month: int, event_id: str) -> dict[str, Any]:
    points, per_minor, _, _ = PARTNERS[partner]
    return {
        "event_id": event_id,
        "member": name,
        "occurred_at": datetime(2017, month, draw.randint(1, 14), draw.randrange(24), tzinfo=UTC),
        "amount": {"minor": LOT_POINTS // points * per_minor + draw.randrange(per_minor * 20), "currency": "USD"},
    }


def fund_faithful(stage: Stage, seed: int) -> None:
    """Let one member earn 10,000 times over five years, at all partners: six lots a month, none of them over yet."""
    task = tasks(stage, [(FAITHFUL, 0)], seed)[0]
    draw = Random(seed)
    days = (FIRST_DAY - LONG_AGO).days
    for partner in PARTNERS:
        share = FAITHFUL_EARNINGS // len(PARTNERS) + (partner in list(PARTNERS)[: FAITHFUL_EARNINGS % len(PARTNERS)])
        sales = [_faithful_sale(draw, partner, number, days) for number in range(share)]
        for start in range(0, share, BATCH):
            some = sales[start : start + BATCH]
            author, evidence = _signed(stage.hub, task, partner, "/v1/earnings", {"earnings": some})
            results = earnings.post(stage.hub, author, evidence, some)
            assert all(result["status"] == "posted" for result in results)


def _faithful_sale(draw: Random, partner: str, number: int, days: int) -> dict[str, Any]:
    points, per_minor, _, _ = PARTNERS[partner]
    return {
        "event_id": f"faithful-{number}",
        "member": FAITHFUL,
        "occurred_at": datetime.combine(LONG_AGO + timedelta(days=draw.randrange(days)), time(12), UTC),
        "amount": {"minor": draw.randint(20, 80) * per_minor // points + per_minor, "currency": "USD"},
    }


# --- redemptions ---


def _redeem_some(task: Task) -> int:
    hub, draw, turns = open_hub(task.settings), Random(task.seed), cycle(PARTNERS)
    for start in range(0, len(task.members), MEMBERS_A_POSTING):
        some, partner = task.members[start : start + MEMBERS_A_POSTING], next(turns)
        author, evidence = _signed(hub, task, partner, "/v1/redemptions", {"members": [name for name, _ in some]})
        hub.database.transact(partial(_redeem, hub, author, evidence, some, draw))
    hub.database.dispose()
    return len(task.members)


def _redeem(
    hub: Hub, author: Partner, evidence: Evidence, some: Sequence[Member], draw: Random, connection: Connection
) -> None:
    moment = hub.moment(connection)
    redeemed = [_redeemed(connection, moment, author, draw, member) for member in some]
    signed = evidence.evidence_id
    events = [event._replace(evidence_id=signed) for member in redeemed for event in member.events]
    transfers = [transfer for member in redeemed for transfer in member.transfers]
    entry = Posting(author.partner_id, moment.now, moment.day, events, transfers, [evidence])
    assert len(posting.post(connection, entry)) == len(events)
    intake.record(connection, [one for member in redeemed for one in member.obligations])


class _Redeemed(NamedTuple):
    events: list[Event]
    transfers: list[Transfer]
    obligations: list[Obligation]


def _redeemed(connection: Connection, moment: Moment, partner: Partner, draw: Random, member: Member) -> _Redeemed:
    name, member_id = member
    left = accounts.lock(connection, moment, [member_id])[member_id].spendable()
    redeemed = _Redeemed([], [], [])
    for number, points in enumerate(divided(draw, [lot.points for lot in left])):
        asked = {"redemption_id": f"all-{member_id}-{number}", "member": name, "points": points}
        taken = burn(left, points)
        assert taken
        left = without(left, taken)
        _add(redeemed, moment, partner, member_id, asked, taken)
    return redeemed


def divided(draw: Random, points: Sequence[int]) -> list[int]:
    """Divide the points of some lots into redemptions, none of which ends where a lot does, but for the last."""
    ends = {sum(points[:count]) for count in range(1, len(points) + 1)}
    inside = [point for point in range(1, max(ends)) if point not in ends]
    cuts = sorted(draw.sample(inside, LINES_A_MEMBER - len(points)))
    return [end - start for start, end in pairwise([0, *cuts, max(ends)])]


def without(left: Sequence[Lot], taken: Sequence[Lot]) -> list[Lot]:
    """The lots that remain when the first of them were taken, the last of those perhaps in part."""
    last = len(taken) - 1
    rest = left[last].points - taken[last].points
    return ([Lot(left[last].key, rest)] if rest else []) + list(left[last + 1 :])


def _add(
    redeemed: _Redeemed,
    moment: Moment,
    partner: Partner,
    member_id: int,
    asked: Mapping[str, Any],
    taken: Sequence[Lot],
) -> None:
    """Add what one redemption writes, as `hub.services.redemptions` does for one that comes by itself."""
    price = reimbursement.price_on(partner, moment)
    value, parts = reimbursement.valued(price, [lot.points for lot in taken])
    event_id, content = asked["redemption_id"], content_digest("redemption", asked)
    redeemed.events.append(
        Event(
            event_id,
            "redemption",
            member_id,
            "posted",
            asked["points"],
            moment.now,
            content,
            value,
            price.currency,
            price.version,
        )
    )
    credit = ledger.redeemed(partner.partner_id)
    for line, (lot, minor) in enumerate(zip(taken, parts, strict=True), 1):
        redeemed.transfers.append(Transfer(event_id, line, member_id, ledger.AVAILABLE, credit, *lot.key, lot.points))
        redeemed.obligations.append(
            Obligation(
                partner.partner_id,
                event_id,
                line,
                lot.key.issuer,
                partner.partner_id,
                lot.points,
                minor,
                price.currency,
                price.version,
                price.numerator,
                price.denominator,
                moment.day,
            )
        )


# --- evidence ---


def _signed(hub: Hub, task: Task, partner: str, path: str, content: object) -> tuple[Partner, Evidence]:
    """Sign a request as its partner would, and let the hub say whose it is and what it keeps of it."""
    body = json.dumps(content, default=instant).encode()
    target = RequestTarget("POST", AUTHORITY, path, "?", JSON_TYPE, signatures.content_digest(body))
    key, now = PrivateKey.from_pem(task.keys[partner].encode()), int(clock.time())
    fields = signatures.sign_request(
        target,
        key,
        key_id(partner, key.public),
        created=now,
        expires=now + 300,
        nonce=secrets.token_urlsafe(16),
    )
    request = Request(target, fields["Signature-Input"], fields["Signature"], body)
    caller = authenticate(hub, request, frozenset({AUTHORITY}))
    return caller.partner, caller.evidence
