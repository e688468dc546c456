"""The one table of error codes: what each means, its HTTP status, and whether trying again can help.

A code is a promise to every client ever written: codes are added, never renamed. A problem document
(RFC 9457) carries the code twice, as its own member and at the end of the `type` URN.
"""

from typing import Any, NamedTuple

PROBLEM_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:hansa:problem:"
_RESERVED = frozenset(("type", "title", "status", "code", "detail"))


class Code(NamedTuple):
    """What every refusal with one code has in common."""

    status: int
    title: str
    retryable: bool = False


CODES: dict[str, Code] = {
    "malformed_json": Code(400, "The body is not strict JSON"),
    "malformed_request": Code(400, "The request is not well-formed HTTP for this hub"),
    "digest_malformed": Code(400, "The Content-Digest field cannot be read"),
    "digest_mismatch": Code(400, "The body is not the one that Content-Digest describes"),
    "cursor_invalid": Code(400, "The cursor is not one that this list gave out"),
    "signature_missing": Code(401, "The request is not signed"),
    "signature_malformed": Code(401, "The signature fields cannot be read"),
    "signature_parameters": Code(401, "A signature parameter is missing, unknown or out of range"),
    "signature_components": Code(401, "The signature does not cover exactly what it must"),
    "clock_skew": Code(401, "The signature's times do not fit the hub's clock", retryable=True),
    "signature_invalid": Code(401, "The signature is not the key's over this request"),
    "unknown_key": Code(401, "The hub knows no such key"),
    "key_pending": Code(401, "The key waits for the operator's approval"),
    "key_retired": Code(401, "The key is retired"),
    "key_revoked": Code(401, "The key is revoked"),
    "partner_suspended": Code(403, "The partner is suspended"),
    "not_allowed": Code(403, "The partner may not do this"),
    "not_found": Code(404, "There is nothing here"),
    "unknown_member": Code(404, "The hub knows no such member"),
    "unknown_card": Code(404, "Nobody held this card at that time"),
    "unknown_cycle": Code(404, "The hub knows no such settlement cycle"),
    "unknown_partner": Code(404, "The hub knows no such partner"),
    "unknown_event": Code(404, "The partner has reported no such event"),
    "unknown_proposal": Code(404, "The hub knows no such proposal"),
    "unknown_claim": Code(404, "There is no such claim of the partner or about it"),
    "unknown_dispute": Code(404, "The partner has no such dispute"),
    "unknown_line": Code(404, "The statement has no such line"),
    "unknown_file": Code(404, "The partner has opened no such file"),
    "unknown_template": Code(404, "The partner has no such template"),
    "unknown_webhook": Code(404, "The partner has no such webhook"),
    "method_not_allowed": Code(405, "The resource has no such method"),
    "body_too_slow": Code(408, "The body did not arrive in time", retryable=True),
    "event_conflict": Code(409, "The id was used before with other content"),
    "insufficient_points": Code(409, "The member has too few available points"),
    "member_in_debt": Code(409, "The member owes points"),
    "member_blocked": Code(409, "The operator has blocked the member"),
    "issuing_frozen": Code(409, "A partner that leaves gives out no more points"),
    "credit_limit_reached": Code(409, "An issuer of these points may owe no more now"),
    "pack_exhausted": Code(409, "The points that were bought in advance do not suffice"),
    "not_in_pool": Code(409, "The member may not spend from a pool"),
    "hold_closed": Code(409, "The hold was captured or voided, or has lapsed"),
    "exceeds_original": Code(409, "More is asked back than is left of the original"),
    "not_reversible": Code(409, "An event of this kind cannot be taken back"),
    "exchange_closed": Code(409, "The exchange was confirmed, failed or reversed"),
    "quote_taken": Code(409, "Another exchange has taken the quote"),
    "quote_expired": Code(409, "The quote can no longer be taken"),
    "not_disputable": Code(409, "The line cannot be disputed, or not any more"),
    "not_claimable": Code(409, "The purchase was too long ago to be claimed"),
    "already_reported": Code(409, "The claimed purchase was reported already"),
    "claim_closed": Code(409, "The claim is not at a stage at which this can be done"),
    "dispute_closed": Code(409, "The dispute is not at a stage at which this can be done"),
    "card_linked": Code(409, "The card is linked to a member"),
    "card_unlinked": Code(409, "The card is not linked any more"),
    "not_pending": Code(409, "The event does not wait for a confirmation"),
    "same_member": Code(409, "Two identifiers are of one member"),
    "not_a_charity": Code(409, "The account is not a charity's"),
    "payment_missing": Code(409, "The rate needs the payment by which the source comes"),
    "payment_taken": Code(409, "Another exchange names this payment"),
    "limit_exceeded": Code(409, "More than one member may move"),
    "in_another_pool": Code(409, "A member is in another pool"),
    "already_merged": Code(409, "The member was merged into another"),
    "merged_since": Code(409, "The survivor of the merge was merged itself"),
    "proposal_changed": Code(409, "The proposal is not the one that was seen"),
    "proposal_closed": Code(409, "The proposal was decided before"),
    "file_closed": Code(409, "The file takes no more parts, or is not in a state for this"),
    "file_not_posted": Code(409, "The file is not posted yet"),
    "parts_missing": Code(409, "Parts of the file have not come yet"),
    "identifier_taken": Code(409, "The identifier belongs to another member"),
    "key_exists": Code(409, "The key is registered already"),
    "key_handed_over": Code(409, "The key has handed over to another already"),
    "too_many_pending_keys": Code(409, "Too many keys wait for approval"),
    "too_many_webhooks": Code(409, "The partner has too many webhooks"),
    "not_sealed": Code(409, "The event is not in the log yet", retryable=True),
    "body_too_large": Code(413, "The body is too large"),
    "unsupported_media_type": Code(415, "The body is not application/json"),
    "wrong_authority": Code(421, "The request was signed for another host"),
    "invalid_request": Code(422, "The body does not fit its schema"),
    "card_number": Code(422, "The request holds a card number"),
    "file_malformed": Code(422, "The file cannot be read by its template"),
    "file_truncated": Code(422, "The file ends before its end"),
    "file_repeated": Code(422, "The same bytes came as another file"),
    "file_changed": Code(422, "What is stored of the file is not what came"),
    "gzip_ratio": Code(422, "The file unfolds to more than is taken"),
    "totals_mismatch": Code(422, "The file's totals are not those of its rows"),
    "sequence_repeated": Code(422, "The file's number was used before"),
    "sequence_gap": Code(422, "Files before this one have not come"),
    "too_many_bad": Code(422, "More rows are bad than the template allows"),
    "row_malformed": Code(422, "The row cannot be read by its template"),
    "webhook_target": Code(422, "Webhooks cannot go to this URL"),
    "log_size": Code(422, "The log had no such size, or the event came after it"),
    "weak_key": Code(422, "The key proves nothing"),
    "wrong_environment": Code(422, "The key is for hubs of the other environment"),
    "proof_invalid": Code(422, "The registration is not signed by the key it registers"),
    "no_rate": Code(422, "No earning rate is in force for this partner at that time"),
    "no_contract": Code(422, "No contract is in force for this partner at that time"),
    "currency_mismatch": Code(422, "The amount is not in the partner's currency"),
    "refund_mismatch": Code(422, "The amount is not what the items add up to"),
    "points_mismatch": Code(422, "The points are not what the rule gives"),
    "quote_invalid": Code(422, "The quote is not one that the hub gave this partner for this member"),
    "amount_not_exchangeable": Code(422, "The exchange rate does not take this amount"),
    "points_over_cap": Code(422, "The points exceed the cap of one event"),
    "occurred_in_future": Code(422, "The event lies in the future"),
    "too_late": Code(422, "The event came later than the contract allows"),
    "review_rejected": Code(422, "The operator has rejected the event"),
    "rate_limited": Code(429, "Too many requests", retryable=True),
    "header_too_large": Code(431, "The header fields are too large"),
    "internal_error": Code(500, "The hub failed", retryable=True),
    "unavailable": Code(503, "The hub cannot answer now", retryable=True),
}


def problem(code: str, detail: str, **members: Any) -> dict[str, Any]:
    """A problem document (RFC 9457) for a code of the table, with further members after the standard ones."""
    if not _RESERVED.isdisjoint(members):
        raise ValueError("a problem's standard members come from the table")
    known = CODES[code]
    standard = {"type": _TYPE_PREFIX + code, "title": known.title, "status": known.status}
    return {**standard, "code": code, "detail": detail, **members}
