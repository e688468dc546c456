"""Keys made for tests only: their seeds are in the open, so they prove nothing anywhere else."""

import hashlib

import pytest

from partner_sdk.wire.keys import PrivateKey


def _test_key(name: str) -> PrivateKey:
    return PrivateKey.from_seed(hashlib.sha256(f"hansa test key: {name}".encode()).digest())


@pytest.fixture(scope="session")
def partner_key() -> PrivateKey:
    return _test_key("partner")


@pytest.fixture(scope="session")
def hub_key() -> PrivateKey:
    return _test_key("hub")


@pytest.fixture(scope="session")
def root_key() -> PrivateKey:
    return _test_key("root")


@pytest.fixture(scope="session")
def stranger_key() -> PrivateKey:
    return _test_key("stranger")
