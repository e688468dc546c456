"""Card numbers are found wherever they stand and however they are written, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import uuid
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.card_numbers import Place, find, find_among, find_in, passes_luhn


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


INSTANT = next(one for one in (f"201701221235{second}" for second in range(10, 60)) if passes_luhn(one))
VISA, AMEX = with_check_digit("411111111111111"), with_check_digit("37828224631000")
numbers = st.from_regex(r"[1-9][0-9]{11,17}", fullmatch=True).map(with_check_digit)
words = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="+"), max_size=9)


@given(words, numbers, words)
def test_a_number_is_found_at_its_place_in_any_text(before: str, number: str, after: str) -> None:
    # Where the words around it are hexadecimal it may be part of a digest; these are too short for that.
    found = find(f"{before} {number} {after}")
    assert found == len(before) + 1


@given(numbers, st.sampled_from([" ", "-", "\u00a0", " - ", "\u2013"]))
def test_a_number_in_fours_is_found(number: str, gap: str) -> None:
    written = gap.join(number[start : start + 4] for start in range(0, len(number), 4))
    assert find(f"paid with {written}.") == len("paid with ")


@given(numbers, st.integers(1, 9))
def test_a_number_with_one_digit_changed_is_none(number: str, more: int) -> None:
    changed = number[:-1] + str((int(number[-1]) + more) % 10)
    assert find(changed) is None


@pytest.mark.parametrize(
    "text",
    [
        VISA, f"card:{VISA}", f"PAN{VISA}", f"card{VISA}", f"00{VISA}", f"x-{VISA}-y",
        f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}",
        f"1234 {VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}", f"phone:+{VISA}", f"{VISA}\n",
        "".join(chr(0xFF10 + int(digit)) for digit in VISA), "".join(chr(0x660 + int(digit)) for digit in VISA),
    ],
)  # fmt: skip
def test_what_is_a_card_number(text: str) -> None:
    assert find(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "31198655046-bank", INSTANT, "2017-01-31T23:59:59.999999Z", "2017-01-31-000123", "0" * 16,
        "0000000000000018",
        "phone:+" + with_check_digit("861381234567"), f"9{VISA}9999", "12345678-1234-4123-8123-123456789012",
        hashlib.sha256(b"a").hexdigest()[:20] + VISA + "ab", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert find(text) is None


def test_ids_that_partners_draw_at_random_are_not_refused() -> None:
    draw = Random(7)
    ids = [uuid.UUID(int=draw.getrandbits(128), version=4) for _ in range(20_000)]
    assert (
        find_among([form for one in ids for form in (str(one), one.hex, hashlib.sha256(one.bytes).hexdigest())]) is None
    )


@given(st.lists(words, max_size=5), numbers, st.lists(words, max_size=5))
def test_the_place_among_texts_is_the_one_in_its_text(before: list[str], number: str, after: list[str]) -> None:
    assert find_among([*before, number, *after]) == Place(len(before), 0)


def test_a_document_names_the_field_and_never_the_number() -> None:
    assert find_in({"a": [{"b": 1}, {"c/d~": f"see {VISA}"}]}) == "/a/1/c~1d~0"
    assert find_in({"a": {VISA: 1}}) == "/a"
    assert find_in({"a": [1, None, True, "x", 4111.5]}) is None


def test_a_long_text_of_digits_takes_no_time() -> None:
    assert find("1 " * 200_000) is None
    assert find("1" * 400_000) is None
    assert find("1234 a " * 60_000) is None


_GAPS = st.sampled_from(["", " ", "-", "\t", " - ", "\u00a0", "\u2011", "\u3000", "\ud800", "\n", ".", "x", "é"])
_DIGITS = st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９"])


@st.composite
def _written(draw: st.DrawFn) -> str:
    """Write digits in fours, of which some are a card number, in some script and with something between them."""
    digits, gap = draw(numbers | st.text("0123456789", max_size=20)), draw(_GAPS)
    groups = gap.join(digits[start : start + 4] for start in range(0, len(digits), 4))
    return draw(words) + groups.translate(str.maketrans("0123456789", draw(_DIGITS))) + draw(words)


@settings(max_examples=1_000)
@given(st.lists(_written(), max_size=2))
def test_the_quick_look_misses_nothing(texts: list[str]) -> None:
    assert (find_among(texts) is None) == (find("\n".join(texts)) is None)
