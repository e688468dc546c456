"""The names by which payments are known to banks, each computed from what it names.

A payment is named by its cycle, partner, currency and direction; each attempt to make it adds a number, so that a
bank that refuses what it has seen before does not refuse the second attempt, and a late word about the first attempt
is not taken for one about the second. A message is named by all that is in it. Nothing is drawn at random: written
again, a file has the same names.

Names are at most 35 characters of those that every bank takes (EPC217-08: letters, digits, hyphen).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

RECEIVE, PAY = "in", "out"
"""Directions as the operator sees them: a partner pays in, or is paid out."""
MAX_ATTEMPTS = 99
NAME = re.compile(r"[0-9]{4}-[0-9A-Z-]{2,5}-[A-Z]{3}-[A-Z2-7]{16}", re.ASCII)
"""What the name of a payment looks like, in whatever text it stands."""
_DIGEST_BYTES = 10


def payment_id(cycle: str, partner: str, currency: str, direction: str) -> str:
    """The name of what a partner is paid, or pays, for a cycle: `2017-01-EUR-` and 16 letters and digits."""
    return f"{cycle}-{currency}-{_short('payment', cycle, partner, currency, direction)}"


def end_to_end_id(payment: str, attempt: int) -> str:
    """The name that an attempt, counted from 1, bears from the operator's bank to the partner's."""
    if not 1 <= attempt <= MAX_ATTEMPTS:
        raise ValueError(f"payment {payment}: attempt {attempt} is not among 1 to {MAX_ATTEMPTS}")
    return f"{payment}-{attempt}"


def message_id(content: Iterable[str]) -> str:
    """The name of a file, from all that is in it: `HANSA-` and 16 letters and digits."""
    return f"HANSA-{_short('message', *content)}"


def _short(*parts: str) -> str:
    """80 bits of a SHA-256 over the parts, each with its length before it, in base 32."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return base64.b32encode(hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]).decode()
