"""What a receipt says that the hub has recorded: event by event, with the digest of what was reported.

The log must say the same of each (docs/protocol.md, section 16).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from marshmallow import Schema

from partner_sdk.receipts import Receipt, value_of
from partner_sdk.wire.between import MergeRequest, PoolRequest, TransferRequest
from partner_sdk.wire.card_records import CardRecordsRequest
from partner_sdk.wire.cards import CardLinkRequest, CardReplaceRequest, CardUnlinkRequest
from partner_sdk.wire.exchanging import ExchangeRequest
from partner_sdk.wire.leaves import Leaf, content_digest
from partner_sdk.wire.returns import RefundsRequest, ReversalRequest
from partner_sdk.wire.schemas import EarningsRequest, RedemptionRequest, validate

Json = Mapping[str, Any]
Owed = Counter[tuple[str, int, int]]
"""How often an issuer owes so many minor units for so many points."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that the hub has said to have recorded; `points` is None where the answer does not say."""

    event_id: str
    kind: str
    content: bytes
    points: int | None = None
    status: str = "posted"
    owed: Owed | None = None

    def differences(self, leaf: Leaf, salt: bytes | None) -> Iterator[str]:
        """What the log says otherwise, in words."""
        for name in ("kind", "status", "points"):
            said, found = getattr(self, name), getattr(leaf, name)
            if said is not None and said != found:
                yield f"the hub answered {name} {said}, and the log has {found}"
        if salt is None or not leaf.is_of(salt, self.content):
            yield "the log has it with other content than was reported"


def is_proof(receipt: Receipt) -> bool:
    """Whether a receipt is of a call that records events."""
    return any(pattern.fullmatch(receipt.path) for pattern, _ in _READERS)


def claims_of(receipt: Receipt) -> list[Claim]:
    """The events that a receipt is proof of; raises ValueError if it cannot be read."""
    try:
        return _claims(receipt, value_of(receipt.body), value_of(receipt.answer))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the request or its answer cannot be read: {error!r}") from error


def _claims(receipt: Receipt, body: Any, answer: Any) -> list[Claim]:
    for pattern, read in _READERS:
        match = pattern.fullmatch(receipt.path)
        if match:
            ids = [unquote(one) for one in match.groups()]
            declined = receipt.status == 409 and answer.get("code") == "insufficient_points"
            if receipt.status == 200 or (declined and "redemption_id" in answer):
                return list(read(body, answer, *ids))
    return []


def _each(kind: str, member: str, schema: type[Schema]) -> Callable[[Json, Json], Iterator[Claim]]:
    def read(body: Json, answer: Json) -> Iterator[Claim]:
        for reported, result in zip(validate(schema, body)[member], answer["results"], strict=True):
            if result["status"] != "rejected":
                status = "posted" if result["status"] == "pending" else result["status"]
                digest, moved = content_digest(kind, reported), result["points"] - result.get("borne", 0)
                yield Claim(reported["event_id"], kind, digest, moved, status)

    return read


def _redemption(body: Json, answer: Json) -> Iterator[Claim]:
    asked = validate(RedemptionRequest, body)
    kind, digest = "hold" if "hold" in asked else "redemption", content_digest("redemption", asked)
    if "code" in answer:
        yield Claim(asked["redemption_id"], kind, digest, asked["points"], "rejected")
    else:
        owed = _owed(answer) if kind == "redemption" else None
        yield Claim(asked["redemption_id"], kind, digest, answer["points"], owed=owed)


def _capture(body: Json, answer: Json, redemption_id: str) -> Iterator[Claim]:
    content = {"redemption_id": redemption_id, "points": answer["points"]}
    digest = content_digest("capture", content)
    yield Claim(f"{redemption_id}/capture", "capture", digest, answer["points"], owed=_owed(answer))


