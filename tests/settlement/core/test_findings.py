"""Findings are kept up to a number, and cannot command a terminal."""

from __future__ import annotations

from settlement.core.findings import KEPT, Finding, Findings


def test_findings_beyond_the_limit_are_counted() -> None:
    findings = Findings()
    findings.extend([Finding("value", str(number), "wrong") for number in range(KEPT + 5)])
    assert findings.count == KEPT + 5
    assert findings.listed()[-1] == Finding("more", "5 rows", "not listed")
    assert len(findings.listed()) == KEPT + 1


def test_control_characters_are_escaped() -> None:
    assert str(Finding("value", "a\x1b[2Jb", "c\nd")) == r"[value] a\x1b[2Jb: c\nd"
