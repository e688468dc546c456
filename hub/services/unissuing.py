"""Points that their issuer takes back: what is no longer owed to the fund for them, and what goes back to packs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hub.core import ledger
from hub.core.ledger import Event, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import packs
from hub.services.context import Moment
from hub.services.corrections import corrections, parts_of
from hub.store import events
from hub.store.database import Connection
from settlement.intake import Obligation


def taken_back(
    connection: Connection, moment: Moment, reporter: str, event: Event, transfers: Sequence[Transfer]
) -> list[Obligation]:
    """Return what is no longer owed to the fund since an event takes back what the one it refers to issued.

    The last line of that event comes first, and all parts together take back exactly what was owed for it. What no
    pack covered comes back before what one did, which goes back to that pack.
    """
    if not moment.configuration.funded or event.refers_to is None:
        return []
    back = Counter[str]()
    for one in transfers:
        if one.debit_account == ledger.AVAILABLE and one.credit_account == ledger.issued(one.issuer):
            back[one.issuer] += one.points if is_spendable(one.kind) else 0
    issued = events.issue_lines(connection, reporter, event.refers_to) if back else []
    before = events.issue_taken_back(connection, reporter, event.refers_to) if issued else {}
    parts = []
    for issuer, points in back.items():
        own = [one for one in issued if one.issuer == issuer]
        uncovered = sum(one.points for one in own)
        start = before.get(issuer, 0) + packs.came_back(connection, moment, reporter, event, issuer)
        stop = start + points
        parts += parts_of(own, start, points)
        packs.give_back(connection, moment, reporter, event, issuer, (start - uncovered, stop - uncovered))
    return corrections(moment, reporter, event, parts)
