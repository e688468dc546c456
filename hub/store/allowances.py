"""The allowances that all processes of a hub draw from: unlogged, since after a crash everybody may begin anew."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

_LEVEL = """least(:a_second, one.left_over + :a_second * greatest(0, extract(epoch FROM now() - one.drawn_at)))"""
_DRAW = text(f"""
    INSERT INTO hub.allowance AS one (allowance, left_over, granted, drawn_at)
    VALUES (:allowance, :a_second - :portion, :portion, now())
    ON CONFLICT (allowance) DO UPDATE SET
        granted = floor(least(:portion, {_LEVEL})),
        left_over = {_LEVEL} - floor(least(:portion, {_LEVEL})),
        drawn_at = greatest(one.drawn_at, now())
    RETURNING granted, left_over
""")
_FORGET = text("DELETE FROM hub.allowance WHERE drawn_at < now() - interval '1 minute'")


class Drawn(NamedTuple):
    """What a process got, and what is left after that for all."""

    granted: int
    left: float


def draw(connection: Connection, allowance: bytes, a_second: int, portion: int) -> Drawn:
    """Draw at most ``portion`` requests of an allowance that fills by ``a_second`` and holds as many."""
    values = {"allowance": allowance, "a_second": float(a_second), "portion": float(portion)}
    granted, left = connection.execute(_DRAW, values).one()
    return Drawn(int(granted), float(left))


def forget(connection: Connection) -> int:
    """Delete the allowances that have long been full again; return how many there were."""
    return connection.execute(_FORGET).rowcount
