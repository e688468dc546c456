"""What partners' lines of a cycle come to, added up by the database by currency and kind."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, func, select

from settlement.core.statement_balances import Movement, PairMovement, PartnerMovement, movements_of
from settlement.store.tables import obligation
from settlement.store.window import Window, party, within


def ask_movements(connection: Connection, window: Window, partner: str) -> list[Movement]:
    """A partner's movements, sorted by currency and kind; lines that correct others stand apart."""
    kind = (obligation.c.currency, obligation.c.kind, obligation.c.origin != "")
    side = (obligation.c.redeemer == partner, obligation.c.issuer == partner)
    sums = (func.count(), func.sum(obligation.c.points), func.sum(obligation.c.amount_minor))
    query = select(*kind, *side, *sums).where(within(obligation, window), party(partner)).group_by(*kind, *side)
    found: defaultdict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0] * 5)
    for currency, name, corrects, receives, pays, lines, points, minor in connection.execute(query):
        figures = found[currency, name, corrects]
        figures[0] += lines
        figures[1] += int(points)
        figures[4 if receives and pays else 2 if receives else 3] += int(minor)
    return [Movement(*key, *figures) for key, figures in sorted(found.items())]


def ask_all_movements(connection: Connection, window: Window) -> list[PartnerMovement]:
    """The movements of every partner of a cycle, from one scan of its lines."""
    pair = (obligation.c.issuer, obligation.c.redeemer, obligation.c.currency, obligation.c.kind)
    key = (*pair, obligation.c.origin != "", obligation.c.points_of)
    sums = (func.count(), func.sum(obligation.c.points), func.sum(obligation.c.amount_minor))
    rows = connection.execute(select(*key, *sums).where(within(obligation, window)).group_by(*key))
    return movements_of(PairMovement(*row[:6], *map(int, row[6:])) for row in rows)
