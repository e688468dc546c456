"""docs/protocol.md says what the code does: the worked example, the codes, the fields of every body."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from partner_sdk.wire.codes import CODES
from partner_sdk.wire.fields import WireSchema
from partner_sdk.wire.schemas import EarningsRequest, KeyRegistration, ProblemSchema, validate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)\n```", PAGE, re.DOTALL)


def _vectors(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize(("name", "member"), [("requests", "requests"), ("answers", "answers")])
def test_the_worked_example_is_the_first_vector(name: str, member: str) -> None:
    vectors = _vectors(name)
    first = vectors[member][0]
    headers = "\n".join(f"{field}: {value}" for field, value in first["headers"].items())
    assert ("json", first["body"]) in BLOCKS
    assert ("text", first["base"]) in BLOCKS
    assert ("text", headers) in BLOCKS
    assert vectors["seed_hex"] in PAGE


def test_the_lengths_in_the_worked_example_are_right() -> None:
    request, answer = _vectors("requests")["requests"][0], _vectors("answers")["answers"][0]
    assert f"{len(request['body'].encode())} bytes in UTF-8" in PAGE
    assert f"The signature base, {len(request['base'].splitlines())} lines" in PAGE
    assert f"The signature base, {len(answer['base'].splitlines())} lines" in PAGE


def test_the_registration_is_the_vector() -> None:
    document = _vectors("key_registration")["document"]
    assert ("json", json.dumps(document, separators=(",", ":"))) in BLOCKS
    validate(KeyRegistration, document)
    key = _vectors("keys")["keys"][0]
    assert all(part in PAGE for part in (key["jwk"]["x"], key["thumbprint"], key["keyid"]))


def test_the_examples_fit_their_schemas() -> None:
    examples = [json.loads(text) for kind, text in BLOCKS if kind == "json"]
    assert [validate(EarningsRequest, one) for one in examples if "earnings" in one]
    assert [validate(ProblemSchema, one) for one in examples if "title" in one]


def test_the_table_of_codes_is_the_table_of_the_code() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
    documented = {code: (int(status), not again.startswith("no")) for status, code, again in rows}
    assert documented == {code: (known.status, known.retryable) for code, known in CODES.items()}
    assert [code for _, code, _ in rows] == list(CODES)


def _written() -> list[type[WireSchema]]:
    return [
        found
        for name in sorted(path.stem for path in (ROOT / "partner_sdk" / "wire").glob("*.py"))
        for found in vars(import_module(f"partner_sdk.wire.{name}")).values()
        if isinstance(found, type) and issubclass(found, WireSchema) and found not in (WireSchema, ProblemSchema)
    ]


@pytest.mark.parametrize("schema", dict.fromkeys(_written()), ids=lambda schema: schema.__name__)
def test_every_member_on_the_wire_is_documented(schema: type[WireSchema]) -> None:
    assert [name for name in schema().fields if not re.search(rf'["`?&\]]{name}["`=]', PAGE)] == []


def test_the_contents_lead_somewhere() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) == anchors
