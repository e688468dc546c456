"""What must hold of security and write-offs: each entry is one of those that two people approved, and none is missing.

Both are approved by a digest over what they post. So entries are worked out again from what was ordered, or the digest
from the entries, and a row that was altered, dropped, added or booked without an approval is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from settlement.core import write_offs
from settlement.core.currency import written
from settlement.core.findings import Finding
from settlement.core.security import Entry, entries_ordered, order_digest


class Ordered(NamedTuple):
    """An order about security, with the digest under which it was approved; empty where it was not."""

    order_id: str
    kind: str
    content: Any
    digest: bytes
    approved: bytes

    @property
    def is_sound(self) -> bool:
        """Whether what it orders gives its digest; the content may have been altered to anything."""
        whole = isinstance(self.content, Mapping)
        return whole and order_digest({"kind": self.kind, **self.content}) == self.digest


Booked = Mapping[tuple[str, int], Entry]
"""Entries of security by order and line."""


class Written(NamedTuple):
    """A break that was written off, or whose write-off was approved, by the `approved` digest; empty without one."""

    name: str
    entries: Sequence[write_offs.Entry]
    reasons: frozenset[str]
    approved: bytes


def check_security(orders: Iterable[Ordered], booked: Booked) -> list[Finding]:
    """Hold what is booked against what the approved orders book."""
    found: list[Finding] = []
    due: dict[tuple[str, int], Entry] = {}
    for one in orders:
        found += _of_order(one)
        if one.is_sound and one.approved == one.digest:
            entries = enumerate(entries_ordered(one.kind, one.content), 1)
            due |= {(one.order_id, line): entry for line, entry in entries}
    for order_id, line in sorted({*due, *booked}):
        stored, approved = booked.get((order_id, line)), due.get((order_id, line))
        if stored != approved:
            detail = f"is {_words(stored)}, and approved is {_words(approved)}"
            found.append(Finding("security", f"{order_id}/{line}", detail))
    return found


def check_write_offs(rows: Iterable[Written]) -> list[Finding]:
    """Hold the entries of each break against the digest of what was approved about it."""
    return [Finding("write-off", one.name, detail) for one in rows for detail in _of_break(one)]


def _of_order(one: Ordered) -> Iterator[Finding]:
    if not one.is_sound:
        yield Finding("security order", one.order_id, "what it orders does not give its digest")
    if one.approved not in {b"", one.digest}:
        yield Finding("security order", one.order_id, "what was approved is not what it orders")


def _of_break(one: Written) -> Iterator[str]:
    if not one.approved:
        yield "nobody approved it"
    elif not one.entries:
        yield "it was approved, and has no entries"
    elif one.approved not in {write_offs.write_off_digest(one.name, one.entries, reason) for reason in one.reasons}:
        yield "its entries are not those that were approved"
    elif len(one.reasons) > 1:
        yield "its entries have different reasons"


def _words(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    amount = f"{written(entry.amount_minor, entry.currency)} {entry.currency}"
    return f"{amount} from {entry.credit_account} to {entry.debit_account}"
