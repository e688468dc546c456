"""Exchanges: their rates, and what is stuck between two programmes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from hub import start
from hub.cli.output import json_option, show
from hub.cli.partner import DATE
from hub.cli.points import author_option, reason_option
from hub.core.exchange import DIRECTIONS, MAX_AMOUNT, MAX_QUOTE_SECONDS, MAX_SUM
from hub.core.rounding import ROUNDINGS
from hub.services import (
    exchange_rates,
    exchange_steps,
    exchanges,
    file_signatures,
    partners,
    reporting,
    statement_credits,
)
from hub.settings import Settings

STATES = ("open", "confirmed", "failed", "reversed")


@click.group()
def exchange() -> None:
    """Set rates between partners' own currencies and points; list, show and resolve exchanges."""


@exchange.group("rate")
def rate() -> None:
    """Set and list the rates of exchanges."""


AMOUNT = click.IntRange(1, MAX_AMOUNT)


@rate.command("set")
@click.argument("partner_id")
@click.option(
    "--direction", required=True, type=click.Choice(DIRECTIONS), help="in: own currency to points; out: back."
)
@click.option("--unit", required=True, help="The partner's own currency, for instance MILES.")
@click.option("--rate", required=True, help="What one of the source gives, as 0.5 or 1/2.")
@click.option("--spread", default="0", show_default=True, help="The share that is kept, as 0.02 or 1/50.")
@click.option("--minimum", default=1, show_default=True, type=AMOUNT, help="The least amount; a multiple of --step.")
@click.option("--step", default=1, show_default=True, type=AMOUNT, help="Amounts are multiples of it.")
@click.option("--rounding", default="down", show_default=True, type=click.Choice(tuple(ROUNDINGS)))
@click.option(
    "--quote-seconds",
    default=600,
    show_default=True,
    type=click.IntRange(1, MAX_QUOTE_SECONDS),
    help="How long a quote can be taken.",
)
@click.option("--sold-at", help="For in: what the partner sells one own unit at, in minor units, as 1.5 or 3/2.")
@click.option("--currency", help="Of --sold-at, for instance USD.")
@click.option("--most", type=AMOUNT, help="For in: the most that one exchange takes.")
@click.option("--most-a-day", type=click.IntRange(1, MAX_SUM), help="For in: the most that a member gives in a day.")
@click.option("--most-a-year", type=click.IntRange(1, MAX_SUM), help="For in: the same in a calendar year.")
@click.option("--payment", is_flag=True, default=None, help="For in: each exchange names the payment that pays for it.")
@click.option("--from", "valid_from", type=DATE, help="First day (default: today, by the hub's business clock).")
@json_option
@click.pass_obj
def set_rate(
    settings: Settings, /, partner_id: str, valid_from: datetime | None, as_json: bool, **terms: str | int | None
) -> None:
    """Add a dated version of an exchange rate.

    Members buy points at a rate whose unit is money, for instance CENT, with --sold-at 1 --currency USD --payment.

    It is refused, with the way round, if somebody could gain by it: by exchanging, redeeming and buying in a circle,
    under all that can be used on the same day.
    """
    given = {name: value for name, value in terms.items() if value is not None}
    day = valid_from.date() if valid_from else None
    show(exchange_rates.publish(start.open_hub(settings), partner_id, day, given), as_json, f"Rate of {partner_id}")


@rate.command("list")
@click.argument("partner_id")
@json_option
@click.pass_obj
def list_rates(settings: Settings, partner_id: str, as_json: bool) -> None:
    """List all versions of a partner's exchange rates."""
    found = partners.show(start.open_hub(settings), partner_id)["rates"]
    rates = [one for one in found if one["kind"] == "exchange"]
    show(rates if as_json else [_rate_row(one) for one in rates], as_json, f"Exchange rates of {partner_id}")


def _rate_row(rate: dict[str, Any]) -> dict[str, Any]:
    """Return a version in few columns, for a terminal."""
    terms = rate["exchange"]
    return {
        "version": rate["version"],
        "valid_from": rate["valid_from"],
        "exchange": f"{terms['unit']} {terms['direction']}",
        "rate": f"{terms['rate']} less {terms['spread']}, {terms['rounding']}",
        "amounts": f"{terms['minimum']} or more, by {terms['step']}",
        "quoted for": f"{terms['quote_seconds']} s",
        "sold at": f"{terms['sold_at']} {terms['currency']}" if "sold_at" in terms else "",
    }


