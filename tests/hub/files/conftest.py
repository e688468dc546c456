"""One coalition without a server for the tests of a file of tests; every test takes files and members of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.services.context import Hub
from tests.support import bulk, coalition


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Yield a hub with the template `daily` for files of sales of the partner fuel: a point for each full 2.00."""
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data"))
    bulk.add_template(made.hub, "fuel")
    yield made.hub
    made.hub.database.dispose()
