"""The log over the wire: checkpoints and proofs of a running hub that seals, believed by the real SDK, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hub.core.errors import Refused
from hub.services import log_check, log_proofs, sealing
from hub.store import log
from partner_sdk import Client, InvalidRequestError, NotFound
from partner_sdk.model import Inclusion
from partner_sdk.wire import merkle
from partner_sdk.wire.leaves import content_digest
from partner_sdk.wire.schemas import EarningSchema, validate
from tests.support import services
from tests.support.coalition import Coalition
from tests.support.network import Network, sale
from tests.support.raw import RawClient
from tests.support.sdk import Join, joining, sell


@pytest.fixture
def join(net: Network) -> Iterator[Join]:
    with joining(net) as joined:
        yield joined


@pytest.fixture
def till(join: Join) -> Client:
    return join()


@pytest.fixture
def raw(net: Network) -> RawClient:
    return net.join()


def test_the_leaf_binds_the_hub_to_what_was_reported(net: Network, raw: RawClient) -> None:
    reported = sale(net.fresh("e"), net.member(), 1_234, store="Łódź 3")
    assert raw.call("POST", "/v1/earnings", {"earnings": [reported]}).status == 200
    sealing.seal(net.hub)
    answer = raw.call("GET", f"/v1/log/proof?event_id={reported['event_id']}")
    proof = Inclusion.from_wire(answer.json)
    assert (proof.leaf.kind, proof.leaf.status, proof.leaf.points) == ("earning", "posted", 12)
    assert proof.content_salt is not None
    assert proof.leaf.is_of(proof.content_salt, digest_of(reported))
    assert not proof.leaf.is_of(proof.content_salt, digest_of({**reported, "store": "Lodz 3"}))


def digest_of(reported: dict[str, Any]) -> bytes:
    return content_digest("earning", validate(EarningSchema, reported))


def test_the_hub_seals_by_itself_and_the_sdk_waits_for_it(net: Network, till: Client) -> None:
    sold = [sell(net, till, 1_000 + number) for number in range(3)]
    for one in sold:
        proof = till.proof(one.event_id)
        checkpoint = till.checkpoint()
        within = till.proof(one.event_id, size=checkpoint.size)
        within.check(checkpoint)
        assert proof.leaf == within.leaf
        assert proof.leaf.event_id == one.event_id


def test_the_log_only_grows(net: Network, till: Client) -> None:
    checkpoints = [till.checkpoint()]
    for _ in range(3):
        sell(net, till, 1_000)
        sealing.seal(net.hub)
        checkpoints.append(till.checkpoint())
    last = checkpoints[-1]
    for one in checkpoints:
        path = till.consistency(one.size, last.size)
        merkle.check_consistency(one.size, last.size, one.root, last.root, path)
    assert checkpoints[0].size < last.size
    assert log_check.run(net.hub).findings == []


def test_who_owes_and_who_is_owed_for_an_event_see_its_proof_and_nobody_else(net: Network, join: Join) -> None:
    issuer, redeemer, stranger = join(), join(), join()
    sold = sell(net, issuer, 5_000)
    redeemer.redeem("r" + sold.event_id, sold.member, 10)
    own, others = (one.proof("r" + sold.event_id, partner=redeemer.partner_id) for one in (redeemer, issuer))
    assert own.leaf == others.leaf
    assert own.content_salt is not None
    assert others.content_salt is None, "the issuer could try which card was used"
    checkpoint = issuer.checkpoint()
    issuer.proof("r" + sold.event_id, partner=redeemer.partner_id, size=checkpoint.size).check(checkpoint)
    for event_id, partner in (("r" + sold.event_id, redeemer.partner_id), (sold.event_id, issuer.partner_id)):
        with pytest.raises(NotFound):
            stranger.proof(event_id, partner=partner)
    with pytest.raises(NotFound):
        redeemer.proof(sold.event_id, partner=issuer.partner_id)
    with pytest.raises(NotFound):
        issuer.proof("no-such-event")


def test_an_event_that_came_after_a_size_is_not_in_it(net: Network, till: Client) -> None:
    sealing.seal(net.hub)
    before = till.checkpoint()
    sold = sell(net, till, 1_000)
    proof = till.proof(sold.event_id)
    with pytest.raises(InvalidRequestError) as refusal:
        till.proof(sold.event_id, size=before.size)
    assert refusal.value.code == "log_size"
    assert proof.position >= before.size


def test_an_event_that_is_not_sealed_yet_is_said_to_be_so(net: Network, raw: RawClient) -> None:
    target = f"/v1/log/proof?event_id={(event_id := net.fresh('e'))}"
    with net.hub.database._transactional.begin() as connection:
        log.lock(connection)
        assert raw.call("POST", "/v1/earnings", {"earnings": [sale(event_id, net.member())]}).status == 200
        answer = raw.call("GET", target)
        assert (answer.status, answer.code, answer.signed) == (409, "not_sealed", True)
        assert answer.headers["Retry-After"] == "1"
    sealing.seal(net.hub)
    assert raw.call("GET", target).status == 200


def test_the_first_entry_is_a_tree_of_its_own(built: Coalition) -> None:
    services.earn(built.hub, "grocer", "e1", "card:1", 1_000)
    with pytest.raises(Refused) as refusal:
        log_proofs.proof(built.hub, "grocer", "grocer", "e1", None)
    assert refusal.value.code == "not_sealed"
    sealing.seal(built.hub)
    proof = log_proofs.proof(built.hub, "grocer", "grocer", "e1", 1)
    assert (proof["position"], proof["size"], proof["path"]) == (0, 1, [])
    assert log_proofs.consistency(built.hub, 0, 1) == log_proofs.consistency(built.hub, 1, 1) == {"path": []}


HOSTILE = (
    "-1",
    "1.0",
    "1e3",
    "00x",
    "",
    "9" * 30,
    str(2**63),
    str(2**62 + 1),
    "%00",
    "%EF%BC%91",
    "1%0a",
    "null",
    "0x10",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_sizes_are_refused_with_a_reason(raw: RawClient, value: str) -> None:
    for target in (
        f"/v1/log/proof?event_id=e&size={value}",
        f"/v1/log/consistency?from={value}&to=1",
        f"/v1/log/consistency?from=0&to={value}",
    ):
        answer = raw.call("GET", target)
        assert (answer.status, answer.code, answer.signed) == (422, "invalid_request", True)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/v1/log/consistency?from=2&to=1", "log_size"),
        ("/v1/log/consistency?from=0&to=999999999999", "log_size"),
        ("/v1/log/consistency?from=1", "invalid_request"),
        ("/v1/log/consistency?from=1&to=1&to=2", "malformed_request"),
        ("/v1/log/proof", "invalid_request"),
        ("/v1/log/proof?event_id=a%0ab", "invalid_request"),
        ("/v1/log/proof?event_id=e&size=0", "invalid_request"),
        ("/v1/log/proof?event_id=e&partner=NO", "invalid_request"),
        ("/v1/log/proof?event_id=e&partner=coalition", "unknown_event"),
        ("/v1/log/checkpoint?size=1", "malformed_request"),
    ],
)
def test_what_cannot_be_asked(raw: RawClient, target: str, code: str) -> None:
    answer = raw.call("GET", target)
    assert (answer.code, answer.signed) == (code, True)
