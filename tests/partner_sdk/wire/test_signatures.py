"""The signature profile: what it accepts, and a table of everything that it refuses and with which code."""

import contextlib
import dataclasses
import json
import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.wire import base64url
from partner_sdk.wire.keys import PrivateKey, PublicKey
from partner_sdk.wire.signatures import (
    RequestSignature,
    RequestTarget,
    ResponseSignature,
    SignatureRefused,
    Signer,
    check_components,
    check_times,
    content_digest,
    echoed_nonce,
    parse_request_signature,
    sign_request,
    sign_response,
    signature_base,
    verify_request,
    verify_response,
)

NOW = 1_750_000_000
NONCE = base64url.encode(bytes(range(16)))
OTHER_NONCE = base64url.encode(bytes(16))
KEYID = "grocer.AAAAAAAAAAAAAAAA"
HUB_KEYID = "hub.BBBBBBBBBBBBBBBB"
BODY = b'{"earnings":[]}'
JSON = "application/json"
WITH_BODY = RequestTarget("POST", "hub.example", "/v1/earnings", "?", JSON, content_digest(BODY))
WITHOUT_BODY = RequestTarget("GET", "hub.example:8443", "/v1/events", "?limit=7&cursor=abc")

BODY_INNER = '("@method" "@authority" "@path" "@query" "content-type" "content-digest")'
PLAIN_INNER = '("@method" "@authority" "@path" "@query")'
PARAMS = f';created={NOW};expires={NOW + 60};nonce="{NONCE}";keyid="{KEYID}";tag="hansa-request"'
SIGNATURE = f"hansa=:{'A' * 86}==:"

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "rfc9421.json").read_text())


def _sign(target: RequestTarget, key: Signer) -> dict[str, str]:
    return sign_request(target, key, KEYID, created=NOW, expires=NOW + 60, nonce=NONCE)


def _verify(target: RequestTarget, headers: dict[str, str], public: PublicKey, now: float = NOW) -> bytes:
    """What the hub does with a request, in its order."""
    read = parse_request_signature(headers.get("Signature-Input"), headers.get("Signature"))
    check_components(read, target.content_digest is not None)
    check_times(read, now)
    return verify_request(target, read, public)


def _refusal(act: Callable[[], object]) -> str:
    with pytest.raises(SignatureRefused) as refusal:
        act()
    assert 0 < len(refusal.value.detail) < 300
    return refusal.value.code


# --- requests that pass ---


@pytest.mark.parametrize("target", [WITH_BODY, WITHOUT_BODY])
def test_a_signed_request_verifies(target: RequestTarget, partner_key: PrivateKey) -> None:
    headers = _sign(target, partner_key)
    base = _verify(target, headers, partner_key.public)
    read = parse_request_signature(headers["Signature-Input"], headers["Signature"])
    assert base == signature_base(target, read)
    assert (read.label, read.created, read.expires, read.nonce, read.keyid, read.alg) == (
        "hansa", NOW, NOW + 60, NONCE, KEYID, None,
    )  # fmt: skip
    assert headers["Signature-Input"] == f"hansa={read.params_text}"


def test_the_base_is_spelled_as_documented(partner_key: PrivateKey) -> None:
    base = _verify(WITH_BODY, _sign(WITH_BODY, partner_key), partner_key.public)
    assert base.decode() == (
        '"@method": POST\n'
        '"@authority": hub.example\n'
        '"@path": /v1/earnings\n'
        '"@query": ?\n'
        '"content-type": application/json\n'
        f'"content-digest": {content_digest(BODY)}\n'
        f'"@signature-params": {BODY_INNER}{PARAMS}'
    )


def _signed_as_written(params: str, key: PrivateKey, target: RequestTarget = WITH_BODY) -> dict[str, str]:
    """Fields whose signature is over exactly these parameters, whatever they say."""
    base = (
        f'"@method": {target.method}\n"@authority": {target.authority}\n"@path": {target.path}\n'
        f'"@query": {target.query}\n"content-type": {target.content_type}\n'
        f'"content-digest": {target.content_digest}\n"@signature-params": {params}'
    )
    signature = base64url.encode(key.sign(base.encode())).replace("-", "+").replace("_", "/")
    return {"Signature-Input": f"sig1={params}", "Signature": f"sig1=:{signature}==:"}


