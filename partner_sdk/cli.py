"""hansa-partner: a partner's own command line, for the first steps, for scripts, and for a look at things.

Everything that it does, a program can do with `partner_sdk.Client`. Exit codes: 0 done, 1 refused with a reason,
2 wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from partner_sdk import commands, file_command
from partner_sdk.command_line import CONNECTION, REFUSED, WRONG_USAGE, Refusal
from partner_sdk.errors import HansaError, InvalidRequestError
from partner_sdk.outbox import command as outbox
from partner_sdk.wire.claiming import MOVES
from partner_sdk.wire.claiming import REASONS as CLAIMED
from partner_sdk.wire.disputing import REASONS
from partner_sdk.wire.exchanging import STATES
from partner_sdk.wire.keys import ALGORITHMS, ED25519, ENVIRONMENTS

_EPILOG = """\
environment:
  HANSA_HUB, HANSA_PARTNER_ID, HANSA_PARTNER_KEY, HANSA_ROOT_KEY   for the options of the same name
  HANSA_PARTNER_KEY_PEM        the private key itself (PEM), where there is no file for HANSA_PARTNER_KEY
  HANSA_PARTNER_STATE          a folder that remembers the hub's newest key list, so that an older one is refused
  HANSA_PARTNER_KEY_PASSWORD   the key file's password, if it has one (never an option: others can read those)
  HANSA_PARTNER_TIMEOUT        seconds to wait for an answer
  HANSA_PARTNER_ATTEMPTS       how often to try in all
  HANSA_PARTNER_RECEIPTS       a folder of receipts
  HANSA_PARTNER_JSON           set to 1 for --json
  HANSA_PARTNER_LINES          set to 1 for statement --lines
  HANSA_OUTBOX                 the file of outbox --outbox

