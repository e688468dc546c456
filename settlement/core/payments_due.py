"""Which payments the dues of a cycle come to: one a partner and currency, in or out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settlement.core.dues import Due
from settlement.core.parties import KEPT
from settlement.core.payment_ids import PAY, RECEIVE, payment_id
from settlement.core.payment_moves import Payment


def payments_of(cycle: str, dues: Iterable[Due]) -> Mapping[str, Payment]:
    """The payments of a cycle by name; the operator pays nothing to those whose money he keeps."""
    made = (_payment(cycle, due) for due in dues if due.due_minor and due.party not in KEPT)
    return {one.payment: one for one in made}


def _payment(cycle: str, due: Due) -> Payment:
    direction = PAY if due.due_minor > 0 else RECEIVE
    name = payment_id(cycle, due.party, due.currency, direction)
    return Payment(name, cycle, due.party, due.currency, direction, abs(due.due_minor))