@given(st.permutations([*PARAMS.split(";")[1:], 'alg="ed25519"']))
def test_parameters_may_come_in_any_order(params: list[str]) -> None:
    key = PrivateKey.from_seed(bytes(32))
    headers = _signed_as_written(";".join((BODY_INNER, *params)), key)
    _verify(WITH_BODY, headers, key.public)


@pytest.mark.parametrize(
    ("before", "after", "signature_before", "signature_after"),
    [
        ('proxy=("@method");created=1, ', "", "proxy=:AAAA:, ", ""),
        ("", ' , z=();tag="x"', "", ",z=::"),
        ('a=("x";sf;key="a b" 12 1.5 tok/en:x :YQ==: ?1 "\\"");q;p=?0 ,\t', "", "", ""),
        ("", ', other=("@status");tag="hansa-response"', "", ", other=:AAAA:"),
    ],
)
def test_signatures_of_others_are_read_past(
    before: str, after: str, signature_before: str, signature_after: str, partner_key: PrivateKey
) -> None:
    headers = _sign(WITH_BODY, partner_key)
    merged = {
        "Signature-Input": before + headers["Signature-Input"] + after,
        "Signature": signature_before + headers["Signature"] + signature_after,
    }
    assert _verify(WITH_BODY, merged, partner_key.public) == _verify(WITH_BODY, headers, partner_key.public)


def test_only_the_tag_tells_whose_a_signature_is(partner_key: PrivateKey) -> None:
    """A proxy may use our label, and ours may have any."""
    headers = _sign(WITH_BODY, partner_key)
    ours = {name: value.replace("hansa=", "*x.-_1=", 1) for name, value in headers.items()}
    merged = {
        "Signature-Input": f'hansa=("@method");tag="proxy", {ours["Signature-Input"]}',
        "Signature": f"{ours['Signature']}, hansa=:AAAA:",
    }
    _verify(WITH_BODY, merged, partner_key.public)


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "https://Hub.Example/v1/ping", ("GET", "hub.example", "/v1/ping", "?")),
        ("GET", "https://hub.example:443/a?b=c&d", ("GET", "hub.example", "/a", "?b=c&d")),
        ("GET", "http://hub.example:80", ("GET", "hub.example", "/", "?")),
        ("GET", "http://hub.example:443/", ("GET", "hub.example:443", "/", "?")),
        ("GET", "https://hub.example:8443/?", ("GET", "hub.example:8443", "/", "?")),
        (
            "GET",
            "http://u:p@[2001:DB8::1]:8080/a%2Fb%20c#x",
            ("GET", "[2001:db8::1]:8080", "/a%2Fb%20c", "?"),
        ),
    ],
)
def test_a_target_is_taken_from_a_url(method: str, url: str, expected: tuple[str, ...]) -> None:
    assert RequestTarget.from_url(method, url) == RequestTarget(*expected)


# --- requests that are refused, by the fields alone ---

MISSING: list[tuple[str | None, str | None]] = [
    (None, None), ("", ""), (None, SIGNATURE), (f"hansa={BODY_INNER}{PARAMS}", None), ("", SIGNATURE),
]  # fmt: skip


@pytest.mark.parametrize(("signature_input", "signature"), MISSING)
def test_an_absent_field_is_signature_missing(signature_input: str | None, signature: str | None) -> None:
    assert _refusal(lambda: parse_request_signature(signature_input, signature)) == "signature_missing"


