"""Reading what the hub signed: an answer that lacks what it must have, or is about something else, is no answer."""

from collections.abc import Callable
from typing import Any, TypeVar

from partner_sdk.errors import UntrustedAnswer

T = TypeVar("T")


def read(reader: Callable[[Any], T], answer: Any) -> T:
    """Read a signed answer; raises UntrustedAnswer for one that lacks what it must have."""
    try:
        return reader(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise UntrustedAnswer(f"the hub's answer cannot be read: {fault!r}") from fault


def matched(reader: Callable[[Any], T], answers: list[Any], name: str, ids: list[str]) -> list[T]:
    """Read results, holding each against the id it must be about; raises UntrustedAnswer."""
    if read(lambda given: [answer[name] for answer in given], answers) != ids:
        raise UntrustedAnswer(f"the hub's answer is about another {name}")
    return read(lambda given: [reader(answer) for answer in given], answers)
