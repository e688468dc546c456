"""Partners, their contracts, rates and keys: what the operator sets up and what a partner may ask about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused, TermsRefused
from hub.core.ledger import COALITION, PARTNER_ID
from hub.core.rules import named_partners
from hub.core.terms import MONEY, Contract, CurrencyRate, EarningRate, ReimbursementPrice
from hub.keyring import HUB
from hub.services import contracts, exchange_rates, gains, suspects
from hub.services.context import Hub, Partner, PartnerKey
from hub.store import configuration
from hub.store import suspects as suspect_rows
from hub.store.database import Connection
from partner_sdk.wire.keys import (
    KeyFormatError,
    ProofInvalid,
    PublicKey,
    WeakKey,
    key_id,
    verify_registration,
    verify_rotation,
)

RESERVED = frozenset({COALITION, HUB, "operator"})
_KINDS: Mapping[str, Callable[[int, date, str, Any], object]] = MappingProxyType(
    {"earning": EarningRate.of, "reimbursement": ReimbursementPrice.of, "currency": CurrencyRate.of}
)
"""Kinds of rates that are set here, and what reads their terms."""
MAX_PENDING_KEYS = 5
"""Keys of one partner that may wait for approval; more are refused until the operator has looked."""
OVERLAP = timedelta(days=7)
"""How long the former key verifies beside a newly approved one, if the operator says nothing else."""
NO_TERMS: Mapping[str, Any] = MappingProxyType({})
"""A contract in which all but the life of points in months is usual."""
NO_MONEY: Mapping[int, Any] = MappingProxyType({})


def add(
    hub: Hub,
    partner_id: str,
    name: str,
    valid_from: date,
    life_months: int,
    enrols_unknown: bool,
    terms: Mapping[str, Any] = NO_TERMS,
) -> dict[str, Any]:
    """Add a partner with its first contract.

    Raises:
        Refused: ``not_allowed`` if the id is taken, reserved or malformed, or the contract makes no sense.
    """
    _refuse_money(terms)
    _check(lambda: Contract.of(0, valid_from, life_months, enrols_unknown, terms))
    if not PARTNER_ID.fullmatch(partner_id) or partner_id in RESERVED:
        raise Refused(
            "not_allowed",
            f"{partner_id!r} cannot be a partner id: 2 to 32 of a-z, 0-9 and -, starting with a letter,"
            f" and none of {', '.join(sorted(RESERVED))}.",
        )

    def work(connection: Connection) -> None:
        now = hub.real_time()
        if not configuration.add_partner(connection, partner_id, name, now):
            raise Refused("not_allowed", f"There is a partner {partner_id!r} already.")
        configuration.add_contract(connection, partner_id, valid_from, life_months, enrols_unknown, dict(terms), now)

    hub.database.transact(work)
    return show(hub, partner_id)


def set_contract(
    hub: Hub,
    partner_id: str,
    valid_from: date,
    life_months: int | None = None,
    enrols_unknown: bool | None = None,
    terms: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Add a version of a partner's contract; what was posted under an earlier one keeps its terms.

    What is None stays as the version in force on ``valid_from`` has it.

    Raises:
        Refused: ``unknown_partner``, or ``not_allowed`` when the terms make no sense.
    """

    def work(connection: Connection) -> None:
        partner = hub.moment(connection).configuration.partner(partner_id)
        _refuse_money(terms or {}, partner.money)
        agreed = _filled(partner.contracts.on(valid_from), life_months, enrols_unknown, terms)
        _check(lambda: Contract.of(0, valid_from, *agreed))
        configuration.add_contract(connection, partner_id, valid_from, *agreed, hub.real_time())

    hub.database.transact(work)
    return show(hub, partner_id)


def _refuse_money(terms: Mapping[str, Any], agreed: Mapping[int, Any] = NO_MONEY) -> None:
    """Refuse to add alone what two people agree on; see `hub.services.contracts`."""
    if MONEY in terms or agreed:
        raise Refused(
            "not_allowed",
            "A contract that says something about money is published by two people: 'hansa contract draft'.",
        )


