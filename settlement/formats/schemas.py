"""The official schemas of ISO 20022, and whether a message is valid by them.

The files are the registration authority's own; they come with the package `sepaxml`, byte for byte (a test holds their
digests). Nothing is fetched.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from lxml import etree

from settlement.errors import InvalidPayment

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_SHOWN = 5


@functools.cache
def schema(message: str) -> etree.XMLSchema:
    """The schema of a message such as `pain.001.001.09`."""
    file = resources.files("sepaxml").joinpath("schemas", f"{message}.xsd")
    return etree.XMLSchema(etree.fromstring(file.read_bytes()))


def refuse_unless_valid(document: etree._Element, message: str) -> None:
    """Raise `InvalidPayment` with the first lines that the official schema refuses."""
    official = schema(message)
    if not official.validate(document):
        log: Any = official.error_log
        wrong = [f"line {entry.line}: {entry.message}" for entry in log][:_SHOWN]
        raise InvalidPayment("\n".join([f"this is no valid {message}", *wrong]))
