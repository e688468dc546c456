"""A partner whose key is in hardware and for ECDSA: enrolled, used, and held to its algorithm."""

from __future__ import annotations

from hub.services import partners
from partner_sdk import HardwareKey, PrivateKey
from partner_sdk.wire.keys import ECDSA_P256
from tests.support.network import Network
from tests.support.sdk import client_of, sell


def test_a_key_in_hardware_is_enrolled_approved_and_used(net: Network) -> None:
    partner = net.join().partner
    inside = PrivateKey.generate(alg=ECDSA_P256)
    with client_of(net, partner, HardwareKey(inside.public, inside.sign)) as till:
        record = till.register_key()
        assert (record.state, record.thumbprint) == ("pending", inside.public.thumbprint())
        partners.approve_key(net.hub, partner, record.keyid)
        sold = sell(net, till, 1_000)
        assert till.member(sold.member).available == 10
        assert till.ping().keyid == record.keyid
