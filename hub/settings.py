"""What a hub is started with. Only this module reads the environment.

Every setting has one environment variable; the command line's options write the same fields.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hub.core.errors import ConfigurationError

PREFIX = "HANSA_"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one hub process; each field ``name`` is read from ``HANSA_NAME``."""

    data: Path = Path("hansa-data")
    """Folder of the embedded database and of the hub's secrets."""
    database_url: str = ""
    """A PostgreSQL 15 or newer to use instead of the embedded one."""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 16
    """Requests one worker works on at the same time; also its number of database connections."""
    public_url: str = ""
    """How partners reach the hub, for instance https://points.example; the signed authority must match it."""
    rate_limit: int = 10_000
    """Requests a second that one partner may send to all workers together; more are answered 429."""
    max_body_bytes: int = 1_048_576
    read_timeout_s: int = 30
    """Seconds in which a request's header, and then its body, has to arrive; also how long a connection may idle."""
    hang_timeout_s: int = 15
    """Seconds for which a worker's event loop may stand still; after that it is killed, and another started."""
    address_rate_limit: int = 10_000
    """Requests a second from one address (IPv6: from one /64), counted before anything else of them is looked at."""
    member_rate_limit: int = 1_000
    """Requests a second about one member, reports of sales and refunds not among them."""
    trusted_proxies: str = ""
    """Networks of proxies whose X-Forwarded-For is believed: 10.0.0.0/8,127.0.0.1."""
    webhook_networks: str = ""
    """Networks besides the public Internet to which webhooks may go, also by plain http: 10.1.0.0/16,127.0.0.0/8."""
    environment: str = ""
    """What is meant to run here, ``live`` or ``sandbox``; another hub is not started. Empty: whichever it is."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read every field that is set.

        Raises:
            ConfigurationError: a value does not fit its field.
        """
        given: dict[str, Any] = {}
        for name, default in ((name, getattr(cls(), name)) for name in cls.__dataclass_fields__):
            value = environment.get(PREFIX + name.upper())
            if value is not None:
                given[name] = _converted(name, value, type(default))
        return replace(cls(), **given)

    def to_environment(self) -> dict[str, str]:
        """Return the variables from which another process reads the same settings."""
        return {PREFIX + name.upper(): str(getattr(self, name)) for name in self.__dataclass_fields__}


def _converted(name: str, value: str, kind: type) -> Any:
    if kind is not int:
        return Path(value) if issubclass(kind, Path) else value
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(f"{PREFIX}{name.upper()} must be a whole number, not {value!r}")
    return int(value)
