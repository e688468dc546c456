"""The hub's keys, fetched when needed and trusted only as far as the pinned root key goes."""

import threading
from collections.abc import Callable
from typing import Any

from partner_sdk.errors import UntrustedAnswer
from partner_sdk.key_list_memory import KeyListMemory, MemoryUnreadable
from partner_sdk.wire.hub_keys import HubKeyList, KeyListRefused, read_key_list
from partner_sdk.wire.keys import PublicKey


class HubKeyring:
    """The newest key list seen; thread-safe. `fetch` gets the signed document from the hub."""

    def __init__(
        self,
        root: PublicKey,
        fetch: Callable[[], dict[str, Any]],
        now: Callable[[], float],
        memory: KeyListMemory | None = None,
    ) -> None:
        self._root = root
        self._memory = memory
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._list: HubKeyList | None = None

    def public_of(self, keyid: str) -> PublicKey | None:
        """The hub's key of that name, asking the hub again when the list at hand has none; raises TransportError.

        A key's time is judged by the hub's clock, but never earlier than the list's own date: a wrong clock
        cannot bring back a key that has ended.
        """
        known = self._list
        found = None if known is None else self._find(known, keyid)
        return found or self._find(self._refresh(known), keyid)

    def environment(self) -> str:
        """Whether the hub is live or a sandbox, as its root key signed; raises TransportError."""
        return (self._list or self._refresh(None)).environment

    def after_fork_in_child(self) -> None:
        """Forget the lock that a thread of the parent may have held."""
        self._lock = threading.Lock()

    def public_of_then(self, keyid: str, at: float) -> PublicKey | None:
        """The hub's key of that name if it was good at that time; for what was verified when it came."""
        known = self._list
        found = None if known is None else known.public_of(keyid, at)
        return found or self._refresh(known).public_of(keyid, at)

    def _find(self, key_list: HubKeyList, keyid: str) -> PublicKey | None:
        return key_list.public_of(keyid, max(self._now(), key_list.issued_at))

    def _refresh(self, outdated: HubKeyList | None) -> HubKeyList:
        """Fetch the list, unless another thread just did."""
        with self._lock:
            if self._list is None or self._list is outdated:
                self._list = self._newest(outdated)
            return self._list

    def _newest(self, outdated: HubKeyList | None) -> HubKeyList:
        try:
            fetched = read_key_list(self._fetch(), self._root)
        except KeyListRefused as refusal:
            raise UntrustedAnswer(f"the hub's key list: {refusal.detail}") from refusal
        try:
            remembered = self._memory.highest() if self._memory else 0
            if fetched.version < max(remembered, outdated.version if outdated else 0):
                raise UntrustedAnswer("the hub's key list is older than one that was seen before")
            if self._memory:
                self._memory.saw(fetched.version)
        except (MemoryUnreadable, OSError) as fault:
            raise UntrustedAnswer(f"whether the hub's key list is the newest cannot be told: {fault}") from fault
        return fetched
