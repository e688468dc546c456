"""Cut a cycle off: one statement takes the snapshot and sees every earlier cut-off.

The snapshot is the one of the very statement that stores it. It reads the cut-off before in the same moment,
so whatever that one could see this one sees too. The closing transaction itself never counts as committed,
although it may have begun before later ones ended: what it posts belongs to a later cycle.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from settlement.store.window import CutOff

_CUT_OFF = text(
    """
    WITH moment AS (SELECT pg_current_snapshot() AS seen, pg_current_xact_id() AS own),
    snapshot AS (
        SELECT CASE WHEN own >= pg_snapshot_xmax(seen) THEN seen ELSE CAST(concat_ws(':',
            pg_snapshot_xmin(seen), pg_snapshot_xmax(seen),
            array_to_string(ARRAY(SELECT pg_snapshot_xip(seen) UNION SELECT own ORDER BY 1), ',')
        ) AS pg_snapshot) END AS seen
        FROM moment
    )
    INSERT INTO settlement.cycle (cycle, number, ends_on, cutoff_snapshot)
    SELECT :cycle, earlier.count + 1, :ends_on, snapshot.seen
    FROM snapshot, (SELECT count(*) AS count, max(ends_on) AS last_day FROM settlement.cycle) AS earlier
    WHERE earlier.last_day IS NULL OR earlier.last_day < :ends_on
    ON CONFLICT DO NOTHING
    RETURNING cycle, number, ends_on, cutoff_snapshot
    """
)


def insert_cut_off(connection: Connection, cycle: str, ends_on: date) -> CutOff | None:
    """Store the cut-off of a cycle, or return None when it or a later one was cut off before."""
    row = connection.execute(_CUT_OFF, {"cycle": cycle, "ends_on": ends_on}).first()
    return CutOff._make(row) if row else None
