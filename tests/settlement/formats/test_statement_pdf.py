"""A statement as PDF, read back by another library: every line once, totals carried, any text harmless."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from settlement.core.charges import KINDS as CHARGES
from settlement.core.disputes import STATES
from settlement.core.parties import KINDS
from settlement.formats import STATEMENTS
from settlement.formats.pdf_text import visible, width_of, wrapped
from settlement.formats.statement_words import CHINESE, ENGLISH, WORDS

CURRENCIES = ("EUR", "JPY")
MINORS = (125, 7)


def summary() -> dict[str, Any]:
    balance = {
        "currency": "EUR",
        "decimals": 2,
        "opening_minor": -1200,
        "movements": [
            {"kind": "reimbursement", "corrects": False, "lines": 2, "points": 80, "receive_minor": 11700,
             "pay_minor": 4900, "on_us_minor": 6},
            {"kind": "issue", "corrects": False, "lines": 1, "points": 8, "receive_minor": 0, "pay_minor": 1000,
             "on_us_minor": 0},
            {"kind": "reimbursement", "corrects": True, "lines": 1, "points": -5, "receive_minor": -250,
             "pay_minor": 0, "on_us_minor": 0},
        ],
        "charges": [{"kind": "fee", "contract_version": 3, "amount_minor": 150},
                    {"kind": "tax", "contract_version": 3, "amount_minor": 30}],
        "closing_minor": 4170,
        "due_minor": 4170,
        "withheld_minor": 0,
        "carried_minor": 0,
    }  # fmt: skip
    return {
        "cycle": "2017-01",
        "partner": "grocer",
        "digest": "ab" * 32,
        "published_at": "2017-02-01T00:30:00Z",
        "balances": [balance, balance | {"currency": "JPY", "decimals": 0, "due_minor": 0, "carried_minor": 4170}],
        "positions": [
            {"issuer": "bank", "redeemer": "grocer", "currency": "EUR", "lines": 2, "points": 80, "minor": 11700}
        ],
    }


def line(event_id: str, currency: str = "EUR", minor: int = 125, **more: Any) -> dict[str, Any]:
    return {
        "partner": "grocer",
        "event_id": event_id,
        "line": 1,
        "issuer": "bank",
        "redeemer": "grocer",
        "points": 3,
        "minor": minor,
        "currency": currency,
        "price": {"version": 4, "numerator": 9, "denominator": 10},
        "business_date": "2017-01-20",
        **more,
    }


def lines(count: int) -> Iterator[dict[str, Any]]:
    for currency, minor in zip(CURRENCIES, MINORS, strict=True):
        for place in range(count):
            yield line(f"{currency}-{place:05}", currency, minor)


def write(path: Path, rows: Iterable[Mapping[str, Any]], language: str = ENGLISH) -> list[str]:
    """Write a statement and return the text of each page."""
    STATEMENTS[".pdf"].in_language(language)(path, summary(), rows)
    with PdfReader(path) as reader:
        return [page.extract_text() for page in reader.pages]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the text of the pages of a statement of 150 lines in each of two currencies."""
    return write(tmp_path_factory.mktemp("pdf") / "s.pdf", lines(150))


def test_every_page_says_what_it_is_of_and_which_of_how_many(pages: list[str]) -> None:
    assert len(pages) > 5
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of \n{len(pages)}" in text or f"Page {number} of {len(pages)}" in text
        assert "Settlement statement · grocer · 2017-01" in text


def test_every_line_is_there_exactly_once(pages: list[str]) -> None:
    found = re.findall(r"(?:EUR|JPY)-\d{5}", "\n".join(pages))
    assert found == [row["event_id"] for row in lines(150)]


