"""Cutting a long report into requests that the hub takes: at most 1,000 elements and about 900 kB each."""

from collections.abc import Iterable, Iterator
from typing import Any

from partner_sdk.wire import strict_json
from partner_sdk.wire.schemas import MAX_BATCH

MAX_BODY_BYTES = 900_000


def split(member: str, elements: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Bodies {member: [...]} with all elements in order; none when there are none.

    An element that is too large by itself goes alone, for the hub to refuse.
    """
    batch: list[bytes] = []
    size = 0
    for element in elements:
        written = strict_json.dumps(element)
        if batch and (len(batch) == MAX_BATCH or size + len(written) > MAX_BODY_BYTES):
            yield _body(member, batch)
            batch, size = [], 0
        batch.append(written)
        size += len(written) + 1
    if batch:
        yield _body(member, batch)


def _body(member: str, batch: list[bytes]) -> bytes:
    return b'{"%s":[%s]}' % (member.encode(), b",".join(batch))
