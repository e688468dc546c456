"""The scheme's rules, set by the operator in dated versions: what is left out stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.core.errors import Refused, TermsRefused
from hub.core.scheme import Scheme
from hub.services.context import NO_SCHEME, Hub, Moment
from hub.store import configuration
from hub.store.database import Connection
from settlement.core.deadlines import Days

GROUPS = LIMITS, CLAIMS, SETTLEMENT_DAYS = "limits", "claims", "settlement_days"


def show(hub: Hub) -> list[dict[str, Any]]:
    """Return all versions by the day they start, each with all its rules and whether it is in force."""
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
    versions = moment.configuration.schemes.versions or [NO_SCHEME]
    return [_plain(one, moment) for one in versions]


def amend(hub: Hub, valid_from: date, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Add a version from a day on: the one in force on that day with ``changes``.

    A change to None drops the term, so that what is usual holds again; ``limits``, ``claims`` and ``settlement_days``
    are changed one by one.

    Raises:
        Refused: ``not_allowed`` when the terms make no sense.
    """

    def work(connection: Connection) -> int:
        before = hub.moment(connection).configuration.schemes.on(valid_from) or NO_SCHEME
        terms = amended(before.terms, changes)
        try:
            Scheme.of(0, valid_from, terms)
        except TermsRefused as error:
            raise Refused("not_allowed", f"{error}.") from error
        return configuration.add_scheme(connection, valid_from, terms, hub.real_time())

    version = hub.database.transact(work)
    return next(one for one in show(hub) if one["version"] == version)


def amended(terms: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms with changes, of which None drops one."""
    merged = {**terms, **changes}
    for group in GROUPS:
        if group in changes:
            merged[group] = amended(terms.get(group, {}), changes[group]) or None
    return {name: value for name, value in merged.items() if value is not None}


def _plain(scheme: Scheme, moment: Moment) -> dict[str, Any]:
    limits = scheme.limits
    return {
        "version": scheme.version,
        "valid_from": None if scheme is NO_SCHEME else str(scheme.valid_from),
        "in_force": scheme.version == moment.scheme.version,
        "burn_order": scheme.burn_order,
        "limit_per_transaction": limits.per_transaction,
        "limit_per_day": limits.per_day,
        "limit_per_year": limits.per_year,
        "approval_above": scheme.approval_above,
        "adjustment_limit": scheme.adjustment_limit,
        "claims": scheme.claims._asdict(),
        "settlement_days": Days(**scheme.settlement_days)._asdict(),
    }
