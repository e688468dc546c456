"""A signed single request with nothing behind its signatures: by the same load, on the same server.

`application` reads a request, verifies its signature and signs an answer that is always the same. What the hub takes
beyond that is for limits, rules, the ledger and evidence; it cannot be faster than this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from hub.curve import QuickPrivateKey, QuickPublicKey
from partner_sdk.wire import signatures
from partner_sdk.wire.keys import key_id
from partner_sdk.wire.signatures import RequestTarget
from tests.bench import traffic
from tests.bench.measurement import Measurement
from tests.bench.options import Options
from tests.bench.stage import WORKERS, Stage
from tests.support.server import Server, free_port

TOLD = "HANSA_BENCH_BARE"
"""The variable of the environment with what the processes of the server are told."""
KIND = "singles"
ANSWER = b'{"results":[{"status":"posted"}]}'
JSON_TYPE = "application/json"
START_S = 30

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def measure(name: str, what: str, connections: int, stage: Stage, hub: Server, options: Options) -> Measurement:
    """Measure single earnings that nobody posts; ``hub`` tells the keys."""
    with urlopen(f"{hub.url}/v1/hub-keys") as answer, _served(stage, answer.read().decode()) as server:
        return replace(traffic.measure(KIND, what, connections, stage, server, options), name=name)


@contextmanager
def _served(stage: Stage, hub_keys: str) -> Iterator[Server]:
    signer, port = stage.hub.signer(), free_port()
    told = {
        "signing_key": signer.key.to_pem().decode(),
        "keyid": signer.keyid,
        "partners": {key_id(partner, key.public): key.public.raw.hex() for partner, key in stage.keys.items()},
        "hub_keys": hub_keys,
    }
    environment = os.environ | {TOLD: json.dumps(told)}
    with subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)], env=environment) as process:
        server = Server(replace(stage.settings, port=port), process, stage.settings.data / "bare.log")
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError), urlopen(f"{server.url}/v1/hub-keys"):
                break
        yield server
        server.stop()


def application() -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """Return the ASGI application, set up from the environment."""
    told = json.loads(os.environ[TOLD])
    key, keyid = QuickPrivateKey.from_pem(told["signing_key"].encode()), told["keyid"]
    hub_keys = told["hub_keys"].encode()
    partners = {name: QuickPublicKey.load_trusted(bytes.fromhex(raw)) for name, raw in told["partners"].items()}

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        if "signature" not in sent:
            await _respond(send, {"Content-Type": JSON_TYPE}, hub_keys)
            return
        body = (await receive())["body"]
        path, digest = scope["raw_path"].decode(), sent["content-digest"]
        target = RequestTarget(scope["method"], sent["host"], path, "?", sent["content-type"], digest)
        signature = signatures.parse_request_signature(sent["signature-input"], sent["signature"])
        signatures.check_components(signature, has_body=True)
        signatures.check_times(signature, time.time())
        signatures.check_digest(digest, body)
        signatures.verify_request(target, signature, partners[signature.keyid])
        fields = signatures.sign_response(
            status=200, content_type=JSON_TYPE, body=ANSWER, target=target, nonce=signature.nonce, key=key,
            keyid=keyid, created=int(time.time()),
        )  # fmt: skip
        await _respond(send, {"Content-Type": JSON_TYPE, **fields}, ANSWER)

    return answer


async def _respond(send: Send, fields: dict[str, str], body: bytes) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on the port that is named."""
    MPServer(
        "tests.bench.bare:application",
        factory=True,
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        workers=WORKERS,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
