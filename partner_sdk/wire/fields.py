"""The kinds of value on the wire, as marshmallow fields that check one value in one step.

marshmallow's own fields convert kindly ("12" is an integer, True is 1) and run every value through several
layers of hooks. A wire contract wants the opposite, strict and fast: these fields accept exactly one JSON
type, state their limits once (for the check and for the OpenAPI document alike), and cost a fraction of a
microsecond. A batch of 1,000 earnings has some ten thousand values.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, missing

MAX_FAULTS = 50


class Strict(fields.Field[Any]):
    """What all kinds share: `read` takes a JSON value and returns it loaded, or raises ValidationError."""

    def read(self, value: Any) -> Any:
        """Return the value as loaded, or raise ValidationError with one sentence."""
        raise NotImplementedError

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Do what marshmallow asks for, by `read` alone: no conversion, no null, no further hooks."""
        return self.read(value)


class Text(Strict, fields.String):
    """A string that fits a pattern from end to end; `fits` may ask for what a pattern cannot say."""

    def __init__(self, pattern: str, complaint: str, fits: Callable[[str], bool] | None = None, **kwargs: Any):
        super().__init__(metadata={"pattern": f"^(?:{pattern})$"}, **kwargs)
        self._match = re.compile(pattern).fullmatch
        self._fits = fits
        self._complaint = complaint

    def read(self, value: Any) -> str:
        """Return the string unchanged."""
        if type(value) is str and self._match(value) and (self._fits is None or self._fits(value)):
            return value
        raise ValidationError(self._complaint)


class Whole(Strict, fields.Integer):
    """A JSON integer within limits, both included; neither true nor "1" is one."""

    def __init__(self, least: int, most: int, **kwargs: Any):
        super().__init__(metadata={"minimum": least, "maximum": most}, **kwargs)
        self._least, self._most = least, most

    def read(self, value: Any) -> int:
        """Return the integer unchanged."""
        if type(value) is int and self._least <= value <= self._most:
            return value
        raise ValidationError(f"a whole number from {self._least} to {self._most} is expected")


class WholeText(Whole):
    """A whole number in a query string, where everything is text."""

    def read(self, value: Any) -> int:
        """Return the number that the decimal digits write."""
        return super().read(int(value) if type(value) is str and _DIGITS.fullmatch(value) else None)


class Flag(Strict, fields.Boolean):
    """true or false, and nothing that merely looks like it."""

    def read(self, value: Any) -> bool:
        """Return the boolean unchanged."""
        if type(value) is bool:
            return value
        raise ValidationError("true or false is expected")


class Choice(Strict, fields.String):
    """One of a few words."""

    def __init__(self, *words: str, **kwargs: Any):
        super().__init__(metadata={"enum": list(words)}, **kwargs)
        self._words = words

    def read(self, value: Any) -> str:
        """Return the word unchanged."""
        if type(value) is str and value in self._words:
            return value
        raise ValidationError(f"one of {', '.join(self._words)} is expected")


class Mark(Choice):
    """A word in a query string that says something by being there, alone or as `true`."""

    def __init__(self, **kwargs: Any):
        super().__init__("", "true", **kwargs)

    def read(self, value: Any) -> str:
        """Return the text unchanged."""
        if value not in self._words:
            raise ValidationError("no value, or true, is expected; leave it out for no")
        return super().read(value)


class Moment(Strict, fields.String):
    """An instant in RFC 3339, with seconds and an offset; loads as a datetime in UTC."""

    def __init__(self, **kwargs: Any):
        super().__init__(metadata={"format": "date-time", "pattern": f"^(?:{_MOMENT.pattern})$"}, **kwargs)

    def read(self, value: Any) -> datetime:
        """Return the instant in UTC, to the microsecond."""
        if type(value) is str and _MOMENT.fullmatch(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC)
            except ValueError:
                pass
        raise ValidationError("an RFC 3339 instant with seconds and an offset is expected, years 2000 to 9998")


class Day(Strict, fields.String):
    """A calendar day, YYYY-MM-DD; stays text."""

    def __init__(self, **kwargs: Any):
        super().__init__(metadata={"format": "date"}, **kwargs)

    def read(self, value: Any) -> str:
        """Return the day unchanged."""
        if type(value) is str and _DAY.fullmatch(value):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                pass
        raise ValidationError("a day, YYYY-MM-DD, is expected")


class Part(Strict, fields.Nested):
    """An object with a schema of its own; null only where `allow_none` says so."""

    def read(self, value: Any) -> Any:
        """Return the object as its schema loads it."""
        if value is None and self.allow_none:
            return None
        return self.schema.load(value)


class Series(Strict, fields.List[Any]):
    """An array of so many elements of one kind."""

    def __init__(self, inner: Strict, least: int, most: int, **kwargs: Any):
        super().__init__(inner, metadata={"minItems": least, "maxItems": most}, **kwargs)
        self._least, self._most = least, most

    def read(self, value: Any) -> list[Any]:
        """Return every element loaded; the refusal names the first elements at fault."""
        if type(value) is not list or not self._least <= len(value) <= self._most:
            raise ValidationError(f"an array of {self._least} to {self._most} elements is expected")
        load = self.inner.schema.load if isinstance(self.inner, Part) else self.inner.deserialize
        try:
            return [load(element) for element in value]
        except ValidationError:
            raise ValidationError(_faults(load, value)) from None


def _faults(load: Callable[[Any], Any], elements: list[Any]) -> dict[Any, Any]:
    faults: dict[Any, Any] = {}
    for index, element in enumerate(elements):
        try:
            load(element)
        except ValidationError as refusal:
            faults[index] = refusal.messages
            if len(faults) == MAX_FAULTS:
                break
    return faults


class Anything(Strict, fields.Raw):
    """A JSON value that is not looked into."""

    def read(self, value: Any) -> Any:
        """Return the value unchanged."""
        return value


class WireSchema(Schema):
    """An object on the wire: known members only, loaded in one pass.

    It replaces marshmallow's general `load`, hooks and all, with the plain loop that the wire needs; a rule
    over several members goes into `check_whole`.
    """

    class Meta:
        """Unknown members are refused; the OpenAPI document says so too."""

        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        plan = self.load_fields.items()
        self._plan = [
            (name, field.read if isinstance(field, Strict) else field.deserialize, field.required)
            for name, field in plan
        ]
        self._defaults = {name: field.load_default for name, field in plan if field.load_default is not missing}
        self._names = frozenset(self.load_fields)

    def load(self, data: Any, **_: Any) -> dict[str, Any]:
        """Return the object with its values loaded, or raise ValidationError with the faults by member."""
        if type(data) is not dict:
            raise ValidationError("an object is expected")
        loaded = self._defaults.copy()
        faults: dict[str, Any] = {}
        for name, read, required in self._plan:
            if name in data:
                try:
                    loaded[name] = read(data[name])
                except ValidationError as refusal:
                    faults[name] = refusal.messages
            elif required:
                faults[name] = ["this member is required"]
        if self.unknown == RAISE and not self._names.issuperset(data):
            faults.update((name, ["this member is not known"]) for name in data if name not in self._names)
        if faults:
            raise ValidationError(faults)
        self.check_whole(loaded)
        return loaded

    def check_whole(self, loaded: dict[str, Any]) -> None:
        """Raise ValidationError when the members, each fine by itself, do not fit together."""


_DIGITS = re.compile(r"[0-9]{1,19}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"(?:[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-[0-9]{2}-[0-9]{2}"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
