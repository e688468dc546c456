"""The client that a merchant's software talks to: one typed method for each thing that a partner can do.

Every method either returns what the hub answered and signed, or raises an error of `partner_sdk.errors`. After a
TransportError the same call with the same ids is safe: the hub does a thing once, however often it is asked.
"""

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import requests

from partner_sdk import model
from partner_sdk.answers import matched as _matched
from partner_sdk.answers import read as _read
from partner_sdk.batches import split
from partner_sdk.errors import UntrustedAnswer
from partner_sdk.key_list_memory import KeyListMemory
from partner_sdk.model.proofs import path_from_wire
from partner_sdk.receipts import Receipts
from partner_sdk.transport import Patience, Transport, open_session
from partner_sdk.webhooks import Receiver, Replays
from partner_sdk.wire import strict_json
from partner_sdk.wire.checkpoints import Checkpoint, CheckpointRefused, origin_of, read_checkpoint
from partner_sdk.wire.files import PART_BYTES
from partner_sdk.wire.keys import PublicKey, SigningKey, key_id, registration, rotation

T = TypeVar("T")
NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})


class Client:
    """A partner's client of one hub. It is thread-safe, and cheap to keep: make one and use it throughout.

    `hub` is the hub's base URL, `partner_id` and `key` are the partner's, and `root_key` is the hub's root key
    (or its base64url text), which the operator hands out; all trust in answers starts there. `timeout` is
    (connect, read) in seconds, `attempts` how often to try in all. `clock` gives epoch seconds. A `session` of
    your own is used as it is, so that proxies or client certificates can be set; without one, nothing is taken
    from the environment. `sleep` waits between attempts. `receipts` keeps what proves it (`partner_sdk.receipts`).
    `state` is a folder in which the version of the hub's key list is remembered, so that no process takes an older one.
    `trace` is shown the signature base of every request, for whoever looks for why a signature is refused; a key is
    never in it.
    """

    def __init__(
        self,
        hub: str,
        partner_id: str,
        key: SigningKey,
        *,
        root_key: PublicKey | str,
        timeout: tuple[float, float] = (3.05, 30.0),
        attempts: int = 5,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        trace: Callable[[bytes], None] | None = None,
        receipts: Receipts | None = None,
        state: Path | None = None,
    ) -> None:
        self.hub, self.partner_id = hub, partner_id
        self.keyid, self.public_key = key_id(partner_id, key.public), key.public
        self._key = key
        self._root = PublicKey.from_text(root_key) if isinstance(root_key, str) else root_key
        self.log_origin = origin_of(self._root)
        self._transport = Transport(
            hub,
            partner_id,
            key,
            self._root,
            clock=clock,
            patience=Patience(*timeout, attempts, sleep),
            session=session or open_session(),
            trace=trace,
            receipts=receipts,
            memory=None if state is None else KeyListMemory(state, self._root),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the hub."""
        self._transport.close()

    def post_once(self, path: str, body: bytes) -> dict[str, Any]:
        """One attempt at a request that is written already, for callers with a patience of their own: the outbox.

        Returns the verified answer; raises HansaError.
        """
        return self._transport.post_once(path, body)

    def hub_time(self) -> float:
        """The hub's clock in epoch seconds, as far as it is known: the machine's, once corrected by a refusal."""
        return self._transport.hub_time()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections to the parent; call it first in a process that was forked."""
        self._transport.after_fork_in_child()

    # --- who am I ---

    @property
    def environment(self) -> str | None:
        """For which hubs the key is, live or sandbox; None while it is for whichever it is registered with first."""
        return self._transport.environment

    def ping(self) -> model.Ping:
        """Ask the hub who it takes this client for, and what time it is."""
        return _read(model.Ping.from_wire, self._transport.get("/v1/ping"))

    def register_key(self) -> model.KeyRecord:
        """Register this client's key. It stays pending until the operator has compared its thumbprint with you.

        A key that was for no environment yet is from now on for this hub's (`environment`), as far as this client goes;
        `name_environment` of `partner_sdk.wire.keys` lets its file say so too.
        Raises WrongEnvironment for one that is for another.
        """
        body = strict_json.dumps(registration(self.partner_id, self._key, self._transport.bind()))
        return _read(model.KeyRecord.from_wire, self._transport.post("/v1/keys", body))

    def rotate_key(self, new: SigningKey) -> model.Rotation:
        """Hand over from this client's key to a new one, which is active at once; this one goes on for a while.

        Make clients with the new key then. Calling again is harmless. Raises Conflict (key_handed_over) when this key
        has handed over to another.
        """
        body = strict_json.dumps(rotation(self.keyid, new, self._transport.bind()))
        return _read(model.Rotation.from_wire, self._transport.post("/v1/keys/rotate", body))

    # --- members ---

    def enrol(self, members: Iterable[str | model.Enrolment]) -> list[model.EnrolmentResult]:
        """Enrol members, or attach identifiers to them; one result for each, in order."""
        enrolments = [model.Enrolment(member) if isinstance(member, str) else member for member in members]
        results = self._send_each("/v1/members", "members", (each.to_wire() for each in enrolments))
        return _matched(model.EnrolmentResult.from_wire, results, "member", [each.member for each in enrolments])

    def member(self, member: str) -> model.MemberView:
        """The points of one member; raises NotFound (unknown_member)."""
        answer = self._transport.get(f"/v1/members/{_segment(member)}")
        return _read(model.MemberView.from_wire, answer)

    def expiring(self, until: date) -> list[model.Ending]:
        """What this partner has issued that ends from today to `until`, by day and kind, the soonest first."""
        answer = self._transport.get("/v1/expiring", {"until": until.isoformat()})
        return _read(lambda given: [model.Ending.from_wire(one) for one in given["expiring"]], answer)

    def packs(self) -> list[model.Pack]:
        """The points that this partner bought in advance, by the name of each pack."""
        return _read(
            lambda given: [model.Pack.from_wire(one) for one in given["packs"]], self._transport.get("/v1/packs")
        )

    # --- points ---

    def earn(self, earnings: Iterable[model.Earning]) -> list[model.EarningResult]:
        """Report purchases, in as many requests as needed; one result for each, in order.

        An event that breaks a rule is rejected by itself, in its result. A request that breaks the contract is
        refused whole (InvalidRequestError). When an error is raised, earlier requests may have been posted: call
        again with the same events, and those come back as duplicates.
        """
        reported = list(earnings)
        results = self._send_each("/v1/earnings", "earnings", (each.to_wire() for each in reported))
        return _matched(model.EarningResult.from_wire, results, "event_id", [each.event_id for each in reported])

    def confirm(self, event_id: str) -> model.Confirmation:
        """Say that a pending sale stands, so that its points can be spent; raises NotFound, Conflict (not_pending)."""
        answer = self._transport.post(f"/v1/earnings/{_segment(event_id)}/confirm", b"{}")
        (confirmed,) = _matched(model.Confirmation.from_wire, [answer], "event_id", [event_id])
        return confirmed

    def refund(self, refunds: Iterable[model.Refund]) -> list[model.RefundResult]:
        """Report returned purchases, in as many requests as needed; one result for each, in order.

        Each is decided on its own; one that breaks a rule is rejected by itself, in its result.
        """
        reported = list(refunds)
        results = self._send_each("/v1/refunds", "refunds", (each.to_wire() for each in reported))
        return _matched(model.RefundResult.from_wire, results, "event_id", [each.event_id for each in reported])

    def redeem(self, redemption_id: str, member: str, points: int, *, pool: bool = False) -> model.Redemption:
        """Spend a member's points here, or with `pool` those of its household.

        Raises InsufficientPoints, EventConflict, Conflict (member_in_debt, not_in_pool), NotFound (unknown_member).
        """
        return self._redeem({"redemption_id": redemption_id, "member": member, "points": points}, pool)

    def hold(
        self, redemption_id: str, member: str, points: int, seconds: int, *, pool: bool = False
    ) -> model.Redemption:
        """Reserve a member's points for so many seconds, at today's price; then `capture` or `void`, or let it lapse.

        Raises what `redeem` raises.
        """
        asked = {"redemption_id": redemption_id, "member": member, "points": points, "hold": seconds}
        return self._redeem(asked, pool)

    def capture(self, redemption_id: str, points: int | None = None) -> model.Capture:
        """Spend what a hold reserves, or so many points of it; the rest is released.

        Raises NotFound (unknown_event), Conflict (hold_closed, exceeds_original), EventConflict.
        """
        return self._follow(
            model.Capture.from_wire, redemption_id, "capture", {} if points is None else {"points": points}
        )

    def void(self, redemption_id: str) -> model.Voided:
        """Release what a hold reserves; raises NotFound (unknown_event), Conflict (hold_closed)."""
        return self._follow(model.Voided.from_wire, redemption_id, "void", {})

    def reverse(
        self, redemption_id: str, points: int | None = None, *, reversal_id: str | None = None
    ) -> model.Reversal:
        """Take a redemption back, whole or so many points of it; the points return to the lots they came from.

        Give each partial reversal a `reversal_id` of your own, which makes a repetition harmless. Raises NotFound
        (unknown_event), Conflict (not_reversible, exceeds_original), EventConflict.
        """
        asked = {"points": points, "reversal_id": reversal_id}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._follow(model.Reversal.from_wire, redemption_id, "reverse", given)

    def _follow(self, read: Callable[[Any], T], redemption_id: str, step: str, asked: dict[str, Any]) -> T:
        path = f"/v1/redemptions/{_segment(redemption_id)}/{step}"
        answer = self._transport.post(path, strict_json.dumps(asked))
        (followed,) = _matched(read, [answer], "redemption_id", [redemption_id])
        return followed

    def _redeem(self, asked: dict[str, Any], pool: bool) -> model.Redemption:
        if pool:
            asked["pool"] = True
        redemption_id = asked["redemption_id"]
        answer = self._transport.post("/v1/redemptions", strict_json.dumps(asked))
        (redemption,) = _matched(model.Redemption.from_wire, [answer], "redemption_id", [redemption_id])
        return redemption

    # --- among members ---

    def transfer(
        self, transfer_id: str, member: str, to: str, points: int, *, kind: str = "transfer"
    ) -> model.Transfer:
        """Move points from one member to another; `kind` is transfer, gift or donation (to a charity's account).

        Each point keeps its issuer, kind and last day. Raises InsufficientPoints, EventConflict, Conflict
        (member_in_debt, same_member, not_a_charity, limit_exceeded), NotFound (unknown_member).
        """
        asked = {"transfer_id": transfer_id, "member": member, "to": to, "points": points, "kind": kind}
        answer = self._transport.post("/v1/transfers", strict_json.dumps(asked))
        (moved,) = _matched(model.Transfer.from_wire, [answer], "transfer_id", [transfer_id])
        return moved

    def set_pool(self, event_id: str, pool_id: str, members: Iterable[model.PoolMember]) -> model.Pool:
        """Let a household pool consist of these members from now on; of none, to dissolve it.

        `event_id` names this change. Raises EventConflict, Conflict (same_member, in_another_pool), NotFound
        (unknown_member).
        """
        asked = {"event_id": event_id, "pool_id": pool_id, "members": [one.to_wire() for one in members]}
        answer = self._transport.post("/v1/pools", strict_json.dumps(asked))
        (pool,) = _matched(model.Pool.from_wire, [answer], "event_id", [event_id])
        return pool

    def merge(self, event_id: str, member: str, into: str, reason: str) -> model.Merge:
        """Let one member be another from now on, with all its points, debts and holds; contracts may allow this.

        Raises NotAllowed, EventConflict, Conflict (same_member, already_merged), NotFound (unknown_member).
        """
        asked = {"event_id": event_id, "member": member, "into": into, "reason": reason}
        answer = self._transport.post("/v1/merges", strict_json.dumps(asked))
        (merged,) = _matched(model.Merge.from_wire, [answer], "event_id", [event_id])
        return merged

    def undo_merge(self, event_id: str) -> model.Merge:
        """Undo a merge of this partner's: the member gets back what was its own and is still there.

        Raises NotAllowed, Conflict (merged_since), NotFound (unknown_event).
        """
        answer = self._transport.post(f"/v1/merges/{_segment(event_id)}/undo", b"{}")
        return _read(model.Merge.from_wire, answer)

    # --- cards ---

    def link_card(
        self,
        event_id: str,
        card: str,
        member: str,
        consent: str,
        *,
        product: str | None = None,
        linked_at: datetime | None = None,
    ) -> model.Card:
        """Say that a card, by its token or PAR, is a member's from now or `linked_at` on.

        `consent` names what the member agreed to. Raises NotAllowed, EventConflict, Conflict (card_linked), NotFound
        (unknown_member).
        """
        asked = {"event_id": event_id, "card": card, "member": member, "consent": consent}
        return self._card("/v1/cards", asked, product=product, linked_at=linked_at)

    def unlink_card(self, event_id: str, reason: str, at: datetime | None = None) -> model.Card:
        """Say that the card that `event_id` linked is nobody's any more: member, closed, lost or fraud.

        Raises NotFound (unknown_event), Conflict (card_unlinked), EventConflict.
        """
        return self._card(f"/v1/cards/{_segment(event_id)}/unlink", {"reason": reason}, unlinked_at=at)

    def replace_card(
        self,
        replaces: str,
        event_id: str,
        card: str,
        reason: str,
        *,
        product: str | None = None,
        at: datetime | None = None,
    ) -> model.Card:
        """Put another card in the place of the one that `replaces` linked: lost, renewed or upgraded.

        Raises NotFound (unknown_event), Conflict (card_unlinked, card_linked), EventConflict.
        """
        asked = {"event_id": event_id, "card": card, "reason": reason}
        return self._card(f"/v1/cards/{_segment(replaces)}/replace", asked, product=product, replaced_at=at)

    def cards(self, member: str) -> list[model.Card]:
        """The cards of yours that a member holds or held, oldest first; raises NotFound (unknown_member)."""
        answer = self._transport.get("/v1/cards", {"member": member})
        return _read(lambda given: [model.Card.from_wire(one) for one in given["cards"]], answer)

    def report_cards(self, records: Iterable[model.CardRecord]) -> list[model.CardResult]:
        """Report what was done with cards, in as many requests as needed; one result for each, in order, as `earn`."""
        reported = list(records)
        results = self._send_each("/v1/card-records", "records", (each.to_wire() for each in reported))
        return _matched(model.CardResult.from_wire, results, "event_id", [each.event_id for each in reported])

    def _card(self, path: str, asked: dict[str, Any], **more: str | datetime | None) -> model.Card:
        given = {name: value for name, value in more.items() if value is not None}
        written = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}
        return _read(model.Card.from_wire, self._transport.post(path, strict_json.dumps(asked | written)))

    # --- being told ---

    def set_webhook(self, webhook_id: str, url: str, topics: Iterable[str]) -> model.Webhook:
        """Be told of these topics at a URL of yours; the same id again changes the webhook and tries it afresh.

        Raises InvalidRequestError (webhook_target: only https to public addresses), Conflict (too_many_webhooks).
        """
        asked = {"webhook_id": webhook_id, "url": url, "topics": list(topics)}
        answer = self._transport.post("/v1/webhooks", strict_json.dumps(asked))
        return _read(model.Webhook.from_wire, answer)

    def webhooks(self) -> list[model.Webhook]:
        """All webhooks of this partner, and how they do."""
        answer = self._transport.get("/v1/webhooks")
        return _read(lambda given: [model.Webhook.from_wire(one) for one in given["webhooks"]], answer)

    def dead_letters(self, webhook_id: str) -> list[model.DeadLetter]:
        """The messages that were tried ten times and given up, oldest first, at most 100; raises NotFound."""
        answer = self._transport.get(f"/v1/webhooks/{_segment(webhook_id)}/dead")
        return _read(lambda given: [model.DeadLetter.from_wire(one) for one in given["dead"]], answer)

    def replay_webhook(self, webhook_id: str, since: datetime | None = None) -> int:
        """Have dead letters sent again, and with `since` all that was delivered of later events (30 days are kept).

        Returns how many; raises NotFound.
        """
        asked = {} if since is None else {"since": since.isoformat()}
        answer = self._transport.post(f"/v1/webhooks/{_segment(webhook_id)}/replay", strict_json.dumps(asked))
        return _read(lambda given: int(given["replayed"]), answer)

    def remove_webhook(self, webhook_id: str) -> None:
        """Be told nothing more; what waits is forgotten. Raises NotFound."""
        self._transport.post(f"/v1/webhooks/{_segment(webhook_id)}/remove", b"{}")

    def webhook_receiver(self) -> Receiver:
        """What verifies messages to this partner with the hub's keys, fetched once and trusted by the root key."""
        return Receiver(self.partner_id, self._transport.hub_key, Replays(), self._transport.hub_time)

    # --- what something would give ---

    def quote_earning(self, earning: model.Earning) -> model.EarningQuote:
        """What an earning would give, without reporting it; its event id is not sent."""
        asked = {name: value for name, value in earning.to_wire().items() if name != "event_id"}
        answer = self._transport.post("/v1/quotes", strict_json.dumps({"earning": asked}))
        return _read(lambda quoted: model.EarningQuote.from_wire(quoted["earning"]), answer)

    def quote_redemption(self, member: str, points: int, *, pool: bool = False) -> model.RedemptionQuote:
        """What a redemption would give, without doing it."""
        asked = {"redemption": {"member": member, "points": points} | ({"pool": True} if pool else {})}
        answer = self._transport.post("/v1/quotes", strict_json.dumps(asked))
        return _read(lambda quoted: model.RedemptionQuote.from_wire(quoted["redemption"]), answer)

    # --- exchanges between your own currency and points ---

    def quote_exchange(self, member: str, direction: str, unit: str, amount: int) -> model.ExchangeQuote:
        """What `amount` gives: own units for direction "in", points for "out"; the quote can be taken for its time.

        Raises InvalidRequestError (no_rate, no_contract, amount_not_exchangeable), NotFound (unknown_member),
        Conflict (member_in_debt).
        """
        asked = {"exchange": {"member": member, "direction": direction, "unit": unit, "amount": amount}}
        answer = self._transport.post("/v1/quotes", strict_json.dumps(asked))
        return _read(lambda quoted: model.ExchangeQuote.from_wire(quoted["exchange"]), answer)

    def exchange(self, exchange_id: str, quote_id: str, member: str, payment: str | None = None) -> model.Exchange:
        """Take a quote, at what it says; points that go out are reserved from now on.

        Then credit or debit your own currency, once, under the same id, and say how that went: `confirm_exchange`
        or `fail_exchange`. As long as you do not know, say neither. `payment` is what pays for it, where the rate needs
        that. Raises InsufficientPoints, EventConflict, Conflict (quote_taken, quote_expired, member_in_debt,
        payment_missing, payment_taken, limit_exceeded), InvalidRequestError (quote_invalid), NotFound.
        """
        asked = {"exchange_id": exchange_id, "quote_id": quote_id, "member": member}
        asked |= {"payment": payment} if payment else {}
        return self._exchanged(exchange_id, self._transport.post("/v1/exchanges", strict_json.dumps(asked)))

    def confirm_exchange(self, exchange_id: str) -> model.Exchange:
        """Say that your side is done; points are issued or redeemed. Raises NotFound, Conflict (exchange_closed)."""
        return self._step_exchange(exchange_id, "confirm")

    def fail_exchange(self, exchange_id: str) -> model.Exchange:
        """Say that your side is not done and will not be; points are released. Raises as `confirm_exchange`."""
        return self._step_exchange(exchange_id, "fail")

    def reverse_exchange(self, exchange_id: str) -> model.Exchange:
        """Undo a confirmed exchange: points that went out return to their lots, those that came in are taken back.

        Raises what `confirm_exchange` raises, Conflict (not_reversible) for an open one, and InsufficientPoints when
        points that came in are spent.
        """
        return self._step_exchange(exchange_id, "reverse")

    def exchange_state(self, exchange_id: str) -> model.Exchange:
        """An exchange as it stands now; raises NotFound (unknown_event)."""
        return self._exchanged(exchange_id, self._transport.get(f"/v1/exchanges/{_segment(exchange_id)}"))

    def exchanges(
        self, state: str | None = None, cursor: str | None = None, limit: int = 1000
    ) -> Iterator[model.Page[model.Exchange]]:
        """This partner's exchanges, all or those in one state, page by page in the order of their recording."""
        asked = {} if state is None else {"state": state}
        return self._pages("/v1/exchanges", "exchanges", model.Exchange.from_wire, cursor, limit, asked)

    def _step_exchange(self, exchange_id: str, step: str) -> model.Exchange:
        path = f"/v1/exchanges/{_segment(exchange_id)}/{step}"
        return self._exchanged(exchange_id, self._transport.post(path, b"{}"))

    def _exchanged(self, exchange_id: str, answer: Any) -> model.Exchange:
        (exchange,) = _matched(model.Exchange.from_wire, [answer], "exchange_id", [exchange_id])
        return exchange

    # --- what the hub has on record ---

    def rates(self) -> list[model.Rate]:
        """All versions of this partner's own rates."""
        return _read(lambda answer: [model.Rate.from_wire(rate) for rate in answer["rates"]],
                     self._transport.get("/v1/rates"))  # fmt: skip

    def events(self, cursor: str | None = None, limit: int = 1000) -> Iterator[model.Page[model.Event]]:
        """This partner's events, page by page, in the order in which the hub recorded them.

        Keep a page's `next_cursor` to go on from there later; new events come after it.
        """
        return self._pages("/v1/events", "events", model.Event.from_wire, cursor, limit)

    def gaps(self, cursor: str | None = None, limit: int = 1000) -> Iterator[model.Page[model.Gap]]:
        """What is missing among the numbers of this partner's terminals, and what came twice, page by page."""
        return self._pages("/v1/events/gaps", "gaps", model.Gap.from_wire, cursor, limit)

    def statements(self, cursor: str | None = None, limit: int = 1000) -> Iterator[model.Page[model.StatementHead]]:
        """This partner's published statements, page by page."""
        return self._pages("/v1/statements", "statements", model.StatementHead.from_wire, cursor, limit)

    def statement(self, cycle: str) -> model.Statement:
        """This partner's statement of one cycle ("2017-01"); raises NotFound (unknown_cycle)."""
        answer = self._transport.get(f"/v1/statements/{_segment(cycle)}")
        return _read(model.Statement.from_wire, answer)

    def statement_lines(
        self, cycle: str, cursor: str | None = None, limit: int = 1000
    ) -> Iterator[model.Page[model.StatementLine]]:
        """Every obligation that this partner is party to in one cycle, page by page."""
        path = f"/v1/statements/{_segment(cycle)}/lines"
        return self._pages(path, "lines", model.StatementLine.from_wire, cursor, limit)

    # --- bulk files ---

    def send_file(
        self,
        file_id: str,
        template: str,
        file: Path,
        *,
        compression: str = "none",
        sequence: int | None = None,
        corrects: str | None = None,
    ) -> model.BulkFile:
        """Send a file under an id of your own, part by part; again, only what has not come yet.

        `compression` is gzip for a file that is compressed so. `corrects` names a file that was posted and whose
        records this one corrects. The hub then looks through it and posts it: see `file_state`. Raises NotFound
        (unknown_template, unknown_file), EventConflict for an id that was used for another file.
        """
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            asked = {"file_id": file_id, "template": template, "bytes": stream.tell(), "sha256": digest}
            asked |= {"compression": compression} | ({} if sequence is None else {"sequence": sequence})
            state = self._of_file(file_id, "", asked | ({} if corrects is None else {"corrects": corrects}))
            while state.missing:
                for number in state.missing:
                    stream.seek((number - 1) * PART_BYTES)
                    content = b64encode(stream.read(PART_BYTES)).decode()
                    path = f"/v1/files/{_segment(file_id)}/parts/{number}"
                    self._transport.post(path, strict_json.dumps({"content": content}))
                if state.missing[-1] == state.parts:
                    break
                state = self.file_state(file_id)
        return self._of_file(file_id, "complete", {})

    def file_state(self, file_id: str) -> model.BulkFile:
        """How far a file is; raises NotFound (unknown_file)."""
        return _of(file_id, self._transport.get(f"/v1/files/{_segment(file_id)}"))

    def file_results(
        self, file_id: str, cursor: str | None = None, limit: int = 1000
    ) -> Iterator[model.Page[model.FileResult]]:
        """What became of each line of a file, page by page; raises NotFound, and Conflict (file_not_posted)."""
        path = f"/v1/files/{_segment(file_id)}/results"
        return self._pages(path, "results", model.FileResult.from_wire, cursor, limit)

    def _of_file(self, file_id: str, step: str, asked: Mapping[str, Any]) -> model.BulkFile:
        path = f"/v1/files/{_segment(file_id)}/{step}" if step else "/v1/files"
        return _of(file_id, self._transport.post(path, strict_json.dumps(asked)))

    # --- disputes about statements ---

    def dispute(
        self,
        dispute_id: str,
        cycle: str,
        lines: Iterable[model.DisputedLine],
        reason: str,
        text: str = "",
        evidence: Mapping[str, Any] = NOTHING_ELSE,
    ) -> model.Dispute:
        """Dispute lines of a statement, each up to what it comes to, in one currency; the id is your own.

        Reasons: not_ours, duplicate, wrong_amount, wrong_price, wrong_party, returned, fraud, other (which needs a
        text). `evidence` has `events` and `receipts` (names of your own) and a `note`. Raises NotFound (unknown_cycle,
        unknown_line), Conflict (not_disputable, exceeds_original), EventConflict.
        """
        asked = {"dispute_id": dispute_id, "cycle": cycle, "lines": [line.to_wire() for line in lines]}
        return self._disputed(dispute_id, "", asked | _claim(reason, text, evidence))

    def escalate_dispute(
        self, dispute_id: str, reason: str, text: str = "", evidence: Mapping[str, Any] = NOTHING_ELSE
    ) -> model.Dispute:
        """Take a dispute that was rejected further; raises NotFound (unknown_dispute), Conflict (dispute_closed)."""
        return self._disputed(dispute_id, "escalate", _claim(reason, text, evidence))

    def withdraw_dispute(self, dispute_id: str) -> model.Dispute:
        """Give a dispute up; raises as `escalate_dispute`."""
        return self._disputed(dispute_id, "withdraw", {})

    def dispute_state(self, dispute_id: str) -> model.Dispute:
        """A dispute as it stands now; raises NotFound (unknown_dispute)."""
        return self._of_dispute(dispute_id, self._transport.get(f"/v1/disputes/{_segment(dispute_id)}"))

    def disputes(self, cursor: str | None = None, limit: int = 1000) -> Iterator[model.Page[model.Dispute]]:
        """This partner's disputes by id, page by page."""
        return self._pages("/v1/disputes", "disputes", model.Dispute.from_wire, cursor, limit)

    def _disputed(self, dispute_id: str, step: str, asked: Mapping[str, Any]) -> model.Dispute:
        path = f"/v1/disputes/{_segment(dispute_id)}/{step}" if step else "/v1/disputes"
        return self._of_dispute(dispute_id, self._transport.post(path, strict_json.dumps(asked)))

    def _of_dispute(self, dispute_id: str, answer: Any) -> model.Dispute:
        (found,) = _matched(model.Dispute.from_wire, [answer], "dispute_id", [dispute_id])
        return found

    # --- what became of records ---

    def records(
        self, day: date | None = None, cycle: str = "", cursor: str | None = None, limit: int = 1000
    ) -> Iterator[model.Page[dict[str, Any]]]:
        """All that you sent on a business day or in a cycle, with its outcome, page by page."""
        wanted = {"cycle": cycle} if cycle or day is None else {"day": day.isoformat()}
        return self._pages("/v1/records", "records", dict, cursor, limit, wanted)

    def explain(self, event_id: str) -> dict[str, Any]:
        """Why an event of yours gave or took its points, in sentences; raises NotFound (unknown_event)."""
        return self._transport.get(f"/v1/events/{_segment(event_id)}/explanation")

    def liability(self) -> dict[str, Any]:
        """What members hold of your points, by month of their end, and how long your packs last."""
        return self._transport.get("/v1/liability")

    def accruals(self, cycle: str) -> dict[str, Any]:
        """What your points of a cycle came to, by card product and category; raises NotFound (unknown_cycle)."""
        return self._transport.get("/v1/accruals", {"cycle": cycle})

    # --- purchases that brought no points ---

    def claim(
        self,
        claim_id: str,
        occurred_at: datetime,
        amount: model.Money,
        reason: str = "no_points",
        *,
        evidence: Mapping[str, str] = NOTHING_ELSE,
        **named: str,
    ) -> model.Claim:
        """Claim the points of a purchase of the `member`, or of who held your `card` then; the id is your own.

        `at` names the partner where it was, if not you; the rest is as in `POST /v1/claims` of the protocol.
        Raises NotFound, Conflict (not_claimable), EventConflict.
        """
        asked = {
            "claim_id": claim_id, "occurred_at": occurred_at.isoformat(), "amount": amount.to_wire(), "reason": reason
        } | named  # fmt: skip
        answer = self._transport.post("/v1/claims", strict_json.dumps(asked | _claim("", "", evidence)))
        return _matched(model.Claim.from_wire, [answer], "claim_id", [claim_id])[0]

    def move_claim(self, claim_id: str, move: str, text: str = "", **more: str) -> model.Claim:
        """Say `more` of your claim or `withdraw` it; `ask`, `grant` or `decline` that of a `partner` about you.

        Raises NotFound (unknown_claim), Conflict (claim_closed, already_reported).
        """
        asked = {"move": move, **({"text": text} if text else {}), **more}
        path = f"/v1/claims/{_segment(claim_id)}/moves"
        return model.Claim.from_wire(self._transport.post(path, strict_json.dumps(asked)))

    def claim_state(self, claim_id: str, partner: str | None = None) -> model.Claim:
        """A claim of yours, or of `partner` about you, and what was found reported of it."""
        query = {"partner": partner} if partner else {}
        return model.Claim.from_wire(self._transport.get(f"/v1/claims/{_segment(claim_id)}", query))

    def claims(self, cursor: str | None = None, limit: int = 1000) -> Iterator[model.Page[model.Claim]]:
        """Claims that you made or are asked about, page by page."""
        return self._pages("/v1/claims", "claims", model.Claim.from_wire, cursor, limit)

    # --- what the hub can prove ---

    def checkpoint(self) -> Checkpoint:
        """Size and root of the hub's log, signed by the hub; who keeps one can tell whether history was rewritten."""
        answer = self._transport.get("/v1/log/checkpoint")
        note, key = _read(lambda given: (str(given["checkpoint"]), self._transport.hub_key(given["keyid"])), answer)
        if key is None:
            raise UntrustedAnswer("the checkpoint is signed by a key that the hub has not")
        try:
            return read_checkpoint(note, self.log_origin, key)
        except CheckpointRefused as refusal:
            raise UntrustedAnswer(refusal.detail) from None

    def proof(self, event_id: str, *, partner: str | None = None, size: int | None = None) -> model.Inclusion:
        """The proof that an event is in the log, or in the log as it was at a size; hold it against a checkpoint.

        `event_id` is as the hub recorded it (`r-1/capture`), and of `partner` where another reported it; the event must
        be one that you reported, or that makes you owe or be owed. Raises NotFound (unknown_event), Conflict
        (not_sealed: it was posted less than a second ago), InvalidRequestError (log_size).
        """
        asked = {"event_id": event_id, "partner": partner, "size": None if size is None else str(size)}
        query = {name: value for name, value in asked.items() if value is not None}
        proof = _read(model.Inclusion.from_wire, self._transport.get("/v1/log/proof", query))
        if (proof.leaf.event_id, proof.leaf.partner) != (event_id, partner or self.partner_id):
            raise UntrustedAnswer("the hub's proof is about another event")
        return proof

    def hub_key_at(self, keyid: str, at: float) -> PublicKey | None:
        """The hub's key of that name if it was good at that time, in epoch seconds; it verifies old receipts."""
        return self._transport.hub_key_at(keyid, at)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log of `old` entries begins that of `new`; `wire.merkle.check_consistency` checks it.

        Raises InvalidRequestError (log_size).
        """
        answer = self._transport.get("/v1/log/consistency", {"from": str(old), "to": str(new)})
        return _read(path_from_wire, answer)

    def _send_each(self, path: str, member: str, elements: Iterable[dict[str, Any]]) -> list[Any]:
        results: list[Any] = []
        for body in split(member, elements):
            results += _read(lambda answer: list(answer["results"]), self._transport.post(path, body))
        return results

    def _pages(
        self,
        path: str,
        member: str,
        read: Callable[[Any], T],
        cursor: str | None,
        limit: int,
        wanted: Mapping[str, str] = NOTHING_ELSE,
    ) -> Iterator[model.Page[T]]:
        while True:
            place = {} if cursor is None else {"cursor": cursor}
            asked = {**wanted, **place, "limit": str(limit)}
            page = _read(lambda answer: _page(answer, member, read), self._transport.get(path, asked))
            if page.more and page.next_cursor == cursor:
                raise UntrustedAnswer("the list does not go on")
            yield page
            if not page.more:
                return
            cursor = page.next_cursor


def _claim(reason: str, text: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    said = {"reason": reason, "text": text, "evidence": dict(evidence)}
    return {name: value for name, value in said.items() if value}


def _of(file_id: str, answer: Any) -> model.BulkFile:
    (found,) = _matched(model.BulkFile.from_wire, [answer], "file_id", [file_id])
    return found


def _segment(text: str) -> str:
    """A segment of a path, escaped; one of dots alone would be taken for a step up the path."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def _page(answer: Any, member: str, read: Callable[[Any], T]) -> model.Page[T]:
    items = tuple(read(item) for item in answer[member])
    return model.Page(items, str(answer["next_cursor"]), answer["more"] is True)