def _filled(
    before: Contract | None, life_months: int | None, enrols_unknown: bool | None, terms: Mapping[str, Any] | None
) -> tuple[int, bool, dict[str, Any]]:
    if before is None and life_months is None:
        raise Refused("not_allowed", "No contract is in force on that day; say how many months points live.")
    months, enrols, agreed = (before.life_months, before.enrols_unknown, before.terms) if before else (0, False, {})
    return (
        months if life_months is None else life_months,
        enrols if enrols_unknown is None else enrols_unknown,
        dict(agreed if terms is None else terms),
    )


def _check(compile_terms: Callable[[], object]) -> None:
    try:
        compile_terms()
    except TermsRefused as error:
        raise Refused("not_allowed", f"{error}.") from error


def set_status(hub: Hub, partner_id: str, status: str) -> dict[str, Any]:
    """Suspend a partner (``suspended``: all its requests are refused) or take it back (``active``)."""
    if not hub.database.transact(lambda c: configuration.set_partner_status(c, partner_id, status)):
        raise Refused("unknown_partner", f"There is no partner {partner_id!r}.")
    return show(hub, partner_id)


def set_limit(hub: Hub, partner_id: str, requests_a_second: int | None) -> dict[str, Any]:
    """Give a partner a rate limit of its own, or with None the usual one."""
    if not hub.database.transact(lambda c: configuration.set_requests_a_second(c, partner_id, requests_a_second)):
        raise Refused("unknown_partner", f"There is no partner {partner_id!r}.")
    return show(hub, partner_id)


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return all partners, by id."""
    with hub.database.connect() as connection:
        partners = hub.moment(connection).configuration.partners
    return [show(hub, partner_id) for partner_id in sorted(partners)]


def show(hub: Hub, partner_id: str) -> dict[str, Any]:
    """Return a partner with its contracts, rates and keys."""
    with hub.database.connect() as connection:
        settled = hub.moment(connection).configuration
    partner = settled.partner(partner_id)
    return {
        "partner": partner_id,
        "name": partner.name,
        "status": partner.status,
        "requests_a_second": partner.requests_a_second,
        "contracts": [
            {
                "version": one.version,
                "valid_from": str(one.valid_from),
                "life_months": one.life_months,
                "enrols_unknown": one.enrols_unknown,
                "terms": contracts.shown(one.terms),
            }
            for one in partner.contracts.versions
        ],
        "rates": rates(partner),
        "keys": keys(hub, partner_id),
    }


def rates(partner: Partner) -> list[dict[str, Any]]:
    """Return every version of a partner's earning rates, prices, and rates of currencies and exchanges."""
    earning = [{**_dated("earning", one), "rules": one.terms} for one in partner.earning_rates.versions]
    prices = [
        {
            **_dated("reimbursement", one),
            "price": {"numerator": one.numerator, "denominator": one.denominator},
        }
        for one in partner.prices.versions
    ]
    currencies = [
        {
            **_dated("currency", one),
            "conversion": {"into": one.into, "numerator": one.numerator, "denominator": one.denominator},
        }
        for timeline in partner.currencies.values()
        for one in timeline.versions
    ]
    return earning + prices + currencies + exchange_rates.listing(partner)


def _dated(kind: str, one: EarningRate | ReimbursementPrice | CurrencyRate) -> dict[str, Any]:
    return {
        "kind": kind,
        "version": one.version,
        "valid_from": str(one.valid_from),
        "currency": one.currency,
    }


def set_rate(hub: Hub, partner_id: str, kind: str, valid_from: date, currency: str, terms: Any) -> dict[str, Any]:
    """Add a version of a rate: ``earning`` (a list of rule terms), ``reimbursement`` (numerator, denominator) or
    ``currency`` (the same and ``into``).

    A version in force is never edited; a later one supersedes it from its day on.

    Raises:
        Refused: ``unknown_partner``, also for one that the rules name, or ``not_allowed`` when the terms make no sense,
            or when with the exchange rates somebody could gain by a price.
    """
    _check(lambda: _KINDS[kind](0, valid_from, currency, terms))

    def work(connection: Connection) -> int:
        configuration.lock(connection)
        moment, now = hub.moment(connection), hub.real_time()
        for named in [partner_id, *(named_partners(terms) if kind == "earning" else ())]:
            moment.configuration.partner(named)
        if kind == "reimbursement":
            _refuse_agreed_price(moment.configuration.partner(partner_id))
            earlier = moment.configuration.partner(partner_id).prices.versions
            version = max((one.version for one in earlier), default=0) + 1
            price = ReimbursementPrice.of(version, valid_from, currency, terms)
            gains.refuse(connection, moment, now, partner_id, price)
        return configuration.add_rate(connection, partner_id, kind, valid_from, currency, terms, now)

    version = hub.database.transact(work)
    return next(one for one in show(hub, partner_id)["rates"] if one["kind"] == kind and one["version"] == version)


