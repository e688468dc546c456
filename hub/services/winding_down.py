"""A partner leaves: its points are given out no more, and what is out there is spent for a while, or not.

Its own requests go on being answered, other than those that would give out its points: it can redeem, refund, read its
statements and its log. Of the others nothing changes as long as its points may be spent; once they may not, they are
there, and can neither be spent nor moved by whoever holds them.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from hub.services import exposure, partners
from hub.services.context import WINDING_DOWN, WOUND_DOWN, Hub
from hub.store import lots
from hub.store.database import Connection
from settlement import cycles, security, statements
from settlement.core.run_off import run_off_minor
from settlement.errors import NotPublished


def begin(hub: Hub, partner_id: str, *, redeemable: bool) -> dict[str, Any]:
    """Freeze the issuing of a partner's points, and with ``redeemable`` let those that are out be spent.

    Raises:
        Refused: ``unknown_partner``.
    """
    return partners.set_status(hub, partner_id, WINDING_DOWN if redeemable else WOUND_DOWN)


def reserve(hub: Hub, partner_id: str, price: Fraction, expected: Fraction) -> dict[str, Any]:
    """Return a partner's outstanding points, and the minor units to be kept for them.

    ``price`` is in minor units a point, ``expected`` the share that the operator expects to be redeemed.

    Raises:
        Refused: ``unknown_partner``.
        settlement.errors.SecurityRefused: a price below zero, or a share that is none.
    """
    with hub.database.snapshot() as connection:
        status = hub.moment(connection).configuration.partner(partner_id).status
        points = lots.outstanding_of(connection, partner_id)
    return {
        "partner": partner_id,
        "status": status,
        "outstanding_points": points,
        "reserve_minor": run_off_minor(points, price, expected),
    }


def export(hub: Hub, partner_id: str, folder: Path) -> list[str]:
    """Write all that a partner is party to into an empty or new folder, and return the names of the files.

    That is its terms and keys, its outstanding points, its credit lines and security, and each published statement with
    every line.

    Raises:
        Refused: ``unknown_partner``.
        FileExistsError: the folder holds something.
    """
    known = partners.show(hub, partner_id)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    with hub.database.snapshot() as connection:
        about = {
            "partner": known,
            "outstanding_points": lots.outstanding_of(connection, partner_id),
            "security": _security(connection, partner_id),
        }
        names = [_statement(connection, one.cycle, partner_id, folder) for one in cycles.listing(connection)]
    about["credit_lines"] = exposure.view(hub, partner_id)
    (folder / "partner.json").write_text(json.dumps(about, indent=2, default=str) + "\n")
    return ["partner.json", *filter(None, names)]


def _security(connection: Connection, partner_id: str) -> list[dict[str, Any]]:
    return [
        {"account": account, "currency": currency, "balance_minor": minor}
        for (account, currency), minor in sorted(security.balances(connection).items())
        if account.endswith(f":{partner_id}")
    ]


def _statement(connection: Connection, cycle: str, partner_id: str, folder: Path) -> str | None:
    """Write the statement of a cycle if it is published, and return its name."""
    name = f"statement-{cycle}.json"
    try:
        statements.write(connection, cycle, partner_id, folder / name)
    except NotPublished:
        return None
    return name
