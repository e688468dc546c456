"""Templates of issuers' files: put on record in versions, read when a file is looked through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.core.files.templates import Template
from hub.core.notes import note
from hub.services.context import Hub
from hub.store import file_templates
from hub.store.database import Connection
from hub.store.file_templates import StoredTemplate
from hub.store.files import File

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def add(hub: Hub, partner_id: str, name: str, terms: Mapping[str, Any], author: str) -> dict[str, Any]:
    """Put the next version of a partner's template on record; files that are opened from now on are read by it.

    Raises:
        Refused: ``unknown_partner``, or ``invalid_request`` for a name or an author that is none.
        TermsRefused: the template makes no sense; the message says what to change.
    """
    who = note(author, "author")
    Template.of(terms)
    if not NAME.fullmatch(name):
        raise Refused("invalid_request", "A template's name has 1 to 32 of a-z 0-9 _ -, a letter first.")
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        moment.configuration.partner(partner_id)
        version = file_templates.add(connection, partner_id, name, terms, who, moment.now)
        found = file_templates.find(connection, partner_id, name, version)
    assert found is not None
    return plain(found)


def listing(hub: Hub, partner_id: str = "") -> list[dict[str, Any]]:
    """Return all versions of all templates of a partner, or of all partners."""
    with hub.database.connect() as connection:
        return [plain(one) for one in file_templates.listing(connection, partner_id)]


def newest(connection: Connection, partner_id: str, name: str) -> tuple[int, Template]:
    """Return the newest version of a template.

    Raises:
        Refused: ``unknown_template``.
    """
    found = file_templates.find(connection, partner_id, name)
    if found is None:
        raise Refused("unknown_template", "The operator has put no template of this name on record for the partner.")
    return found.version, Template.of(found.terms)


def of_file(connection: Connection, file: File) -> Template:
    """Return the template by which a file is read, in the version that was the newest when it was opened."""
    found = file_templates.find(connection, file.partner_id, file.template, file.template_version)
    assert found is not None
    return Template.of(found.terms)


def plain(found: StoredTemplate) -> dict[str, Any]:
    """Return a version as an operator sees it."""
    return {
        "partner": found.partner_id,
        "template": found.name,
        "version": found.version,
        "author": found.author,
        "created_at": instant(found.created_at),
        "terms": found.terms,
    }
