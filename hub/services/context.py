"""What every service is given: the database, the secrets, the clock and the current configuration.

Business time comes from here and from nowhere else: real time in a ``live`` hub, and in a ``sandbox`` the
instant to which the operator has moved the clock, if he has.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.core.errors import ConfigurationError, Refused
from hub.core.exchange import ExchangeRate
from hub.core.scheme import Scheme
from hub.core.terms import BREAKAGE_OWNERS, MONEY, Contract, CurrencyRate, EarningRate, ReimbursementPrice, Timeline
from hub.core.webhook_targets import Network
from hub.curve import QuickPublicKey
from hub.keyring import Keyring, signers
from hub.services.readiness import Readiness
from hub.store import configuration
from hub.store.configuration import Stamp
from hub.store.database import Connection, Database
from partner_sdk.wire.hub_keys import HubKey
from partner_sdk.wire.keys import PrivateKey, PublicKey
from settlement import limits, packs
from settlement.core.contracts import Terms, read_terms
from settlement.core.exposure import CreditLine
from settlement.core.packs import Pack
from settlement.errors import ContractRefused

LOG = logging.getLogger("hansa.keys")
NO_SCHEME = Scheme.of(0, date.min, {})
"""The rules of a coalition that has set none."""
WINDING_DOWN, WOUND_DOWN = LEAVING = ("winding_down", "wound_down")
"""The states of a partner that leaves: its points can still be spent, or no more."""


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """A registered public key. ``retires_at`` (real time) is set while it is retiring."""

    keyid: str
    partner_id: str
    public: PublicKey
    state: str
    retires_at: datetime | None
    handed_over_by: str | None = None
    """The key that made this one active, where it was not the operator."""

    def state_at(self, now: datetime) -> str:
        """Return the state at real time ``now``: a retiring key is retired from its date on."""
        if self.state == "retiring" and self.retires_at is not None and self.retires_at <= now:
            return "retired"
        return self.state


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner with its dated terms."""

    partner_id: str
    name: str
    status: str
    contracts: Timeline[Contract]
    earning_rates: Timeline[EarningRate]
    prices: Timeline[ReimbursementPrice]
    exchanges: Mapping[tuple[str, str], Timeline[ExchangeRate]]
    """By direction, ``in`` or ``out``, and unit."""
    by_jurisdiction: bool
    """Whether the life of its points depends on where a member lives."""
    requests_a_second: int | None
    """Its own rate limit, where it has one."""
    money: Mapping[int, Terms] = field(default_factory=dict)
    """What was agreed about money, by version of the contract; nothing where all of it is usual."""
    currencies: Mapping[tuple[str, str], Timeline[CurrencyRate]] = field(default_factory=dict)
    """The rates at which purchases in a foreign currency are converted, by that currency and the rate's."""
    counts: bool = False
    """Whether some version of its rate counts what is bought in a period; sales of the others lock no counter."""


class Configuration(NamedTuple):
    """The small tables at one ``config_version``."""

    version: int
    partners: Mapping[str, Partner]
    keys: Mapping[str, PartnerKey]
    schemes: Timeline[Scheme]
    hub_keys: Sequence[HubKey]
    """The keys on the hub's published list, oldest first."""
    credit_lines: Mapping[tuple[str, str], CreditLine]
    """By partner and currency, where a partner may owe only so much; the others are asked nothing when they post."""
    leaving: Mapping[str, str]
    """The partners that give out no points: ``winding_down``, or ``wound_down`` where nobody takes theirs either."""
    funded: frozenset[str] = frozenset()
    """The partners that pay for points at issue under some version of their contract."""
    packs: Mapping[str, Sequence[Pack]] = MappingProxyType({})
    """The packs that each partner has bought and that are not closed."""
    prepaying: frozenset[str] = frozenset()
    """The partners that buy points in advance under some version of their contract; the others are asked nothing."""
    idling: frozenset[str] = frozenset()
    """The partners whose points end by their member's idleness under some version of their contract."""

    def check_issuing(self, issuers: Iterable[str]) -> None:
        """Refuse points of partners that leave: ``issuing_frozen``."""
        for issuer in issuers if self.leaving else ():
            if issuer in self.leaving:
                raise Refused("issuing_frozen", f"{issuer} is leaving the coalition and gives out no more points.")

    def partner(self, partner_id: str) -> Partner:
        """Return a partner.

        Raises:
            Refused: ``unknown_partner``.
        """
        if partner_id not in self.partners:
            raise Refused("unknown_partner", f"There is no partner {partner_id!r}.")
        return self.partners[partner_id]


