"""The kinds of value that bodies on the wire are made of, each with its pattern or limits in one place."""

import re
from typing import Any

from partner_sdk.wire.fields import Text, Whole

MAX_MINOR = 10**12
MAX_POINTS = 10**9
MAX_SUM = 2**63 - 1
IDENTIFIER = re.compile(r"[A-Za-z0-9._~:-]{1,100}")
"""An id that a client may choose."""


def spaceless(text: str) -> bool:
    """Whether a text is printable and has no space."""
    return text.isprintable() and " " not in text


def identifier(**kwargs: Any) -> Text:
    """An id that a client chose."""
    return Text(IDENTIFIER.pattern, "1 to 100 characters of A-Z a-z 0-9 . _ ~ : - are expected", **kwargs)


def recorded_event(**kwargs: Any) -> Text:
    """The id of an event as the hub recorded it: a client's, or one that the hub made of it (`r-1/capture`)."""
    return Text(r"[A-Za-z0-9._~:/-]{1,120}", "1 to 120 characters of A-Z a-z 0-9 . _ ~ : / - are expected", **kwargs)


def partner(**kwargs: Any) -> Text:
    """A partner's id."""
    return Text(r"[a-z][a-z0-9-]{1,31}", "a partner's id is expected: [a-z][a-z0-9-]{1,31}", **kwargs)


def party(**kwargs: Any) -> Text:
    """Who owes, is owed or writes a line: a partner, the operator, or his fund."""
    return Text(r"@fund|@operator|[a-z][a-z0-9-]{1,31}", "a partner's id, @fund or @operator is expected", **kwargs)


def member(**kwargs: Any) -> Text:
    """A member by an identifier, `scheme:value`."""
    complaint = "a member is scheme:value, the value 1 to 200 printable characters without spaces"
    return Text(r"[a-z][a-z0-9_]{0,15}:[^\s\x00-\x1f\x7f]{1,200}", complaint, spaceless, **kwargs)


def kind(**kwargs: Any) -> Text:
    """A kind of points: its class, and where it is restricted the partners at which it is spent."""
    kinds = r"(?:base|bonus|qualifying|promotional(?:@[a-z][a-z0-9-]*(?:\+[a-z][a-z0-9-]*)*)?)"
    return Text(kinds, "a kind of points is expected, such as base or promotional@fuel", **kwargs)


def label(**kwargs: Any) -> Text:
    """A short printable text."""
    return Text(r"[^\x00-\x1f]{1,64}", "1 to 64 printable characters are expected", str.isprintable, **kwargs)


def category(**kwargs: Any) -> Text:
    """A merchant category code (ISO 18245)."""
    return Text(r"[0-9]{4}", "a merchant category code of four digits is expected", **kwargs)


def url(**kwargs: Any) -> Text:
    """A URL of a partner's own server; whether webhooks may go there is for the hub to say."""
    return Text(r"https?://[!-~]{1,490}", "an https URL of plain characters is expected", **kwargs)


def topic(**kwargs: Any) -> Text:
    """What a message is about, in two words."""
    return Text(r"[a-z]{1,20}\.[a-z]{1,20}", "a topic is expected, such as points.posted", **kwargs)


def message(**kwargs: Any) -> Text:
    """The id of a message of the hub's."""
    return Text(r"msg_[0-9]{1,19}", "a message's id is expected", **kwargs)


def currency(**kwargs: Any) -> Text:
    """A currency's letters (ISO 4217)."""
    return Text(r"[A-Z]{3}", "a currency is three letters A-Z (ISO 4217)", **kwargs)


def cycle(**kwargs: Any) -> Text:
    """A settlement cycle's name."""
    pattern = r"[2-9][0-9]{3}-(?:W(?:0[1-9]|[1-4][0-9]|5[0-3])|(?:0[1-9]|1[0-2])(?:-(?:H[12]|Q[1-4]))?)"
    return Text(pattern, "a cycle is named YYYY-MM, YYYY-Www, YYYY-MM-H1 to -H2 or YYYY-MM-Q1 to -Q4", **kwargs)


def digest(**kwargs: Any) -> Text:
    """A SHA-256 in hexadecimal."""
    return Text(r"[0-9a-f]{64}", "a SHA-256 digest in lower-case hexadecimal is expected", **kwargs)


def base64url(least: int, most: int, **kwargs: Any) -> Text:
    """Base64url text without padding (RFC 4648 section 5), of so many characters."""
    return Text(rf"[A-Za-z0-9_-]{{{least},{most}}}", "base64url without padding is expected", **kwargs)


def sentence(**kwargs: Any) -> Text:
    """A sentence for people."""
    return Text(r"[^\x00]{0,2000}", "a sentence is expected", **kwargs)


def points(**kwargs: Any) -> Whole:
    """Points that one event may move."""
    return Whole(0, MAX_POINTS, **kwargs)


def signed_points(**kwargs: Any) -> Whole:
    """Points of one line of an obligation, which a correction may take back."""
    return Whole(-MAX_POINTS, MAX_POINTS, **kwargs)


def total(**kwargs: Any) -> Whole:
    """A sum that is never negative."""
    return Whole(0, MAX_SUM, **kwargs)


def signed_total(**kwargs: Any) -> Whole:
    """A sum of either sign."""
    return Whole(-MAX_SUM, MAX_SUM, **kwargs)


def cursor(**kwargs: Any) -> Text:
    """An opaque place in a list."""
    return Text(r"[A-Za-z0-9_-]{0,500}", "a cursor is what the list's last answer gave", **kwargs)


def unit(**kwargs: Any) -> Text:
    """The name of a partner's own currency."""
    return Text(r"[A-Z][A-Z0-9]{1,15}", "a unit is 2 to 16 characters of A-Z and 0-9, a letter first", **kwargs)


def number(**kwargs: Any) -> Text:
    """An exact number of at least zero: `1.25` or `5/4`."""
    pattern = r"[0-9]{1,12}(?:\.[0-9]{1,12}|/[0-9]{1,12})?"
    return Text(pattern, "a decimal or a fraction is expected, at most 12 digits on each side", **kwargs)


def quote(**kwargs: Any) -> Text:
    """An opaque quote, as the hub gave it."""
    return Text(r"[A-Za-z0-9_-]{1,255}", "a quote_id is what the hub's quote gave", **kwargs)
