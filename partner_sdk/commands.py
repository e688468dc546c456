"""What each command of hansa-partner does: a function that takes its options and returns the exit code."""

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from marshmallow import Schema

from partner_sdk.audit import Audit, Outcome
from partner_sdk.client import Client
from partner_sdk.command_line import (
    DONE,
    REFUSED,
    Refusal,
    open_client,
    open_receipts,
    plain,
    private_key,
    read_key_file,
    require,
    show,
    show_all,
    wrong_usage,
)
from partner_sdk.diagnosis import diagnose
from partner_sdk.errors import HansaError
from partner_sdk.model import CardRecord, CardResult, DisputedLine, Earning, EarningResult, Money, Refund, RefundResult
from partner_sdk.sales_file import NEEDED, OPTIONAL, Layout, SalesFile, TableRefused
from partner_sdk.sales_report import UNREADABLE, Progress, report
from partner_sdk.statement_check import check
from partner_sdk.wire import strict_json
from partner_sdk.wire.card_records import CardRecordSchema
from partner_sdk.wire.file_signatures import read_file_signature
from partner_sdk.wire.keys import KeyRefused, PrivateKey, PublicKey, key_id, name_environment, registration
from partner_sdk.wire.records import write_records
from partner_sdk.wire.returns import RefundSchema
from partner_sdk.wire.schemas import EarningSchema, InvalidRequest, validate
from partner_sdk.wire.webhooks import TOPICS

T = TypeVar("T")


def keygen(options: argparse.Namespace) -> int:
    """Make a key file; it is never overwritten.

    With --environment it is for live hubs only, or for sandboxes only; without, its registration says which.
    """
    key = PrivateKey.generate(options.environment, options.alg)
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
    return show(options, made)


def fingerprint(options: argparse.Namespace) -> int:
    """Show the thumbprint of your key, to read out to the operator; the hub is not asked."""
    require(options, "--key")
    public = private_key(options).public
    shown = {"thumbprint": public.thumbprint(), "alg": public.alg}
    return show(options, shown | ({"keyid": key_id(options.partner, public)} if options.partner else {}))


def enrol(options: argparse.Namespace) -> int:
    """Register the key; then tell the operator its thumbprint over another channel.

    From then on the key file is for hubs of that environment only, live or sandbox. With --offline the hub is not
    asked: the registration document is printed, for the operator to take in.
    """
    if options.offline:
        require(options, "--partner", "--key")
        print(strict_json.dumps(registration(options.partner, private_key(options))).decode())
        return DONE
    with open_client(options) as client:
        registered = client.register_key()
        if options.key:
            _keep_environment(Path(options.key), client.environment)
        return show(options, registered)


def _keep_environment(file: Path, environment: str | None) -> None:
    """Let a key file name the environment that its key was registered in."""
    pem = file.read_bytes()
    named = name_environment(pem, environment or "")
    if environment and named != pem:
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            copy.write(named)
        beside.replace(file)


def rotate(options: argparse.Namespace) -> int:
    """Hand over from your key to the one in FILE, which keygen has made; the former one goes on for some days."""
    password = options.password.encode() if options.password else None
    try:
        new = read_key_file(Path(options.file), password)
    except (KeyRefused, OSError, ValueError) as fault:
        wrong_usage(options, str(fault))
    with open_client(options) as client:
        rotated = client.rotate_key(new)
        _keep_environment(Path(options.file), client.environment)
        return show(options, rotated)


def ping(options: argparse.Namespace) -> int:
    """Ask the hub who it takes you for, and say what is wrong and what to do about it."""
    with open_client(options) as client:
        diagnosis = diagnose(client)
    show(options, diagnosis.found | ({"advice": diagnosis.advice} if options.json else {}))
    for sentence in () if options.json else diagnosis.advice:
        print(f"hansa-partner: {sentence}", file=sys.stderr)
    return DONE if diagnosis.healthy else REFUSED


def earn(options: argparse.Namespace) -> int:
    """Report the earnings in a file of JSON lines, as in POST /v1/earnings; - reads standard input.

    Or with --file those in a table (CSV): --map says which column holds what, where they have not the names
    event_id, member, occurred_at, amount (as in 19.99) or minor (as in 1999), currency, points, store, terminal,
    channel. A line that cannot be read is named and the others go on. What became of each line is in the result
    file. Running it again is harmless.
    """
    if options.sales:
        return _earn_table(options)
    if not options.file:
        wrong_usage(options, "a file is missing: FILE of JSON lines, or --file of a table")
    earnings = _read_lines(options.file, EarningSchema, Earning.from_wire)
    with open_client(options) as client:
        return _show_results(options, client.earn(earnings))


