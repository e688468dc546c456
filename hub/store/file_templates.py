"""Templates of issuers' files, in versions that are never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

_COLUMNS = "partner_id, name, version, terms, author, created_at"
_ADD = """
    INSERT INTO hub.file_template (partner_id, name, version, terms, author, created_at)
    SELECT %(partner_id)s, %(name)s, coalesce(max(version), 0) + 1, %(terms)s::jsonb, %(author)s, %(at)s
    FROM hub.file_template WHERE partner_id = %(partner_id)s AND name = %(name)s
    RETURNING version
"""
_FIND = f"""
    SELECT {_COLUMNS} FROM hub.file_template WHERE partner_id = %(partner_id)s AND name = %(name)s
       AND (version = %(version)s OR %(version)s = 0) ORDER BY version DESC LIMIT 1
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.file_template WHERE %(partner_id)s IN ('', partner_id) ORDER BY partner_id, name, version
"""


class StoredTemplate(NamedTuple):
    """One version of a template, as it was put on record."""

    partner_id: str
    name: str
    version: int
    terms: Mapping[str, Any]
    author: str
    created_at: datetime


def add(connection: Connection, partner_id: str, name: str, terms: Mapping[str, Any], author: str, at: datetime) -> int:
    """Add the next version of a template and return its number."""
    values = {"partner_id": partner_id, "name": name, "terms": json.dumps(terms), "author": author, "at": at}
    return int(fetch(connection, _ADD, values)[0][0])


def find(connection: Connection, partner_id: str, name: str, version: int = 0) -> StoredTemplate | None:
    """Return a version of a template, the newest for 0, or None."""
    rows = fetch(connection, _FIND, {"partner_id": partner_id, "name": name, "version": version})
    return StoredTemplate(*rows[0]) if rows else None


def listing(connection: Connection, partner_id: str) -> list[StoredTemplate]:
    """Return all versions of the templates of a partner, or of all ("")."""
    return [StoredTemplate(*row) for row in fetch(connection, _LIST, {"partner_id": partner_id})]
