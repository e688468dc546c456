"""The table of error codes: complete, and written into problem documents as RFC 9457 wants."""

import re

import pytest

from partner_sdk.wire.codes import CODES, problem
from partner_sdk.wire.schemas import ProblemSchema, validate


@pytest.mark.parametrize("code", CODES)
def test_every_code_makes_a_problem_document(code: str) -> None:
    document = problem(code, "what happened", request_id="abc")
    validate(ProblemSchema, document)
    assert document["type"] == f"urn:hansa:problem:{code}"
    assert document["status"] == CODES[code].status
    assert document["request_id"] == "abc"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)


def test_only_what_may_pass_is_retryable() -> None:
    retryable = {code for code, known in CODES.items() if known.retryable}
    assert retryable == {
        "clock_skew", "body_too_slow", "rate_limited", "not_sealed", "internal_error", "unavailable",
    }  # fmt: skip


def test_the_standard_members_come_from_the_table() -> None:
    with pytest.raises(ValueError, match="table"):
        problem("not_found", "gone", status=200)
    with pytest.raises(KeyError):
        problem("no_such_code", "what happened")
