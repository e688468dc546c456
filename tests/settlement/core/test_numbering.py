"""A line taken out of, or put into, a numbered list is named."""

from __future__ import annotations

from settlement.core.findings import Finding
from settlement.core.lines import row_name
from settlement.core.numbering import NumberedLine, Numbering, number_lines
from tests.settlement.sample import JANUARY

LINES = [*number_lines((line, b"", "") for line in JANUARY)]
NAMES = ["/".join(map(str, line[:3])) for line in JANUARY]


def follow(lines: list[NumberedLine]) -> list[Finding]:
    numbering = Numbering()
    findings = [numbering.follow(one.number, one.previous, row_name(*one.line[:3])) for one in lines]
    findings.append(numbering.finish(len(LINES), NAMES[-1]))
    return [finding for finding in findings if finding]


def test_a_whole_list_has_no_findings() -> None:
    assert follow(LINES) == []


def test_each_line_taken_out_is_named() -> None:
    for place, name in enumerate(NAMES):
        (finding,) = follow(LINES[:place] + LINES[place + 1 :])
        assert (finding.check, finding.row) == ("missing", name)


def test_several_lines_taken_out_are_numbered_and_the_last_is_named() -> None:
    (finding,) = follow(LINES[:2] + LINES[5:])
    assert finding.row == "lines 3 to 5"
    assert NAMES[4] in finding.detail


def test_a_line_put_in_is_named() -> None:
    forged = LINES[3]._replace(line=LINES[3].line._replace(event_id="forged"))
    (finding,) = follow([*LINES[:4], forged, *LINES[4:]])
    assert finding.row == "grocer/forged/1"


def test_a_line_whose_predecessor_was_changed_is_named() -> None:
    (finding,) = follow([*LINES[:4], LINES[4]._replace(previous="grocer/other/1"), *LINES[5:]])
    assert finding.row == NAMES[4]
