"""A statement as JSON: the document the API gives, with all lines in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from settlement.formats.files import whole_file


def write(path: Path, summary: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the summary with a last member `lines`, one line of the statement to a line of the file."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(summary, ensure_ascii=False, indent=1)[:-2] + ',\n "lines": [')
        separator = "\n  "
        for line in lines:
            file.write(separator + json.dumps(line, ensure_ascii=False))
            separator = ",\n  "
        file.write("\n ]\n}\n")
