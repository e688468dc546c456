"""A hub as a process of its own on a free loopback port, for as long as it is needed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import requests

from hub.core.errors import ConfigurationError
from hub.settings import Settings

START_S = 60
STOP_S = 20
LOOK_S = 0.05


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Run ``hansa serve`` with these settings; yield its URL once it is ready, and stop it at the end.

    Raises:
        ConfigurationError: it did not become ready in a minute.
    """
    settings = replace(settings, port=_free_port())
    command = [sys.executable, "-m", "hub", "serve", "--port", str(settings.port)]
    with subprocess.Popen(command, env=os.environ | settings.to_environment(), stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{settings.port}"
        try:
            _wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(int(START_S / LOOK_S)):
        if process.poll() is not None:
            raise ConfigurationError(f"the hub ended with exit code {process.returncode} before it was ready")
        try:
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(LOOK_S)
    raise ConfigurationError(f"the hub was not ready after {START_S} s")
