"""A line taken out of, or put into, a numbered list is named."""

from __future__ import annotations

from settlement.core.findings import Finding
from settlement.core.lines import row_name
from settlement.core.numbering import Numbering
from tests.settlement.sample import JANUARY

NAMES = [row_name(*line[:3]) for line in JANUARY]
PLACES = [(number, ["", *NAMES][number - 1], name) for number, name in enumerate(NAMES, 1)]


def follow(places: list[tuple[int, str, str]]) -> list[Finding]:
    numbering = Numbering()
    findings = [numbering.follow(*place) for place in places]
    findings.append(numbering.finish(len(NAMES), NAMES[-1]))
    return [finding for finding in findings if finding]


def test_a_whole_list_has_no_findings() -> None:
    assert follow(PLACES) == []


def test_each_line_taken_out_is_named() -> None:
    for place, name in enumerate(NAMES):
        (finding,) = follow(PLACES[:place] + PLACES[place + 1 :])
        assert (finding.check, finding.row) == ("missing", name)


def test_several_lines_taken_out_are_numbered_and_the_last_is_named() -> None:
    (finding,) = follow(PLACES[:2] + PLACES[5:])
    assert finding.row == "lines 3 to 5"
    assert NAMES[4] in finding.detail


def test_a_line_put_in_is_named() -> None:
    forged = (*PLACES[3][:2], "grocer/forged/1")
    (finding,) = follow([*PLACES[:4], forged, *PLACES[4:]])
    assert finding.row == "grocer/forged/1"


def test_a_line_whose_predecessor_was_changed_is_named() -> None:
    (finding,) = follow([*PLACES[:4], (5, "grocer/other/1", NAMES[4]), *PLACES[5:]])
    assert finding.row == NAMES[4]
