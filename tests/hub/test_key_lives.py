"""Keys from one to the next: handing over, retiring, and being revoked as of a time that has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from hub.core.errors import Refused
from hub.services import partners
from hub.services.context import PartnerKey
from partner_sdk import Client, Conflict, HansaError, PrivateKey, Unauthenticated
from partner_sdk.wire.keys import ALGORITHMS, key_id, rotation
from tests.support.network import Network
from tests.support.sdk import client_of, joining, sell
from tests.support.threads import at_once


@pytest.fixture
def till(net: Network) -> Iterator[Client]:
    with joining(net) as join:
        yield join()


def states(net: Network, partner: str) -> dict[str, str]:
    return {one["keyid"]: one["state"] for one in partners.keys(net.hub, partner)}


def code(act: Callable[[], object]) -> str:
    with pytest.raises(HansaError) as refusal:
        act()
    return str(getattr(refusal.value, "code", ""))


def record(net: Network, keyid: str) -> PartnerKey:
    with net.hub.database.connect() as connection:
        return net.hub.moment(connection).configuration.keys[keyid]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_hands_over_and_both_verify_for_a_while(net: Network, till: Client, alg: str) -> None:
    new = PrivateKey.generate(alg=alg)
    handed = till.rotate_key(new)
    assert (handed.state, handed.former, handed.thumbprint) == ("active", till.keyid, new.public.thumbprint())
    assert till.ping().key_state == "retiring"
    with client_of(net, till.partner_id, new) as next_till:
        assert next_till.ping().key_state == "active"
        third = PrivateKey.generate()
        assert next_till.rotate_key(third).former == key_id(till.partner_id, new.public)
    assert sorted(states(net, till.partner_id).values()) == ["active", "retiring", "retiring"]


def test_a_rotation_that_is_repeated_changes_nothing_more(net: Network, till: Client) -> None:
    new = PrivateKey.generate()
    first = till.rotate_key(new)
    assert till.rotate_key(new) == first
    with client_of(net, till.partner_id, new) as next_till:
        next_till.rotate_key(PrivateKey.generate())
    again = till.rotate_key(new)
    assert (again.state, again.former_retires_at) == ("retiring", first.former_retires_at)


def test_a_key_hands_over_once_even_to_many_at_once(net: Network, till: Client) -> None:
    def attempt(new: PrivateKey) -> str:
        try:
            return till.rotate_key(new).state
        except Conflict as refusal:
            return refusal.code

    found = at_once([partial(attempt, PrivateKey.generate()) for _ in range(6)])
    assert sorted(found) == ["active", *["key_handed_over"] * 5]


def test_a_proof_fits_one_rotation_only(net: Network, till: Client) -> None:
    new, other = PrivateKey.generate(), PrivateKey.generate()
    key = record(net, till.keyid)
    fitting = rotation(till.keyid, new)
    for wrong in (
        rotation(key_id("grocer", new.public), new),
        {**fitting, "public_key": other.public.jwk()},
        {**fitting, "proof": rotation(till.keyid, other)["proof"]},
    ):
        with pytest.raises(Refused) as refused:
            partners.rotate_key(net.hub, key, wrong)
        assert refused.value.code == "proof_invalid"


def test_a_key_for_live_hubs_takes_nothing_over_in_a_sandbox(net: Network, till: Client) -> None:
    new = PrivateKey.generate("live")
    assert code(lambda: till.rotate_key(new)) == "wrong_environment"
    with pytest.raises(Refused) as refused:
        partners.rotate_key(net.hub, record(net, till.keyid), rotation(till.keyid, new) | {"environment": "sandbox"})
    assert refused.value.code == "proof_invalid"


def test_keys_that_are_in_use_or_were_take_nothing_over(net: Network, till: Client) -> None:
    own = net.coalition.keys[till.partner_id]
    assert code(lambda: till.rotate_key(own)) == "key_exists"
    waiting = PrivateKey.generate()
    with client_of(net, till.partner_id, waiting) as next_till:
        next_till.register_key()
        assert code(next_till.ping) == "key_pending"
        assert till.rotate_key(waiting).state == "active"
        assert next_till.ping().key_state == "active"


def test_the_key_of_another_partner_is_another_key(net: Network, till: Client) -> None:
    """The same private key under two partners has two names, and hands over under its own only."""
    borrowed = net.coalition.keys["grocer"]
    till.rotate_key(borrowed)
    assert states(net, "grocer")[key_id("grocer", borrowed.public)] == "active"
    with client_of(net, till.partner_id, borrowed) as next_till:
        assert next_till.ping().partner == till.partner_id


def test_the_overlap_ends_at_its_instant(net: Network, till: Client) -> None:
    until = till.rotate_key(PrivateKey.generate()).former_retires_at
    assert until is not None
    key = record(net, till.keyid)
    assert key.state_at(until - timedelta(microseconds=1)) == "retiring"
    assert key.state_at(until) == "retired"
    partners.retire_key(net.hub, till.partner_id, till.keyid)
    assert code(till.ping) == "key_retired"
    with pytest.raises(Refused):
        partners.retire_key(net.hub, till.partner_id, till.keyid)


def test_what_was_signed_since_is_listed_and_nothing_more_is_taken(net: Network, till: Client) -> None:
    sold = [sell(net, till, 100) for _ in range(2)]
    with net.hub.database.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT event_id, received_at FROM hub.event JOIN hub.evidence USING (partner_id, evidence_id)"
            " WHERE partner_id = %s", (till.partner_id,),
        ).all()  # fmt: skip
    received = {row.event_id: row.received_at for row in rows}
    revoked = partners.revoke_key(net.hub, till.partner_id, till.keyid, received[sold[1].event_id])
    assert (revoked["state"], revoked["revoked"], revoked["events_since"]) == ("revoked", [till.keyid], 1)
    listed = partners.signed_since_revoked(net.hub, till.partner_id)
    assert [one["event"] for one in listed] == [f"{till.partner_id}/{sold[1].event_id}"]
    with pytest.raises(Unauthenticated):
        sell(net, till, 100)


def test_whoever_was_handed_over_to_meanwhile_goes_too(net: Network, till: Client) -> None:
    early, thief, heir = (PrivateKey.generate() for _ in range(3))
    till.rotate_key(early)
    with client_of(net, till.partner_id, early) as holder:
        theft = net.hub.real_time()
        holder.rotate_key(thief)
        with client_of(net, till.partner_id, thief) as stolen:
            stolen.rotate_key(heir)
        revoked = partners.revoke_key(net.hub, till.partner_id, holder.keyid, theft)["revoked"]
    assert revoked == sorted(key_id(till.partner_id, one.public) for one in (early, thief, heir))
    assert states(net, till.partner_id)[till.keyid] == "retiring"


def test_what_was_handed_over_before_stays(net: Network, till: Client) -> None:
    new = PrivateKey.generate()
    till.rotate_key(new)
    assert partners.revoke_key(net.hub, till.partner_id, till.keyid)["revoked"] == [till.keyid]
    assert states(net, till.partner_id)[key_id(till.partner_id, new.public)] == "active"


def test_no_key_is_revoked_as_of_a_time_to_come(net: Network, till: Client) -> None:
    now = net.hub.real_time()
    still = replace(net.hub, real_time=lambda: now)
    with pytest.raises(Refused):
        partners.revoke_key(still, till.partner_id, till.keyid, now + timedelta(microseconds=1))
    assert partners.revoke_key(still, till.partner_id, till.keyid, now)["state"] == "revoked"
