"""The hub's error tree. The core knows no HTTP; `hub.api.problems` maps codes to answers.

HubError
├── Refused            a request or command that a rule forbids; carries a wire code
├── TermsRefused       terms of a contract or rate that make no sense
│   └── AmountNotExchangeable  an amount that an exchange rate does not take
├── ConfigurationError settings, secrets or database that do not fit together
├── DatabaseUnavailable the database did not answer; nothing is known about the write
│   └── Overtaken      what a transaction locked is not what it has to lock any more; it starts over
└── LedgerBroken       stored rows contradict each other; nothing was written
"""

from __future__ import annotations

from typing import Any


class HubError(Exception):
    """Root of everything the hub raises on purpose."""


class Refused(HubError):
    """A rule forbids this. ``code`` is one of the wire's error codes; ``members`` go into the problem document."""

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.members = members


class TermsRefused(HubError):
    """Terms of a contract or a rate that cannot be applied; the message says what to change."""


class AmountNotExchangeable(TermsRefused):
    """An exchange rate does not take this amount; the message says which amounts it takes."""


class ConfigurationError(HubError):
    """The hub cannot start or run like this; the message says what to change."""


class LedgerBroken(HubError):
    """A write would have contradicted what is stored. The transaction was rolled back."""


class DatabaseUnavailable(HubError):
    """The database cannot be reached or gave up. A write may have happened: send it again, under the same id."""


class Overtaken(DatabaseUnavailable):
    """Members were merged, parted or pooled while their locks were waited for; nothing was written, so start over.

    `hub.store.database.Database.transact` does. Going on with more locks would take them out of order.
    """