def _earn_table(options: argparse.Namespace) -> int:
    results = Path(options.results or f"{options.sales}.results.csv")
    with open_client(options) as client:
        try:
            counts = report(client, SalesFile(Path(options.sales), _layout(options)), results, Progress())
        except (TableRefused, OSError) as fault:
            raise Refusal(str(fault)) from None
        except HansaError as failure:
            raise Refusal(f"{failure}; {results} tells how far it got; run the same command again") from failure
    show(options, counts | {"results": str(results)})
    return REFUSED if counts.keys() & {"rejected", "quarantined", UNREADABLE} else DONE


def _layout(options: argparse.Namespace) -> Layout:
    columns = dict(mapping.partition("=")[::2] for mapping in options.map)
    for name in columns.keys() - {*NEEDED, *OPTIONAL}:
        wrong_usage(options, f"--map knows no {name!r}; there are: {', '.join((*NEEDED, *OPTIONAL))}")
    return Layout(
        columns, options.currency, options.scheme, _offset(options), options.time_format, options.decimal_comma,
        options.delimiter.replace("\\t", "\t"), options.encoding,
    )  # fmt: skip


def _offset(options: argparse.Namespace) -> timedelta | None:
    if not options.utc_offset:
        return None
    return _instant(options, f"2000-01-01T00:00:00{options.utc_offset}").utcoffset()


def confirm(options: argparse.Namespace) -> int:
    """Say that a pending sale stands; its points can then be spent."""
    with open_client(options) as client:
        return show(options, client.confirm(options.event_id))


def refund(options: argparse.Namespace) -> int:
    """Report the returned purchases in a file of JSON lines, as in POST /v1/refunds; - reads standard input.

    A line is {"event_id", "refunds", "occurred_at", "amount"?: {"minor", "currency"}, "items"?}: an id of yours, the
    event id of the sale, and the part that comes back; without amount and items all that is left of it.
    """
    refunds = _read_lines(options.file, RefundSchema, Refund.from_wire)
    with open_client(options) as client:
        return _show_results(options, client.refund(refunds))


def balance(options: argparse.Namespace) -> int:
    """Show a member's points."""
    with open_client(options) as client:
        return show(options, client.member(options.member))


def redeem(options: argparse.Namespace) -> int:
    """Spend a member's points; the same id again gives the same answer."""
    with open_client(options) as client:
        redemption = client.redeem(options.redemption_id, options.member, options.points, pool=options.pool)
        return show(options, redemption)


def hold(options: argparse.Namespace) -> int:
    """Reserve a member's points; then capture or void the hold, or let it lapse after its seconds."""
    with open_client(options) as client:
        asked = (options.redemption_id, options.member, options.points, options.seconds)
        return show(options, client.hold(*asked, pool=options.pool))


def capture(options: argparse.Namespace) -> int:
    """Spend what a hold reserves; what is not captured is released."""
    with open_client(options) as client:
        return show(options, client.capture(options.redemption_id, options.points))


def void(options: argparse.Namespace) -> int:
    """Release what a hold reserves; nothing is spent."""
    with open_client(options) as client:
        return show(options, client.void(options.redemption_id))


def reverse(options: argparse.Namespace) -> int:
    """Take a redemption or a captured hold back; the points return to the member."""
    with open_client(options) as client:
        reversal = client.reverse(options.redemption_id, options.points, reversal_id=options.reversal_id)
        return show(options, reversal)


def quote_exchange(options: argparse.Namespace) -> int:
    """Quote an exchange of your own currency for points (in) or of points for it (out)."""
    with open_client(options) as client:
        asked = options.member, options.direction, options.unit, options.amount
        return show(options, client.quote_exchange(*asked))


def exchange(options: argparse.Namespace) -> int:
    """Take a quote of an exchange; the same id again gives the same answer."""
    with open_client(options) as client:
        return show(options, client.exchange(options.exchange_id, options.quote_id, options.member, options.payment))


def confirm_exchange(options: argparse.Namespace) -> int:
    """Say that your side of an exchange is done."""
    with open_client(options) as client:
        return show(options, client.confirm_exchange(options.exchange_id))


