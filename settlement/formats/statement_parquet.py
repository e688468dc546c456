"""A statement as one Parquet file: the lines as typed columns, everything above them as JSON in the footer.

`minor` is in minor units of `currency`, which has `decimals` decimals (ISO 4217); `side` says whether the partner
receives it, pays it, or owes it to itself (`on_us`). pyarrow is loaded only when such a file is written.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settlement.core.currency import decimals
from settlement.core.parties import REIMBURSEMENT
from settlement.formats.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"hansa.statement"
_ROWS = 50_000


def write(path: Path, summary: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the statement; the file is there whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    above = json.dumps(summary, ensure_ascii=False, separators=(",", ":")).encode()
    schema = _schema().with_metadata({METADATA_KEY: above})
    rows = _rows(summary["partner"], lines)
    with whole_file(path) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as file:
        while part := list(itertools.islice(rows, _ROWS)):
            columns = zip(*part, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def _rows(partner: str, lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        on_us = line["issuer"] == line["redeemer"]
        price = line["price"]
        yield (
            date.fromisoformat(line["business_date"]),
            *(line[name] for name in ("partner", "event_id", "line")),
            line.get("kind", REIMBURSEMENT),
            *(line[name] for name in ("issuer", "redeemer")),
            line.get("points_of", ""),
            line["points"],
            line["currency"],
            decimals(line["currency"]),
            "on_us" if on_us else "receive" if line["redeemer"] == partner else "pay",
            line["minor"],
            *(price[name] for name in ("version", "numerator", "denominator")),
            f"{line['origin']['partner']}/{line['origin']['event_id']}" if "origin" in line else "",
            bytes.fromhex(line["digest"]),
        )


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number, small = pa.string(), pa.int64(), pa.int32()
    types = {
        "business_date": pa.date32(),
        "reported_by": text,
        "event_id": text,
        "line": small,
        **dict.fromkeys(("kind", "issuer", "redeemer", "points_of"), text),
        "points": number,
        "currency": text,
        "decimals": pa.int8(),
        "side": text,
        "minor": number,
        "price_version": small,
        "price_numerator": number,
        "price_denominator": number,
        "origin": text,
        "digest": pa.binary(32),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])
