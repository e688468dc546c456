"""Who reports an event: a partner, with its signed request, or the operator, who says why and puts a name to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core import ledger
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.core.notes import refuse_card_number
from hub.services.authentication import Caller
from hub.services.context import Partner
from partner_sdk.wire.values import IDENTIFIER

MAX_WORDS = 500
"""Most characters of a reason or a name."""


class Reporter(NamedTuple):
    """Under whose id events are recorded, and what stands for them."""

    partner_id: str
    evidence: Evidence | None = None
    said: Mapping[str, Any] = MappingProxyType({})
    """What the operator said, which goes into the event's details: ``operator`` and ``reason``."""

    @property
    def evidence_id(self) -> bytes | None:
        """The signed request, if there is one."""
        return self.evidence.evidence_id if self.evidence else None

    @property
    def evidences(self) -> list[Evidence]:
        """What is to be stored with the events."""
        return [self.evidence] if self.evidence else []


def by_partner(partner: Partner, evidence: Evidence) -> Reporter:
    """Return a partner as reporter."""
    return Reporter(partner.partner_id, evidence)


def by_service_desk(caller: Caller) -> Reporter:
    """Return a partner as reporter of what only a service desk may do, as its contract says.

    Raises:
        Refused: ``not_allowed``.
    """
    contract = caller.partner.contracts.on(caller.moment.day)
    if contract is None or not contract.merges:
        raise Refused("not_allowed", "The partner's contract does not let it merge members.")
    return by_partner(caller.partner, caller.evidence)


def by_operator(author: str, reason: str, partner_id: str = ledger.COALITION) -> Reporter:
    """Return the operator as reporter, of the coalition's own events or of one that ends a partner's.

    Raises:
        Refused: ``not_allowed`` if a word is missing.
    """
    return Reporter(partner_id, None, {"operator": words(author, "author"), "reason": words(reason, "reason")})


def name(event_id: str) -> str:
    """Return an id that the operator chose for an event.

    Raises:
        Refused: ``not_allowed`` if it is not of the form that all ids have.
    """
    if not IDENTIFIER.fullmatch(event_id):
        raise Refused("not_allowed", f"{event_id!r} is no id: 1 to 100 of A-Z a-z 0-9 . _ ~ : - are expected.")
    return event_id


def words(text: str, name: str) -> str:
    """Return what a person wrote, without spaces around it.

    Raises:
        Refused: ``not_allowed`` if it is empty, too long or not printable; ``card_number``.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > MAX_WORDS or not stripped.isprintable():
        raise Refused("not_allowed", f"Give the {name} in 1 to {MAX_WORDS} printable characters.")
    refuse_card_number(stripped, name)
    return stripped
