"""What a partner may ask and say in a dispute; each function gives the reason why not, or ""."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from settlement.core.disputes import MAX_LINES, MAX_TEXT, REASONS, Claim, DisputedLine

MAX_NAMES = 100
MAX_MINOR = 2**63 - 1
_ID = re.compile(r"[A-Za-z0-9._~:-]{1,100}")
_OWN_ID = re.compile(r"[A-Za-z0-9._~:-]{1,64}")
_EVIDENCE = ("events", "receipts", "note")


def why_not_asked(dispute_id: str, lines: Sequence[DisputedLine]) -> str:
    """Why a dispute cannot have this id, or be about these lines."""
    if not _OWN_ID.fullmatch(dispute_id):
        return "an id has 1 to 64 of A-Z a-z 0-9 . _ ~ : -"
    if not 0 < len(lines) <= MAX_LINES or len({line.key for line in lines}) != len(lines):
        return f"1 to {MAX_LINES} lines are disputed, each once"
    if not all(0 < line.minor <= MAX_MINOR for line in lines):
        return "what is disputed of a line is above zero"
    return ""


def why_not_claimed(claim: Claim) -> str:
    """Why this reason, text or evidence cannot be: `events` and `receipts` are names, `note` is a text."""
    if claim.reason not in REASONS:
        return f"a reason is one of {', '.join(REASONS)}"
    if claim.reason == "other" and not claim.text:
        return "the reason other needs a text"
    return why_not_said(claim.text) or _why_no_evidence(claim.evidence)


def why_not_said(text: str) -> str:
    """Why nobody can have said this."""
    if len(text) > MAX_TEXT or not text.replace("\n", " ").isprintable():
        return f"a text has at most {MAX_TEXT} printable characters"
    return ""


def _why_no_evidence(evidence: Mapping[str, object]) -> str:
    if evidence.keys() - {*_EVIDENCE}:
        return f"evidence has {', '.join(_EVIDENCE)} and nothing else"
    for name in _EVIDENCE[:2]:
        names = evidence.get(name, [])
        if not isinstance(names, list) or len(names) > MAX_NAMES:
            return f"{name} are at most {MAX_NAMES} names"
        if not all(isinstance(one, str) and _ID.fullmatch(one) for one in names):
            return f"{name} are names of 1 to 100 of A-Z a-z 0-9 . _ ~ : -"
    note = evidence.get("note", "")
    return why_not_said(note) if isinstance(note, str) else "a note is a text"