class Moment(NamedTuple):
    """One reading of the hub's state, on which a request is decided."""

    configuration: Configuration
    now: datetime
    """Business time."""
    environment: str

    @property
    def day(self) -> date:
        """The business date (UTC)."""
        return self.now.date()

    @property
    def scheme(self) -> Scheme:
        """The scheme's rules in force."""
        return self.configuration.schemes.on(self.day) or NO_SCHEME


class Signer(NamedTuple):
    """A key of the hub's to sign with."""

    keyid: str
    key: PrivateKey


@dataclass(slots=True)
class Hub:
    """The context of all services of one process. Safe to share between threads."""

    database: Database
    keyring: Keyring
    real_time: Callable[[], datetime] = lambda: datetime.now(UTC)
    webhook_networks: Sequence[Network] = ()
    """Where webhooks may go besides the public Internet."""
    readiness: Readiness = field(default_factory=Readiness, repr=False)
    last_moment: Moment | None = field(default=None, repr=False)
    """The reading before; whoever acts on it must compare its version with a new one before it writes."""
    _known: dict[str, tuple[object, Partner]] = field(default_factory=dict, repr=False)
    """Each partner as it was read last, and the rows that it was read from."""

    def moment(self, connection: Connection) -> Moment:
        """Read the stamp and return the configuration and the business time that belong to it.

        Raises:
            ConfigurationError: the coalition has not been set up.
        """
        stamp = configuration.read_stamp(connection)
        if stamp is None:
            raise ConfigurationError("the database holds no coalition yet; run 'hansa init' first")
        settled = self._configuration(connection, stamp)
        self.last_moment = Moment(settled, stamp.clock_at or self.real_time(), stamp.environment)
        return self.last_moment

    def _configuration(self, connection: Connection, stamp: Stamp) -> Configuration:
        last = self.last_moment
        if last is None or last.configuration.version != stamp.config_version:
            loaded = _load(connection, stamp.config_version, self._known)
            self._look_for(loaded.hub_keys)
            return loaded
        return last.configuration

    def signer(self) -> Signer:
        """Return the key to sign with: of those that are good by the published list, the newest at hand.

        The list is as it was last read; only where no key is good by that, it is read again.

        Raises:
            ConfigurationError: there is none, so nothing may be signed.
        """
        found = self.find_signer()
        if found is None:
            with self.database.connect() as connection:
                self.moment(connection)
            found = self.find_signer()
        if found is None:
            raise ConfigurationError(
                f"none of the keys in {self.keyring.folder} is good by the published list, if there is one;"
                " see 'hansa key list', then run 'hansa key rotate', or 'hansa init' once after an upgrade"
            )
        return found

    def find_signer(self) -> Signer | None:
        """Return the key to sign with, or None where there is none."""
        moment = self.last_moment
        if moment is None:
            with self.database.connect() as connection:
                moment = self.moment(connection)
        now, at_hand = self.real_time().timestamp(), self.keyring.signers
        for key in reversed(moment.configuration.hub_keys):
            if key.keyid in at_hand and key.is_good_at(now):
                return Signer(key.keyid, at_hand[key.keyid])
        return None

    def _look_for(self, listed: Sequence[HubKey]) -> None:
        """Read the keys that may sign again, if one on the list is not among those at hand."""
        missing = [key.keyid for key in listed if key.keyid not in self.keyring.signers]
        if not missing:
            return
        try:
            self.keyring = replace(self.keyring, signers=signers(self.keyring.folder))
        except (ConfigurationError, OSError) as error:
            LOG.error("the key %s cannot be taken, the former one goes on signing: %s", missing[-1], error)


def hub_key(row: Any) -> HubKey:
    """Return a key on the hub's list from its row."""
    not_after = int(row.not_after.timestamp()) if row.not_after else None
    public = PublicKey.load_trusted(bytes(row.public_key))
    return HubKey(row.keyid, public, int(row.not_before.timestamp()), not_after)


