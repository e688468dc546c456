"""Values that many bodies share: money, basket lines, failures, pages."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from functools import cache, partial
from types import UnionType
from typing import Any, Generic, Self, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Wire = Mapping[str, Any]


class Readable:
    """What is read from the wire by its own fields: each is the member of its name, as its type says.

    Money, lots and the like are read in their turn, instants and days from their text. A field with a default need
    not be there.
    """

    __slots__ = ()

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        """Read an object of the wire; raises KeyError, TypeError, ValueError or AttributeError for what is none."""
        return cls(
            **{name: read(wire[name]) for name, read, needed in _plan(cast(type, cls)) if needed or name in wire}
        )


@cache
def _plan(kind: type) -> list[tuple[str, Callable[[Any], Any], bool]]:
    """Name and reader of each field, and whether it must be there."""
    hints = get_type_hints(kind)
    return [(one.name, _reader(hints[one.name]), one.default is MISSING) for one in fields(kind)]


def _reader(hint: Any) -> Callable[[Any], Any]:
    inner = [one for one in get_args(hint) if one is not type(None)]
    if isinstance(hint, UnionType):
        return partial(optional, _reader(inner[0]))
    if get_origin(hint) is tuple:
        return partial(each, _reader(inner[0]))
    if hint in (datetime, date):
        return cast("Callable[[Any], Any]", hint.fromisoformat)
    return getattr(hint, "from_wire", _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Money(Readable):
    """An amount in the currency's minor units, such as cents; `currency` as in ISO 4217."""

    minor: int
    currency: str

    def to_wire(self) -> dict[str, Any]:
        """{"minor", "currency"}."""
        return {"minor": self.minor, "currency": self.currency}


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
class Failure(Readable):
    """Why one event of a batch was not posted; `code` is a code of the wire."""

    code: str
    detail: str


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
