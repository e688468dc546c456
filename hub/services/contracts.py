"""Contracts: one operator drafts a version, a second one publishes it by the digest of what he saw.

Versions are only ever added, and none begins where something was priced already, so a price in force is never edited.
Publishing writes the version for the hub, the prices that it names as a rate, and settlement's copy, all in one
transaction. How points are paid for is fixed once there is one of them (docs/decisions/0034-funding-at-issue.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from hub.core.content import content_digest, instant
from hub.core.errors import LedgerBroken, Refused, TermsRefused
from hub.core.notes import note, same_person
from hub.core.point_kinds import BASE
from hub.core.terms import MONEY, Contract, ReimbursementPrice
from hub.services import exposure, gains
from hub.services.context import Hub, Moment, Partner, money_of
from hub.store import configuration, contract_drafts
from hub.store.contract_drafts import Draft
from hub.store.database import Connection
from settlement import contracts as settled
from settlement.core.accounts import read_account
from settlement.core.contracts import Terms, read_terms
from settlement.errors import ContractRefused


def draft(
    hub: Hub,
    partner_id: str,
    valid_from: date,
    terms: Mapping[str, Any],
    author: str,
    life_months: int | None = None,
    enrols_unknown: bool | None = None,
) -> dict[str, Any]:
    """Write down a version that a second operator is to publish; return it with its digest.

    ``terms`` are all that the contract says beyond the life of points in months and enrolment, which stay as they are
    in force on ``valid_from`` where they are None.

    Raises:
        Refused: ``unknown_partner``, or ``not_allowed`` when the terms make no sense or the version may not begin then.
    """
    writer = note(author, "author")

    def work(connection: Connection) -> Draft:
        moment = hub.moment(connection)
        partner = moment.configuration.partner(partner_id)
        before = partner.contracts.on(valid_from)
        document = {
            "replaces": _newest(partner),
            "life_months": _kept(life_months, before and before.life_months),
            "enrols_unknown": bool(_kept(enrols_unknown, before is not None and before.enrols_unknown)),
            "terms": dict(terms),
        }
        made = Draft(
            secrets.token_hex(4), partner_id, valid_from, document, _digest(partner_id, valid_from, document), writer,
            hub.real_time(),
        )  # fmt: skip
        _check(connection, moment, made)
        contract_drafts.add(connection, made)
        return made

    return _plain(hub.database.transact(work))


def _kept(given: Any, before: Any) -> Any:
    if given is None and before is None:
        raise Refused("not_allowed", "No contract is in force on that day; say how many months points live.")
    return before if given is None else given


def _newest(partner: Partner) -> int:
    return max((one.version for one in partner.contracts.versions), default=0)


def _digest(partner_id: str, valid_from: date, document: Mapping[str, Any]) -> bytes:
    return content_digest("contract", {"partner": partner_id, "valid_from": str(valid_from), **document})


def publish(hub: Hub, draft_id: str, digest: str, author: str) -> dict[str, Any]:
    """Publish what was shown with ``digest`` (in hexadecimal) as the next version; return it.

    The same publication again gets the first answer again, as ``duplicate``.

    Raises:
        Refused: ``unknown_proposal``, ``proposal_changed`` for another digest or where another version came between,
            ``not_allowed`` for whoever drafted it or when the version may not begin then, ``proposal_closed``.
    """
    publisher = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        configuration.lock(connection)
        found = _find(connection, draft_id)
        if digest.strip().lower() != found.digest.hex():
            raise Refused("proposal_changed", "This is not the digest of the draft; look at it again.")
        if same_person(publisher, found.author):
            raise Refused("not_allowed", f"{found.author} drafted it; somebody else must publish it.")
        if found.state != contract_drafts.OPEN:
            return _first_answer(found, publisher)
        moment = hub.moment(connection)
        version = _publish(hub, connection, found, publisher)
        exposure.renewed(connection, moment)
        return {"partner": found.partner_id, "version": version, "valid_from": str(found.valid_from)}

    return hub.database.transact(work)


def _first_answer(found: Draft, publisher: str) -> dict[str, Any]:
    if found.state != contract_drafts.PUBLISHED or not same_person(found.decided_by or "", publisher):
        raise Refused("proposal_closed", f"It was {found.state} by {found.decided_by}.")
    answer = {"partner": found.partner_id, "version": found.version, "valid_from": str(found.valid_from)}
    return answer | {"duplicate": True}


def _publish(hub: Hub, connection: Connection, found: Draft, publisher: str) -> int:
    moment, at = hub.moment(connection), hub.real_time()
    if _newest(moment.configuration.partner(found.partner_id)) != found.document["replaces"]:
        raise Refused("proposal_changed", "Another version was published since; draft this one again.")
    money = _check(connection, moment, found)
    document = found.document
    version = configuration.add_contract(
        connection, found.partner_id, found.valid_from, document["life_months"], document["enrols_unknown"],
        document["terms"], at,
    )  # fmt: skip
    if money is not None:
        agreed = money_of(document["terms"])
        signed = settled.Signatures(found.author, found.drafted_at, publisher, at)
        settled.add(connection, found.partner_id, version, found.valid_from, agreed, signed)
        _set_price(hub, connection, moment, found, money)
    contract_drafts.decide(connection, found.draft_id, contract_drafts.PUBLISHED, publisher, at, version)
    return version


def _set_price(hub: Hub, connection: Connection, moment: Moment, found: Draft, money: Terms) -> None:
    """Make the price at which the partner is reimbursed a version of its rate, unless it is the one in force."""
    if not money.reimbursement_prices:
        return
    terms = _fraction(money)
    earlier = moment.configuration.partner(found.partner_id).prices.versions
    version = max((one.version for one in earlier), default=0) + 1
    offer = ReimbursementPrice.of(version, found.valid_from, money.currency, terms)
    gains.refuse(connection, moment, hub.real_time(), found.partner_id, offer)
    configuration.add_rate(
        connection, found.partner_id, "reimbursement", found.valid_from, money.currency, terms, hub.real_time()
    )  # fmt: skip


def _check(connection: Connection, moment: Moment, wanted: Draft) -> Terms | None:
    """Return what a draft says about money, read; None where it says nothing.

    Raises:
        Refused: ``not_allowed``.
    """
    document = wanted.document
    terms = document["terms"]
    try:
        Contract.of(0, wanted.valid_from, document["life_months"], document["enrols_unknown"], terms)
        money = _money(wanted.valid_from, terms[MONEY], terms) if MONEY in terms else None
    except (TermsRefused, ContractRefused) as error:
        raise Refused("not_allowed", f"{error}.") from error
    partner = moment.configuration.partner(wanted.partner_id)
    _check_funding(connection, moment, partner, wanted.valid_from, money)
    if wanted.valid_from <= moment.day and contract_drafts.priced_since(
        connection, wanted.partner_id, wanted.valid_from
    ):
        raise Refused(
            "not_allowed",
            f"Something was priced on {wanted.valid_from} or since; the version may begin after {moment.day}.",
        )
    return money


def _money(valid_from: date, agreed: object, terms: Mapping[str, Any]) -> Terms:
    """Read what terms say about money, with the price that is to be a rate.

    Raises:
        TermsRefused, ContractRefused: it makes no sense.
    """
    if not isinstance(agreed, Mapping) or "breakage" in agreed:
        raise TermsRefused(f"{MONEY} is an object with terms about money; breakage stands beside it")
    money = read_terms(money_of(terms))
    if money.reimbursement_prices:
        if set(money.reimbursement_prices[money.currency]) != {BASE}:
            raise TermsRefused("reimbursement_prices has a price of base points only: all points are redeemed at it")
        ReimbursementPrice.of(0, valid_from, money.currency, _fraction(money))
    return money


def _fraction(money: Terms) -> dict[str, int]:
    price = money.reimbursement_prices[money.currency][BASE]
    return {"numerator": price.numerator, "denominator": price.denominator}


def _check_funding(
    connection: Connection, moment: Moment, partner: Partner, valid_from: date, money: Terms | None
) -> None:
    """Refuse another way of paying for points than that by which some were issued, or could be issued meanwhile."""
    share = money.issue_share if money else 0
    in_force = partner.contracts.on(moment.day)
    later = [one for one in partner.contracts.versions if one.valid_from > min(valid_from, moment.day)]
    known = [*([in_force] if in_force else []), *later]
    different = [one for one in known if _share(partner, one) != share]
    if not different:
        return
    if contract_drafts.has_issued(connection, partner.partner_id):
        raise Refused(
            "not_allowed",
            f"{partner.partner_id} has issued points, and how they are paid for cannot change; let a second partner id"
            " issue under the new terms.",
        )
    if valid_from > moment.day or any(one.valid_from > valid_from for one in different):
        raise Refused(
            "not_allowed",
            "Another way of paying for points is agreed before the first is issued: the version begins today or"
            " earlier, and none after it differs.",
        )


def _share(partner: Partner, version: Contract) -> Fraction:
    money = partner.money.get(version.version)
    return money.issue_share if money else Fraction(0)


def withdraw(hub: Hub, draft_id: str, author: str) -> dict[str, Any]:
    """Take an open draft back for good; whoever wrote it may, and anybody else.

    Raises:
        Refused: ``unknown_proposal`` or ``proposal_closed``.
    """
    decider = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        _find(connection, draft_id)
        done = contract_drafts.decide(connection, draft_id, contract_drafts.WITHDRAWN, decider, hub.real_time())
        found = _find(connection, draft_id)
        if not done and (found.state != contract_drafts.WITHDRAWN or not same_person(found.decided_by or "", decider)):
            raise Refused("proposal_closed", f"It was {found.state} by {found.decided_by}.")
        return _plain(found) | ({} if done else {"duplicate": True})

    return hub.database.transact(work)


def drafts(hub: Hub, *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the drafts that wait, or all that there ever were, oldest first."""
    with hub.database.connect() as connection:
        return [_plain(one) for one in contract_drafts.listing(connection, everything=everything)]