def _reversal(body: Json, answer: Json, redemption_id: str) -> Iterator[Claim]:
    asked, reversal_id = validate(ReversalRequest, body), answer["reversal_id"]
    content = {"redemption_id": redemption_id, **asked, "reversal_id": reversal_id}
    yield Claim(reversal_id, "reversal", content_digest("reversal", content), answer["points"])


def _transfer(body: Json, answer: Json) -> Iterator[Claim]:
    asked = validate(TransferRequest, body)
    kind = asked.get("kind", "transfer")
    yield Claim(asked["transfer_id"], kind, content_digest(kind, {**asked, "kind": kind}), answer["points"])


def _records(body: Json, answer: Json) -> Iterator[Claim]:
    for record, result in zip(validate(CardRecordsRequest, body)["records"], answer["results"], strict=True):
        if result["status"] != "rejected":
            points = 0 if result["recorded"] == "card-record" else result["points"] - result.get("borne", 0)
            digest = content_digest("card-record", record)
            yield Claim(record["event_id"], result["recorded"], digest, points)


def _unlink(body: Json, answer: Json, link_id: str) -> Iterator[Claim]:
    asked = {**validate(CardUnlinkRequest, body), "event_id": link_id}
    yield Claim(f"{link_id}/unlink", "card-unlink", content_digest("card-unlink", asked))


def _replacement(body: Json, answer: Json, link_id: str) -> Iterator[Claim]:
    asked = {**validate(CardReplaceRequest, body), "replaces": link_id}
    yield Claim(asked["event_id"], "card-replacement", content_digest("card-replacement", asked))


def _whole(kind: str, name: str, schema: type[Schema]) -> Callable[[Json, Json], Iterator[Claim]]:
    def read(body: Json, answer: Json) -> Iterator[Claim]:
        asked = validate(schema, body)
        yield Claim(asked[name], kind, content_digest(kind, asked))

    return read


def _step(step: str, kind: str, name: str) -> Callable[[Json, Json, str], Iterator[Claim]]:
    def read(body: Json, answer: Json, first_id: str) -> Iterator[Claim]:
        yield Claim(f"{first_id}/{step}", kind, content_digest(kind, {name: first_id}))

    return read


def _owed(answer: Json) -> Owed:
    return Counter((lot["issuer"], lot["points"], lot["minor"]) for lot in answer["lots"])


_READERS: tuple[tuple[re.Pattern[str], Callable[..., Iterator[Claim]]], ...] = tuple(
    (re.compile(".*" + path.replace("{}", "([^/]+)")), read)
    for path, read in (
        ("/v1/earnings", _each("earning", "earnings", EarningsRequest)),
        ("/v1/refunds", _each("refund", "refunds", RefundsRequest)),
        ("/v1/earnings/{}/confirm", _step("confirm", "confirmation", "event_id")),
        ("/v1/redemptions", _redemption),
        ("/v1/redemptions/{}/capture", _capture),
        ("/v1/redemptions/{}/void", _step("void", "void", "redemption_id")),
        ("/v1/redemptions/{}/reverse", _reversal),
        ("/v1/exchanges", _whole("exchange", "exchange_id", ExchangeRequest)),
        ("/v1/exchanges/{}/confirm", _step("confirm", "exchange-confirmation", "exchange_id")),
        ("/v1/exchanges/{}/fail", _step("fail", "exchange-failure", "exchange_id")),
        ("/v1/exchanges/{}/reverse", _step("reverse", "exchange-reversal", "exchange_id")),
        ("/v1/transfers", _transfer),
        ("/v1/pools", _whole("pool", "event_id", PoolRequest)),
        ("/v1/merges", _whole("merge", "event_id", MergeRequest)),
        ("/v1/cards", _whole("card-link", "event_id", CardLinkRequest)),
        ("/v1/card-records", _records),
        ("/v1/cards/{}/unlink", _unlink),
        ("/v1/cards/{}/replace", _replacement),
        ("/v1/merges/{}/undo", _step("undo", "unmerge", "event_id")),
    )
)
