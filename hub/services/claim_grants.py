"""What a granted claim posts: the purchase, as its partner would have reported it, at the rate of its own day.

The claim's own signed request stands for a purchase at the claimant; for one at another partner that partner's decision
does, or the operator's words. A card of the claimant's is posted as its clearing would have been, so that caps and
bonuses count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services import card_purchases, earnings
from hub.services.context import Hub, Moment
from hub.services.earnings import Report, Within
from hub.store import reviews
from hub.store.claims import Claim, Said
from hub.store.database import Connection
from partner_sdk.wire import strict_json
from partner_sdk.wire.claiming import ClaimRequest
from partner_sdk.wire.schemas import validate


def post(hub: Hub, connection: Connection, moment: Moment, claim: Claim, said: Said) -> Within:
    """Post what a claim asks for, in the transaction that grants it.

    Raises:
        Refused: what is refused of any purchase that is reported.
    """
    within = _post(hub, connection, moment, claim, said)
    [result] = within.results
    if "error" in result:
        raise Refused(result["error"]["code"], result["error"]["detail"])
    return within


def _post(hub: Hub, connection: Connection, moment: Moment, claim: Claim, said: Said) -> Within:
    partner = moment.configuration.partner(claim.at_partner)
    evidence = _evidence(connection, claim, said)
    body = asked(hub, connection, claim)
    if claim.at_partner == claim.partner_id and "category" in body and evidence:
        record = _record(claim, body)
        return card_purchases.post_within(hub, connection, partner, evidence, [record])
    says = {"claim": claim.name} | ({} if evidence else {"operator": said.author, "reason": said.text})
    sale = {
        "event_id": claim.grants,
        "occurred_at": claim.occurred_at,
        "amount": body["amount"],
        "claim": {"member": claim.member_id, "says": says},
    }
    return earnings.post_within(hub, connection, moment, partner, Report(evidence, [sale]))


def asked(hub: Hub, connection: Connection, claim: Claim) -> Mapping[str, Any]:
    """Return the request by which a claim was made, as it was signed."""
    sealed = reviews.evidence_of(connection, claim.partner_id, claim.evidence_id).sealed_body
    return validate(ClaimRequest, strict_json.loads(hub.keyring.unseal(bytes(sealed))))


def _evidence(connection: Connection, claim: Claim, said: Said) -> Evidence | None:
    """Return the signed request of the partner at which the purchase was; None where the operator decides for it."""
    if claim.at_partner == claim.partner_id:
        return reviews.evidence_of(connection, claim.partner_id, claim.evidence_id)
    if said.evidence_id is None:
        return None
    return reviews.evidence_of(connection, claim.at_partner, said.evidence_id)


def _record(claim: Claim, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event_id": claim.grants,
        "kind": "clearing",
        "card": body["card"],
        "occurred_at": claim.occurred_at,
        "amount": body["amount"],
        "category": body["category"],
        "claim": claim.name,
    }