def show_draft(hub: Hub, draft_id: str, *, account: bool = False) -> dict[str, Any]:
    """Return a draft, and whether it could be published now; with ``account`` where the partner would be paid.

    Raises:
        Refused: ``unknown_proposal``.
    """
    with hub.database.snapshot() as connection:
        found = _find(connection, draft_id)
        answer = _plain(found, account=account)
        if found.state == contract_drafts.OPEN:
            try:
                _check(connection, hub.moment(connection), found)
            except Refused as refusal:
                answer["would_be_refused"] = refusal.detail
    return answer


def show(hub: Hub, partner_id: str, version: int | None = None, *, account: bool = False) -> dict[str, Any]:
    """Return a version of a partner's contract, or the one in force today, with who agreed to it.

    Raises:
        Refused: ``unknown_partner``, or ``no_contract``.
    """
    with hub.database.snapshot() as connection:
        moment = hub.moment(connection)
        partner = moment.configuration.partner(partner_id)
        in_force = partner.contracts.on(moment.day)
        wanted = version if version is not None else in_force.version if in_force else 0
        found = next((one for one in partner.contracts.versions if one.version == wanted), None)
        if found is None:
            raise Refused("no_contract", f"{partner_id} has no such version of its contract.")
        copy = settled.find(connection, partner_id, wanted)
    signed = copy.signed if copy else None
    return {
        "partner": partner_id,
        "version": found.version,
        "valid_from": str(found.valid_from),
        "in_force": in_force is not None and in_force.version == found.version,
        "life_months": found.life_months,
        "enrols_unknown": found.enrols_unknown,
        "terms": shown(found.terms, account=account),
        **({"drafted_by": signed.drafted_by, "published_by": signed.published_by,
            "published_at": instant(signed.published_at), "digest": copy.contract.digest.hex()}
           if signed and copy else {}),
    }  # fmt: skip


