"""hansa-partner: a partner's own command line, for the first steps, for scripts, and for a look at things.

Everything that it does, a program can do with `partner_sdk.Client`. Exit codes: 0 done, 1 refused with a reason,
2 wrong usage.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from partner_sdk.client import Client
from partner_sdk.errors import HansaError, InvalidRequestError
from partner_sdk.model import Earning
from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import KeyRefused, PrivateKey, PublicKey, key_id, registration
from partner_sdk.wire.schemas import EarningSchema, InvalidRequest, validate

DONE, REFUSED, WRONG_USAGE = 0, 1, 2

_CONNECTION = (
    ("--hub", "HANSA_HUB", "URL", "the hub's base URL, such as https://hub.example"),
    ("--partner", "HANSA_PARTNER_ID", "ID", "your partner id"),
    ("--key", "HANSA_PARTNER_KEY", "FILE", "your private key, a PEM file as keygen writes it"),
    ("--root-key", "HANSA_ROOT_KEY", "KEY", "the hub's root key, 43 characters that the operator gave you"),
)
_EPILOG = """\
environment:
  HANSA_HUB, HANSA_PARTNER_ID, HANSA_PARTNER_KEY, HANSA_ROOT_KEY   for the options of the same name
  HANSA_PARTNER_KEY_PASSWORD   the key file's password, if it has one (never an option: others can read those)
  HANSA_PARTNER_TIMEOUT        seconds to wait for an answer
  HANSA_PARTNER_ATTEMPTS       how often to try in all
  HANSA_PARTNER_JSON           set to 1 for --json
  HANSA_PARTNER_LINES          set to 1 for statement --lines

exit codes: 0 done, 1 refused with a reason, 2 wrong usage
"""


class Refusal(Exception):
    """A command could not be done; the message says why."""


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run one command; returns the exit code, which the script `hansa-partner` exits with."""
    parser = _parser(environment)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    try:
        code: int = options.command(options)
    except (Refusal, HansaError) as refusal:
        return _fail(refusal)
    return code


# --- commands: each takes its options and returns the exit code ---


def keygen(options: argparse.Namespace) -> int:
    """Make a key file; it is never overwritten."""
    key = PrivateKey.generate()
    password = options.password.encode() if options.password else None
    try:
        descriptor = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refusal(f"{options.file}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.to_pem(password))
    made = {"file": options.file, "thumbprint": key.public.thumbprint()}
    if options.partner:
        made["keyid"] = key_id(options.partner, key.public)
    return _show(options, made)


def register(options: argparse.Namespace) -> int:
    """Register the key; then tell the operator its thumbprint over another channel.

    With --offline the hub is not asked: the registration document is printed, for the operator to take in.
    """
    if options.offline:
        _require(options, "--partner", "--key")
        print(strict_json.dumps(registration(options.partner, _private_key(options))).decode())
        return DONE
    with _client(options) as client:
        return _show(options, client.register_key())


def ping(options: argparse.Namespace) -> int:
    """Ask the hub who it takes you for."""
    with _client(options) as client:
        return _show(options, client.ping())


def earn(options: argparse.Namespace) -> int:
    """Report the earnings in a file of JSON lines, as in POST /v1/earnings; - reads standard input."""
    with _client(options) as client:
        results = client.earn(_earnings(options.file))
    for result in results:
        _show(options, result, line=True)
    return REFUSED if any(result.status in ("rejected", "quarantined") for result in results) else DONE


def balance(options: argparse.Namespace) -> int:
    """Show a member's points."""
    with _client(options) as client:
        return _show(options, client.member(options.member))


def redeem(options: argparse.Namespace) -> int:
    """Spend a member's points; the same id again gives the same answer."""
    with _client(options) as client:
        return _show(options, client.redeem(options.redemption_id, options.member, options.points))


def statement(options: argparse.Namespace) -> int:
    """List your statements, or show one cycle's, or with --lines each obligation in it."""
    with _client(options) as client:
        if options.cycle is None:
            return _show_all(options, (head for page in client.statements() for head in page.items))
        if options.lines:
            return _show_all(options, (one for page in client.statement_lines(options.cycle) for one in page.items))
        return _show(options, client.statement(options.cycle))


# --- options ---


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hansa-partner",
        description="Talk to a Hansa hub as a partner merchant.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command, arguments in _COMMANDS:
        sub = commands.add_parser(
            name,
            help=_first_sentence(command),
            description=command.__doc__,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=command, parser=sub)
        for flag, settings in arguments:
            sub.add_argument(flag, **settings)
        _add_common(sub, environment)
    return parser


def _add_common(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    for flag, variable, metavar, meaning in _CONNECTION:
        parser.add_argument(flag, metavar=metavar, default=environment.get(variable), help=f"{meaning} [{variable}]")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="S",
        default=environment.get("HANSA_PARTNER_TIMEOUT", "30"),
        help="seconds to wait for an answer, 30 if not said [HANSA_PARTNER_TIMEOUT]",
    )
    parser.add_argument(
        "--attempts",
        type=int,
        metavar="N",
        default=environment.get("HANSA_PARTNER_ATTEMPTS", "5"),
        help="how often to try in all, 5 if not said [HANSA_PARTNER_ATTEMPTS]",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=environment.get("HANSA_PARTNER_JSON") == "1",
        help="write JSON, one document a line [HANSA_PARTNER_JSON=1]",
    )
    parser.set_defaults(
        lines=environment.get("HANSA_PARTNER_LINES") == "1",
        password=environment.get("HANSA_PARTNER_KEY_PASSWORD"),
    )


def _first_sentence(command: Callable[..., int]) -> str:
    return str(command.__doc__).split(";")[0].split(",")[0].rstrip(".")


_Argument = tuple[str, dict[str, Any]]
_MEMBER: _Argument = ("member", {"metavar": "MEMBER", "help": "scheme:value, such as card:1234"})
_COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int], tuple[_Argument, ...]], ...] = (
    ("keygen", keygen, (("file", {"metavar": "FILE", "help": "the key file to make (PEM, PKCS #8)"}),)),
    (
        "register",
        register,
        (("--offline", {"action": "store_true", "help": "print the registration document instead of sending it"}),),
    ),
    ("ping", ping, ()),
    ("earn", earn, (("file", {"metavar": "FILE", "help": "JSON lines, one earning each; - for standard input"}),)),
    ("balance", balance, (_MEMBER,)),
    (
        "redeem",
        redeem,
        (
            ("redemption_id", {"metavar": "ID", "help": "an id of yours that you use only once"}),
            _MEMBER,
            ("points", {"metavar": "POINTS", "type": int, "help": "how many points to spend"}),
        ),
    ),
    (
        "statement",
        statement,
        (
            ("cycle", {"metavar": "CYCLE", "nargs": "?", "help": "a month, YYYY-MM; all statements if left out"}),
            ("--lines", {"action": "store_true", "help": "show each obligation [HANSA_PARTNER_LINES=1]"}),
        ),
    ),
)


