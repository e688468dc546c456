"""What a write-off posts: nothing but the difference, in balanced entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.reconciliation import Break
from settlement.core.write_offs import CLEARING, WRITE_OFF, Entry, entries_of, write_off_digest

MINOR = st.integers(-(10**6), 10**6)
CURRENCY = st.sampled_from(["EUR", "USD"])


@given(MINOR, CURRENCY, MINOR, CURRENCY)
def test_the_entries_are_the_difference_in_each_currency(ours: int, of: str, theirs: int, other: str) -> None:
    entries = entries_of(Break("amount", ("l",), ("r",), of, ours, other, theirs, ""))
    lost = dict.fromkeys((of, other), 0)
    lost[of] += ours
    lost[other] -= theirs
    posted = {one.currency: one.amount_minor * (1 if one.debit_account == WRITE_OFF else -1) for one in entries}
    assert posted == {currency: minor for currency, minor in lost.items() if minor}
    assert all({one.debit_account, one.credit_account} == {CLEARING, WRITE_OFF} for one in entries)


def test_the_digest_binds_break_entries_and_reason() -> None:
    entry = Entry("EUR", WRITE_OFF, CLEARING, 5)
    digests = {
        write_off_digest("b", [entry], "why"),
        write_off_digest("c", [entry], "why"),
        write_off_digest("b", [entry._replace(amount_minor=6)], "why"),
        write_off_digest("b", [entry, entry], "why"),
        write_off_digest("b", [entry], "why not"),
    }
    assert len(digests) == 5
