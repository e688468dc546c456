"""Fixtures for pytest: put `from partner_sdk.testing.fixtures import *` into your conftest.py.

`hansa_hub` is a fresh local hub, `hansa_clock` how a test moves its business time, `hansa_client` the client of a
partner named `partner` that has joined it.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from partner_sdk.client import Client
from partner_sdk.testing.hub import LocalHub

__all__ = ["hansa_client", "hansa_clock", "hansa_hub"]


@pytest.fixture
def hansa_hub() -> LocalHub:
    """A local hub of this test's own."""
    return LocalHub()


@pytest.fixture
def hansa_clock(hansa_hub: LocalHub) -> Callable[[timedelta], None]:
    """Move the hub's business time forward by so much."""
    return hansa_hub.advance


@pytest.fixture
def hansa_client(hansa_hub: LocalHub) -> Iterator[Client]:
    """The client of a partner that has joined the hub."""
    with hansa_hub.client("partner") as client:
        yield client
