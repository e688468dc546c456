"""What is measured: an embedded server with its default settings, a sandbox coalition of six partners, and its hub."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from hub import setup
from hub.services import business_clock, members, partners
from hub.services.context import Hub
from hub.settings import Settings
from hub.start import open_hub
from hub.store import embedded
from partner_sdk.wire.keys import PrivateKey, registration
from tests.bench.plan import NOON
from tests.support.server import Server, running

WORKERS = 2
LONG_AGO = date(2011, 1, 1)
FIRST_DAY = date(2016, 1, 1)
LONG_LIFE_MONTHS, LIFE_MONTHS = 90, 6
"""The life of points that were earned before and after `FIRST_DAY`; the long one is for who has earned for years."""
PARTNERS = {
    "bank": (1, 200, 1, 1),
    "fuel": (1, 200, 1, 1),
    "garden": (3, 100, 1, 1),
    "grocer": (1, 100, 9, 10),
    "kitchen": (1, 100, 1, 1),
    "pharmacy": (2, 100, 4, 5),
}
"""Partner -> points for each full per_minor, and the reimbursement price as a fraction."""
USUAL = (1, 100, 1, 1)
ENROLLED_AT_ONCE = 1000


@dataclass(frozen=True)
class Stage:
    """A set-up hub and the partners' keys."""

    hub: Hub
    settings: Settings
    keys: dict[str, PrivateKey]

    @property
    def server_folder(self) -> Path:
        """The folder of the embedded server."""
        return self.settings.data / "postgresql"

    @property
    def postmaster(self) -> int:
        """The id of the embedded server's first process."""
        return int((self.server_folder / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def url(self) -> URL:
        """Where the database is."""
        return make_url(self.hub.database.url)

    def served(self) -> AbstractContextManager[Server]:
        """Serve it for the length of a block, as ``hansa serve`` does with the embedded database."""
        return running(self.settings, workers=WORKERS)

    def copied(self, database: str) -> Stage:
        """Return the same with a copy of the database; nobody may be connected meanwhile."""
        self.hub.database.dispose()
        with self._server() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{self.url.database}"')
        url = self.url.set(database=database).render_as_string(hide_password=False)
        settings = replace(self.settings, database_url=url)
        return Stage(open_hub(settings), settings, self.keys)

    def settle(self) -> None:
        """Do what the server would do by itself some minutes after much was written."""
        with self.hub.database.connect() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE)")
            connection.exec_driver_sql("CHECKPOINT")

    def _server(self) -> psycopg.Connection[tuple[object, ...]]:
        url = self.url.set(drivername="postgresql", database="postgres")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def embedded_folder() -> Iterator[Path]:
    """Yield a new folder for a hub; at the end its server is stopped and the folder removed."""
    data = Path(tempfile.mkdtemp(prefix="hansa-bench-"))
    try:
        embedded.start(data / "postgresql")
        yield data
    finally:
        embedded.stop(data / "postgresql")
        shutil.rmtree(data)


def build(data: Path, more_partners: int = 0) -> Stage:
    """Set up the coalition in the embedded database of an empty folder, with so many partners more than the six."""
    settings = Settings(data=data)
    hub = setup.initialise(settings, "Benchmark", "sandbox")
    names = [*PARTNERS, *(f"shop-{number}" for number in range(more_partners))]
    keys = {partner: PrivateKey.generate() for partner in names}
    for partner, key in keys.items():
        _add_partner(hub, partner, key)
    business_clock.move(hub, NOON)
    return Stage(hub, settings, keys)


def _add_partner(hub: Hub, partner: str, key: PrivateKey) -> None:
    points, per_minor, numerator, denominator = PARTNERS.get(partner, USUAL)
    partners.add(hub, partner, partner.title(), LONG_AGO, LONG_LIFE_MONTHS, enrols_unknown=False)
    partners.set_contract(hub, partner, FIRST_DAY, LIFE_MONTHS, False, {})
    rules = [{"rule": "linear", "points": points, "per_minor": per_minor}]
    partners.set_rate(hub, partner, "earning", LONG_AGO, "USD", rules)
    price = {"numerator": numerator, "denominator": denominator}
    partners.set_rate(hub, partner, "reimbursement", LONG_AGO, "USD", price)
    added = partners.register_key(hub, registration(partner, key))
    partners.approve_key(hub, partner, added["keyid"])


def enrol(hub: Hub, names: Sequence[str]) -> dict[str, int]:
    """Enrol members and return their ids by name."""
    ids: dict[str, int] = {}
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        partner = moment.configuration.partner("grocer")
        for start in range(0, len(names), ENROLLED_AT_ONCE):
            some = names[start : start + ENROLLED_AT_ONCE]
            members.enrol(hub, partner, [{"member": name} for name in some])
            ids |= members.resolve(hub, connection, some, None, moment.now)
    return ids