def _load(connection: Connection, version: int, known: dict[str, tuple[object, Partner]]) -> Configuration:
    """Read the small tables. Rows newer than ``version`` do no harm: the next stamp reads them again."""
    rows = configuration.read_all(connection)
    partners = _partners(rows, known)
    schemes = Timeline(Scheme.of(row.version, row.valid_from, row.terms) for row in rows["scheme"])
    keys, own = _keys(rows["partner_key"]), [hub_key(row) for row in rows["hub_key"]]
    funded = frozenset(
        one.partner_id for one in partners.values() if any(terms.issue_share for terms in one.money.values())
    )
    prepaying = frozenset(
        one.partner_id for one in partners.values() if any(terms.packs for terms in one.money.values())
    )
    idling = frozenset(
        one.partner_id
        for one in partners.values()
        if any(contract.expiry.counts_idleness for contract in one.contracts.versions)
    )
    return Configuration(
        version,
        MappingProxyType(partners),
        MappingProxyType(keys),
        schemes,
        own,
        limits.watched(connection),
        {one.partner_id: one.status for one in partners.values() if one.status in LEAVING},
        funded,
        packs.watched(connection) if prepaying else {},
        prepaying,
        idling,
    )


def _partners(rows: Mapping[str, Sequence[Any]], known: dict[str, tuple[object, Partner]]) -> dict[str, Partner]:
    """Make partners of their rows; with hundreds of them a change of one must not hold up the requests of all."""
    contracts, rates = _by_partner(rows["contract"]), _by_partner(rows["rate"])
    partners = {}
    for row in rows["partner"]:
        name = row.partner_id
        read = (row, contracts[name], rates[name])
        if name not in known or known[name][0] != read:
            known[name] = read, _partner(*read)
        partners[name] = known[name][1]
    return partners


def _partner(row: Any, contracts: Sequence[Any], rates: Sequence[Any]) -> Partner:
    kinds: defaultdict[str, list[Any]] = defaultdict(list)
    for one in rates:
        kinds[one.kind].append(one)
    earning_rates = [EarningRate.of(one.version, one.valid_from, one.currency, one.terms) for one in kinds["earning"]]
    return Partner(
        row.partner_id,
        row.name,
        row.status,
        Timeline(_contract(one) for one in contracts),
        Timeline(earning_rates),
        Timeline(
            ReimbursementPrice.of(one.version, one.valid_from, one.currency, one.terms)
            for one in kinds["reimbursement"]
        ),
        MappingProxyType(_exchanges(row.partner_id, [*kinds["exchange-in"], *kinds["exchange-out"]])),
        any("jurisdictions" in str(one.terms) for one in (*contracts, *rates)),
        row.requests_a_second,
        MappingProxyType({one.version: _money(one) for one in contracts if MONEY in one.terms}),
        MappingProxyType(_currencies(kinds["currency"])),
        any(rate.caps for rate in earning_rates),
    )


def _currencies(rows: Sequence[Any]) -> dict[tuple[str, str], Timeline[CurrencyRate]]:
    by_pair: defaultdict[tuple[str, str], list[CurrencyRate]] = defaultdict(list)
    for row in rows:
        rate = CurrencyRate.of(row.version, row.valid_from, row.currency, row.terms)
        by_pair[rate.currency, rate.into].append(rate)
    return {pair: Timeline(versions) for pair, versions in by_pair.items()}


def _exchanges(partner_id: str, rows: Sequence[Any]) -> dict[tuple[str, str], Timeline[ExchangeRate]]:
    by_pair: defaultdict[tuple[str, str], list[ExchangeRate]] = defaultdict(list)
    for row in rows:
        rate = ExchangeRate.of(row.version, row.valid_from, partner_id, row.terms)
        by_pair[rate.direction, rate.unit].append(rate)
    return {pair: Timeline(versions) for pair, versions in by_pair.items()}


def _contract(row: Any) -> Contract:
    return Contract.of(row.version, row.valid_from, row.life_months, row.enrols_unknown, row.terms)


def _money(row: Any) -> Terms:
    try:
        return read_terms(money_of(row.terms))
    except ContractRefused as error:
        raise ConfigurationError(f"contract {row.version} of {row.partner_id} cannot be read: {error}") from error


def money_of(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a contract's terms say about money, as settlement reads it: with who owns the breakage."""
    return {**terms[MONEY], "breakage": terms.get("breakage", BREAKAGE_OWNERS[0])}


def _keys(rows: Sequence[Any]) -> dict[str, PartnerKey]:
    return {
        row.keyid: PartnerKey(
            row.keyid,
            row.partner_id,
            QuickPublicKey.load_trusted(bytes(row.public_key)),
            row.state,
            row.retires_at,
            row.handed_over_by,
        )
        for row in rows
    }


def _by_partner(rows: Sequence[Any]) -> defaultdict[str, list[Any]]:
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.partner_id].append(row)
    return grouped