MALFORMED_INPUTS = {
    "no dictionary": "hello",
    "no inner list": f"hansa=1{PARAMS}",
    "unclosed": 'hansa=("@method"',
    "no space between": f'hansa=("@method""@path"){PARAMS}',
    "upper-case label": f"Hansa={BODY_INNER}{PARAMS}",
    "trailing comma": f"hansa={BODY_INNER}{PARAMS},",
    "leading comma": f",hansa={BODY_INNER}{PARAMS}",
    "empty parameter": f"hansa={BODY_INNER}{PARAMS};",
    "parameter without value": f"hansa={BODY_INNER}{PARAMS};created=",
    "unclosed string": f'hansa={BODY_INNER};keyid="abc',
    "bad escape": f'hansa={BODY_INNER};keyid="a\\b"',
    "not ASCII": f'hansa={BODY_INNER};keyid="é"',
    "line break": f"hansa={BODY_INNER}\n{PARAMS}",
    "number too long": f"hansa={BODY_INNER}{PARAMS.replace(str(NOW), str(NOW) * 3)}",
    "no tag": f"hansa={BODY_INNER}{PARAMS.partition(';tag')[0]}",
    "other tag": f"hansa={BODY_INNER}{PARAMS.replace('hansa-request', 'hansa-response')}",
    "tag as token": f"hansa={BODY_INNER}{PARAMS.partition(';tag')[0]};tag=hansa-request",
    "two with the tag": f"hansa={BODY_INNER}{PARAMS}, b={BODY_INNER}{PARAMS}",
    "label twice": f"hansa={BODY_INNER}{PARAMS}, hansa={BODY_INNER}{PARAMS}",
    "label twice, one foreign": f'hansa={BODY_INNER}{PARAMS}, hansa=("@method")',
    "foreign one malformed": f"hansa={BODY_INNER}{PARAMS}, b=(",
    "foreign one no inner list": f'hansa={BODY_INNER}{PARAMS}, b="x"',
    "doubled tag": f'hansa={BODY_INNER}{PARAMS};tag="hansa-request"',
    "doubled tag, other": f'hansa={BODY_INNER}{PARAMS};tag="x"',
    "doubled created": f"hansa={BODY_INNER}{PARAMS};created={NOW}",
    "doubled expires": f"hansa={BODY_INNER}{PARAMS};expires={NOW + 60}",
    "doubled nonce": f'hansa={BODY_INNER}{PARAMS};nonce="{NONCE}"',
    "doubled keyid": f'hansa={BODY_INNER}{PARAMS};keyid="{KEYID}"',
    "doubled alg": f'hansa={BODY_INNER}{PARAMS};alg="ed25519";alg="ed25519"',
    "space after semicolon": f"hansa={BODY_INNER}{PARAMS.replace(';nonce', '; nonce')}",
    "two spaces between": f"hansa={BODY_INNER.replace(' ', '  ', 1)}{PARAMS}",
    "space in the list": f"hansa={BODY_INNER.replace('(', '( ')}{PARAMS}",
    "other label": f"other={BODY_INNER}{PARAMS}",
}


@pytest.mark.parametrize("signature_input", MALFORMED_INPUTS.values(), ids=MALFORMED_INPUTS.keys())
def test_a_field_that_cannot_be_read_is_signature_malformed(signature_input: str) -> None:
    assert _refusal(lambda: parse_request_signature(signature_input, SIGNATURE)) == "signature_malformed"


MALFORMED_SIGNATURES = {
    "no dictionary": "hello",
    "not bytes": 'hansa="AAAA"',
    "token": f"hansa={'A' * 86}",
    "unclosed": f"hansa=:{'A' * 86}==",
    "no padding": f"hansa=:{'A' * 86}:",
    "base64url": f"hansa=:{'-' * 85}A==:",
    "63 bytes": f"hansa=:{'A' * 84}:",
    "65 bytes": f"hansa=:{'A' * 87}=:",
    "empty": "hansa=::",
    "stray bits": f"hansa=:{'A' * 85}B==:",
    "other label": f"other=:{'A' * 86}==:",
    "label twice": f"{SIGNATURE}, {SIGNATURE}",
    "trailing comma": f"{SIGNATURE},",
    "two without a comma": f"{SIGNATURE} b=:AAAA:",
}


@pytest.mark.parametrize("signature", MALFORMED_SIGNATURES.values(), ids=MALFORMED_SIGNATURES.keys())
def test_a_signature_that_cannot_be_read_is_signature_malformed(signature: str) -> None:
    field = f"hansa={BODY_INNER}{PARAMS}"
    assert _refusal(lambda: parse_request_signature(field, signature)) == "signature_malformed"


def _change(old: str, new: str) -> str:
    assert old in PARAMS
    return PARAMS.replace(old, new)


