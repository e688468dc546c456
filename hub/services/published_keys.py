"""The hub's own keys: the list signed by the root key that partners pin, and how one signing key follows another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.core.content import instant
from hub.keyring import HUB
from hub.services.context import Hub
from hub.store import configuration
from hub.store.database import Connection
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id

FROM_THE_BEGINNING = 0
OVERLAP = timedelta(days=7)
"""How long the former key is good beside the new one, if the operator says nothing else."""


def published(hub: Hub) -> dict[str, Any]:
    """Return the signed key list: version, environment, and each key with the time it may be used in."""
    with hub.database.connect() as connection:
        environment = hub.moment(connection).environment
        version = configuration.key_list_version(connection)
        keys = _keys(hub, connection)
    listed = HubKeyList(version, environment, tuple(keys), int(hub.real_time().timestamp()))
    return dict(sign_key_list(listed, hub.keyring.root))


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return the hub's keys, oldest first, and which of them this process signs with."""
    with hub.database.connect() as connection:
        rows = configuration.hub_keys(connection)
        own = _keys(hub, connection)
    ends = {row.keyid: row.not_after for row in rows}
    return [
        {
            "keyid": key.keyid,
            "signs": key.keyid == hub.keyring.keyid,
            "not_after": instant(end) if (end := ends.get(key.keyid)) else None,
        }
        for key in own
    ]


def change(hub: Hub, new: PrivateKey, overlap: timedelta = OVERLAP) -> str:
    """Note that a new key signs from now on, beside the present one until ``overlap`` is over; return its id.

    The new key is on the list before anything is signed with it: a worker signs with it from its next start on.
    """
    present, keyid = hub.keyring.signing.public, key_id(HUB, new.public)
    now = hub.real_time()

    def work(connection: Connection) -> None:
        configuration.lock(connection)
        former = (hub.keyring.keyid, present.raw)
        configuration.change_hub_key(connection, former, (keyid, new.public.raw), now, now + overlap)

    hub.database.transact(work)
    return keyid


def _keys(hub: Hub, connection: Connection) -> list[HubKey]:
    noted = [
        HubKey(
            row.keyid,
            PublicKey.load_trusted(bytes(row.public_key)),
            int(row.not_before.timestamp()),
            int(row.not_after.timestamp()) if row.not_after else None,
        )
        for row in configuration.hub_keys(connection)
    ]
    if hub.keyring.keyid in {key.keyid for key in noted}:
        return noted
    return [*noted, HubKey(hub.keyring.keyid, hub.keyring.signing.public, FROM_THE_BEGINNING)]