def _refuse_agreed_price(partner: Partner) -> None:
    if any(terms.reimbursement_prices for terms in partner.money.values()):
        raise Refused("not_allowed", "The price is a term of the partner's contract: 'hansa contract draft'.")


def register_key(hub: Hub, document: Mapping[str, Any]) -> dict[str, Any]:
    """Take a registration document in; the key waits as ``pending`` for the operator's approval.

    Registering the same key again returns its state.

    Raises:
        Refused: ``weak_key``, ``proof_invalid``, ``wrong_environment``, ``unknown_partner`` or
            ``too_many_pending_keys``.
    """
    public = _proven(lambda: verify_registration(document))
    partner_id = document["partner"]
    keyid = key_id(partner_id, public)

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        _check_environment(moment.environment, document.get("environment"))
        settled = moment.configuration
        settled.partner(partner_id)
        if keyid in settled.keys:
            if settled.keys[keyid].public.raw != public.raw:
                raise Refused("key_exists", "Another key of the partner has this key id; make a new key.")
            return
        pending = [one for one in settled.keys.values() if one.partner_id == partner_id and one.state == "pending"]
        if len(pending) >= MAX_PENDING_KEYS:
            raise Refused("too_many_pending_keys", "Too many keys wait for approval; the operator must look.")
        configuration.add_key(connection, keyid, partner_id, public.raw, hub.real_time())

    hub.database.transact(work)
    return next(one for one in keys(hub, partner_id) if one["keyid"] == keyid)


def _check_environment(own: str, wanted: str | None) -> None:
    if wanted not in {None, own}:
        raise Refused("wrong_environment", f"The key is for {wanted} hubs, and this one is {own}; make a key for it.")


def approve_key(hub: Hub, partner_id: str, keyid: str, overlap: timedelta = OVERLAP) -> dict[str, Any]:
    """Make a pending key active; keys that were active retire after ``overlap``.

    Raises:
        Refused: ``not_allowed`` if the partner has no such pending key.
    """
    now = hub.real_time()
    if not hub.database.transact(lambda c: configuration.approve_key(c, keyid, partner_id, now, now + overlap)):
        raise Refused("not_allowed", f"{partner_id!r} has no pending key {keyid!r}.")
    return next(one for one in keys(hub, partner_id) if one["keyid"] == keyid)


def rotate_key(hub: Hub, signer: PartnerKey, document: Mapping[str, Any]) -> dict[str, Any]:
    """Let the key that signed a request hand over to a new one, which proves itself and is active at once.

    Handing over to the same key again returns its state.

    Raises:
        Refused: ``weak_key``, ``proof_invalid``, ``wrong_environment``, ``key_exists`` or ``key_handed_over``.
    """
    public = _proven(lambda: verify_rotation(signer.keyid, document))
    keyid = key_id(signer.partner_id, public)

    def work(connection: Connection) -> None:
        configuration.lock(connection)
        moment = hub.moment(connection)
        _check_environment(moment.environment, document.get("environment"))
        known = moment.configuration.keys
        former, new = known[signer.keyid], known.get(keyid)
        if new is not None and new.handed_over_by == signer.keyid:
            return
        if new is not None and (new.state != "pending" or new.public.raw != public.raw):
            raise Refused("key_exists", "The key is or was in use; make a new key.")
        if former.state != "active":
            raise Refused("key_handed_over", f"The key is {former.state}: another has taken over from it.")
        now = hub.real_time()
        configuration.hand_over(connection, keyid, signer.partner_id, public.raw, signer.keyid, now, now + OVERLAP)

    hub.database.transact(work)
    with hub.database.connect() as connection:
        known = hub.moment(connection).configuration.keys
    until = known[signer.keyid].retires_at
    told = {"former_retires_at": instant(until)} if until else {}
    return {**_key(hub, known[keyid]), "former": signer.keyid, **told}


