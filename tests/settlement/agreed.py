"""Contracts in settlement alone, where no hub publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from settlement import contracts
from settlement.contracts import Signatures
from tests.settlement.sample import AT


def agree(connection: Connection, partner: str, terms: Mapping[str, Any], valid_from: date = date(2017, 1, 1)) -> None:
    """Add the next version of a partner's contract, in USD."""
    version = sum(one.partner == partner for one in contracts.versions(connection)) + 1
    signed = Signatures("ada", AT, "ben", AT)
    contracts.add(connection, partner, version, valid_from, {"currency": "USD", **terms}, signed)