BAD_PARAMETERS = {
    "created missing": _change(f";created={NOW}", ""),
    "expires missing": _change(f";expires={NOW + 60}", ""),
    "nonce missing": _change(f';nonce="{NONCE}"', ""),
    "keyid missing": _change(f';keyid="{KEYID}"', ""),
    "unknown": f"{PARAMS};x=1",
    "unknown, before": f";x{PARAMS}",
    "created a string": _change(f"created={NOW}", f'created="{NOW}"'),
    "created a decimal": _change(f"created={NOW}", f"created={NOW}.0"),
    "created negative": _change(f"created={NOW}", f"created=-{NOW}"),
    "created a flag": _change(f"created={NOW}", "created"),
    "created a token": _change(f"created={NOW}", "created=now"),
    "created padded": _change(f"created={NOW}", f"created=0{NOW}"),
    "created zero": _change(f"created={NOW}", "created=0"),
    "created of 13 digits": _change(f"created={NOW}", "created=1750000000000"),
    "expires a string": _change(f"expires={NOW + 60}", f'expires="{NOW + 60}"'),
    "expires at created": _change(f"expires={NOW + 60}", f"expires={NOW}"),
    "expires before created": _change(f"expires={NOW + 60}", f"expires={NOW - 1}"),
    "expires too late": _change(f"expires={NOW + 60}", f"expires={NOW + 301}"),
    "nonce empty": _change(NONCE, ""),
    "nonce too short": _change(NONCE, NONCE[:-1]),
    "nonce too long": _change(NONCE, NONCE + "A"),
    "nonce padded": _change(NONCE, NONCE + "=="),
    "nonce with stray bits": _change(NONCE, NONCE[:-1] + "B"),
    "nonce in plain base64": _change(NONCE, "+" + NONCE[1:]),
    "nonce a token": _change(f'nonce="{NONCE}"', f"nonce={'A' * 22}"),
    "nonce bytes": _change(f'nonce="{NONCE}"', f"nonce=:{'A' * 22}:"),
    "keyid empty": _change(KEYID, ""),
    "keyid too long": _change(KEYID, "k" * 101),
    "keyid with escapes": _change(KEYID, 'a\\"b'),
    "keyid a token": _change(f'"{KEYID}"', KEYID),
    "alg other": f'{PARAMS};alg="hmac-sha256"',
    "alg upper case": f'{PARAMS};alg="Ed25519"',
    "alg a token": f"{PARAMS};alg=ed25519",
    "alg empty": f'{PARAMS};alg=""',
}


@pytest.mark.parametrize("params", BAD_PARAMETERS.values(), ids=BAD_PARAMETERS.keys())
def test_a_parameter_out_of_order_is_signature_parameters(params: str) -> None:
    field = f"hansa={BODY_INNER}{params}"
    assert _refusal(lambda: parse_request_signature(field, SIGNATURE)) == "signature_parameters"


@pytest.mark.parametrize("lifetime", [1, 300])
def test_the_limits_of_a_lifetime_are_included(lifetime: int) -> None:
    params = _change(f"expires={NOW + 60}", f"expires={NOW + lifetime}")
    assert parse_request_signature(f"hansa={BODY_INNER}{params}", SIGNATURE).expires == NOW + lifetime


COMPONENTS = {
    "none": "()",
    "one missing": '("@method" "@authority" "@path" "@query" "content-digest")',
    "one more": BODY_INNER[:-1] + ' "date")',
    "one twice": BODY_INNER[:-1] + ' "@method")',
    "other order": '("@authority" "@method" "@path" "@query" "content-type" "content-digest")',
    "with a parameter": BODY_INNER.replace('"@method"', '"@method";req'),
    "with a flag spelled out": BODY_INNER.replace('"@method"', '"@method";x=?1'),
    "other case": BODY_INNER.replace("@method", "@Method"),
    "a token": BODY_INNER.replace('"@method"', "method"),
    "target-uri instead": '("@method" "@target-uri" "content-type" "content-digest")',
    "those without a body": PLAIN_INNER,
}