def fail_exchange(options: argparse.Namespace) -> int:
    """Say that your side of an exchange is not done and will not be."""
    with open_client(options) as client:
        return show(options, client.fail_exchange(options.exchange_id))


def exchanges(options: argparse.Namespace) -> int:
    """List your exchanges; with --state only those in one state."""
    with open_client(options) as client:
        return show_all(options, (one for page in client.exchanges(options.state) for one in page.items))


def statement(options: argparse.Namespace) -> int:
    """List your statements, or show one cycle's, or with --lines each obligation in it.

    With --save all of it goes to a file, as JSON, once its lines, positions, nets and digests were found to say the
    same; what does not fit is said, and the file is written all the same, for the operator to see.
    """
    with open_client(options) as client:
        if options.save:
            return _save_statement(options, client)
        if options.cycle is None:
            return show_all(options, (head for page in client.statements() for head in page.items))
        if options.lines:
            return show_all(options, (one for page in client.statement_lines(options.cycle) for one in page.items))
        return show(options, client.statement(options.cycle))


def _save_statement(options: argparse.Namespace, client: Client) -> int:
    if options.cycle is None:
        wrong_usage(options, "--save needs a cycle, such as 2026-01")
    found = client.statement(options.cycle)
    lines = [line for page in client.statement_lines(options.cycle) for line in page.items]
    faults = check(found, lines)
    written = plain(found) | {"lines": plain(lines), "faults": faults}
    try:
        Path(options.save).write_bytes(strict_json.dumps(written) + b"\n")
    except OSError as error:
        raise Refusal(f"{options.save}: {error.strerror}") from None
    for fault in faults:
        print(f"hansa-partner: {fault}", file=sys.stderr)
    show(options, {"cycle": found.cycle, "lines": len(lines), "faults": len(faults), "file": options.save})
    return REFUSED if faults else DONE


def dispute(options: argparse.Namespace) -> int:
    """Dispute lines of a statement, or list, show, escalate or withdraw your disputes.

    dispute open ID --cycle C --line PARTNER/EVENT/LINE=MINOR ... --reason R; dispute list; dispute show ID;
    dispute escalate ID --reason R; dispute withdraw ID.
    """
    what, name = options.what, options.dispute_id
    if (what == "list") != (name is None):
        wrong_usage(options, "name a dispute, but not for list")
    with open_client(options) as client:
        if what == "list":
            return show_all(options, (one for page in client.disputes() for one in page.items))
        if what in ("show", "withdraw"):
            return show(options, (client.dispute_state if what == "show" else client.withdraw_dispute)(name))
        if not options.reason or (what == "open" and not (options.cycle and options.line)):
            wrong_usage(options, "--reason is missing, or for open --cycle or --line")
        evidence = {"events": options.event, "receipts": options.receipt, "note": options.note}
        said = (options.reason, options.text, {key: value for key, value in evidence.items() if value})
        if what == "escalate":
            return show(options, client.escalate_dispute(name, *said))
        lines = [_disputed(options, line) for line in options.line]
        return show(options, client.dispute(name, options.cycle, lines, *said))


def _disputed(options: argparse.Namespace, text: str) -> DisputedLine:
    row, _, minor = text.rpartition("=")
    partner, _, event = row.partition("/")
    event_id, _, line = event.rpartition("/")
    if not (event_id and line.isdecimal() and minor.isdecimal()):
        wrong_usage(options, f"{text} is no line such as grocer/r-17/1=250")
    return DisputedLine(partner, event_id, int(line), int(minor))


def records(options: argparse.Namespace) -> int:
    """Write all that you sent on a day or in a cycle, with its outcome, as CSV (.csv) or JSON lines, totals last."""
    if bool(options.day) == bool(options.cycle):
        wrong_usage(options, "give either --day or --cycle")
    path, day = Path(options.out), _instant(options, f"{options.day}T00:00:00Z").date() if options.day else None
    with open_client(options) as client:
        rows = (one for page in client.records(day, options.cycle) for one in page.items)
        return show(options, write_records(path, rows, as_csv=path.suffix == ".csv"))


def explain(options: argparse.Namespace) -> int:
    """Say why an event of yours gave or took its points."""
    with open_client(options) as client:
        found = client.explain(options.event_id)
    if options.json:
        return show(options, found)
    for line in (f"{found['kind']} {found['event_id']}: {found['points']} points", *found["why"], *found["moved"]):
        print(line)
    return DONE