def test_each_page_carries_what_its_rows_come_to_and_the_next_brings_it(pages: list[str]) -> None:
    line_row = r"^2017-01-20 .* 9/10, 4 (?P<minor>\S+)$"
    rows = re.compile(line_row + r"|^(?P<title>Brought|Carried|Total) .*?(?P<sums>\S+ \S+ \S+ \S+)$")
    points, amount, carried = 0, Decimal(0), ""
    seen: list[str] = []
    for text in pages:
        for row in text.splitlines():
            found = rows.match(row)
            if found is None:
                continue
            if found["minor"]:
                points, amount = points + 3, amount + Decimal(found["minor"])
                continue
            seen.append(found["title"])
            received = str(amount)
            assert found["sums"].split()[:2] == [str(points), received], row
            if found["title"] == "Brought":
                assert found["sums"] == carried
            carried = found["sums"]
            if found["title"] == "Total":
                points, amount = 0, Decimal(0)
    assert seen.count("Total") == 2
    assert seen.count("Carried") > 4
    for before, text in itertools.pairwise(pages):
        assert ("Carried forward" in before) == ("Brought forward" in text)
        assert "Carried forward" in before or "Total of 150 lines" in before


def test_balances_lead_from_the_opening_to_the_closing_one(pages: list[str]) -> None:
    for row in (
        "Opening balance, brought forward -12.00",
        "Reimbursement 2 80 117.00 49.00 0.06 68.00",
        "Issue 1 8 0.00 10.00 0.00 -10.00",
        "Reimbursement, corrections 1 -5 -2.50 0.00 0.00 -2.50",
        "Fee (contract version 3) -1.50",
        "Tax (contract version 3) -0.30",
        "Closing balance 41.70",
        "of which to be received now 41.70",
        "Closing balance 4170",
        "of which carried to the next cycle 4170",
    ):
        assert row in pages[0].splitlines(), row


def test_chinese_can_be_read_and_dates_and_amounts_are_the_same(tmp_path: Path) -> None:
    texts = write(tmp_path / "s.pdf", lines(60), CHINESE)
    for row in ("期初余额（上期结转） -12.00", "手续费（合同版本 3） -1.50", "期末余额 41.70", "其中：本期应收 41.70"):
        assert row in texts[0].splitlines()
    assert "2017-01-20 grocer EUR-00000 1 兑换补偿 bank grocer 3 9/10, 4 1.25" in texts[0].splitlines()
    for number, text in enumerate(texts, start=1):
        assert re.search(rf"第 {number} 页，共 \n?{len(texts)} 页", text)
        assert "结算单 · grocer · 2017-01" in text
    assert "Brought" not in "".join(texts)


def test_both_languages_have_the_same_words_with_as_many_places() -> None:
    english, chinese = WORDS[ENGLISH], WORDS[CHINESE]
    assert [*english] == [*chinese]
    assert {name for name in english if english[name].count("{}") != chinese[name].count("{}")} == set()
    assert {name for name in english if english[name] == chinese[name]} == set()


HOSTILE = [
    "<b>&amp;</para><script>",
    "(un) balanced ) \\ parentheses (",
    "\x07\x1b[31m\x7f\x85 tabs\tand\rreturns",
    "=cmd|' /C calc'!A0",
    "\u202eretset\u202c \u200b\ufeff",
    "عربي עברית",
    "emoji 😀 and \U0010ffff",
    "汉字 漢字 かな Ж é",
    "{} {0} %s %n",
]


@pytest.mark.parametrize("event_id", HOSTILE)
def test_hostile_ids_are_written_visibly_and_disturb_nothing(tmp_path: Path, event_id: str) -> None:
    (text,) = write(tmp_path / "s.pdf", [line("before"), line(event_id), line("behind", partner=event_id[:12])])
    shown = "".join(map(visible, event_id))
    assert shown.isprintable()
    found = re.sub(r"\s", "", text)
    assert [part for part in wrapped(event_id, 135, 7) if re.sub(r"\s", "", part) not in found] == []
    assert "before" in text
    assert "Total of 3 lines 9 3.75 0.00 0.00" in text


def test_different_ids_are_never_written_the_same() -> None:
    ids = ["a\u202eb", "a\\u{202E}b", "a\\\\u{202E}b", "ab", "a b", "a\xa0b", "a\u200bb"]
    assert len({"".join(map(visible, one)) for one in ids}) == len(ids)


