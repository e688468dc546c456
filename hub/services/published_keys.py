"""The hub's own keys: the list signed by the root key that partners pin, and how one signing key follows another.

Every list is written first, then signed, then published; the root key may be on another machine for the step in
between. What is published decides which key signs, so a key is on the list before anything is signed with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.core.content import instant
from hub.core.errors import ConfigurationError, Refused
from hub.keyring import name_of, signers
from hub.services.context import Hub, hub_key
from hub.store import configuration, hub_keys
from hub.store.database import Connection
from hub.store.hub_keys import SignedList
from partner_sdk.wire import base64url
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, KeyListRefused, read_key_list, sign_key_list
from partner_sdk.wire.keys import ED25519, PublicKey

FROM_THE_BEGINNING = 0
OVERLAP = timedelta(days=7)
"""How long the former key is good beside the new one, if the operator says nothing else."""


def published(hub: Hub) -> dict[str, Any]:
    """Return the signed key list: version, environment, and each key with the time it may be used in.

    Raises:
        ConfigurationError: none has been published yet.
    """
    with hub.database.connect() as connection:
        signed = hub_keys.newest(connection)
    if signed is None:
        raise ConfigurationError("no list of the hub's keys is published yet; run 'hansa init'")
    return {"key_list": base64url.encode(signed.key_list), "signature": base64url.encode(signed.signature)}


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return the keys on the published list, oldest first, then those at hand that wait to be listed.

    ``at_hand`` says whether this machine could sign with a key, ``signs`` whether it does.
    """
    with hub.database.connect() as connection:
        listed = hub.moment(connection).configuration.hub_keys
    signer = hub.find_signer()
    known = [
        {
            "keyid": key.keyid,
            "state": "listed",
            "at_hand": key.keyid in hub.keyring.signers,
            "signs": signer is not None and key.keyid == signer.keyid,
            "not_after": instant(datetime.fromtimestamp(key.not_after, hub.real_time().tzinfo))
            if key.not_after
            else None,
        }
        for key in listed
    ]
    waiting = {"state": "waiting", "at_hand": True, "signs": False, "not_after": None}
    return known + [{"keyid": name_of(public)} | waiting for public in unlisted(hub)]


def unlisted(hub: Hub) -> list[PublicKey]:
    """Return the keys at hand that are not on the published list: what a list that is written now brings."""
    with hub.database.connect() as connection:
        known = {row.keyid for row in hub_keys.listed(connection)}
    return [key.public for keyid, key in signers(hub.keyring.folder).items() if keyid not in known]


def write(hub: Hub, new: Sequence[PublicKey], overlap: timedelta = OVERLAP) -> HubKeyList:
    """Return the list that would follow the published one, for the root key to sign.

    ``new`` keys are on it from now on; those without an end end after ``overlap`` then.
    """
    with hub.database.connect() as connection:
        return _written(hub, connection, new, overlap)


def publish(hub: Hub, document: Mapping[str, Any]) -> HubKeyList:
    """Publish a list that the root key signed; every process of the hub goes by it from its next request on.

    Raises:
        Refused: ``not_allowed`` if it is not signed by the root key that partners pin, is not newer than what is
            published, leaves a key out, or holds none that this hub could sign with now.
    """
    try:
        listed = read_key_list(document, hub.keyring.root.public)
    except KeyListRefused as error:
        raise Refused("not_allowed", f"It cannot be published: {error.detail}.") from error
    hub.database.transact(lambda connection: _publish(hub, connection, listed, document))
    return listed


def change(hub: Hub, new: Sequence[PublicKey], overlap: timedelta = OVERLAP) -> HubKeyList:
    """Write, sign and publish the next list in one step, where the root key's private half is on this machine.

    Raises:
        ConfigurationError: it is not.
        Refused: as `publish`.
    """
    private = hub.keyring.root.private
    if private is None:
        raise ConfigurationError("root.pem is not on this machine: export the list, sign it where it is, import it")

    def work(connection: Connection) -> HubKeyList:
        configuration.lock(connection)
        listed = _written(hub, connection, new, overlap)
        _publish(hub, connection, listed, sign_key_list(listed, private))
        return listed

    return hub.database.transact(work)