def liability(options: argparse.Namespace) -> int:
    """Show what members hold of your points, or what those of a cycle came to."""
    with open_client(options) as client:
        return show(options, client.accruals(options.cycle) if options.cycle else client.liability())


def claim(options: argparse.Namespace) -> int:
    """Claim points of a purchase that brought none, list or show claims, answer them, or decide on those about you.

    claim open ID --at INSTANT --minor N --currency EUR --member M (or --card TOKEN); claim list; claim show ID;
    claim more|withdraw ID; claim ask|grant|decline ID --claimant PARTNER --text TEXT.
    """
    what, name = options.what, options.claim_id
    given = {one: getattr(options, one) for one in ("member", "card", "category", "reference")}
    named = {one: text for one, text in given.items() if text} | ({"at": options.where} if options.where else {})
    shown = {"sha256": options.sha256} if options.sha256 else {}
    whose = {"partner": options.claimant} if options.claimant else {}
    if (what == "list") != (name is None) or (what == "open" and not (options.at and options.minor)):
        wrong_usage(options, "name a claim, but not for list; open takes --at, --minor and --currency")
    with open_client(options) as client:
        if what == "list":
            return show_all(options, (one for page in client.claims() for one in page.items))
        if what == "show":
            return show(options, client.claim_state(name, **whose))
        if what != "open":
            return show(options, client.move_claim(name, what, options.text, **shown, **whose))
        evidence = shown | ({"text": options.text} if options.text else {})
        amount = Money(options.minor, options.currency)
        at = _instant(options, options.at)
        return show(options, client.claim(name, at, amount, options.reason, evidence=evidence, **named))


def card(options: argparse.Namespace) -> int:
    """Link a card to a member, unlink or replace it, list a member's cards, or report what was done with cards.

    card link ID TOKEN MEMBER --consent REFERENCE; card unlink ID --reason member|closed|lost|fraud;
    card replace OLD-ID NEW-ID TOKEN --reason lost|renewed|upgraded; card list MEMBER; card report FILE, of JSON lines
    as in POST /v1/card-records (- reads standard input). TOKEN is the issuer's token or PAR, never a card number.
    """
    what, names = options.what, options.names
    if len(names) != {"link": 3, "unlink": 1, "replace": 3, "list": 1, "report": 1}[what]:
        wrong_usage(options, f"card {what} has other arguments; see --help")
    if what not in ("list", "report") and not (options.consent if what == "link" else options.reason):
        wrong_usage(options, f"--{'consent' if what == 'link' else 'reason'} is missing")
    at, product = _instant(options, options.at) if options.at else None, options.product or None
    if what == "report":
        records = _read_lines(names[0], CardRecordSchema, _card_record)
        with open_client(options) as client:
            return _show_results(options, client.report_cards(records))
    with open_client(options) as client:
        if what == "list":
            return show_all(options, client.cards(names[0]))
        if what == "unlink":
            return show(options, client.unlink_card(names[0], options.reason, at))
        one, two, three = names
        if what == "link":
            return show(options, client.link_card(one, two, three, options.consent, product=product, linked_at=at))
        return show(options, client.replace_card(one, two, three, options.reason, product=product, at=at))


def _card_record(loaded: dict[str, Any]) -> CardRecord:
    return CardRecord(**{**loaded, "amount": Money(**loaded["amount"])})


def pack(options: argparse.Namespace) -> int:
    """List the points that you bought in advance, and what is left of them."""
    with open_client(options) as client:
        return show_all(options, client.packs())


def webhook_set(options: argparse.Namespace) -> int:
    """Be told at a URL of yours of what happens; the same id again changes the webhook.

    Topics: points.posted, redemption.captured, statement.published, key.expiring, gap.found, dispute.moved,
    pack.low, claim.moved; all of
    them if none is named.
    """
    with open_client(options) as client:
        return show(options, client.set_webhook(options.webhook_id, options.url, options.topics or TOPICS))


def webhook_list(options: argparse.Namespace) -> int:
    """List your webhooks and how they do."""
    with open_client(options) as client:
        return show_all(options, client.webhooks())


def webhook_dead(options: argparse.Namespace) -> int:
    """List the messages that were tried ten times and given up."""
    with open_client(options) as client:
        return show_all(options, client.dead_letters(options.webhook_id))


