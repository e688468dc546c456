"""Measures bulk files: two files of two partners, looked through and posted by two worker processes.

The clock runs from the moment at which both are complete until all their records are posted. What they say is drawn
as the batches' sales are.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from random import Random

from hub import file_worker
from hub.core.ledger import Evidence
from hub.services.context import Hub
from hub.services.files import receiving, templates
from hub.settings import Settings
from hub.start import open_hub, settle_in
from hub.store import files
from partner_sdk.wire.files import PART_BYTES, FileRequest
from partner_sdk.wire.schemas import validate
from tests.bench.bodies import DAYS_BACK, saver
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.plan import NOON
from tests.bench.stage import WORKERS, Stage
from tests.bench.usage import Watch

SENDERS = ("bank", "grocer")
RECORDS_A_SECOND = 10_000
"""So many records for each second that other loads are measured: a file has an end, and no length in time."""
TEMPLATE = {
    "record": "earning",
    "format": "csv",
    "names": True,
    "footer": {"starts": "T", "count": {"from": 2}, "amount": {"from": 3}},
    "columns": {
        "event_id": {"from": "id"},
        "member": {"from": "member"},
        "occurred_at": {"from": "at", "as": [["time", "YYYY-MM-DD hh:mm:ss"]]},
        "minor": {"from": "amount", "as": [["minor", 2]]},
        "currency": {"value": "USD"},
        "store": {"from": "store"},
    },
}


def measure(what: str, stage: Stage, options: Options) -> Measurement:
    """Receive the files, let the workers work them off, and return what was counted."""
    records = max(1, round(options.seconds * RECORDS_A_SECOND / len(SENDERS)))
    for number, partner in enumerate(SENDERS):
        _receive(stage.hub, partner, _text(f"{partner}-{secrets.token_hex(4)}", records, options, number))
    spawn = get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(WORKERS)]
    workers = [spawn.Process(target=_work, args=(stage.settings, theirs)) for _, theirs in pipes]
    for worker, (ours, _) in zip(workers, pipes, strict=True):
        worker.start()
        ours.recv()
    with Watch([worker.pid for worker in workers if worker.pid], stage.postmaster) as watch:
        began = time.perf_counter()
        for ours, _ in pipes:
            ours.send("go")
        for ours, _ in pipes:
            ours.recv()
        seconds = time.perf_counter() - began
    for worker, (ours, _) in zip(workers, pipes, strict=True):
        ours.send("end")
        worker.join()
    posted = sum(_posted(stage.hub, partner) for partner in SENDERS)
    errors = {} if posted == records * len(SENDERS) else {"not posted": records * len(SENDERS) - posted}
    return Measurement("files", what, "events", posted, seconds, [seconds], errors, watch)


def _text(run: str, records: int, options: Options, number: int) -> bytes:
    lines, total = ["id,member,at,amount,store"], 0
    for line, minor in _rows(run, records, options, number):
        lines.append(line)
        total += minor
    return ("\n".join([*lines, f"T,{records},{total}"]) + "\n").encode()


def _rows(run: str, records: int, options: Options, number: int) -> Iterator[tuple[str, int]]:
    draw = Random(options.seed + number)
    for one in range(records):
        at, minor = NOON - timedelta(seconds=draw.randrange(DAYS_BACK * 86_400)), draw.randint(100, 20_000)
        member, store = saver(draw.randrange(options.members)), draw.randint(1, 457)
        yield f"{run}-{one},{member},{at:%Y-%m-%d %H:%M:%S},{minor // 100}.{minor % 100:02},{store}", minor


def _receive(hub: Hub, partner: str, content: bytes) -> None:
    templates.add(hub, partner, "bench", TEMPLATE, "benchmark")
    asked = {
        "file_id": "bench",
        "template": "bench",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
    by, signed = moment.configuration.partner(partner), hub.keyring.seal(b"{}")
    evidence = Evidence(secrets.token_bytes(16), f"{partner}.benchmark", moment.now, b"base", b"signature", signed)
    receiving.open_file(hub, by, evidence, validate(FileRequest, asked))
    with hub.database.connect() as connection:
        file = receiving.find(connection, partner, "bench")
        for place, start in enumerate(range(0, len(content), PART_BYTES), 1):
            receiving.keep_part(hub, connection, file, place, content[start : start + PART_BYTES])
    receiving.complete(hub, by, "bench")


def _work(settings: Settings, pipe: Pipe) -> None:
    """Work off the files; the process stays until it was looked at once more, since its memory is gone with it."""
    hub = open_hub(settings)
    settle_in()
    pipe.send("ready")
    pipe.recv()
    file_worker.work_off(hub)
    while _is_left(hub):
        file_worker.work_off(hub)
    pipe.send("done")
    pipe.recv()


def _is_left(hub: Hub) -> bool:
    with hub.database.connect() as connection:
        return bool(files.at_work(connection, files.RECEIVED, files.POSTING))


def _posted(hub: Hub, partner: str) -> int:
    return int(receiving.view(hub, partner, "bench")["counts"]["posted"])