def publish_first(hub: Hub) -> None:
    """Publish a first list, if there is none and the root key is on this machine."""
    with hub.database.connect() as connection:
        is_there = hub_keys.newest(connection) is not None
    if not is_there and hub.keyring.root.private is not None:
        change(hub, unlisted(hub))


def _written(hub: Hub, connection: Connection, new: Sequence[PublicKey], overlap: timedelta) -> HubKeyList:
    now = int(hub.real_time().timestamp())
    known = [hub_key(row) for row in hub_keys.listed(connection)]
    ended = [_ending(key, now + int(overlap.total_seconds())) for key in known] if new else known
    begun = [HubKey(name_of(public), public, now if known else FROM_THE_BEGINNING) for public in new]
    environment = hub.moment(connection).environment
    return HubKeyList(hub_keys.version(connection) + 1, environment, (*ended, *begun), now)


def _ending(key: HubKey, end: int) -> HubKey:
    if key.not_after is not None:
        return key
    return HubKey(key.keyid, key.public, key.not_before, max(end, key.not_before + 1))


def _publish(hub: Hub, connection: Connection, listed: HubKeyList, document: Mapping[str, Any]) -> None:
    configuration.lock(connection)
    fault = _fault(hub, connection, listed)
    if fault is not None:
        raise Refused("not_allowed", f"It cannot be published: {fault}.")
    text, signature = (base64url.decode(document[member]) for member in ("key_list", "signature"))
    signed = SignedList(listed.version, text, signature)
    keys = [(key.keyid, key.public.raw, key.not_before, key.not_after) for key in listed.keys]
    hub_keys.publish(connection, signed, keys, hub.real_time())


def _fault(hub: Hub, connection: Connection, listed: HubKeyList) -> str | None:
    """Say what is wrong with a list that the root key signed, or None."""
    environment, last = hub.moment(connection).environment, hub_keys.version(connection)
    now = hub.real_time().timestamp()
    keys = {key.keyid: key for key in listed.keys}
    left_out = [row.keyid for row in hub_keys.listed(connection) if not _is_on(row, keys)]
    if listed.environment != environment:
        return f"it is for a {listed.environment} hub, and this one is {environment}"
    if listed.version <= last:
        return f"its version {listed.version} is not above {last}, which is published; export a new list"
    if listed.issued_at > now:
        return "it is dated in the future"
    if left_out:
        return f"it leaves out {left_out[0]}, without which partners cannot verify what they kept; end the key instead"
    return _fault_of_keys(listed.keys) or _fault_of_signers(hub, keys, now)


def _is_on(row: Any, keys: Mapping[str, HubKey]) -> bool:
    return row.keyid in keys and keys[row.keyid].public.raw == bytes(row.public_key)


def _fault_of_keys(keys: Iterable[HubKey]) -> str | None:
    seen: set[str] = set()
    for key in keys:
        if key.keyid != name_of(key.public) or key.public.alg != ED25519:
            return f"{key.keyid} is not the name of that key, or no key that a hub signs with"
        if key.keyid in seen or (key.not_after is not None and key.not_after <= key.not_before):
            return f"{key.keyid} is on it twice, or ends before it begins"
        seen.add(key.keyid)
    return None


def _fault_of_signers(hub: Hub, keys: Mapping[str, HubKey], now: float) -> str | None:
    at_hand = signers(hub.keyring.folder)
    if any(keyid in at_hand and key.is_good_at(now) for keyid, key in keys.items()):
        return None
    return f"none of the keys in {hub.keyring.folder} is good by it, so nothing could be signed"