def webhook_replay(options: argparse.Namespace) -> int:
    """Have the messages sent again that were given up, and with --since all of what happened from then on."""
    with open_client(options) as client:
        since = _instant(options, options.since) if options.since else None
        return show(options, {"replayed": client.replay_webhook(options.webhook_id, since)})


def webhook_remove(options: argparse.Namespace) -> int:
    """Be told nothing more at a URL; what waits is forgotten."""
    with open_client(options) as client:
        client.remove_webhook(options.webhook_id)
        return show(options, {"webhook_id": options.webhook_id, "status": "removed"})


def verify(options: argparse.Namespace) -> int:
    """Hold your receipts, a statement or the log itself against the hub's log, believing signatures and proofs only.

    verify receipt [EVENT...]: each event that the hub gave a receipt for is in the log as you reported it;
    verify statement CYCLE: it adds up, each of its events is in the log, and none with a receipt is missing;
    verify log: it goes on from the checkpoint that was kept last; nothing was rewritten;
    verify file FILE...: the hub signed it, as FILE.sig beside it says; needs the root key only, and no network.
    """
    if options.what == "file":
        return _verify_files(options)
    folder = open_receipts(options)
    if folder is None:
        wrong_usage(options, "--receipts is missing (or set HANSA_PARTNER_RECEIPTS)")
    if (len(options.names) != 1) if options.what == "statement" else (options.what == "log" and options.names):
        wrong_usage(options, "name one cycle for statement, nothing for log")
    with open_client(options) as client:
        outcome = _audited(options, Audit(client, folder))
    for fault in outcome.faults:
        print(f"hansa-partner: {fault}", file=sys.stderr)
    show(options, {"log": outcome.size, "checked": outcome.checked, "faults": len(outcome.faults)})
    return REFUSED if outcome.faults else DONE


def _verify_files(options: argparse.Namespace) -> int:
    require(options, "--root-key")
    if not options.names:
        wrong_usage(options, "name a file")
    try:
        root = PublicKey.from_text(options.root_key)
    except ValueError as fault:
        wrong_usage(options, str(fault))
    return show_all(options, (_verified(name, root) for name in options.names))


def _verified(name: str, root: PublicKey) -> dict[str, Any]:
    try:
        with Path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        signed = read_file_signature(strict_json.loads(Path(f"{name}.sig").read_bytes()), digest, root)
    except OSError as error:
        raise Refusal(f"{error.filename}: {error.strerror}") from None
    except ValueError as fault:
        raise Refusal(f"{name}: {fault}") from None
    return {"file": name, **signed.about, "signed_at": datetime.fromtimestamp(signed.created, UTC),
            "environment": signed.environment, "keyid": signed.keyid, "digest": signed.digest}  # fmt: skip


def _audited(options: argparse.Namespace, audit: Audit) -> Outcome:
    if options.what == "log":
        return audit.log()
    return audit.statement(options.names[0]) if options.what == "statement" else audit.receipts(options.names)


# --- terminals ---


def gaps(options: argparse.Namespace) -> int:
    """List the numbers of terminals that never came, and those that came twice."""
    with open_client(options) as client:
        return show_all(options, (gap for page in client.gaps() for gap in page.items))


# --- what options and files say ---


def _instant(options: argparse.Namespace, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        wrong_usage(options, f"{text} is no instant such as 2025-06-15T15:05:58Z")
    if instant.tzinfo is None:
        wrong_usage(options, f"{text} has no time zone; end it with Z for UTC")
    return instant


def _read_lines(file: str, schema: type[Schema], read: Callable[[Any], T]) -> list[T]:
    """Read every line of a file before anything is sent; the refusal names the line at fault."""
    try:
        lines = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror}") from None
    numbered = enumerate(lines.splitlines(), start=1)
    return [_read_line(number, line, schema, read) for number, line in numbered if line.strip()]


def _read_line(number: int, line: bytes, schema: type[Schema], read: Callable[[Any], T]) -> T:
    try:
        return read(validate(schema, strict_json.loads(line)))
    except (strict_json.MalformedJson, InvalidRequest) as fault:
        raise Refusal(f"line {number}: {fault}") from None


def _show_results(options: argparse.Namespace, results: Sequence[EarningResult | RefundResult | CardResult]) -> int:
    show_all(options, results)
    return REFUSED if any(result.status in ("rejected", "quarantined") for result in results) else DONE
