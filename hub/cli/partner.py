"""Partners and their keys."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from hub import start
from hub.cli import json_file
from hub.cli.exposure import exposure
from hub.cli.output import json_option, show
from hub.cli.winding_down import wind_down
from hub.core.errors import Refused
from hub.services import file_signatures, liability, partners
from hub.services import records as service
from hub.settings import Settings
from partner_sdk.wire import strict_json
from partner_sdk.wire.schemas import InvalidRequest, KeyRegistration, validate

DATE = click.DateTime(["%Y-%m-%d"])


def day_or_today(day: datetime | None) -> date:
    """Return the given day, or today (UTC)."""
    return (day or datetime.now(UTC)).date()


@click.group()
def partner() -> None:
    """Add, list and suspend partners; set their contracts; approve and revoke their keys."""


@partner.command("add")
@click.argument("partner_id")
@click.option("--name", required=True, help="Name as printed on statements.")
@click.option("--from", "valid_from", type=DATE, help="First day of the contract (default: today).")
@click.option(
    "--life-months",
    default=6,
    show_default=True,
    type=click.IntRange(0, 1200),
    help="Points earned in month M expire at the end of month M plus this.",
)
@click.option("--enrol-unknown", is_flag=True, help="An unknown member in an earning is enrolled, not refused.")
@json_option
@click.pass_obj
def add(
    settings: Settings,
    partner_id: str,
    name: str,
    valid_from: datetime | None,
    life_months: int,
    enrol_unknown: bool,
    as_json: bool,
) -> None:
    """Add a partner with its first contract.

    Then the partner registers a key (`hansa-partner enrol`), and you approve it (`hansa partner key approve`).
    """
    hub = start.open_hub(settings)
    added = partners.add(hub, partner_id, name, day_or_today(valid_from), life_months, enrol_unknown)
    show(added, as_json, f"Partner {partner_id}")


@partner.command()
@click.argument("partner_id")
@click.option("--from", "valid_from", type=DATE, required=True, help="First day of the new version.")
@click.option(
    "--life-months",
    type=click.IntRange(0, 1200),
    help="Points earned in month M expire at the end of month M plus this, unless the terms have an expiry.",
)
@click.option("--enrol-unknown/--no-enrol-unknown", default=None, help="Whether its sales enrol unknown members.")
@click.option("--terms", "terms_file", type=json_file.JSON_FILE, metavar="FILE.json", help="Further terms, as above.")
@json_option
@click.pass_obj
def contract(
    settings: Settings,
    partner_id: str,
    valid_from: datetime,
    life_months: int | None,
    enrol_unknown: bool | None,
    terms_file: Path | None,
    as_json: bool,
) -> None:
    """Add a version of a partner's contract from a day on; what is left out stays as it is in force on that day.

    \b
    The terms are an object with any of these; {} makes all of them usual again:
      {"expiry": {"rule": "months_end", "months": 24,
                  "jurisdictions": {"DE": {"rule": "never"}}},
       "maturity": {"days": 14},
       "refunds": "debt",
       "breakage": "coalition",
       "merges": true,
       "late_days": 30}
    \b
    expiry    months_end (months), days (days), fixed_date (month, day, years),
              inactivity (days, counts: any or earning), never
    maturity  {"days": n} after the sale, or {"confirmed": true} by the partner
    refunds   where points are spent: within_balance, debt or issuer_bears
    breakage  who keeps the value of expired points: issuer or coalition
    merges    whether its service desk may merge members
    late_days after so many days a report waits for you (hansa review)
    """
    terms = json_file.read(terms_file, dict) if terms_file else None
    hub = start.open_hub(settings)
    shown = partners.set_contract(hub, partner_id, valid_from.date(), life_months, enrol_unknown, terms)
    show(shown["contracts"], as_json, f"Contracts of {partner_id}")


@partner.command("list")
@json_option
@click.pass_obj
def listing(settings: Settings, as_json: bool) -> None:
    """List all partners."""
    found = partners.listing(start.open_hub(settings))
    brief = [{name: one[name] for name in ("partner", "name", "status")} | {"keys": len(one["keys"])} for one in found]
    show(found if as_json else brief, as_json, "Partners")


@partner.command("show")
@click.argument("partner_id")
@json_option
@click.pass_obj
def show_one(settings: Settings, partner_id: str, as_json: bool) -> None:
    """Show a partner with its contracts, rates and keys."""
    show(partners.show(start.open_hub(settings), partner_id), as_json, f"Partner {partner_id}")


partner.add_command(exposure)
partner.add_command(wind_down)


@partner.command()
@click.argument("partner_id")
@click.option("--undo", is_flag=True, help="Take the partner back.")
@json_option
@click.pass_obj
def suspend(settings: Settings, partner_id: str, undo: bool, as_json: bool) -> None:
    """Refuse all requests of a partner from now on."""
    state = "active" if undo else "suspended"
    show(partners.set_status(start.open_hub(settings), partner_id, state), as_json, f"Partner {partner_id}")


@partner.command()
@click.argument("partner_id")
@click.option("--requests", type=click.IntRange(1, 1_000_000), help="Requests a second, whichever worker they reach.")
@click.option("--usual", is_flag=True, help="The hub's usual limit again (hansa serve --rate-limit).")
@json_option
@click.pass_obj
def limit(settings: Settings, partner_id: str, requests: int | None, usual: bool, as_json: bool) -> None:
    """Give a partner a rate limit of its own, from now on."""
    if (requests is None) != usual:
        raise click.UsageError("Say --requests N or --usual.")
    show(partners.set_limit(start.open_hub(settings), partner_id, requests), as_json, f"Partner {partner_id}")


@partner.group()
def key() -> None:
    """Add, approve, list and revoke the keys of partners. The hub only ever holds public keys."""


@key.command("add")
@click.argument("registration", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def add_key(settings: Settings, registration: Path, as_json: bool) -> None:
    """Take in a REGISTRATION file as `hansa-partner enrol --offline` prints it; the key is then pending."""
    try:
        document = validate(KeyRegistration, strict_json.loads(registration.read_bytes()))
    except (strict_json.MalformedJson, InvalidRequest) as error:
        raise Refused("invalid_request", f"{registration} is not a key registration: {error}") from error
    show(partners.register_key(start.open_hub(settings), document), as_json, "Key")


@key.command()
@click.argument("partner_id")
@click.argument("keyid")
@click.option(
    "--overlap-days",
    default=partners.OVERLAP.days,
    show_default=True,
    type=click.IntRange(0, 365),
    help="How long the partner's former key verifies beside the new one.",
)
@json_option
@click.pass_obj
def approve(settings: Settings, partner_id: str, keyid: str, overlap_days: int, as_json: bool) -> None:
    """Make a pending key active, after comparing its thumbprint with the partner by another way."""
    hub = start.open_hub(settings)
    show(partners.approve_key(hub, partner_id, keyid, timedelta(days=overlap_days)), as_json, "Key")


@key.command("list")
@click.argument("partner_id")
@json_option
@click.pass_obj
def list_keys(settings: Settings, partner_id: str, as_json: bool) -> None:
    """List a partner's keys with state and thumbprint."""
    show(partners.keys(start.open_hub(settings), partner_id), as_json, f"Keys of {partner_id}")


