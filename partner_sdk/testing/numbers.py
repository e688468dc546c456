"""Numbers of terminals at the local hub: what is missing of them, and what came twice."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.books import Books
from partner_sdk.testing.webhooks import announce

Asked = Mapping[str, Any]


def note(books: Books, reported: Iterable[Asked]) -> None:
    """Note the numbers of what was answered, and tell of each gap below a new highest one."""
    before = {terminal: number for terminal, number, _ in sorted(books.numbers)}
    fresh = {(one["terminal"], one["sequence"], one["event_id"]) for one in reported if "sequence" in one}
    for terminal, number, event_id in sorted(fresh):
        books.numbers.setdefault((terminal, number, event_id), books.now)
        highest = before.get(terminal, 0)
        if number > highest + 1:
            details = {"terminal": terminal, "first": highest + 1, "last": number - 1}
            announce(books, "gap.found", f"{terminal}/{highest + 1}", details)
        before[terminal] = max(highest, number)


def gaps(books: Books) -> list[dict[str, Any]]:
    """All that is missing or came twice, by terminal and number."""
    found = []
    for terminal, numbers in groupby(sorted(books.numbers), key=lambda one: one[0]):
        before, event_before = 0, ""
        for _, number, event_id in numbers:
            told = {"terminal": terminal, "since": instant(books.numbers[terminal, number, event_id])}
            if number == before:
                ids = [event_before, event_id]
                found.append({"kind": "repeated", "first": number, "last": number, "event_ids": ids, **told})
            elif number > before + 1:
                found.append({"kind": "missing", "first": before + 1, "last": number - 1, **told})
            before, event_before = number, event_id
    return found