@exchange.command("list")
@click.option("--state", default="open", show_default=True, type=click.Choice(STATES))
@click.option("--older-than", default=0, type=click.IntRange(0), help="Only those opened so many MINUTES ago or more.")
@click.option("--partner", "partner_id", default="", help="Only those of this partner.")
@json_option
@click.pass_obj
def listing(settings: Settings, state: str, older_than: int, partner_id: str, as_json: bool) -> None:
    """List exchanges in a state, oldest first. What stays open is stuck: its partner has not said how it went."""
    found = exchanges.listing(start.open_hub(settings), state, timedelta(minutes=older_than), partner_id)
    show(found if as_json else [_exchange_row(one) for one in found], as_json, "Exchanges")


def _exchange_row(one: dict[str, Any]) -> dict[str, Any]:
    """Return an exchange in few columns, for a terminal."""
    sides = ("points", one["unit"]) if one["direction"] == "out" else (one["unit"], "points")
    return {
        "partner": one["partner"],
        "exchange_id": one["exchange_id"],
        "state": one["state"],
        "gives": f"{one['source']} {sides[0]}",
        "gets": f"{one['target']} {sides[1]}",
        "opened_at": one["opened_at"],
    }


@exchange.command("show")
@click.argument("partner_id")
@click.argument("exchange_id")
@json_option
@click.pass_obj
def show_one(settings: Settings, partner_id: str, exchange_id: str, as_json: bool) -> None:
    """Show an exchange with each step that was taken, and by whom."""
    show(exchanges.history(start.open_hub(settings), partner_id, exchange_id), as_json, f"Exchange {exchange_id}")


@exchange.command()
@click.argument("partner_id")
@click.argument("exchange_id")
@click.argument("step", type=click.Choice(tuple(exchange_steps.STEPS)))
@reason_option
@author_option
@json_option
@click.pass_obj
def resolve(
    settings: Settings, partner_id: str, exchange_id: str, step: str, reason: str, author: str, as_json: bool
) -> None:
    """Take a step of an exchange in its partner's name: confirm or fail an open one, reverse a confirmed one.

    Ask the partner first what its books say. Whoever takes the other step afterwards is refused.
    """
    operator = reporting.by_operator(author, reason, partner_id)
    resolved = exchange_steps.take_step(start.open_hub(settings), operator, exchange_id, step)
    show(resolved, as_json, f"Exchange {exchange_id}")


@exchange.command("credits")
@click.argument("partner_id")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--unit", required=True, help="The unit that is money on a statement, for instance CENT.")
@json_option
@click.pass_obj
def write_credits(settings: Settings, partner_id: str, path: Path, unit: str, as_json: bool) -> None:
    """Write the statement credits that wait for an issuer to PATH, as CSV, and PATH.sig beside it.

    A credit is an open exchange out into UNIT; the card is named by the event that linked it. The signature says what
    they add up to. What comes back is read by `hansa exchange results`.
    """
    hub = start.open_hub(settings)
    totals = statement_credits.write(hub, partner_id, unit, path)._asdict()
    about = {"kind": "credits", "partner": partner_id, "unit": unit, **{name: str(one) for name, one in totals.items()}}
    file_signatures.sign(hub, path, about)
    show(totals, as_json, f"Credits for {partner_id}")


@exchange.command()
@click.argument("partner_id")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("answers", type=click.Path(dir_okay=False, path_type=Path))
@author_option
@json_option
@click.pass_obj
def results(settings: Settings, partner_id: str, path: Path, answers: Path, author: str, as_json: bool) -> None:
    """Do what an issuer's file PATH says of its credits, and write an answer to each line to ANSWERS.

    PATH is CSV with the columns exchange_id, outcome (credited or rejected) and, if there is one, reason. It is looked
    through whole first. The points of what was credited are redeemed at the issuer; of what was rejected the member
    has them back. The same file again does nothing twice.
    """
    found = statement_credits.apply(start.open_hub(settings), partner_id, path, author, answers)
    show(found, as_json, f"Results of {partner_id}")