def diff(hub: Hub, draft_id: str) -> list[dict[str, Any]]:
    """Return what a draft changes of the version that is in force on its first day, a row a term.

    Raises:
        Refused: ``unknown_proposal``.
    """
    with hub.database.snapshot() as connection:
        found = _find(connection, draft_id)
        before = hub.moment(connection).configuration.partner(found.partner_id).contracts.on(found.valid_from)
    document = found.document
    old: dict[str, Any] = {}
    if before:
        old = {"life_months": before.life_months, "enrols_unknown": before.enrols_unknown}
        old |= _flat(shown(before.terms))
    new = {name: document[name] for name in ("life_months", "enrols_unknown")} | _flat(shown(document["terms"]))
    changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [{"term": name, "before": old.get(name), "after": new.get(name)} for name in changed]


def tax_rates(hub: Hub) -> list[dict[str, Any]]:
    """Return the dated rates of tax, by code."""
    with hub.database.connect() as connection:
        found = settled.tax_rates(connection)
    return [{"code": code, "valid_from": str(day), "percent": str(share * 100)} for code, day, share in found]


def add_tax_rate(hub: Hub, code: str, valid_from: date, percent: str, author: str) -> None:
    """Add the rate of a code from a day on, after all cycles that were cut off.

    Raises:
        Refused: ``not_allowed``.
    """
    adder, at = note(author, "author"), hub.real_time()
    try:
        hub.database.transact(
            lambda connection: settled.add_tax_rate(connection, code, valid_from, percent, adder, at)
        )  # fmt: skip
    except ContractRefused as error:
        raise Refused("not_allowed", f"{error}.") from error


def _flat(terms: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested terms as one level of names joined by points."""
    found: dict[str, Any] = {}
    for name, value in terms.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def shown(terms: Mapping[str, Any], *, account: bool = False) -> dict[str, Any]:
    """Return terms as they may be printed: of an account its country, end and digest only, unless it is asked for."""
    money = terms.get(MONEY, {})
    if account or "account" not in money:
        return dict(terms)
    kept = money["account"]
    masked = f"{read_account(kept).masked} {settled.account_digest(kept)[:16]}"
    return {**terms, MONEY: {**money, "account": masked}}


def _find(connection: Connection, draft_id: str) -> Draft:
    found = contract_drafts.find(connection, draft_id)
    if found is None:
        raise Refused("unknown_proposal", "There is no such draft; 'hansa contract list' names those that wait.")
    if _digest(found.partner_id, found.valid_from, found.document) != found.digest:
        raise LedgerBroken(f"draft {found.draft_id} is not what was drafted; its digest differs")
    return found


def _plain(found: Draft, *, account: bool = False) -> dict[str, Any]:
    document = found.document
    decision = {"version": found.version, "decided_by": found.decided_by}
    return {
        "draft": found.draft_id,
        "partner": found.partner_id,
        "state": found.state,
        "valid_from": str(found.valid_from),
        "replaces": document["replaces"],
        "life_months": document["life_months"],
        "enrols_unknown": document["enrols_unknown"],
        "terms": shown(document["terms"], account=account),
        "author": found.author,
        "drafted_at": instant(found.drafted_at),
        **{name: value for name, value in decision.items() if value is not None},
        "digest": found.digest.hex(),
    }
