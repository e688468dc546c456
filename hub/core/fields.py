"""Strict reading of terms written as JSON: the fields that belong there and no others, whole numbers within limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hub.core.errors import TermsRefused


def check_fields(terms: object, what: str, needed: Collection[str], optional: Collection[str] = ()) -> None:
    """Check that ``terms`` is an object with all ``needed`` fields and, beyond them, only ``optional`` ones.

    Raises:
        TermsRefused: it is no object, or a field is missing or unknown; the message names the fields of ``what``.
    """
    if not isinstance(terms, Mapping):
        raise TermsRefused(f"{what} is written as an object with fields")
    if missing := sorted(set(needed) - set(terms)):
        raise TermsRefused(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(str(name) for name in set(terms) - set(needed) - set(optional)):
        known = ", ".join([*needed, *optional]) or "none"
        raise TermsRefused(f"{what} has no field {', '.join(unknown)}; it has: {known}")


def whole(value: Any, name: str, least: int, most: int) -> int:
    """Return ``value`` if it is a whole number from ``least`` to ``most``.

    Raises:
        TermsRefused: it is not; the message names the field and the limits.
    """
    if type(value) is not int or not least <= value <= most:
        raise TermsRefused(f"{name} must be a whole number from {least} to {most}")
    return value