def _proven(verify: Callable[[], PublicKey]) -> PublicKey:
    try:
        return verify()
    except WeakKey as error:
        raise Refused("weak_key", f"{error}.") from error
    except (KeyFormatError, ProofInvalid) as error:
        raise Refused("proof_invalid", f"{error}.") from error


def retire_key(hub: Hub, partner_id: str, keyid: str) -> dict[str, Any]:
    """Let a key that verifies stop at once, though nothing is wrong with it.

    Raises:
        Refused: ``not_allowed`` if the partner has no such key that verifies.
    """
    if not hub.database.transact(lambda c: configuration.retire_key(c, keyid, partner_id, hub.real_time())):
        raise Refused("not_allowed", f"{partner_id!r} has no key {keyid!r} that could be retired.")
    return next(one for one in keys(hub, partner_id) if one["keyid"] == keyid)


def revoke_key(
    hub: Hub,
    partner_id: str,
    keyid: str,
    since: datetime | None = None,
    progress: Callable[[int], None] = lambda left: None,
) -> dict[str, Any]:
    """Revoke a key at once and for good, as of ``since``, with the keys to which it handed over from then on.

    Its requests are refused from now on. What it signed since then is quarantined: on the list of reviews with the
    revocation, its points frozen right after it (`hub.services.suspects`), by the worker where this is interrupted.
    ``progress`` is told how many events are left.

    Raises:
        Refused: ``not_allowed`` if the partner has no such key, it is revoked already, or ``since`` is to come.
    """
    now = hub.real_time()
    if since is not None and since > now:
        raise Refused("not_allowed", "A key is revoked as of a time that has passed.")

    def work(connection: Connection) -> list[str]:
        revoked = configuration.revoke_key(connection, keyid, partner_id, now, since or now)
        suspect_rows.list_all(connection, partner_id)
        return revoked

    revoked = hub.database.transact(work)
    if not revoked:
        raise Refused("not_allowed", f"{partner_id!r} has no key {keyid!r} that could be revoked.")
    suspects.quarantine(hub, partner_id, progress)
    shown = next(one for one in keys(hub, partner_id) if one["keyid"] == keyid)
    return {**shown, "revoked": revoked, "events_since": len(signed_since_revoked(hub, partner_id, keyid))}


def signed_since_revoked(hub: Hub, partner_id: str, keyid: str | None = None) -> list[dict[str, Any]]:
    """Return what came signed by revoked keys since the time as of which they are revoked, oldest first."""
    with hub.database.connect() as connection:
        hub.moment(connection).configuration.partner(partner_id)
        rows = configuration.signed_since_revoked(connection, partner_id)
    return [
        {
            "event": f"{partner_id}/{row.event_id}",
            "kind": row.kind,
            "status": row.status,
            "points": row.points,
            "received_at": instant(row.received_at),
            "keyid": row.keyid,
        }
        for row in rows
        if keyid in (None, row.keyid)
    ]


def keys(hub: Hub, partner_id: str) -> list[dict[str, Any]]:
    """Return a partner's keys with their states; never more than their public halves."""
    with hub.database.connect() as connection:
        settled = hub.moment(connection).configuration
    settled.partner(partner_id)
    return [_key(hub, one) for one in settled.keys.values() if one.partner_id == partner_id]


def _key(hub: Hub, key: PartnerKey) -> dict[str, Any]:
    return {
        "partner": key.partner_id,
        "keyid": key.keyid,
        "state": key.state_at(hub.real_time()),
        "thumbprint": key.public.thumbprint(),
    }


def ping(hub: Hub, key: PartnerKey) -> dict[str, Any]:
    """Return what a partner checks first: its key's state, the hub's clocks and its environment."""
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
    now = hub.real_time()
    return {
        "partner": key.partner_id,
        "keyid": key.keyid,
        "key_state": key.state_at(now),
        "server_time": instant(now),
        "business_time": instant(moment.now),
        "environment": moment.environment,
    }
