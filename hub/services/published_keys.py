"""The list of the hub's own keys, signed by the root key that partners pin."""

from __future__ import annotations

from typing import Any

from hub.services.context import Hub
from hub.store import configuration
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list

FROM_THE_BEGINNING = 0


def published(hub: Hub) -> dict[str, Any]:
    """Return the signed key list: version, environment, and each key with the time it may be used in."""
    with hub.database.connect() as connection:
        environment = hub.moment(connection).environment
        version = configuration.key_list_version(connection)
    key = HubKey(hub.keyring.keyid, hub.keyring.signing.public, FROM_THE_BEGINNING)
    listed = HubKeyList(version, environment, (key,), int(hub.real_time().timestamp()))
    return dict(sign_key_list(listed, hub.keyring.root))