def _client(options: argparse.Namespace) -> Client:
    _require(options, *(flag for flag, _, _, _ in _CONNECTION))
    key = _private_key(options)
    try:
        root_key = PublicKey.from_text(options.root_key)
        timeout = (min(options.timeout, 3.05), options.timeout)
        return Client(options.hub, options.partner, key, root_key=root_key, timeout=timeout, attempts=options.attempts)
    except (KeyRefused, ValueError) as fault:
        _wrong_usage(options, str(fault))


def _require(options: argparse.Namespace, *needed: str) -> None:
    for flag, variable, _, _ in _CONNECTION:
        if flag in needed and not getattr(options, flag[2:].replace("-", "_")):
            _wrong_usage(options, f"{flag} is missing (or set {variable})")


def _private_key(options: argparse.Namespace) -> PrivateKey:
    try:
        return PrivateKey.from_pem(
            Path(options.key).read_bytes(), options.password.encode() if options.password else None
        )
    except (KeyRefused, OSError, ValueError) as fault:
        _wrong_usage(options, str(fault))


def _wrong_usage(options: argparse.Namespace, detail: str) -> NoReturn:
    options.parser.error(detail)
    raise AssertionError("the parser has exited")


def _earnings(file: str) -> list[Earning]:
    try:
        lines = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror}") from None
    return [_earning(number, line) for number, line in enumerate(lines.splitlines(), start=1) if line.strip()]


def _earning(number: int, line: bytes) -> Earning:
    try:
        return Earning.from_wire(validate(EarningSchema, strict_json.loads(line)))
    except (strict_json.MalformedJson, InvalidRequest) as fault:
        raise Refusal(f"line {number}: {fault}") from None


# --- output ---


def _show_all(options: argparse.Namespace, values: Iterable[Any]) -> int:
    for value in values:
        _show(options, value, line=True)
    return DONE


def _show(options: argparse.Namespace, value: Any, *, line: bool = False) -> int:
    content = _plain(value)
    if options.json:
        print(strict_json.dumps(content).decode())
    elif line:
        print("  ".join(f"{name}={_word(part)}" for name, part in content.items() if _is_said(part)))
    else:
        width = max(map(len, content))
        for name, part in content.items():
            print(f"{name:<{width}}  {_word(part)}")
    return DONE


def _plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, times and days as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _is_said(part: Any) -> bool:
    """Whether a value is worth room on a line: zero is, absence, an empty text and an unset flag are not."""
    return part is not None and part is not False and part != ""


def _word(part: Any) -> str:
    if part is None:
        return "-"
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _fail(refusal: Exception) -> int:
    print(f"hansa-partner: {refusal}", file=sys.stderr)
    if isinstance(refusal, InvalidRequestError):
        for error in refusal.errors:
            print(f"  {error['pointer']}: {error['detail']}", file=sys.stderr)
    return REFUSED