@key.command()
@click.argument("partner_id")
@click.argument("keyid")
@click.option("--since", metavar="INSTANT", help="As of when, such as 2026-11-26T09:00:00Z (default: now).")
@json_option
@click.pass_obj
def revoke(settings: Settings, partner_id: str, keyid: str, since: str | None, as_json: bool) -> None:
    """Revoke a key at once and for good, with the keys to which it handed over since then.

    What came signed by it since then is quarantined: `hansa review list` names it, and the points that it gave are
    frozen. Should this be interrupted, `hansa worker` goes on with it.
    """
    hub, instant = start.open_hub(settings), _instant(since) if since else None

    def progress(left: int) -> None:
        click.echo(f"{left} events left", err=True)

    show(partners.revoke_key(hub, partner_id, keyid, instant, progress), as_json, "Key")


@key.command()
@click.argument("partner_id")
@click.argument("keyid")
@json_option
@click.pass_obj
def retire(settings: Settings, partner_id: str, keyid: str, as_json: bool) -> None:
    """Let a key stop at once, though nothing is wrong with what it signed."""
    show(partners.retire_key(start.open_hub(settings), partner_id, keyid), as_json, "Key")


@key.command()
@click.argument("partner_id")
@json_option
@click.pass_obj
def suspect(settings: Settings, partner_id: str, as_json: bool) -> None:
    """List what came signed by revoked keys since the time as of which they are revoked."""
    show(partners.signed_since_revoked(start.open_hub(settings), partner_id), as_json, "Signed by revoked keys")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text} is no instant such as 2026-11-26T09:00:00Z.") from None
    if instant.tzinfo is None:
        raise click.UsageError(f"{text} has no time zone; end it with Z for UTC.")
    return instant


@partner.command()
@click.argument("partner_id")
@click.option("--day", type=DATE, help="A business day.")
@click.option("--cycle", help="Or the days of a cycle, as 2017-01.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="FILE.csv or FILE.jsonl.")
@json_option
@click.pass_obj
def records(
    settings: Settings, partner_id: str, day: datetime | None, cycle: str | None, out: Path, as_json: bool
) -> None:
    """Write all that a partner sent on a day or in a cycle, with what became of each record; totals come last.

    Beside it stands FILE.sig, the hub's signature, which the partner verifies offline with hansa-partner verify file.
    """
    if (day is None) == (cycle is None):
        raise click.UsageError("give either --day or --cycle")
    hub = start.open_hub(settings)
    totals = service.write(hub, partner_id, day.date() if day else None, cycle, out)
    about = {"kind": "records", "partner": partner_id} | ({"cycle": cycle} if cycle else {"day": f"{day:%Y-%m-%d}"})
    file_signatures.sign(hub, out, about)
    show(totals, as_json, f"Records of {partner_id}")


@partner.command("liability")
@click.argument("partner_id")
@click.option("--cycle", help="Instead what its points of a cycle's days came to, as 2017-01.")
@json_option
@click.pass_obj
def show_liability(settings: Settings, partner_id: str, cycle: str | None, as_json: bool) -> None:
    """Show what members hold of a partner's points, valued, and how long its packs last."""
    hub = start.open_hub(settings)
    found = liability.accruals(hub, partner_id, cycle) if cycle else liability.of_partner(hub, partner_id)
    show(found, as_json, f"Points of {partner_id}")
