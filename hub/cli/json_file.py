"""Terms that a command reads from a file, as strictly as what comes over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hub.core.errors import Refused
from partner_sdk.wire import strict_json

JSON_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def read(path: Path, kind: type) -> Any:
    """Return what a file holds: an object for ``dict``, a list for ``list``.

    Raises:
        Refused: ``malformed_json`` or ``invalid_request``.
    """
    try:
        found = strict_json.loads(path.read_bytes())
    except strict_json.MalformedJson as error:
        raise Refused("malformed_json", f"{path} is not strict JSON: {error}") from error
    if not isinstance(found, kind):
        raise Refused("invalid_request", f"{path} must hold {'an object' if kind is dict else 'a list'}.")
    return found
