"""How many bulk files are in which state, and how many records became what: for whoever watches the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hub.services.context import Hub
from hub.store import files
from hub.store.files import StateFigures


class Figures(NamedTuple):
    """All files together."""

    states: Sequence[StateFigures]
    outcomes: Mapping[str, int]


def of_all(hub: Hub) -> Figures:
    """Return the figures of all files."""
    with hub.database.connect() as connection:
        return Figures(*files.figures(connection))
