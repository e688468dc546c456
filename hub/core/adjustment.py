"""What an operator gives to a member or takes from it by hand, and why.

Its digest is what a second operator approves, and what tells the same adjustment sent again from another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import MAX_POINTS
from hub.core.notes import MAX_REASON, note
from hub.core.point_kinds import BASE, CLASSES, PROMOTIONAL, class_of, is_spendable, kind_of

ADJUSTMENT_CLASSES = ("goodwill", "retention", "correction", "adjustment")
_ID = re.compile(r"[A-Za-z0-9._~:-]{1,64}")


class Adjustment(NamedTuple):
    """Points of one issuer for one member, above zero to give and below zero to take away."""

    adjustment_id: str
    member_id: int
    """The member that was named, also where another has become its survivor."""
    points: int
    issuer: str
    adjustment_class: str
    kind: str | None
    """Which kind of points; None: base points to give, and any that can be spent to take away."""
    reason: str
    ticket: str
    author: str

    @classmethod
    def of(cls, asked: Mapping[str, Any], member_id: int) -> Adjustment:
        """Read what was asked, for a member that is known.

        ``asked`` is ``{"adjustment_id", "points", "issuer", "class", "reason", "ticket", "author"}``, with ``"give"``
        (a class of points) and ``"spend_at"`` (partners) where they are named.

        Raises:
            Refused: ``invalid_request``; the message says what to write instead.
        """
        if not _ID.fullmatch(asked["adjustment_id"]):
            raise Refused("invalid_request", "An id is 1 to 64 of A-Z, a-z, 0-9 and . _ ~ : -")
        if not 0 < abs(asked["points"]) <= MAX_POINTS:
            raise Refused("invalid_request", f"Points are a whole number other than 0, at most {MAX_POINTS}.")
        if asked["class"] not in ADJUSTMENT_CLASSES:
            raise Refused("invalid_request", f"An adjustment is one of {', '.join(ADJUSTMENT_CLASSES)}.")
        return cls(
            asked["adjustment_id"],
            member_id,
            asked["points"],
            asked["issuer"],
            asked["class"],
            _kind(asked.get("give"), asked.get("spend_at") or ()),
            note(asked["reason"], "reason", MAX_REASON),
            note(asked["ticket"], "ticket"),
            note(asked["author"], "author"),
        )

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Adjustment:
        """Read what `content` wrote."""
        return cls(content["adjustment_id"], content["member_id"], content["points"], content["issuer"],
                   content["class"], content.get("kind"), content["reason"], content["ticket"],
                   content["author"])  # fmt: skip

    def content(self) -> dict[str, Any]:
        """Return all of it as it is kept; who it is for, by number and never by an identifier."""
        return {
            "adjustment_id": self.adjustment_id,
            "member_id": self.member_id,
            "points": self.points,
            "issuer": self.issuer,
            "class": self.adjustment_class,
            "reason": self.reason,
            "ticket": self.ticket,
            "author": self.author,
        } | ({} if self.kind is None else {"kind": self.kind})

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the content."""
        return content_digest("adjustment", self.content())

    @property
    def event_id(self) -> str:
        """The id of its event; the prefix keeps it apart from the other events of the coalition."""
        return f"adjustment-{self.adjustment_id}"

    @property
    def given_kind(self) -> str:
        """The kind of points that it gives."""
        return self.kind or BASE

    def takes(self, kind: str) -> bool:
        """Tell whether points of a kind may be taken away."""
        return is_spendable(kind) if self.kind is None else self.kind in (kind, class_of(kind))


def _kind(point_class: str | None, partners: Iterable[str]) -> str | None:
    if point_class is not None and point_class not in CLASSES:
        raise Refused("invalid_request", f"A kind of points is one of {', '.join(CLASSES)}.")
    named = tuple(partners)
    if named and point_class != PROMOTIONAL:
        raise Refused("invalid_request", "Only promotional points are restricted to partners.")
    return None if point_class is None else kind_of(point_class, named)
