"""What all commands of hansa-partner share: the client that the options ask for, refusals, how results are shown."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from partner_sdk.client import Client
from partner_sdk.receipts import Receipts
from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import KeyRefused, PrivateKey, PublicKey

DONE, REFUSED, WRONG_USAGE = 0, 1, 2
OTHERS = 0o077
"""The permissions of others on a file."""

CONNECTION = (
    ("--hub", "HANSA_HUB", "URL", "the hub's base URL, such as https://hub.example"),
    ("--partner", "HANSA_PARTNER_ID", "ID", "your partner id"),
    ("--key", "HANSA_PARTNER_KEY", "FILE", "your private key, a PEM file as keygen writes it"),
    ("--root-key", "HANSA_ROOT_KEY", "KEY", "the hub's root key, 43 characters that the operator gave you"),
)


class Refusal(Exception):
    """A command could not be done; the message says why."""


def open_client(options: argparse.Namespace) -> Client:
    """A client as the options have it; ends with wrong usage where they do not suffice."""
    require(options, *(flag for flag, _, _, _ in CONNECTION))
    key = private_key(options)
    try:
        root_key = PublicKey.from_text(options.root_key)
        timeout = (min(options.timeout, 3.05), options.timeout)
        trace = _trace if options.debug_signature else None
        return Client(
            options.hub, options.partner, key, root_key=root_key, timeout=timeout, attempts=options.attempts,
            trace=trace, receipts=open_receipts(options),
            state=Path(options.state_folder) if options.state_folder else None,
        )  # fmt: skip
    except (KeyRefused, ValueError) as fault:
        wrong_usage(options, str(fault))


def open_receipts(options: argparse.Namespace) -> Receipts | None:
    """The folder of receipts, if the options name one."""
    try:
        return Receipts(options.receipts) if options.receipts else None
    except OSError as error:
        wrong_usage(options, f"{options.receipts}: {error.strerror}")


def _trace(base: bytes) -> None:
    print("--- signature base", base.decode("latin-1"), "---", sep="\n", file=sys.stderr)


def require(options: argparse.Namespace, *needed: str) -> None:
    """End with wrong usage unless each of these options of CONNECTION, such as `--key`, is given."""
    for flag, variable, _, _ in CONNECTION:
        given = getattr(options, flag[2:].replace("-", "_")) or (flag == "--key" and options.key_pem)
        if flag in needed and not given:
            wrong_usage(options, f"{flag} is missing (or set {variable})")


def private_key(options: argparse.Namespace) -> PrivateKey:
    """The key of the options, from its file or from the environment."""
    password = options.password.encode() if options.password else None
    try:
        if options.key:
            return read_key_file(Path(options.key), password)
        return PrivateKey.from_pem(options.key_pem.encode(), password)
    except (KeyRefused, OSError, ValueError) as fault:
        wrong_usage(options, str(fault))


def read_key_file(path: Path, password: bytes | None = None) -> PrivateKey:
    """The key in a PEM file; raises KeyRefused when others can read it or it is no key, OSError when it is not there.

    Where files have no such permissions (Windows) it is for the folder to keep others out.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & OTHERS:
            raise KeyRefused(f"{path} can be read by others; run: chmod 600 {path}")
        return PrivateKey.from_pem(file.read(), password)


def wrong_usage(options: argparse.Namespace, detail: str) -> NoReturn:
    """Say what is wrong with the options, and how they are used, and exit."""
    options.parser.error(detail)
    raise AssertionError("the parser has exited")


# --- output ---


def show_all(options: argparse.Namespace, values: Iterable[Any]) -> int:
    """Show each value on a line of its own; returns the exit code."""
    for value in values:
        show(options, value, line=True)
    return DONE


def show(options: argparse.Namespace, value: Any, *, line: bool = False) -> int:
    """Show a value on as many lines as it has fields, or on one line, or as JSON; returns the exit code."""
    content = plain(value)
    if options.json:
        print(strict_json.dumps(content).decode())
    elif line:
        print("  ".join(f"{name}={_word(part)}" for name, part in content.items() if _is_said(part)))
    else:
        width = max(map(len, content))
        for name, part in content.items():
            print(f"{name:<{width}}  {_word(part)}")
    return DONE


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, times and days as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _is_said(part: Any) -> bool:
    """Whether a value is worth room on a line: zero is, absence, an empty text and an unset flag are not."""
    return part is not None and part is not False and part != ""


def _word(part: Any) -> str:
    if part is None:
        return "-"
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