@pytest.mark.parametrize("inner", COMPONENTS.values(), ids=COMPONENTS.keys())
def test_other_components_are_refused(inner: str) -> None:
    read = parse_request_signature(f"hansa={inner}{PARAMS}", SIGNATURE)
    assert _refusal(lambda: check_components(read, has_body=True)) == "signature_components"


def test_a_request_without_a_body_covers_no_body() -> None:
    read = parse_request_signature(f"hansa={BODY_INNER}{PARAMS}", SIGNATURE)
    assert _refusal(lambda: check_components(read, has_body=False)) == "signature_components"


def test_a_covered_field_must_be_there(partner_key: PrivateKey) -> None:
    headers = _sign(WITH_BODY, partner_key)
    read = parse_request_signature(headers["Signature-Input"], headers["Signature"])
    no_type = dataclasses.replace(WITH_BODY, content_type=None)
    no_digest = dataclasses.replace(WITH_BODY, content_digest=None)
    assert _refusal(lambda: verify_request(no_type, read, partner_key.public)) == "signature_components"
    assert _refusal(lambda: verify_request(no_digest, read, partner_key.public)) == "signature_components"


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        (NOW, True), (NOW + 59.9, True), (NOW + 60, False), (NOW - 30, True), (NOW - 30.1, False),
    ],
)  # fmt: skip
def test_times_are_held_against_the_clock(now: float, accepted: bool) -> None:
    read = parse_request_signature(f"hansa={BODY_INNER}{PARAMS}", SIGNATURE)
    if accepted:
        check_times(read, now)
    else:
        assert _refusal(lambda: check_times(read, now)) == "clock_skew"


def test_a_signature_is_refused_when_it_is_old_however_long_it_was_to_live() -> None:
    params = _change(f"expires={NOW + 60}", f"expires={NOW + 300}")
    read = parse_request_signature(f"hansa={BODY_INNER}{params}", SIGNATURE)
    check_times(read, NOW + 299)
    assert _refusal(lambda: check_times(read, NOW + 301)) == "clock_skew"


# --- requests changed after they were signed ---

TAMPERED = {
    "method": {"method": "PUT"},
    "method case": {"method": "post"},
    "authority": {"authority": "hub.example:8443"},
    "path": {"path": "/v1/earnings/"},
    "path escape": {"path": "/v1/%65arnings"},
    "query": {"query": "?x=1"},
    "query mark": {"query": ""},
    "content type": {"content_type": "application/json; charset=utf-8"},
    "content digest": {"content_digest": content_digest(b"{}")},
    "line break": {"path": '/v1/earnings\n"@query": ?'},
    "carriage return": {"path": "/v1/earnings\r"},
    "beyond Latin-1": {"path": "/v1/\u4e2d"},
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_each_covered_part_is_covered(change: dict[str, str], partner_key: PrivateKey) -> None:
    headers = _sign(WITH_BODY, partner_key)
    target = dataclasses.replace(WITH_BODY, **change)
    assert _refusal(lambda: _verify(target, headers, partner_key.public)) == "signature_invalid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"created={NOW}", f"created={NOW + 1}"),
        (f"expires={NOW + 60}", f"expires={NOW + 61}"),
        (NONCE, OTHER_NONCE),
        (KEYID, "grocer.AAAAAAAAAAAAAAAB"),
        (";tag=", ';alg="ed25519";tag='),
    ],
)
def test_each_parameter_is_covered(old: str, new: str, partner_key: PrivateKey) -> None:
    headers = _sign(WITH_BODY, partner_key)
    changed = {**headers, "Signature-Input": headers["Signature-Input"].replace(old, new)}
    assert changed != headers
    assert _refusal(lambda: _verify(WITH_BODY, changed, partner_key.public)) == "signature_invalid"


def test_the_order_of_parameters_is_covered(partner_key: PrivateKey) -> None:
    headers = _sign(WITH_BODY, partner_key)
    swapped = re.sub(r"(;created=\d+)(;expires=\d+)", r"\2\1", headers["Signature-Input"])
    changed = {**headers, "Signature-Input": swapped}
    assert _refusal(lambda: _verify(WITH_BODY, changed, partner_key.public)) == "signature_invalid"


