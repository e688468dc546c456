"""First set-up of a hub: secrets, database schema, and the coalition's one row."""

from __future__ import annotations

from typing import Any

from hub import keyring
from hub.core.errors import HubError, Refused
from hub.services import published_keys
from hub.services.context import Hub
from hub.settings import Settings
from hub.start import SECRETS, SPARE_CONNECTIONS, database_url
from hub.store import configuration
from hub.store.database import Database
from hub.store.schema import migrate


def initialise(settings: Settings, name: str, environment: str | None = None) -> Hub:
    """Make what is missing and return the hub; what is there stays as it is.

    ``environment`` is ``live`` for a new hub, if nothing else is said.

    Raises:
        Refused: ``not_allowed`` if the hub is there already, in another environment.
        ConfigurationError: the secrets are those of a hub in another environment, or too weak.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(database_url(settings), settings.threads + SPARE_CONNECTIONS)
    migrate(database)
    secrets = keyring.create(settings.data / SECRETS)
    database.transact(lambda connection: configuration.create_coalition(connection, name, environment or "live"))
    hub = Hub(database, secrets)
    try:
        _bind(hub, settings, environment)
        published_keys.publish_first(hub)
    except HubError:
        database.dispose()
        raise
    return hub


def _bind(hub: Hub, settings: Settings, environment: str | None) -> None:
    found = _environment(hub)
    if environment not in {None, found}:
        raise Refused("not_allowed", f"This hub is {found} already, and stays so; set up another one elsewhere.")
    keyring.bind(settings.data / SECRETS, found)


def summary(hub: Hub) -> dict[str, Any]:
    """Return what an operator tells the partners: environment, root key and signing key."""
    return {
        "environment": _environment(hub),
        "root_key": hub.keyring.root.public.text(),
        "signing_key": hub.signer().keyid,
    }


def _environment(hub: Hub) -> str:
    with hub.database.connect() as connection:
        return hub.moment(connection).environment