exit codes: 0 done, 1 refused with a reason, 2 wrong usage
"""


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


# --- options ---


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hansa-partner",
        description="Talk to a Hansa hub as a partner merchant.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=None)
    table = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command, arguments in _COMMANDS:
        sub = table.add_parser(
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
    for flag, variable, metavar, meaning in CONNECTION:
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
        "--receipts",
        metavar="DIR",
        default=environment.get("HANSA_PARTNER_RECEIPTS"),
        help="keep receipts in this folder, for verify [HANSA_PARTNER_RECEIPTS]",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=environment.get("HANSA_PARTNER_JSON") == "1",
        help="write JSON, one document a line [HANSA_PARTNER_JSON=1]",
    )
    parser.add_argument(
        "--debug-signature",
        action="store_true",
        help="write what each request's signature is over to standard error; never the key",
    )
    parser.set_defaults(
        lines=environment.get("HANSA_PARTNER_LINES") == "1",
        password=environment.get("HANSA_PARTNER_KEY_PASSWORD"),
        state_folder=environment.get("HANSA_PARTNER_STATE"),
        key_pem=environment.get("HANSA_PARTNER_KEY_PEM"),
        outbox=environment.get("HANSA_OUTBOX"),
    )


def _first_sentence(command: Callable[..., int]) -> str:
    return str(command.__doc__).split(";")[0].split(",")[0].rstrip(".")


_Argument = tuple[str, dict[str, Any]]
_EXCHANGE: _Argument = ("exchange_id", {"metavar": "ID", "help": "an id of yours that you use only once"})
_MEMBER: _Argument = ("member", {"metavar": "MEMBER", "help": "scheme:value, such as card:1234"})
_POOL: _Argument = ("--pool", {"action": "store_true", "help": "let the member's household pool pay"})
_NEW_ID: _Argument = ("redemption_id", {"metavar": "ID", "help": "an id of yours that you use only once"})


def _points(meaning: str, **settings: Any) -> _Argument:
    return "points", {"metavar": "POINTS", "type": int, "help": meaning, **settings}


def _id(meaning: str, name: str = "redemption_id") -> _Argument:
    return name, {"metavar": "ID", "help": meaning}


def _lines(what: str, **settings: Any) -> _Argument:
    return "file", {"metavar": "FILE", "help": f"JSON lines, one {what} each; - for standard input", **settings}


def _text(flag: str, metavar: str, meaning: str, default: str = "") -> _Argument:
    return flag, {"metavar": metavar, "help": meaning, "default": default}


def _many(flag: str, metavar: str, meaning: str) -> _Argument:
    return flag, {"metavar": metavar, "action": "append", "default": [], "help": f"{meaning}; may be given many times"}


_TABLE: tuple[_Argument, ...] = (
    ("--file", {"metavar": "TABLE", "dest": "sales", "help": "a table of sales (CSV) with a first line of names"}),
    (
        "--map",
        {
            "metavar": "FIELD=COLUMN",
            "action": "append",
            "default": [],
            "help": "which column of the table holds a field, such as event_id=Receipt; may be given many times",
        },
    ),
    _text("--currency", "CUR", "the currency of all sales, where no column says it (ISO 4217)"),
    _text("--scheme", "SCHEME", "what members are whose column says no scheme; card if not said", "card"),
    _text("--utc-offset", "+HH:MM", "the time zone of times that name none"),
    _text("--time-format", "FORMAT", "how times are written, as strptime has it, such as '%%d.%%m.%%Y %%H:%%M'"),
    ("--decimal-comma", {"action": "store_true", "help": "amounts are written 19,99"}),
    _text("--delimiter", "CHAR", "what separates columns; found out if not said"),
    _text("--encoding", "NAME", "the table's encoding; UTF-8, or what its byte order mark says, if not said"),
    _text("--results", "FILE", "where to write what became of each line; TABLE.results.csv if not said"),
)


_SECONDS: _Argument = (
    "seconds",
    {"metavar": "SECONDS", "type": int, "help": "how long they are reserved, up to 2592000 (30 days)"},
)
_REVERSAL_ID: _Argument = (
    "--reversal-id",
    {"metavar": "ID", "help": "an id of yours for this reversal; needed when a redemption is reversed in parts"},
)
_WEBHOOK = ("webhook_id", {"metavar": "ID", "help": "a name of your own for the webhook"})
_COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int], tuple[_Argument, ...]], ...] = (
    (
        "keygen",
        commands.keygen,
        (
            ("file", {"metavar": "FILE", "help": "the key file to make (PEM, PKCS #8)"}),
            ("--environment", {"choices": ENVIRONMENTS, "help": "what hubs it is for; its registration says if not"}),
            (
                "--alg",
                {"choices": ALGORITHMS, "default": ED25519, "help": f"what the key is for; {ED25519} if not said"},
            ),
        ),
    ),
    ("fingerprint", commands.fingerprint, ()),
    (
        "enrol",
        commands.enrol,
        (("--offline", {"action": "store_true", "help": "print the registration document instead of sending it"}),),
    ),
    ("rotate", commands.rotate, (("file", {"metavar": "FILE", "help": "the file of the new key"}),)),
    ("ping", commands.ping, ()),
    ("earn", commands.earn, (_lines("earning", nargs="?"), *_TABLE)),
    (
        "outbox",
        outbox.outbox,
        (
            ("what", {"metavar": "WHAT", "choices": outbox.WHAT, "help": f"of {', '.join(outbox.WHAT)}"}),
            ("events", {"metavar": "EVENT", "nargs": "*", "help": "for retry: only these"}),
            ("--outbox", {"metavar": "FILE", "default": argparse.SUPPRESS, "help": "the outbox [HANSA_OUTBOX]"}),
            ("--drain", {"action": "store_true", "help": "for run: end when nothing waits"}),
        ),
    ),
    ("confirm", commands.confirm, (_id("the event id of the sale", "event_id"),)),
    ("refund", commands.refund, (_lines("refund"),)),
    ("balance", commands.balance, (_MEMBER,)),
    ("redeem", commands.redeem, (_NEW_ID, _MEMBER, _points("how many points to spend"), _POOL)),
    ("hold", commands.hold, (_NEW_ID, _MEMBER, _points("how many points to reserve"), _SECONDS, _POOL)),
    ("capture", commands.capture, (_id("the id of the hold"), _points("how many; all if left out", nargs="?"))),
    ("void", commands.void, (_id("the id of the hold"),)),
    (
        "reverse",
        commands.reverse,
        (
            _id("the id of the redemption or hold"),
            _points("how many; all that is left if left out", nargs="?"),
            _REVERSAL_ID,
        ),
    ),
    (
        "quote-exchange",
        commands.quote_exchange,
        (
            _MEMBER,
            ("direction", {"choices": ("in", "out"), "help": "in: own currency to points; out: points to it"}),
            ("unit", {"metavar": "UNIT", "help": "your own currency, such as MILES"}),
            ("amount", {"metavar": "AMOUNT", "type": int, "help": "what the member gives"}),
        ),
    ),
    (
        "exchange",
        commands.exchange,
        (
            _EXCHANGE,
            ("quote_id", {"metavar": "QUOTE", "help": "the quote_id of a quote for this member"}),
            _MEMBER,
            ("--payment", {"metavar": "REFERENCE", "help": "what pays for it, where the rate needs that"}),
        ),
    ),
    ("confirm-exchange", commands.confirm_exchange, (_EXCHANGE,)),
    ("fail-exchange", commands.fail_exchange, (_EXCHANGE,)),
    (
        "exchanges",
        commands.exchanges,
        (("--state", {"choices": STATES, "help": "only those in this state"}),),
    ),
    (
        "statement",
        commands.statement,
        (
            ("cycle", {"metavar": "CYCLE", "nargs": "?", "help": "a cycle, as 2017-01; all statements if left out"}),
            ("--lines", {"action": "store_true", "help": "show each obligation [HANSA_PARTNER_LINES=1]"}),
            ("--save", {"metavar": "FILE", "help": "check the cycle's statement and write all of it here, as JSON"}),
        ),
    ),
    (
        "dispute",
        commands.dispute,
        (
            ("what", {"choices": ("open", "list", "show", "escalate", "withdraw"), "help": "what to do"}),
            ("dispute_id", {"metavar": "ID", "nargs": "?", "help": "an id of yours that you use only once"}),
            _text("--cycle", "CYCLE", "for open: the cycle of the statement"),
            _many("--line", "LINE", "for open: a line and how much of it, as PARTNER/EVENT/LINE=MINOR"),
            ("--reason", {"choices": REASONS, "help": "why; other needs --text"}),
            _text("--text", "TEXT", "what happened"),
            _many("--event", "EVENT", "an event of yours that shows it"),
            _many("--receipt", "RECEIPT", "a receipt that shows it"),
            _text("--note", "TEXT", "what else shows it"),
        ),
    ),
    (
        "records",
        commands.records,
        (
            _text("--day", "DAY", "a business day, as 2017-01-31"),
            _text("--cycle", "CYCLE", "or a cycle, as 2017-01"),
            ("--out", {"metavar": "FILE", "required": True, "help": "where to, .csv or .jsonl"}),
        ),
    ),
    ("explain", commands.explain, (_id("an event of yours", "event_id"),)),
    ("liability", commands.liability, (_text("--cycle", "CYCLE", "what those of a cycle came to, as 2017-01"),)),
    (
        "claim",
        commands.claim,
        (
            ("what", {"choices": ("open", "list", "show", *MOVES), "help": "what to do"}),
            ("claim_id", {"metavar": "ID", "nargs": "?", "help": "an id of yours that you use only once"}),
            _text("--member", "MEMBER", "for open: whose purchase it was"),
            _text("--card", "TOKEN", "or with which card of yours"),
            _text("--category", "CODE", "the merchant's category code, for your card"),
            _text("--at", "INSTANT", "when it was"),
            ("--minor", {"type": int, "metavar": "N", "help": "what was paid, in minor units"}),
            _text("--currency", "CODE", "of the amount"),
            _text("--where", "PARTNER", "at which partner it was, if not yours"),
            _text("--reference", "EVENT", "the event that it should be"),
            ("--reason", {"choices": CLAIMED, "default": CLAIMED[0], "help": "what went wrong"}),
            _text("--text", "TEXT", "what happened, or why"),
            _text("--sha256", "DIGEST", "of a document"),
            _text("--claimant", "PARTNER", "whose claim it is, if not yours"),
        ),
    ),
    (
        "card",
        commands.card,
        (
            ("what", {"choices": ("link", "unlink", "replace", "list", "report"), "help": "what to do"}),
            ("names", {"metavar": "NAME", "nargs": "+", "help": "ids of yours, the token, the member; see above"}),
            _text("--consent", "REFERENCE", "for link: what the member agreed to"),
            _text("--reason", "REASON", "for unlink and replace"),
            _text("--product", "PRODUCT", "which card it is"),
            _text("--at", "INSTANT", "since when it counts, if not now"),
        ),
    ),
    (
        "file",
        file_command.file,
        (
            ("what", {"metavar": "WHAT", "choices": file_command.WHAT, "help": f"of {', '.join(file_command.WHAT)}"}),
            ("file_id", {"metavar": "ID", "help": "an id of yours that you use for one file only"}),
            ("path", {"metavar": "PATH", "nargs": "?", "help": "the file to send, or to write results to"}),
            _text("--template", "NAME", "for send: the template that the operator has of your files"),
            ("--gzip", {"action": "store_true", "help": "for send: the file is compressed by gzip"}),
            ("--sequence", {"metavar": "N", "type": int, "help": "for send: its number among your files"}),
            ("--corrects", {"metavar": "ID", "help": "for send: the posted file whose records it corrects"}),
            ("--wait", {"action": "store_true", "help": "wait until the hub is done with it"}),
        ),
    ),
    ("pack", commands.pack, (("what", {"choices": ("list",), "help": "what to do"}),)),
    ("gaps", commands.gaps, ()),
    (
        "webhook-set",
        commands.webhook_set,
        (
            _WEBHOOK,
            ("url", {"metavar": "URL", "help": "where to send to: https, at a public address"}),
            ("topics", {"metavar": "TOPIC", "nargs": "*", "help": "what to tell of; everything if left out"}),
        ),
    ),
    ("webhook-list", commands.webhook_list, ()),
    ("webhook-dead", commands.webhook_dead, (_WEBHOOK,)),
    (
        "webhook-replay",
        commands.webhook_replay,
        (_WEBHOOK, ("--since", {"metavar": "INSTANT", "help": "also what was delivered of what happened since"})),
    ),
    ("webhook-remove", commands.webhook_remove, (_WEBHOOK,)),
    (
        "verify",
        commands.verify,
        (
            ("what", {"choices": ("receipt", "statement", "log", "file"), "help": "what to verify"}),
            ("names", {"metavar": "NAME", "nargs": "*", "help": "event ids (all receipts if none), a cycle, or files"}),
        ),
    ),
)


def _fail(refusal: Exception) -> int:
    print(f"hansa-partner: {refusal}", file=sys.stderr)
    if isinstance(refusal, InvalidRequestError):
        for error in refusal.errors:
            print(f"  {error['pointer']}: {error['detail']}", file=sys.stderr)
    return REFUSED
