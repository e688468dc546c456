"""A partner's own audit of the hub: its receipts and statements against the log, and the log against its own past.

It believes signatures and proofs, nothing else. What the hub says that it proves is held against the checkpoint that
was kept last; a hub that changes, drops or slips in an event cannot make all three fit.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from partner_sdk.claims import Claim, claims_of
from partner_sdk.client import Client
from partner_sdk.errors import NotFound, Refused
from partner_sdk.model import Inclusion, StatementLine
from partner_sdk.receipts import Receipt, ReceiptDamaged, Receipts
from partner_sdk.statement_check import check
from partner_sdk.wire.checkpoints import Checkpoint, CheckpointRefused, parse_checkpoint
from partner_sdk.wire.merkle import ProofRefused, check_consistency
from partner_sdk.wire.signatures import SignatureRefused

_CAME_LATER = ("log_size", "not_sealed")


class AuditFailed(Exception):
    """The hub's proof does not hold; the message says why."""


@dataclass(slots=True)
class Outcome:
    """What an audit came to: how much was checked, against a log of which size, and what does not fit, in sentences."""

    size: int = 0
    checked: int = 0
    faults: list[str] = field(default_factory=list)


class Audit:
    """The audits that a partner can make with its client and its folder of receipts."""

    def __init__(self, client: Client, receipts: Receipts) -> None:
        self._client, self._receipts = client, receipts
        self._checkpoint: Checkpoint | None = None
        self._proved: dict[tuple[str, str], Inclusion] = {}

    def log(self) -> Outcome:
        """Fetch the newest checkpoint, hold it against the one that was kept, and keep it if it goes on from there."""
        outcome = Outcome()
        try:
            outcome.size = self._advance().size
            outcome.checked = 1
        except AuditFailed as failure:
            outcome.faults.append(str(failure))
        return outcome

    def receipts(self, event_ids: Iterable[str] = (), progress: Callable[[int], None] = lambda done: None) -> Outcome:
        """Hold each event that the hub has given a receipt for, or those that are named, against the log."""
        outcome = self.log()
        if outcome.faults:
            return outcome
        outcome.checked, wanted = 0, set(event_ids)
        claims = self._claims(outcome)
        for missing in sorted(wanted - set(claims)):
            outcome.faults.append(f"event {missing}: there is no receipt of it")
        for claim in claims.values():
            if not wanted or claim.event_id in wanted:
                outcome.faults += self._compare(claim)
                outcome.checked += 1
                progress(outcome.checked)
        return self._ended(outcome)

    def statement(self, cycle: str, progress: Callable[[int], None] = lambda done: None) -> Outcome:
        """Check that a statement adds up, that all its events are sealed, and that none with a receipt is missing."""
        outcome = self.log()
        if outcome.faults:
            return outcome
        lines = list(self._lines(cycle))
        outcome.checked, outcome.faults = len(lines), check(self._client.statement(cycle), lines)
        by_event: defaultdict[tuple[str, str], list[StatementLine]] = defaultdict(list)
        for line in lines:
            if line.kind != "adjustment":  # settlement's own, of a dispute: no event gave it
                by_event[line.partner, line.event_id].append(line)
        claims = self._claims(outcome)
        for done, ((partner, event_id), own) in enumerate(by_event.items(), start=1):
            outcome.faults += self._explained(partner, event_id, own, claims.get(event_id))
            progress(done)
        owed = [claim for claim in claims.values() if claim.owed]
        outcome.faults += self._missing(cycle, [one for one in owed if self._key(one) not in by_event])
        return self._ended(outcome)

    # --- the log ---

    def _advance(self) -> Checkpoint:
        """Go on to the newest checkpoint; raises AuditFailed if it does not go on from the one that was kept."""
        newest, kept = self._client.checkpoint(), self._kept()
        if kept is not None:
            try:
                path = self._client.consistency(kept.size, newest.size) if kept.size <= newest.size else ()
                check_consistency(kept.size, newest.size, kept.root, newest.root, path)
            except ProofRefused as refusal:
                beside = self._receipts.keep_contradiction(newest.note)
                raise AuditFailed(
                    f"log of {newest.size}: {refusal.detail}; the checkpoint ({beside}) and the kept one of {kept.size}"
                    " are both signed by the hub"
                ) from None
        self._receipts.keep_checkpoint(newest.note)
        self._checkpoint = newest
        return newest

    def _kept(self) -> Checkpoint | None:
        note = self._receipts.checkpoint()
        try:
            return None if note is None else parse_checkpoint(note, self._client.log_origin)
        except CheckpointRefused as refusal:
            raise AuditFailed(f"the kept checkpoint cannot be read: {refusal.detail}") from None

    def _prove(self, partner: str, event_id: str) -> Inclusion:
        """The proof that an event is in the log as it is known; raises AuditFailed."""
        known = self._proved.get((partner, event_id))
        if known is None:
            known = self._proved[partner, event_id] = self._fetched(partner, event_id)
        return known

    def _fetched(self, partner: str, event_id: str) -> Inclusion:
        checkpoint = self._checkpoint or self._advance()
        try:
            proof = self._within(checkpoint.size, partner, event_id)
            if proof is None:
                # Posted since the checkpoint: the client waits until it is sealed, and the one after that has it.
                self._client.proof(event_id, partner=partner)
                checkpoint = self._advance()
                proof = self._client.proof(event_id, partner=partner, size=checkpoint.size)
        except NotFound:
            raise AuditFailed("the hub says that it has no such event") from None
        try:
            proof.check(checkpoint)
        except ProofRefused as refused:
            raise AuditFailed(refused.detail) from None
        return proof

    def _within(self, size: int, partner: str, event_id: str) -> Inclusion | None:
        """The proof that an event is in the log of this size, or None if it came after that."""
        try:
            return self._client.proof(event_id, partner=partner, size=size) if size else None
        except Refused as refusal:
            if refusal.code not in _CAME_LATER:
                raise
            return None

    # --- receipts ---

    def _claims(self, outcome: Outcome) -> dict[str, Claim]:
        """What the receipts say, by event; those that do not hold go to the outcome's faults."""
        claims: dict[str, Claim] = {}
        for receipt in self._receipts:
            if isinstance(receipt, ReceiptDamaged):
                outcome.faults.append(f"receipts: {receipt}")
                continue
            try:
                for claim in self._believed(receipt):
                    claims.setdefault(claim.event_id, claim)
            except (SignatureRefused, ValueError) as fault:
                outcome.faults.append(f"receipt of {receipt.method} {receipt.path}: {fault}")
        return claims

    def _believed(self, receipt: Receipt) -> list[Claim]:
        # The key has to have been good when it signed, which is what `created` says under that very signature.
        created = receipt.created
        receipt.verify(lambda keyid: self._client.hub_key_at(keyid, created))
        return claims_of(receipt)

    def _compare(self, claim: Claim) -> list[str]:
        try:
            proof = self._prove(*self._key(claim))
        except AuditFailed as failure:
            return [f"event {claim.event_id}: {failure}"]
        return [f"event {claim.event_id}: {one}" for one in claim.differences(proof.leaf, proof.content_salt)]

    # --- statements ---

    def _explained(self, partner: str, event_id: str, lines: list[StatementLine], claim: Claim | None) -> Iterator[str]:
        name = f"event {partner}/{event_id}"
        try:
            self._prove(partner, event_id)
        except AuditFailed as failure:
            yield f"{name}: {failure}"
        if partner == self._client.partner_id and claim is not None and claim.owed is not None:
            if _lots(lines) != claim.owed:
                yield f"{name}: its lines are not those of the receipt"
            yield from self._compare(claim)

    def _missing(self, cycle: str, absent: list[Claim]) -> Iterator[str]:
        """Events of a cycle's month that are in its statement not, nor in a later one, where late ones go."""
        due = []
        for claim in absent:
            try:
                posted_at = self._prove(*self._key(claim)).leaf.posted_at
            except AuditFailed as failure:
                yield f"event {claim.event_id}: {failure}"
                continue
            if posted_at[: len(cycle)] == cycle:
                due.append(claim.event_id)
        later = {line.event_id for other in self._cycles_after(cycle) for line in self._lines(other)} if due else set()
        for event_id in sorted(set(due) - later):
            yield f"event {event_id}: is in no statement, though the hub signed what is owed for it"

    def _cycles_after(self, cycle: str) -> list[str]:
        return sorted({head.cycle for page in self._client.statements() for head in page.items if head.cycle > cycle})

    def _lines(self, cycle: str) -> Iterator[StatementLine]:
        for page in self._client.statement_lines(cycle):
            yield from page.items

    def _key(self, claim: Claim) -> tuple[str, str]:
        return self._client.partner_id, claim.event_id

    def _ended(self, outcome: Outcome) -> Outcome:
        outcome.size = self._checkpoint.size if self._checkpoint else 0
        return outcome


def _lots(lines: list[StatementLine]) -> Counter[tuple[str, int, int]]:
    """Lines as a receipt has them, lot by lot: the fund's part stands 65536 lines after the issuer's."""
    lots: dict[int, tuple[str, int, int]] = {}
    for line in lines:
        _, points, minor = lots.get(line.line % 65_536, ("", 0, 0))
        lots[line.line % 65_536] = (line.points_of or line.issuer, points + line.points, minor + line.minor)
    return Counter(lots.values())
