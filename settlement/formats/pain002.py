"""pain.002, CustomerPaymentStatusReport: what the operator's bank says of a payment file, in any version from 03 on.

The reader takes from it what moves payments, wherever a version or a bank puts it, and leaves the rest alone. Files
from here have one batch, so a report about several is about something else.
"""

from __future__ import annotations

import re
from pathlib import Path

from settlement.core.currency import in_minor
from settlement.core.status_reports import StatusReport, TransactionStatus
from settlement.errors import FileRefused
from settlement.formats.schemas import NAMESPACE
from settlement.formats.xml_stream import Element, elements, first_text, found_at, local, namespace, text_at

MAX_TRANSACTIONS = 1_000_000
_HEADER, _GROUP, _BATCH, _TRANSACTION = "GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "TxInfAndSts"
_MESSAGE = re.compile(re.escape(NAMESPACE) + r"(pain\.002\.001\.[0-9]{2})", re.ASCII)
_NAME = re.compile(r"[!-~]{1,35}(?: [!-~]+)*", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)


def read(path: Path) -> StatusReport:
    """Read a report; raises `FileRefused` for what is none, or is not about one file with one batch."""
    found: dict[str, list[StatusReport]] = {_HEADER: [], _GROUP: [], _BATCH: []}
    transactions: list[TransactionStatus] = []
    message = ""
    for event, element in elements(path, frozenset({*found, _TRANSACTION})):
        if event == "root":
            message = _message(element)
        elif local(element) == _TRANSACTION:
            transactions.append(_transaction(element, len(transactions) + 1))
        else:
            found[local(element)].append(_part(element, message))
    for name, parts in found.items():
        if len(parts) > 1 or (not parts and name != _BATCH):
            raise FileRefused(f"has {len(parts)} {name}; a report about a file from here has one")
    (header,), (group,), batches = found.values()
    said = next((one for one in batches if one.status), group)
    return group._replace(
        message_id=header.message_id, status=said.status, reason=said.reason, transactions=tuple(transactions)
    )


def _message(root: Element) -> str:
    known = _MESSAGE.fullmatch(namespace(root))
    if local(root) != "Document" or known is None:
        raise FileRefused(f"is no pain.002: it begins with {local(root)[:40]!r} of {namespace(root)[:60]!r}")
    return known[1]


def _part(element: Element, message: str) -> StatusReport:
    """What a header, group or batch says, each in its own tags."""
    count = first_text(element, "OrgnlNbOfTxs")
    if count and not _COUNT.fullmatch(count):
        raise FileRefused(f"OrgnlNbOfTxs {count[:20]!r} is no number")
    return StatusReport(
        message,
        _name(text_at(element, "MsgId")),
        _name(text_at(element, "OrgnlMsgId")),
        int(count) if count else None,
        _name(first_text(element, "GrpSts", "PmtInfSts")),
        _reasons(element),
        (),
    )


def _transaction(element: Element, number: int) -> TransactionStatus:
    if number > MAX_TRANSACTIONS:
        raise FileRefused(f"has more than {MAX_TRANSACTIONS:,} payments")
    name = _name(first_text(element, "OrgnlEndToEndId", "OrgnlInstrId"))
    if not name:
        raise FileRefused(f"payment {number} has neither OrgnlEndToEndId nor OrgnlInstrId")
    amount = next(found_at(element, "OrgnlTxRef/Amt/InstdAmt"), None)
    status, reasons = _name(text_at(element, "TxSts")), _reasons(element)
    if amount is None:
        return TransactionStatus(name, status, reasons)
    currency = str(amount.get("Ccy", ""))
    try:
        minor = in_minor((amount.text or "").strip(), currency)
    except ValueError as error:
        raise FileRefused(f"payment {name}: {error}") from error
    return TransactionStatus(name, status, reasons, minor, currency)


def _reasons(element: Element) -> str:
    """The codes of all reasons with a blank between; a bank's own code stands where it has none of ISO's."""
    codes = (first_text(one, "Rsn/Cd", "Rsn/Prtry") for one in found_at(element, "StsRsnInf"))
    return " ".join(dict.fromkeys(_name(code) for code in codes if code))


def _name(text: str) -> str:
    """A name or code as it is kept; raises `FileRefused` for one that ISO 20022 has not (Max35Text, printable)."""
    if text and not (len(text) <= 35 and _NAME.fullmatch(text)):
        raise FileRefused(f"{text[:40]!r} is no name or code of 1 to 35 printable characters")
    return text
