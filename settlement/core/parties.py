"""The two parties that are no partners, and the kinds of obligations.

Whoever owes and whoever is owed stands in a row by name. Beside the partners' ids there are two names that no partner
can have, since an id has no `@`: the fund, which the operator keeps for points that were paid for when they were
issued, and the operator himself, with his fees, taxes and own capital.
"""

from __future__ import annotations

FUND = "@fund"
"""The operator's fund for points that were paid for at issue."""
OPERATOR = "@operator"
"""The operator on his own account: fees, taxes, capital."""
RESERVED = frozenset({FUND, OPERATOR})
COALITION = "coalition"
"""All partners together, as the owner of breakage; the hub lets no partner have the name."""
KEPT = RESERVED | {COALITION}
"""Whose money the operator keeps: nothing is paid to them by bank, and nothing is paid in."""

REIMBURSEMENT = "reimbursement"
"""Points were redeemed: an issuer, or the fund for it, owes the redeemer their value."""
ISSUE = "issue"
"""Points were given out that are paid for at issue: their issuer owes the fund."""
BREAKAGE = "breakage"
"""Points that were paid for at issue left their member unspent: the fund owes their value to whom the contract says."""
ADJUSTMENT = "adjustment"
"""Money alone, which settlement itself moves because of an earlier line, such as the outcome of a dispute."""
PACK = "pack"
"""Points were bought in advance: their issuer owes the fund; or their price is paid back, and the fund owes it."""
KINDS = (REIMBURSEMENT, ISSUE, BREAKAGE, ADJUSTMENT, PACK)
LEDGER_KINDS = (REIMBURSEMENT, ISSUE, BREAKAGE)
"""The kinds that come from points that moved, so that the hub's ledger can be asked for the same lines."""

FUND_LINES = 65_536
"""What is added to a line's number where the fund takes part: beside line 3 of an event stands line 65,539."""
