"""Tables as plain text."""

from __future__ import annotations

from settlement.text_table import table


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    assert table(("partner", "net"), [("fuel", -5), ("pharmacy", "12.00")]) == [
        "partner     net",
        "--------  -----",
        "fuel         -5",
        "pharmacy  12.00",
    ]


def test_an_empty_table_has_its_titles() -> None:
    assert table(("partner", "net"), []) == ["partner  net", "-------  ---"]


def test_texts_cannot_command_a_terminal() -> None:
    assert table(("a",), [("\x1b[2J",)])[-1] == "\\x1b[2J"