@given(st.integers(0, 511))
def test_each_bit_of_the_signature_counts(bit: int) -> None:
    key = PrivateKey.from_seed(bytes(32))
    headers = _sign(WITH_BODY, key)
    signature = bytearray(b64decode(headers["Signature"].split(":")[1]))
    signature[bit // 8] ^= 1 << bit % 8
    spelled = base64url.encode(bytes(signature)).replace("-", "+").replace("_", "/")
    changed = {**headers, "Signature": f"hansa=:{spelled}==:"}
    assert _refusal(lambda: _verify(WITH_BODY, changed, key.public)) == "signature_invalid"


def test_another_key_does_not_verify(partner_key: PrivateKey, stranger_key: PrivateKey) -> None:
    headers = _sign(WITH_BODY, stranger_key)
    assert _refusal(lambda: _verify(WITH_BODY, headers, partner_key.public)) == "signature_invalid"


# --- whatever arrives ---

_FIELD = st.text(st.sampled_from('hansa=("@method);, :\\tge1.?-*A/+\t'), max_size=60) | st.text(max_size=60)


@given(_FIELD, _FIELD)
def test_any_fields_are_read_or_refused(signature_input: str, signature: str) -> None:
    for field in (signature_input, f"hansa={BODY_INNER}{PARAMS}{signature_input}"):
        with contextlib.suppress(SignatureRefused):
            parse_request_signature(field, signature or SIGNATURE)


@pytest.mark.parametrize(
    "field",
    ["hansa=(" + " " * 200_000, 'hansa=("' + "a" * 200_000, "hansa=(" + "a;b " * 50_000, "a=();b=c" * 30_000,
     "hansa=()" + ";a=b" * 50_000 + ";", "a=(),b" * 30_000, "hansa=(" + "a" * 200_000, "a" * 200_000],
    ids=range(8),
)  # fmt: skip
def test_long_fields_do_not_send_the_grammar_back_and_forth(field: str) -> None:
    assert _refusal(lambda: parse_request_signature(field, SIGNATURE)) == "signature_malformed"


# --- answers ---

ANSWER = b'{"results":[]}'


def _answer(
    hub_key: Signer, target: RequestTarget = WITH_BODY, nonce: str | None = NONCE, **changes: Any
) -> dict[str, str]:
    message = {"status": 200, "content_type": JSON, "body": ANSWER, "created": NOW, "keyid": HUB_KEYID}
    signed = sign_response(target=target, nonce=nonce, key=hub_key, **{**message, **changes})
    return {"content-type": JSON, **{name.lower(): value for name, value in signed.items()}}


def _verify_answer(
    headers: dict[str, str],
    public: PublicKey,
    target: RequestTarget = WITH_BODY,
    nonce: str | None = NONCE,
    status: int = 200,
    body: bytes = ANSWER,
) -> ResponseSignature:
    return verify_response(
        status=status,
        headers=headers,
        body=body,
        target=target,
        nonce=nonce,
        public_of=lambda keyid: public if keyid == HUB_KEYID else None,
    )


@pytest.mark.parametrize("nonce", [NONCE, None])
@pytest.mark.parametrize("target", [WITH_BODY, WITHOUT_BODY])
def test_a_signed_answer_verifies(target: RequestTarget, nonce: str | None, hub_key: PrivateKey) -> None:
    read = _verify_answer(_answer(hub_key, target, nonce), hub_key.public, target, nonce)
    assert (read.created, read.keyid, read.nonce) == (NOW, HUB_KEYID, nonce)


INVALID = "signature_invalid"
ALTERED_ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"status": 201}, "signature_invalid"),
    "body": ({"body": b"{}"}, "digest_mismatch"),
    "nonce of another request": ({"nonce": OTHER_NONCE}, "signature_parameters"),
    "nonce where none was sent": ({"nonce": None}, "signature_parameters"),
    **{
        f"request's {part}": ({"target": dataclasses.replace(WITH_BODY, **{part: other})}, INVALID)
        for part, other in {
            "method": "PUT", "authority": "other.example", "path": "/v1/quotes", "query": "?x",
            "content_digest": content_digest(b"other"),
        }.items()
    },
    "request without a body": ({"target": WITHOUT_BODY}, "signature_components"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "code"), ALTERED_ANSWERS.values(), ids=ALTERED_ANSWERS.keys())