def test_a_line_longer_than_a_page_goes_over_pages_and_is_counted_once(tmp_path: Path) -> None:
    event_id = "".join(f"{place:06}" for place in range(3000))
    texts = write(tmp_path / "s.pdf", [line("before"), line(event_id), line("behind")])
    digits = re.sub(
        r"\D", "", "".join(re.sub(r"(?m)^.*(Brought|Carried|Page|2017-01$).*$", "", text) for text in texts)
    )
    assert digits.count("001234001235") == 1
    assert len(texts) > 3
    assert "Total of 3 lines 9 3.75 0.00 0.00" in texts[-1]
    carried = [row for text in texts for row in text.splitlines() if row.startswith("Carried")]
    assert carried[0] == "Carried forward 3 1.25 0.00 0.00"
    assert {*carried[1:]} == {"Carried forward 6 2.50 0.00 0.00"}


def test_sums_that_are_wider_than_their_column_are_carried_in_full(tmp_path: Path) -> None:
    huge = 2**63 - 1
    texts = write(tmp_path / "s.pdf", (line(f"e-{place}", minor=huge, points=huge) for place in range(100)))
    assert len(texts) > 3
    for place, text in enumerate(texts[1:-1], start=1):
        assert f"Brought forward from page {place}" in text
    digits = re.sub(r"\s", "", texts[-1].partition("Total of 100 lines")[2])
    whole = str(100 * huge)
    for part in (whole[:12], whole[12:], f"{whole[:-2]}.{whole[-2:]}"[:14]):
        assert part in digits


def test_texts_are_wrapped_within_their_column() -> None:
    for text in ("x" * 500, "汉" * 300, "\u202e" * 40, "", "W", "some words and " * 9, " " * 90):
        parts = wrapped(text, 40, 7)
        assert "".join(parts) == "".join(map(visible, text))
        assert all(width_of(part, 7) <= 40 for part in parts)


def test_a_statement_without_lines_is_one_page_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.pdf"
    STATEMENTS[".pdf"].in_language(ENGLISH)(path, summary() | {"balances": [], "positions": []}, [])
    with PdfReader(path) as reader:
        (page,) = reader.pages
        assert "There are no lines in this cycle." in page.extract_text()
        assert reader.metadata is not None
        assert reader.metadata.title == "Settlement statement · grocer · 2017-01"


def test_what_corrects_and_whose_points_the_fund_pays_is_said(tmp_path: Path) -> None:
    rows = [line("back", minor=-40, points=-3, origin={"partner": "grocer", "event_id": "sale-1"}),
            line("fund", issuer="@fund", points_of="fuel", kind="issue")]  # fmt: skip
    (text,) = write(tmp_path / "s.pdf", rows)
    flat = re.sub(r"\s", "", text)
    assert "corrects\ngrocer/sale-1" in re.sub(" +\n", "\n", text)
    assert "pointsof" in flat
    assert "-0.40" in text


def test_disputes_are_listed_with_what_is_withheld(tmp_path: Path) -> None:
    document = summary()
    document["balances"][0] = document["balances"][0] | {"withheld_minor": 250}
    dispute = {"partner": "grocer", "dispute_id": "d-1", "cycle": "2017-01", "currency": "EUR", "disputed_minor": 250,
               "accepted_minor": 0}  # fmt: skip
    document["disputes"] = [dispute | {"state": state} for state in STATES]
    STATEMENTS[".pdf"].in_language(ENGLISH)(tmp_path / "s.pdf", document, [])
    with PdfReader(tmp_path / "s.pdf") as reader:
        rows = reader.pages[0].extract_text().splitlines()
    assert "of which disputed, withheld until it is decided 2.50" in rows
    assert "d-1 grocer 2017-01 second stage EUR 2.50 0.00" in rows
    assert sum(row.startswith("d-1 grocer") for row in rows) == len(STATES)


@pytest.mark.parametrize("kind", [*KINDS, *CHARGES])
def test_every_kind_has_its_word(kind: str) -> None:
    assert all(kind in words for words in WORDS.values())


@pytest.mark.parametrize("language", WORDS)
def test_the_same_statement_gives_the_same_bytes(tmp_path: Path, language: str) -> None:
    for name in ("one.pdf", "two.pdf"):
        write(tmp_path / name, lines(50), language)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
