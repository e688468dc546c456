"""Members: enrolment, identifiers, and what a partner may see of a balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import Lot
from hub.services import accounts, bonus_offers
from hub.services.accounts import Standing
from hub.services.context import Hub, Moment, Partner
from hub.store import lots, members
from hub.store.database import Connection

UNKNOWN = "No member has this identifier."
MAX_EXPIRING = 100
"""Days of expiry that a view lists at most."""
_MAX_DIGITS = 18
"""Of a member's number, which has 64 bits."""


def enrol(hub: Hub, partner: Partner, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Enrol members and attach identifiers to them; one result an entry, in order.

    An entry whose member is known already is a duplicate and only attaches what is new. An entry with an
    identifier of another member is rejected whole with ``identifier_taken``.
    """

    def work(connection: Connection) -> list[dict[str, Any]]:
        now = hub.moment(connection).now
        members.lock_enrolment(connection)
        named = [identifier for entry in entries for identifier in _identifiers(entry)]
        known = members.find(connection, [hub.keyring.blind_index(one) for one in named])
        unused = iter(members.enrol(connection, partner.partner_id, now, _missing(hub, entries, known)))
        added: list[tuple[bytes, int, str]] = []
        results = [_enrol_one(hub, entry, known, unused, added) for entry in entries]
        members.attach(connection, partner.partner_id, now, added)
        return results

    return hub.database.transact(work)


def _identifiers(entry: Mapping[str, Any]) -> list[str]:
    return [entry["member"], *entry.get("identifiers", ())]


def _missing(hub: Hub, entries: Sequence[Mapping[str, Any]], known: Mapping[bytes, int]) -> int:
    """Count the members that have to be made: distinct unknown names."""
    return len({index for entry in entries if (index := hub.keyring.blind_index(entry["member"])) not in known})


def _enrol_one(
    hub: Hub,
    entry: Mapping[str, Any],
    known: dict[bytes, int],
    unused: Any,
    added: list[tuple[bytes, int, str]],
) -> dict[str, Any]:
    indexes = {hub.keyring.blind_index(one): one.split(":", 1)[0] for one in _identifiers(entry)}
    own = known.get(next(iter(indexes)))
    owners = {known[index] for index in indexes if index in known} - {own}
    if owners:
        return {
            "member": entry["member"],
            "status": "rejected",
            "error": {"code": "identifier_taken", "detail": "An identifier belongs to another member."},
        }
    member_id = next(unused) if own is None else own
    for index, scheme in indexes.items():
        if index not in known:
            known[index] = member_id
            added.append((index, member_id, scheme))
    return {"member": entry["member"], "status": "enrolled"} | ({} if own is None else {"duplicate": True})


def resolve(
    hub: Hub, connection: Connection, names: Sequence[str], enrol_for: str | None, now: datetime
) -> dict[str, int]:
    """Return the member id of each name that is known; with ``enrol_for`` (a partner) enrol those that are not."""
    indexes = {name: hub.keyring.blind_index(name) for name in names}
    known = members.find(connection, list(indexes.values()))
    if enrol_for is not None and len(known) < len(indexes):
        unknown = {index: name for name, index in indexes.items() if index not in known}
        known |= _enrol_unknown(hub, enrol_for, now, unknown)
    return {name: known[index] for name, index in indexes.items() if index in known}


def _enrol_unknown(hub: Hub, partner_id: str, now: datetime, unknown: Mapping[bytes, str]) -> dict[bytes, int]:
    def work(connection: Connection) -> dict[bytes, int]:
        members.lock_enrolment(connection)
        known = members.find(connection, list(unknown))
        missing = [index for index in unknown if index not in known]
        made = dict(zip(missing, members.enrol(connection, partner_id, now, len(missing)), strict=True))
        schemes = [(index, member, unknown[index].split(":", 1)[0]) for index, member in made.items()]
        members.attach(connection, partner_id, now, schemes)
        return known | made

    return hub.database.transact(work)


def jurisdictions(connection: Connection, partner: Partner, ids: Iterable[int]) -> dict[int, str]:
    """Return the country whose law applies to each member, where a partner's terms make a difference by it."""
    return members.jurisdictions(connection, ids) if partner.by_jurisdiction else {}


def require(hub: Hub, connection: Connection, name: str, moment: Moment) -> int:
    """Return the member id of one name.

    Raises:
        Refused: ``unknown_member``.
    """
    found = resolve(hub, connection, [name], None, moment.now)
    if name not in found:
        raise unknown()
    return found[name]


def unknown() -> Refused:
    """Return the refusal of a name that no member has."""
    return Refused("unknown_member", UNKNOWN)


def ids(hub: Hub, names: Sequence[str]) -> list[int]:
    """Return the members of these names, whoever has their points now.

    Raises:
        Refused: ``unknown_member`` if one is not known.
    """
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        return [accounts.survivor(connection, require(hub, connection, name, moment)) for name in names]


def named(hub: Hub, connection: Connection, name: str, moment: Moment) -> int:
    """Return the member id that an operator means: by an identifier, or by its number.

    Raises:
        Refused: ``unknown_member``.
    """
    if not name.isprintable():
        raise unknown()
    if not (name.isascii() and name.isdecimal()):
        return require(hub, connection, name, moment)
    if len(name) > _MAX_DIGITS or not members.exists(connection, int(name)):
        raise Refused("unknown_member", "No member has this number; an identifier is written card:42.")
    return int(name)


def view(hub: Hub, name: str, partner_id: str | None = None, moment: Moment | None = None) -> dict[str, Any]:
    """Return what a partner may see of a member, as of ``moment`` or now: points available, pending, held and owed,
    and when they expire.

    What is available can be spent at ``partner_id``, or at some partner if none is named.
    """
    with hub.database.connect() as connection:
        moment = moment or hub.moment(connection)
        standing = accounts.look(connection, moment, require(hub, connection, name, moment))
        partner = moment.configuration.partners.get(partner_id or "")
        bonuses = bonus_offers.conditions(connection, moment, partner, standing.member_id) if partner else []
    return _view(name, standing, partner_id, bonuses)


def views(
    hub: Hub, connection: Connection, moment: Moment, asked: Sequence[tuple[str, Partner]]
) -> list[dict[str, Any] | Refused | None]:
    """Return what partners may see of members, by name; None for each that takes more than one look at all of them.

    These are members who were merged, and those to whom cards may bring bonuses.
    """
    found = resolve(hub, connection, list({name for name, _ in asked}), None, moment.now)
    standings = accounts.look_at_all(connection, moment, set(found.values()))

    def seen(name: str, partner: Partner) -> dict[str, Any] | Refused | None:
        if name not in found:
            return unknown()
        if found[name] not in standings or bonus_offers.has_bonuses(partner):
            return None
        return _view(name, standings[found[name]], partner.partner_id, [])

    return [seen(name, partner) for name, partner in asked]


def _view(
    name: str, standing: Standing, partner_id: str | None, bonuses: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    spendable = standing.spendable(partner_id)
    expiring = _expiring(standing, spendable)
    return {
        "member": name,
        "available": sum(lot.points for lot in spendable),
        "pending": sum(lot.points for lot in standing.pending()),
        "held": sum(standing.account.held.values()),
        "debt": sum(standing.debts.values()),
        "qualifying": sum(lot.points for lot in standing.qualifying()),
        "next_to_expire": expiring[0] if expiring else None,
        "expiring": expiring,
        **({"bonuses": bonuses} if bonuses else {}),
    }


def _expiring(standing: Standing, spendable: Iterable[Lot]) -> list[dict[str, Any]]:
    """Return the points that can be spent now by the last day on which they can, soonest first."""
    by_day: Counter[date] = Counter()
    for lot in spendable:
        by_day[standing.last_day(lot.key)] += lot.points
    return [{"points": points, "expires_on": day.isoformat()} for day, points in sorted(by_day.items())][:MAX_EXPIRING]


def outstanding(hub: Hub) -> int:
    """Return the points that all members together hold."""
    with hub.database.connect() as connection:
        return lots.outstanding(connection)