def test_an_answer_fits_one_request_only(change: dict[str, Any], code: str, hub_key: PrivateKey) -> None:
    headers = _answer(hub_key)
    assert _refusal(lambda: _verify_answer(headers, hub_key.public, **change)) == code


def test_an_answer_without_a_nonce_is_none_to_a_request_with_one(hub_key: PrivateKey) -> None:
    headers = _answer(hub_key, nonce=None)
    assert _refusal(lambda: _verify_answer(headers, hub_key.public)) == "signature_parameters"


@pytest.mark.parametrize(
    ("signature_input", "nonce"),
    [
        (f"hansa={BODY_INNER}{PARAMS}", NONCE),
        (f'hansa=();tag="hansa-request";nonce="{NONCE}"', NONCE),
        (f'p=();nonce="{OTHER_NONCE}";tag="proxy", hansa={BODY_INNER}{PARAMS}', NONCE),
        (f"hansa={BODY_INNER}{PARAMS};created=1;x", NONCE),
        (f'hansa={BODY_INNER}{PARAMS};nonce="{OTHER_NONCE}"', None),
        (f"hansa={BODY_INNER}{PARAMS}, b={BODY_INNER}{PARAMS}", None),
        (f"hansa={BODY_INNER}{PARAMS.replace(NONCE, 'short')}", None),
        (f"hansa={BODY_INNER}{PARAMS.replace('hansa-request', 'other')}", None),
        (f"hansa={BODY_INNER}{PARAMS},", None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_an_answer_carries_the_nonce_if_one_can_be_read(signature_input: str | None, nonce: str | None) -> None:
    assert echoed_nonce(signature_input) == nonce


ALTERED_FIELDS: dict[str, tuple[str, str | None, str | None, str]] = {
    "unsigned": ("signature", None, None, "signature_missing"),
    "no input": ("signature-input", None, None, "signature_missing"),
    "no digest": ("content-digest", None, None, "signature_missing"),
    "no type": ("content-type", None, None, "signature_missing"),
    "digest of nothing": ("content-digest", "sha-256", "sha-999", "digest_malformed"),
    "other type": ("content-type", "json", "xml", "signature_invalid"),
    "request's tag": ("signature-input", "hansa-response", "hansa-request", "signature_malformed"),
    "unknown parameter": ("signature-input", ";tag", ";x;tag", "signature_parameters"),
    "expires": ("signature-input", ";tag", f";expires={NOW + 9};tag", "signature_parameters"),
    "other created": ("signature-input", f"created={NOW}", f"created={NOW + 1}", "signature_invalid"),
    "no created": ("signature-input", f";created={NOW}", "", "signature_parameters"),
    "no keyid": ("signature-input", f';keyid="{HUB_KEYID}"', "", "signature_parameters"),
    "unknown key": ("signature-input", HUB_KEYID, "hub.CCCCCCCCCCCCCCCC", "unknown_key"),
    "other algorithm": ("signature-input", ";tag", ';alg="rsa-pss-sha512";tag', "signature_parameters"),
    "component missing": ("signature-input", '"@status" ', "", "signature_components"),
    "request's digest missing": ("signature-input", ' "content-digest";req', "", "signature_components"),
}


@pytest.mark.parametrize(("field", "old", "new", "code"), ALTERED_FIELDS.values(), ids=ALTERED_FIELDS.keys())
def test_an_altered_answer_is_refused(
    field: str, old: str | None, new: str | None, code: str, hub_key: PrivateKey
) -> None:
    headers = _answer(hub_key)
    if old is None or new is None:
        del headers[field]
    else:
        assert old in headers[field]
        headers[field] = headers[field].replace(old, new)
    assert _refusal(lambda: _verify_answer(headers, hub_key.public)) == code


def test_a_request_cannot_be_passed_off_as_an_answer(partner_key: PrivateKey, hub_key: PrivateKey) -> None:
    headers = {**_answer(hub_key), **{k.lower(): v for k, v in _sign(WITH_BODY, partner_key).items()}}
    assert _refusal(lambda: _verify_answer(headers, hub_key.public)) == "signature_malformed"


def test_an_answer_to_hostile_values_never_breaks_its_base(hub_key: PrivateKey) -> None:
    target = dataclasses.replace(WITH_BODY, path="/a\nb")
    assert _refusal(lambda: _answer(hub_key, target)) == "signature_invalid"


# --- the RFC's own vectors, as far as this profile reaches ---


class _Recorder:
    """Keeps what it is asked to sign."""

    signed = b""

    def sign(self, message: bytes) -> bytes:
        self.signed = message
        return bytes(64)


def _recorded_request_base(target: RequestTarget) -> list[str]:
    recorder = _Recorder()
    _sign(target, recorder)
    return recorder.signed.decode().split("\n")


def _recorded_response_base(target: RequestTarget, status: int, body: bytes) -> list[str]:
    recorder = _Recorder()
    _answer(recorder, target, status=status, body=body)
    return recorder.signed.decode().split("\n")


def _target(message: dict[str, Any]) -> RequestTarget:
    method, path, _ = message["start_line"].split(" ")
    headers = {name.lower(): value for name, value in message["headers"]}
    url = f"https://{headers['host']}{path}"
    return RequestTarget.from_url(method, url, headers["content-type"], headers["content-digest"])


@pytest.mark.parametrize("vector", VECTORS["derived_components"], ids=lambda vector: vector["source"])
def test_the_published_derived_components(vector: dict[str, Any]) -> None:
    method, path, _ = vector["request_line"].split(" ")
    target = RequestTarget.from_url(method, f"{vector['scheme']}://{vector['host']}{path}")
    covered = vector["component"] in PLAIN_INNER
    assert (vector["line"] in _recorded_request_base(target)) == covered


def test_the_published_ed25519_signature() -> None:
    """RFC 9421 appendix B.2.6: the same base gives the same bytes, and they verify."""
    vector = next(v for v in VECTORS["signatures"] if v["name"] == "b26-ed25519")
    key = PrivateKey.from_seed(bytes.fromhex(VECTORS["keys"]["test-key-ed25519"]["test_seed_hex"]))
    base, signature = vector["signature_base"].encode(), b64decode(vector["signature_b64"])
    assert key.public.text() == VECTORS["keys"]["test-key-ed25519"]["jwk"]["x"]
    assert key.sign(base) == signature
    assert key.public.verify(signature, base)


def test_the_published_request_gives_the_published_lines() -> None:
    ours = set(_recorded_request_base(_target(VECTORS["messages"]["test-request"])))
    vector = next(v for v in VECTORS["signatures"] if v["name"] == "b26-ed25519")
    theirs = set(vector["signature_base"].split("\n"))
    assert {line.split(":")[0] for line in ours & theirs} == {
        '"@method"', '"@authority"', '"@path"', '"content-type"',
    }  # fmt: skip


@pytest.mark.parametrize("name", ["s24-response-bound-to-request", "s24-response-to-signed-request"])
def test_the_published_answer_gives_the_published_lines(name: str) -> None:
    """RFC 9421 section 2.4: what both cover reads the same, but for the digest's algorithm."""
    vector = next(v for v in VECTORS["signatures"] if v["name"] == name)
    target = _target(VECTORS["messages"][vector["request"]])
    body = VECTORS["messages"][vector["message"]]["body"].encode()
    ours = dict(line.split(": ", 1) for line in _recorded_response_base(target, 503, body))
    theirs = dict(line.split(": ", 1) for line in vector["signature_base"].split("\n"))
    shared = (ours.keys() & theirs.keys()) - {'"@signature-params"', '"content-digest"'}
    assert len(shared) >= 6
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda vector: vector["name"])
def test_the_published_signatures_are_read_but_are_not_ours(vector: dict[str, Any]) -> None:
    """Their fields are well-formed, and go unnoticed beside a signature with our tag."""
    ours = f"hansa={BODY_INNER}{PARAMS}"
    read = parse_request_signature(f"{vector['signature_input']}, {ours}", f"{vector['signature']}, {SIGNATURE}")
    assert isinstance(read, RequestSignature)
    alone = _refusal(lambda: parse_request_signature(vector["signature_input"], vector["signature"]))
    assert alone == "signature_malformed"
