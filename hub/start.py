"""Putting a hub together from its settings: what every command and every worker process starts from."""

from __future__ import annotations

import gc
from urllib.parse import urlsplit

from hub import keyring
from hub.core import webhook_targets
from hub.core.errors import ConfigurationError
from hub.core.webhook_targets import Network
from hub.services.context import Hub
from hub.services.rate_limits import Limits
from hub.settings import Settings
from hub.store import embedded, revision
from hub.store.database import Database

SPARE_CONNECTIONS = 6
"""Of a worker besides those of its threads: for group commit, allowances, the look each second, what nobody signs."""
SECRETS = "secrets"
"""The folder of the secrets, in that of the data."""


def database_url(settings: Settings) -> str:
    """Return the URL of the database, after starting the embedded one where no other is named."""
    return settings.database_url or embedded.start(settings.data / "postgresql")


def open_hub(settings: Settings) -> Hub:
    """Return the context of a hub that `hansa init` has set up.

    Raises:
        ConfigurationError: it has not been set up; the message says what to do.
    """
    secrets = keyring.load(settings.data / SECRETS)
    networks = _networks("HANSA_WEBHOOK_NETWORKS", settings.webhook_networks)
    database = Database(database_url(settings), settings.threads + SPARE_CONNECTIONS)
    return Hub(database, secrets, webhook_networks=networks)


def settle_in() -> None:
    """Keep Python's collector away from what is there now, and stays as long as a process that serves or works.

    It is half a million objects, modules above all. Looking through them takes a tenth of a second, and is done each
    time that a dozen batches have come in.
    """
    gc.collect()
    gc.freeze()


def check_environment(hub: Hub, settings: Settings) -> None:
    """Refuse to run secrets of a live hub on a sandbox's database, a sandbox's on a live one, or what is not meant.

    Raises:
        ConfigurationError: they do not belong together; the hub has not been set up, its schema is an earlier
            version's, or it has no key to sign with.
    """
    with hub.database.connect() as connection:
        earlier = revision.behind(connection)
        if earlier is not None:
            raise ConfigurationError(
                f"the database's schema is an earlier one ({earlier}, not {revision.NEWEST}); run 'hansa init' first"
            )
        found = hub.moment(connection).environment
    if settings.environment not in {"", found}:
        raise ConfigurationError(f"HANSA_ENVIRONMENT asks for {settings.environment}, but the database is {found}")
    keyring.check_environment(settings.data / SECRETS, found)
    hub.signer()


def trusted_proxies(settings: Settings) -> tuple[Network, ...]:
    """Return the networks of proxies whose X-Forwarded-For is believed."""
    return _networks("HANSA_TRUSTED_PROXIES", settings.trusted_proxies)


def limits(settings: Settings) -> Limits:
    """Return the rate limits."""
    given = (settings.address_rate_limit, settings.rate_limit, settings.member_rate_limit)
    if not all(given):
        raise ConfigurationError("a rate limit must be at least 1 request a second")
    return Limits.of(*given)


def _networks(name: str, text: str) -> tuple[Network, ...]:
    try:
        return webhook_targets.networks(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be like 10.1.0.0/16,127.0.0.0/8: {error}") from None


def authorities(settings: Settings) -> frozenset[str]:
    """Return the values of ``@authority`` that the hub answers for."""
    named = {f"{host}:{settings.port}" for host in (settings.host, "127.0.0.1", "localhost")}
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigurationError("HANSA_PUBLIC_URL must be like https://points.example")
        named.add(parts.netloc.lower().removesuffix({"http": ":80", "https": ":443"}[parts.scheme]))
    return frozenset(named)
