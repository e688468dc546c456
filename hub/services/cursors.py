"""Opaque cursors of lists: a position, sealed so that nobody makes one up or borrows another's."""

from __future__ import annotations

from typing import Any

from hub.core.errors import Refused
from hub.services import seals


def write(key: bytes, scope: str, position: list[Any]) -> str:
    """Return the cursor of a position; ``scope`` names the list and the partner it belongs to."""
    return seals.write(key, f"cursor {scope}", position)


def read(key: bytes, scope: str, cursor: str) -> list[Any]:
    """Return the position of a cursor that `write` made for the same scope.

    Raises:
        Refused: ``cursor_invalid``.
    """
    position = seals.read(key, f"cursor {scope}", cursor)
    if position is None:
        raise Refused("cursor_invalid", "The cursor is not one that this list gave out.")
    return position
