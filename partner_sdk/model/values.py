"""Values that many bodies share: money, basket lines, failures, pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Wire = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's minor units, such as cents; `currency` as in ISO 4217."""

    minor: int
    currency: str

    def to_wire(self) -> dict[str, Any]:
        """{"minor", "currency"}."""
        return {"minor": self.minor, "currency": self.currency}

    @classmethod
    def from_wire(cls, wire: Wire) -> "Money":
        """Read what `to_wire` writes."""
        return cls(wire["minor"], wire["currency"])


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a basket; `minor` is the whole line's amount."""

    sku: str
    category: str
    quantity: int
    minor: int

    def to_wire(self) -> dict[str, Any]:
        """{"sku", "category", "quantity", "minor"}."""
        return {"sku": self.sku, "category": self.category, "quantity": self.quantity, "minor": self.minor}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one event of a batch was not posted; `code` is a code of the wire."""

    code: str
    detail: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Failure":
        """Read {"code", "detail"}."""
        return cls(wire["code"], wire["detail"])


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; keep `next_cursor` to go on from here another day."""

    items: tuple[T, ...]
    next_cursor: str
    more: bool


def optional(read: Callable[[Any], T], value: Any) -> T | None:
    """Read a value, or return None where there is none."""
    return None if value is None else read(value)


def each(read: Callable[[Any], T], values: Any) -> tuple[T, ...]:
    """Read each value of a list."""
    return tuple(read(value) for value in values)
